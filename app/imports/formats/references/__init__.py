"""Files of citation managers: RIS in the dialects of all tools, and PubMed's own line format (.nbib)."""

from app.imports.formats.references.reading import units as units
