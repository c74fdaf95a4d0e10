"""The official forms, declared once as data:
`editions/shipped/<id>/edition.toml` beside its template.

The declaration says WHAT stands on a form (fields, official labels, kinds, sums, indicator
categories); the template's defined names say WHERE. An edition is a folder with both: shipped
with the package, in the user's own folder (`user_folder`), or anywhere by its path.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from xltool.errors import XltoolError, why
from xltool.files.declarations import declared, read_declaration
from xltool.files.places import own_folder

SHIPPED = Path(__file__).parent / "shipped"

# The indicator columns that rules and reports know; an edition may have others, which are texts.
KNOWN_COLUMNS = ("name", "target", "sign", "number", "measure", "standard", "weight", "note")

Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$")]
LabelText = Annotated[str, msgspec.Meta(min_length=1)]
Kind = Literal["year", "unit", "text", "long", "amount", "period"]


class EditionError(XltoolError):
    """A declaration that can't be used: file, key and reason in one line."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Field(_Part, frozen=True):
    """One answer of a form. `label` is also its defined name and its column in the data book.

    `pattern` is for cells that hold official text around the answer (`{}年部门整体支出绩效目标表`);
    `same_as` names the field it repeats, `from_department` the field of the same id on the
    department form: neither has a column of its own in the data book. An `internal` field is left
    out of what is published.
    """

    id: Id
    label: LabelText
    kind: Kind
    required: bool = False
    pattern: str = ""
    same_as: str = ""
    from_department: bool = False
    internal: bool = False

    @property
    def derived(self) -> bool:
        """The answer comes from another field, so that a data book has no column for it."""
        return bool(self.same_as) or self.from_department


class Sum(_Part, frozen=True):
    """A cross-total: `total` = the sum of `parts`; `adjust` may close it (the non-tax item).

    The department form has the sides `revenue` and `spending`; a project form's sums are `budget`.
    """

    side: Literal["revenue", "spending", "budget"]
    total: Id
    parts: tuple[Id, ...]
    adjust: tuple[Id, ...] = ()


class IndicatorColumn(_Part, frozen=True):
    """One column of the indicator table. `label` is the head's defined name.

    The value is one column `target`, or split into `sign`, `number` and `measure`; `weight` holds a
    number, `standard` what the value is measured by, `note` a remark. Any other id is a column of
    texts of the edition's own. `options` are offered as a list when the cell is entered, `prompt`
    says what belongs there, `width` is the column's in a data book (characters). An `internal`
    column is left out of what is published.
    """

    id: Id
    label: LabelText
    options: tuple[str, ...] = ()
    prompt: str = ""
    width: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    internal: bool = False


class Block(_Part, frozen=True):
    """One indicator category: its official label is its defined name; at least `rows` rows.

    `counts_as` is the category that rules and settings take it for (经济成本指标 counts as `cost`).
    A category of that kind in another edition becomes the first one here that counts as it.
    """

    id: Id
    level1: LabelText
    label: LabelText
    rows: Annotated[int, msgspec.Meta(ge=1, le=50)]
    counts_as: Id = ""

    @property
    def kind(self) -> str:
        """The category that rules and settings take it for."""
        return self.counts_as or self.id


class Indicators(_Part, frozen=True):
    """The indicator table of a form: its official label, its columns and its categories."""

    label: LabelText
    column: tuple[IndicatorColumn, ...]
    block: tuple[Block, ...]

    @property
    def own_columns(self) -> tuple[IndicatorColumn, ...]:
        """The columns that only this edition has."""
        return tuple(column for column in self.column if column.id not in KNOWN_COLUMNS)

    def has(self, column: str) -> bool:
        """The forms have a column with this id."""
        return any(c.id == column for c in self.column)


class Budget(_Part, frozen=True):
    """What one project may spend in the year: the sum of `parts`."""

    parts: tuple[Id, ...]


class FormSpec(_Part, frozen=True, dict=True):
    """One official form: `title` as printed after the year, `sheet` its name in the template."""

    id: Literal["department", "project"]
    title: LabelText
    sheet: LabelText
    databook: LabelText
    field: tuple[Field, ...]
    indicators: Indicators
    repeats: bool = False
    sum: tuple[Sum, ...] = ()
    budget: Budget = Budget(parts=())

    def __getitem__(self, field_id: str) -> Field:
        return self._by_id[field_id]

    def __contains__(self, field_id: str) -> bool:
        return field_id in self._by_id

    @functools.cached_property
    def _by_id(self) -> dict[str, Field]:
        return {field.id: field for field in self.field}

    def block(self, block_id: str) -> Block:
        """The indicator category with this id. Raises KeyError."""
        return self._blocks[block_id]

    @functools.cached_property
    def _blocks(self) -> dict[str, Block]:
        return {block.id: block for block in self.indicators.block}

    @functools.cached_property
    def category_names(self) -> frozenset[str]:
        """What its categories are called, on both levels, with and without 指标 at the end."""
        labels = {label for block in self.indicators.block for label in (block.label, block.level1)}
        bare = {"".join(label.split()).removesuffix("指标") for label in labels}
        return frozenset(f"{label}{ending}" for label in bare for ending in ("", "指标"))


