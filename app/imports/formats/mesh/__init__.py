"""MeSH descriptors. They are not records, but terms by which records are found.

reading    reads the descriptors of a file: NLM's XML, or tab-separated text
store      stores them in one revision, without a release, because no record can be reverted
"""

from app.imports.formats.mesh.reading import units

__all__ = ["units"]
