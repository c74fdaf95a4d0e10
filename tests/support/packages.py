"""Packages taken apart and put together otherwise."""

import io
import re
import zipfile
from collections.abc import Mapping

STYLES = "xl/styles.xml"


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


def parts_of(workbook: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def inked(styles: str, style: int, font: str, fill: str = "") -> tuple[str, int]:
    """The styles with one more, which is `style` with this font and this fill (as XML inside)."""
    numbers = {}
    for kind, inside in (("font", font), ("fill", fill)):
        if not inside:
            continue
        table = re.search(rf'<{kind}s count="(\d+)"[^>]*>', styles)
        assert table is not None
        numbers[kind] = table[1]
        opened = table[0].replace(f'"{table[1]}"', f'"{int(table[1]) + 1}"')
        styles = styles.replace(table[0], opened)
        styles = styles.replace(f"</{kind}s>", f"<{kind}>{inside}</{kind}></{kind}s>", 1)
    table = re.search(r'<cellXfs count="(\d+)">(.*?)</cellXfs>', styles, re.DOTALL)
    assert table is not None
    new = re.findall(r"<xf [^>]*?/>|<xf .*?</xf>", table[2], re.DOTALL)[style]
    for kind, number in numbers.items():
        new = re.sub(rf'{kind}Id="\d+"', f'{kind}Id="{number}"', new)
    xfs = f'<cellXfs count="{int(table[1]) + 1}">{table[2]}{new}</cellXfs>'
    return styles.replace(table[0], xfs), int(table[1])


def formatted(styles: str, style: int, code: str) -> tuple[str, int]:
    """The styles with one more, which is `style` with another number format
    (a built-in one by its number)."""
    table = re.search(r'<cellXfs count="(\d+)">(.*?)</cellXfs>', styles, re.DOTALL)
    assert table is not None
    count = int(table[1])
    number = int(code) if code.isdigit() and code != "0" else 300 + count
    old = re.findall(r"<xf [^>]*?/>|<xf .*?</xf>", table[2], re.DOTALL)[style]
    new = re.sub(
        r'numFmtId="\d+"',
        f'numFmtId="{number}" applyNumberFormat="1"',
        old.replace(' applyNumberFormat="1"', ""),
    )
    xfs = f'<cellXfs count="{count + 1}">{table[2]}{new}</cellXfs>'
    styles = styles.replace(table[0], xfs)
    if number >= 300:
        quoted = code.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        one = f'<numFmt numFmtId="{number}" formatCode="{quoted}"/>'
        styles = re.sub(r'<numFmts count="\d+">', lambda m: m[0] + one, styles)
        assert one in styles
    return styles, count