class Edition(_Part, frozen=True, dict=True):
    """One year's and place's official forms; amounts are in `unit`.

    `code_internal` leaves the unit's code out of what is published.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: LabelText
    unit: Literal["万元", "元"]
    form: tuple[FormSpec, ...]
    decimals: Annotated[int, msgspec.Meta(ge=0, le=6)] = 2
    max_decimals: Annotated[int, msgspec.Meta(ge=0, le=6)] = 4
    placeholder: str = "……"
    code_internal: bool = True
    source: str = ""
    folder: str = ""

    def __getitem__(self, form_id: str) -> FormSpec:
        return self._forms[form_id]

    @functools.cached_property
    def _forms(self) -> dict[str, FormSpec]:
        return {form.id: form for form in self.form}

    def has(self, id_: str) -> bool:
        """A field, an indicator column or a kind of sum of this id stands on one of the forms."""
        return id_ in self._ids

    @functools.cached_property
    def _ids(self) -> frozenset[str]:
        ids: set[str] = set()
        for form in self.form:
            ids.update(spec_field.id for spec_field in form.field)
            ids.update(column.id for column in form.indicators.column)
            ids.update(declared.side for declared in form.sum)
        return frozenset(ids)

    @property
    def department(self) -> FormSpec:
        """The form of the whole department."""
        return self["department"]

    @property
    def project(self) -> FormSpec:
        """The form of one project."""
        return self["project"]

    @functools.cached_property
    def template(self) -> Path:
        """The template workbook: the truth about where each field stands."""
        return Path(self.folder) / "template.xlsx"

    @functools.cached_property
    def declaration(self) -> Path:
        """The file that declares the edition."""
        return Path(self.folder) / "edition.toml"


def user_folder() -> Path:
    """Where a user's own editions lie: on Windows %APPDATA%\\xltool\\editions."""
    return own_folder() / "editions"


def editions() -> dict[str, Path]:
    """Every edition that is known by its id: the shipped ones, then the user's own."""
    folders = {file.parent.name: file.parent for file in sorted(SHIPPED.glob("*/edition.toml"))}
    for file in sorted(user_folder().glob("*/edition.toml")):
        folders.setdefault(file.parent.name, file.parent)
    return folders


def usable_editions() -> list[Edition]:
    """Every known edition that can be used, the default one first;
    unfinished ones are left aside."""
    usable = []
    for id_ in sorted(editions(), key=lambda id_: id_ != default_edition_id()):
        with suppress(EditionError):
            usable.append(load_edition(id_))
    return usable


@functools.cache
def default_edition_id() -> str:
    """The id of the edition that counts where none is named, as `shipped/default.txt` says."""
    return (SHIPPED / "default.txt").read_text("utf-8").strip()


def load_edition(which: str | Path = "") -> Edition:
    """The edition with this id, or the one in this folder; the default one where none is named.

    Raises EditionError with file, key and reason where the declaration can't be used.
    """
    which = which or default_edition_id()
    if _is_path(which):
        folder = Path(which).resolve()
        edition = edition_in(folder)
        if (shipped := SHIPPED / edition.id).is_dir() and shipped.resolve() != folder:
            raise EditionError(
                f"{folder / 'edition.toml'}：id：“{edition.id}”是自带版式的编号，请另取一个"
            )
        return edition
    if which in _shipped():
        return _shipped_edition(str(which))
    folders = editions()
    if which not in folders:
        raise EditionError(
            f"没有版式“{which}”；现有版式：{'、'.join(folders)}{_folder_hint(which)}"
        )
    edition = _load(folders[str(which)].resolve())
    if edition.id != which:
        raise EditionError(
            f"{folders[str(which)]}：文件夹名“{which}”与声明里的 id“{edition.id}”不同"
        )
    return edition


def asked_edition(asked: Edition | str | None) -> Edition | None:
    """The edition that somebody asked for, by itself or by its id; None where nobody did.

    Raises EditionError.
    """
    if isinstance(asked, Edition):
        return asked
    return load_edition(asked) if asked else None


def edition_in(folder: Path) -> Edition:
    """The edition declared in this folder, whatever its id:
    a campaign pins a copy of the one it uses."""
    if folder.exists() and not folder.is_dir():
        raise EditionError(f"{folder}：版式应当是文件夹（里面有 edition.toml），这是文件")
    if not (folder / "edition.toml").exists():
        raise EditionError(f"{folder}：这个文件夹里没有 edition.toml")
    return _load(folder.resolve())


