"""MeSH: its descriptors, which are no records but words by which records are found.

reading    descriptors of a file: NLM's own XML, or tab-separated text
taking     what becomes of them: one revision, and no release, for there is no record to put back
"""

from app.imports.formats.mesh.reading import units

__all__ = ["units"]
