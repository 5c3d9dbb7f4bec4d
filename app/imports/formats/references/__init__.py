"""Files of citation managers: RIS, in the dialects of many tools, and PubMed's line format (.nbib)."""

from app.imports.formats.references.reading import units as units
