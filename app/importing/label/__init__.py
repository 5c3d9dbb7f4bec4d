"""FDA labels: Structured Product Labeling, one XML document at a time."""

from app.importing.label.reading import units

__all__ = ["units"]
