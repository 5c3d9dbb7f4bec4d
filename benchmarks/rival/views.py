"""The rival's views: pages, searches and counts.

`studies` and `search` use the serializers; `given` answers with stored documents, and `plain` with the columns of one
table.
"""

from typing import Any

from django.db import connection  # type: ignore[import-not-found]
from django.db.models import Count  # type: ignore[import-not-found]
from django.urls import path  # type: ignore[import-not-found]
from rest_framework import generics, pagination  # type: ignore[import-not-found]
from rest_framework.response import Response  # type: ignore[import-not-found]
from rest_framework.views import APIView  # type: ignore[import-not-found]

from benchmarks.rival.models import Plain, StoredDocument
from benchmarks.rival.serializers import PlainSerializer, StoredDocumentSerializer, StudySerializer, whole_studies

TOP = 20
FOUND = """SELECT rowid, rank, snippet(studies_fts, -1, '<b>', '</b>', '...', 16)
FROM studies_fts WHERE studies_fts MATCH %s ORDER BY rank LIMIT %s"""
COUNTED = "SELECT count(*) FROM studies_fts WHERE studies_fts MATCH %s"

PLAIN = (("indication", "indication"), ("from", "year__gte"), ("to", "year__lte"))
LINKED = tuple((name, f"indications__{lookup}") for name, lookup in PLAIN)
"""Filters on the link table, which repeats the year, so that one index finds and sorts a page."""


def _filtered(request: Any, studies: Any, lookups: Any = PLAIN) -> Any:
    given = request.query_params
    return studies.filter(**{lookup: given[name] for name, lookup in lookups if name in given})


class Fifty(pagination.LimitOffsetPagination):  # type: ignore[misc]
    """Pages of 50 items."""

    default_limit = 50


class Studies(generics.ListAPIView):  # type: ignore[misc]
    """A page of whole studies, the newest first."""

    serializer_class: Any = StudySerializer
    pagination_class = Fifty

    def get_queryset(self) -> Any:
        """The studies that pass the filters."""
        return _filtered(self.request, whole_studies(), LINKED).order_by("-indications__year", "number")


class Rows(Studies):
    """A page of the rows of one table, the newest first."""

    def get_queryset(self) -> Any:
        """The rows that pass the filters."""
        model = self.serializer_class.Meta.model
        return _filtered(self.request, model.objects.all()).order_by("-year", "number")


class Search(APIView):  # type: ignore[misc]
    """The best 20 studies for some words, with the total and snippets."""

    serializer_class: Any = StudySerializer
    studies: Any = staticmethod(whole_studies)

    def get(self, request: Any) -> Any:
        """Search for all words of `q`."""
        words = " ".join(f'"{word}"' for word in request.query_params["q"].split())
        with connection.cursor() as cursor:
            cursor.execute(COUNTED, [words])
            (total,) = cursor.fetchone()
            cursor.execute(FOUND, [words, TOP])
            hits = cursor.fetchall()
        studies = self.studies().in_bulk([number for number, *_ in hits])
        items = self.serializer_class([studies[number] for number, *_ in hits], many=True).data
        shown = [{"score": -rank, "snippet": snippet} for _, rank, snippet in hits]
        return Response({"count": total, "results": items, "hits": shown})


class Facets(APIView):  # type: ignore[misc]
    """The counts of the values of some columns."""

    def get(self, request: Any) -> Any:
        """Count the values of the columns in `facets`, of studies that pass the filters."""
        found = _filtered(request, Plain.objects.all())
        counts = {
            name: list(found.values(name).annotate(count=Count("number")).order_by("-count"))
            for name in request.query_params["facets"].split(",")
        }
        return Response({"count": found.count(), "facets": counts})


urlpatterns = [
    path("studies", Studies.as_view()),
    path("search", Search.as_view()),
    path("given", Rows.as_view(serializer_class=StoredDocumentSerializer)),
    path("given/search", Search.as_view(serializer_class=StoredDocumentSerializer, studies=StoredDocument.objects.all)),
    path("plain", Rows.as_view(serializer_class=PlainSerializer)),
    path("plain/search", Search.as_view(serializer_class=PlainSerializer, studies=Plain.objects.all)),
    path("facets", Facets.as_view()),
]
