"""Packages taken apart and put together otherwise."""

import io
import zipfile


def repacked(data: bytes, **changed: bytes | None) -> bytes:
    """The same package with some parts replaced (None: left out); keys have __ for / and . kept."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = changed.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()
