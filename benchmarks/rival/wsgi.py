"""The rival's WSGI application, for gunicorn with one worker; RIVAL_DATABASE is the path of its SQLite file."""

import os

import django  # type: ignore[import-not-found]
from django.conf import settings  # type: ignore[import-not-found]

settings.configure(
    SECRET_KEY="only a benchmark",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="benchmarks.rival.views",
    INSTALLED_APPS=["rest_framework", "benchmarks.rival"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["RIVAL_DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {"init_command": "PRAGMA mmap_size=2147418112; PRAGMA cache_size=-8192;"},
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

application = get_wsgi_application()
