"""PubMed's records: reads XML of any size, and holds what is common to it and PubMed's line format."""

from app.imports.formats.pubmed.reading import units as units
