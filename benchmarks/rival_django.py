"""An equal app in Django REST framework: one model with indexes, its words in FTS5, a page of 50, counts by GROUP BY.

Run by gunicorn, one worker, in the rivals' own virtualenv; RIVAL_DATABASE names its SQLite file.
"""

import os
from typing import Any

import django  # type: ignore[import-not-found]
from django.conf import settings  # type: ignore[import-not-found]

settings.configure(
    SECRET_KEY="only a benchmark",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["rest_framework"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["RIVAL_DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {"init_command": "PRAGMA mmap_size=268435456; PRAGMA cache_size=-8192;"},
        }
    },
    MIDDLEWARE=[],
    USE_TZ=True,
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # type: ignore[import-not-found]  # noqa: E402
from django.db import connection, models  # type: ignore[import-not-found]  # noqa: E402
from django.db.models import Count  # type: ignore[import-not-found]  # noqa: E402
from django.urls import path  # type: ignore[import-not-found]  # noqa: E402
from rest_framework import generics, pagination, serializers  # type: ignore[import-not-found]  # noqa: E402
from rest_framework.response import Response  # type: ignore[import-not-found]  # noqa: E402
from rest_framework.views import APIView  # type: ignore[import-not-found]  # noqa: E402

TOP = 20
FOUND = """SELECT rowid, rank, snippet(studies_fts, -1, '<b>', '</b>', '...', 16)
FROM studies_fts WHERE studies_fts MATCH %s ORDER BY rank LIMIT %s"""
COUNTED = "SELECT count(*) FROM studies_fts WHERE studies_fts MATCH %s"


class Study(models.Model):  # type: ignore[misc]
    number = models.IntegerField(primary_key=True)
    slug = models.TextField(unique=True, db_column="id")
    title = models.TextField(null=True)
    acronym = models.TextField(null=True)
    summary = models.TextField(null=True)
    conclusion = models.TextField(null=True)
    population = models.TextField(null=True)
    design = models.TextField(null=True, db_index=True)
    phase = models.TextField(null=True, db_index=True)
    year = models.IntegerField(null=True, db_index=True)
    indication = models.TextField(null=True)
    product = models.TextField(null=True)
    enrolled = models.IntegerField(null=True)
    follow_up_weeks = models.FloatField(null=True)
    status = models.TextField(null=True)
    document = models.JSONField()

    class Meta:
        app_label = "rival"
        db_table = "studies"
        managed = False


class StudySerializer(serializers.ModelSerializer):  # type: ignore[misc]
    class Meta:
        model = Study
        exclude = ("number",)


def _filtered(request: Any) -> Any:
    found = Study.objects.all()
    for name, lookup in (("indication", "indication"), ("from", "year__gte"), ("to", "year__lte")):
        if name in request.query_params:
            found = found.filter(**{lookup: request.query_params[name]})
    return found


class Fifty(pagination.LimitOffsetPagination):  # type: ignore[misc]
    default_limit = 50


class Studies(generics.ListAPIView):  # type: ignore[misc]
    serializer_class = StudySerializer
    pagination_class = Fifty

    def get_queryset(self) -> Any:
        return _filtered(self.request).order_by("-year", "number")


class Search(APIView):  # type: ignore[misc]
    def get(self, request: Any) -> Any:
        words = " ".join(f'"{word}"' for word in request.query_params["q"].split())
        with connection.cursor() as cursor:
            cursor.execute(COUNTED, [words])
            (total,) = cursor.fetchone()
            cursor.execute(FOUND, [words, TOP])
            hits = cursor.fetchall()
        studies = Study.objects.in_bulk([number for number, *_ in hits])
        items = StudySerializer([studies[number] for number, *_ in hits], many=True).data
        told = [{"score": -rank, "snippet": snippet} for _, rank, snippet in hits]
        return Response({"count": total, "results": items, "hits": told})


class Facets(APIView):  # type: ignore[misc]
    def get(self, request: Any) -> Any:
        found = _filtered(request)
        counts = {
            name: list(found.values(name).annotate(count=Count("number")).order_by("-count"))
            for name in request.query_params["facets"].split(",")
        }
        return Response({"count": found.count(), "facets": counts})


urlpatterns = [
    path("studies", Studies.as_view()),
    path("search", Search.as_view()),
    path("facets", Facets.as_view()),
]
application = get_wsgi_application()
