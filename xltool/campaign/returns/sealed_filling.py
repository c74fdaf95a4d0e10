"""A filing into the workbook that the bureau sealed:
the seal and what it locks stay, the rest is filled in."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path

from msgspec.structs import replace

from xltool.campaign.sealing import keys, parcel, seal
from xltool.campaign.sealing.sealed_layout import layout_fingerprint
from xltool.editions.declaration import Edition, EditionError, edition_in, load_edition
from xltool.errors import XltoolError
from xltool.files.atomic import writing
from xltool.files.guard import current
from xltool.filling.writer import filled
from xltool.model import Entry, Filing, Form
from xltool.reading.reader import read_grid
from xltool.xlsx.package import Unreadable
from xltool.xlsx.workbook_reader import open_grid


def fill_sealed(
    filings: Iterable[Filing], sealed: Path, destination: Path, edition_folder: Path | None = None
) -> Filing:
    """Write the sealed workbook's own unit out of these filings into it; the filing as written.

    `destination` may be the sealed workbook itself, as long as nobody has filled in anything.
    Raises XltoolError where the seal, the unit, the edition or a prefilled value does not fit.
    """
    try:
        grid = open_grid(sealed)
    except (Unreadable, OSError) as error:
        raise XltoolError(f"{sealed}：{error}") from error
    mark = seal.claimed(grid.properties)
    if mark is None:
        raise XltoolError(f"{sealed.name} 里没有封印，不是下发的工作簿；普通的填报请用 -o")
    _genuine(sealed, grid.properties)
    edition = _edition_of(mark, sealed, edition_folder)
    filing = with_prefilled(_own(filings, mark), mark, edition)
    seal_properties = {k: v for k, v in grid.properties.items() if k.startswith(seal.PROPERTIES)}
    workbook = filled(filing, edition=edition, properties=seal_properties, locked=mark.prefilled)
    blank = not has_answers(read_grid(grid, edition=edition), mark)
    if (
        blank
        and destination.exists()
        and destination.resolve() == sealed.resolve()
        and (keeper := current())
    ):
        keeper.allow(destination)  # as it was sent: nothing of anybody's is in it
    with writing(destination, "wb") as file:
        file.write(workbook.data)
    return filing


def _genuine(sealed: Path, properties: dict[str, str]) -> None:
    """Where the public key lies beside the workbook, the seal must be of it."""
    beside = sealed.parent / parcel.PUBLIC
    if beside.is_file() and not seal.genuine(properties, keys.load_public(beside.read_bytes())):
        raise XltoolError(f"{sealed.name} 的封印不真：不出自旁边的公钥，或被改动过")


def _edition_of(mark: seal.Seal, sealed: Path, edition_folder: Path | None) -> Edition:
    """The edition that was sealed:
    named, lying beside the workbook as in its parcel, or known here."""
    beside = sealed.parent / Path(parcel.EDITION[0]).parent
    for folder in (edition_folder, beside if beside.is_dir() else None, None):
        try:
            edition = edition_in(folder) if folder else load_edition(mark.edition)
        except EditionError:
            continue
        if layout_fingerprint(edition) == mark.layout:
            return edition
    raise XltoolError(
        f"这里没有下发“{sealed.name}”时的版式：请用 --edition 指明压缩包里的“版式”文件夹"
    )


def _own(filings: Iterable[Filing], mark: seal.Seal) -> Filing:
    """The one filing of the sealed unit: by its code, or where it has none by its name."""
    names = []
    for filing in filings:
        if filing.code == mark.unit or (not filing.code and filing.unit == mark.name):
            return filing
        names.append(f"{filing.code} {filing.unit}".strip())
    have = "、".join(names[:8]) or "没有单位"
    raise XltoolError(f"数据表里没有 {mark.unit} {mark.name}；有：{have}")


def with_prefilled(filing: Filing, mark: seal.Seal, edition: Edition) -> Filing:
    """The filing with what was sealed in its places.
    Raises XltoolError where it says another thing there."""
    if filing.edition != mark.edition:
        raise XltoolError(
            f"数据表的版式是 {filing.edition}，工作簿是 {mark.edition}：先用 xltool convert 转换"
        )
    differing: list[str] = []

    def sealed(form: Form) -> Form:
        entries = dict(form.entries)
        for id_, text in mark.prefilled.get(form.kind, {}).items():
            spec = edition[form.kind][id_]
            value: int | Decimal | str = text
            if spec.kind == "year":
                value = int(text)
            elif spec.kind == "amount":
                value = Decimal(text)
            entry = form[id_]
            if not entry.blank and not _says(entry, value):
                stated = entry.text or str(entry.value)
                differing.append(f"{spec.label}：下发时定为 {text}，数据表里是 {stated}")
            entries[id_] = Entry(value, text)
        return replace(form, entries=entries)

    forms = [sealed(form) for form in filing.forms]
    if differing:
        raise XltoolError("与下发时预填并封住的内容不一致：" + "；".join(dict.fromkeys(differing)))
    department = next((form for form in forms if form.kind == "department"), None)
    projects = tuple(form for form in forms if form.kind != "department")
    return replace(filing, department=department, projects=projects, code=mark.unit)


def _says(entry: Entry, value: int | Decimal | str) -> bool:
    if isinstance(value, str):
        return str(entry.value).strip() == value.strip()
    try:
        return Decimal(str(entry.value)) == value
    except InvalidOperation:
        return False


def has_answers(filing: Filing, mark: seal.Seal) -> bool:
    """Whether anybody filled in anything beyond what was prefilled."""
    for form in filing.forms:
        printed = mark.prefilled.get(form.kind, {})
        rest = replace(form, entries={k: e for k, e in form.entries.items() if k not in printed})
        if rest.answered:
            return True
    return False
