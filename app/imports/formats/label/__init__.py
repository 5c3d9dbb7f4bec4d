"""FDA labels: Structured Product Labeling, one XML document at a time."""

from app.imports.formats.label.reading import units

__all__ = ["units"]
