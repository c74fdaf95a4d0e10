"""Packages put together and taken apart: what `join` writes, `split` and zipfile read alike."""

import contextlib
import io
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xltool.editions.declaration import load_edition
from xltool.xlsx.audit.workbook import audit
from xltool.xlsx.zip_container import join, pack, split

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
PARTS = st.dictionaries(NAMES, st.binary(max_size=300), max_size=6)

with zipfile.ZipFile(load_edition("hunan-2023").template) as package:
    OURS = join(pack(name, package.read(name)) for name in package.namelist())


@given(PARTS)
def test_what_is_joined_is_read_by_both(parts):
    data = join(pack(name, content) for name, content in parts.items())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == parts
    if len({name.casefold() for name in parts}) == len(parts):
        assert split(data) == parts
    else:
        with pytest.raises(ValueError, match="join"):
            split(data)


@given(st.integers(0, len(OURS) - 1), st.integers(1, 255))
@example(len(OURS) - 13, 0x7F)  # where the directory is said to begin: before the file
def test_a_changed_byte_is_never_a_crash_nor_another_content(at, change):
    damaged = bytearray(OURS)
    damaged[at] ^= change
    found = audit(bytes(damaged))
    assert all(isinstance(line, str) for line in found)
    with contextlib.suppress(ValueError):
        assert split(bytes(damaged)) == split(OURS)  # a byte that says nothing: a date, a version


@given(st.integers(0, len(OURS) - 1))
def test_a_cut_package_is_refused(length):
    with pytest.raises(ValueError):
        split(OURS[:length])
    assert audit(OURS[:length]) != []


def test_other_writers_packages_are_left_to_zipfile():
    streamed = io.BytesIO()
    with zipfile.ZipFile(streamed, "w") as archive:
        archive.writestr("a.xml", "<a/>")  # stored, not deflated
    with pytest.raises(ValueError, match="join"):
        split(streamed.getvalue())
    assert audit(OURS) == []
