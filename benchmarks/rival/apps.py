"""The configuration of the rival's Django app."""

from django.apps import AppConfig  # type: ignore[import-not-found]


class RivalConfig(AppConfig):  # type: ignore[misc]
    """The Django app; its label is that of the models."""

    name = "benchmarks.rival"
    label = "rival"
