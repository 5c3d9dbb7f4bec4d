from django.apps import AppConfig  # type: ignore[import-not-found]


class RivalConfig(AppConfig):  # type: ignore[misc]
    name = "benchmarks.rival"
    label = "rival"
