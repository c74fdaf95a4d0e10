"""The names of the file format: namespaces, kinds of relations, kinds of parts.

Excel saves a strict variety when asked to, in which each namespace has another name.
"""

from __future__ import annotations

OPEN_XML = "http://schemas.openxmlformats.org/"
STRICT = "http://purl.oclc.org/ooxml/"

MAIN = f"{OPEN_XML}spreadsheetml/2006/main"
RELATIONSHIPS = f"{OPEN_XML}officeDocument/2006/relationships"
VALUE_TYPES = f"{OPEN_XML}officeDocument/2006/docPropsVTypes"
CUSTOM_PROPERTIES = f"{OPEN_XML}officeDocument/2006/custom-properties"
PACKAGE_RELATIONSHIPS = f"{OPEN_XML}package/2006/relationships"
CONTENT_TYPES = f"{OPEN_XML}package/2006/content-types"
# The usual name and the strict one.
BOTH_MAIN = (MAIN, f"{STRICT}spreadsheetml/main")
BOTH_RELATIONSHIPS = (RELATIONSHIPS, f"{STRICT}officeDocument/relationships")

_PART = "application/vnd.openxmlformats-officedocument.spreadsheetml"
SHEET_PART = f"{_PART}.worksheet+xml"
STYLES_PART = f"{_PART}.styles+xml"
