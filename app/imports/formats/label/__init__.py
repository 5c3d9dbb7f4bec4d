"""Labels of the FDA: Structured Product Labeling, one XML document (HL7 v3) per file."""

from app.imports.formats.label.reading import units

__all__ = ["units"]
