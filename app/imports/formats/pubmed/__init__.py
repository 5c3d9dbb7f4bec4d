"""PubMed's records, as XML of any size; what they have in common with PubMed's line format is told here too."""

from app.imports.formats.pubmed.reading import units as units
