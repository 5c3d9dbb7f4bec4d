"""Clinical Evidence API."""

__version__ = "0.2.0"