@functools.cache
def _shipped() -> frozenset[str]:
    return frozenset(file.parent.name for file in SHIPPED.glob("*/edition.toml"))


@functools.cache
def _shipped_edition(id_: str) -> Edition:
    return _load((SHIPPED / id_).resolve())


def _is_path(which: str | Path) -> bool:
    return isinstance(which, Path) or "/" in which or "\\" in which or which in (".", "..")


def _folder_hint(which: str | Path) -> str:
    """A folder's bare name is no path, so that no folder stands in for an edition by its name."""
    here = Path(which, "edition.toml").is_file()
    return f"。这里的文件夹要写成 ./{which}" if here else ""


def _load(folder: Path) -> Edition:
    # A declaration that is edited while a program runs is read again.
    file = folder / "edition.toml"
    try:
        return _load_once(folder, file.stat().st_mtime_ns)
    except OSError as error:
        raise EditionError(f"{file}：读不了：{why(error)}") from error


@functools.lru_cache(maxsize=64)
def _load_once(folder: Path, stamp: int) -> Edition:
    file = folder / "edition.toml"
    data = read_declaration(file, EditionError)
    edition = declared({**data, "folder": str(folder)}, Edition, file, EditionError)
    for key, reason in _contradictions(edition):
        raise EditionError(f"{file}：{key}：{reason}")
    return edition


def _contradictions(edition: Edition) -> Iterator[tuple[str, str]]:
    """(key, reason) of everything that types alone can't rule out."""
    ids = [form.id for form in edition.form]
    if sorted(ids) != ["department", "project"]:
        yield "form", f"应当恰有 department 和 project 两张表，现有 {ids}"
        return
    for form in edition.form:
        reasons = (
            _name_slips(form),
            _id_slips(form),
            _field_slips(form, edition),
            _amount_slips(form),
            _column_slips(form),
        )
        for key, reason in chain.from_iterable(reasons):
            yield f"form[{form.id}]{key}", reason


def _name_slips(form: FormSpec) -> Iterator[tuple[str, str]]:
    """Labels become defined names of the sheet: each stands once, and Excel takes it."""
    names = [spec_field.label for spec_field in form.field]
    names += [block.label for block in form.indicators.block]
    names += [column.label for column in form.indicators.column]
    for label, count in Counter(names).items():
        if count > 1:
            yield "", f"标签“{label}”出现 {count} 次，定义名称必须唯一"
        if not re.fullmatch(r"(?![A-Za-z]{1,3}\d+$)[^\W\d][\w.]*", label):
            yield "", f"标签“{label}”不能作定义名称（只用汉字、字母、数字，不以数字开头）"


def _id_slips(form: FormSpec) -> Iterator[tuple[str, str]]:
    declared = {
        "field": [spec_field.id for spec_field in form.field],
        "indicators.block": [block.id for block in form.indicators.block],
        "indicators.column": [column.id for column in form.indicators.column],
    }
    for what, ids in declared.items():
        for id_, count in Counter(ids).items():
            if count > 1:
                yield f".{what}", f"id “{id_}”出现 {count} 次"


def _field_slips(form: FormSpec, edition: Edition) -> Iterator[tuple[str, str]]:
    for spec_field in form.field:
        at = f".field[{spec_field.id}]"
        if spec_field.pattern and spec_field.pattern.count("{}") != 1:
            yield f"{at}.pattern", "应当恰有一处 {}"
        if spec_field.same_as and spec_field.same_as not in form:
            yield f"{at}.same_as", f"没有字段“{spec_field.same_as}”"
        if spec_field.from_department and spec_field.id not in edition.department:
            yield f"{at}.from_department", "部门表没有这个字段"


def _amount_slips(form: FormSpec) -> Iterator[tuple[str, str]]:
    """What is added up must be amounts of the form."""
    for sum_spec in form.sum:
        for part in (sum_spec.total, *sum_spec.parts, *sum_spec.adjust):
            if part not in form or form[part].kind != "amount":
                yield f".sum[{sum_spec.side}]", f"“{part}”不是本表的金额字段"
    for part in form.budget.parts:
        if part not in form or form[part].kind != "amount":
            yield ".budget.parts", f"“{part}”不是本表的金额字段"


def _column_slips(form: FormSpec) -> Iterator[tuple[str, str]]:
    """Fields and columns that the program can't do without,
    and a value that is declared twice or by half."""
    for needed in ("year", "unit") + (("project",) if form.id == "project" else ()):
        if needed not in form:
            yield ".field", f"缺少字段 {needed}"
    has = form.indicators.has
    if not has("name"):
        yield ".indicators.column", "缺少列 name（三级指标）"
    if has("target") == has("number"):
        yield ".indicators.column", "指标值应当是一列 target，或分成 sign、number、measure 几列"
    if not has("number") and (has("sign") or has("measure")):
        yield ".indicators.column", "有 sign 或 measure，却没有 number"
