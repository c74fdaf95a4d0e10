"""Filings stated in a few lines of TOML:
the clean filing of `clean.toml`, and what differs from it.

    department.basic = "2000"                  a field, as written in the cell; "" = left blank
    department.quantity = [["维修水库", "≥42座"]]   a list replaces the rows of an indicator category
                                               (columns in the edition's order; "" = blank)
    project.own_budget = "800"                 the first project form
    project2.project = "河道清淤"                a further project form: a copy of the first as it stands in
                                               clean.toml, with these changes
    without = ["project"]                      forms left out (department, project)
    faults = [{ kind = "layout", detail = "…", at = "department.total", found = "…", expected = "…" }]
    edition, code, source, seal, answers       as in Filing

An address names a cell: `department.total`, `project2.period`, `department.quantity.1.target` (rows
from 1), `department` (the sheet as a whole), `filing` (no place).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xltool.editions.declaration import Edition, Field, FormSpec, load_edition
from xltool.model import Entry, Fault, FaultKind, Filing, Form, Indicator, Place
from xltool.money import read_amount

HERE = Path(__file__).parent
CLEAN: dict[str, Any] = tomllib.loads((HERE / "clean.toml").read_text("utf-8"))
# A case of another edition starts from that edition's own clean filing.
OTHERS: dict[str, dict[str, Any]] = {
    file.stem.removeprefix("clean-"): tomllib.loads(file.read_text("utf-8"))
    for file in HERE.glob("clean-*.toml")
}
FILING_KEYS = {"without", "faults", "edition", "code", "source", "seal", "answers"}


def is_form(key: str) -> bool:
    return key == "department" or key.rstrip("0123456789") == "project"


def filing_of(changes: Mapping[str, Any] | None = None, base: Mapping[str, Any] = CLEAN) -> Filing:
    """The clean filing (or another stated the same way) with these changes."""
    changes = changes or {}
    base = OTHERS.get(changes.get("edition", ""), base)
    unknown = [key for key in changes if key not in FILING_KEYS and not is_form(key)]
    assert not unknown, f"unknown keys in a case: {unknown}"
    edition = load_edition(changes.get("edition", base["edition"]))
    names = [name for name in ("department", "project") if name not in changes.get("without", ())]
    names += sorted(
        name for name in changes if is_form(name) and name not in ("department", "project")
    )
    forms = {name: _form(name, changes.get(name, {}), edition, base) for name in names}
    filing = Filing(
        edition=edition.id,
        department=forms.pop("department", None),
        projects=tuple(forms.values()),
        **{
            key: changes.get(key, base.get(key, {}))
            for key in ("code", "source", "seal", "answers")
        },
    )
    faults = tuple(_fault(dict(one), filing) for one in changes.get("faults", ()))
    return Filing(
        **{name: getattr(filing, name) for name in Filing.__slots__ if name != "faults"},
        faults=faults,
    )


def _form(name: str, changes: Mapping[str, Any], edition: Edition, base: Mapping[str, Any]) -> Form:
    kind = name.rstrip("0123456789")
    spec = edition[kind]
    blocks = {b.id for b in spec.indicators.block}
    answers = {**base[kind], **changes}
    unknown = [key for key in answers if key not in spec and key not in blocks]
    assert not unknown, f"{name}: neither a field nor a category: {unknown}"
    sheet = spec.sheet if name in ("department", "project") else f"{spec.sheet}{name[len(kind) :]}"
    entries = {
        f.id: read_entry(f, answers.get(f.id, ""), Place(sheet, f"C{n}"), edition)
        for n, f in enumerate(spec.field, 1)
    }
    return Form(kind, entries, tuple(_indicators(spec, answers, sheet)), sheet)


def read_entry(field: Field, text: str, place: Place, edition: Edition) -> Entry:
    """An answer as the reader would read it."""
    if not text:
        return Entry(None, "", place)
    if field.kind == "amount":
        amount = read_amount(text, edition.unit)
        return Entry(amount.value if amount else None, text, place)
    if field.kind == "year":
        return Entry(int(text) if text.isdigit() else None, text, place)
    return Entry(text, text, place)


def _indicators(spec: FormSpec, answers: Mapping[str, Any], sheet: str):
    row = len(spec.field)
    for block in spec.indicators.block:
        for cells in answers.get(block.id, ()):
            row += 1
            yield Indicator(
                block.id,
                {
                    column.id: Entry(text or None, text, Place(sheet, f"{'DEFGHI'[n]}{row}"))
                    for n, (column, text) in enumerate(
                        zip(spec.indicators.column, cells, strict=True)
                    )
                },
            )


def _fault(one: dict[str, Any], filing: Filing) -> Fault:
    place = place_of(filing, one.pop("at")) if "at" in one else None
    one["kind"] = FaultKind(one["kind"])
    return Fault(place=place, **one)


def place_of(filing: Filing, address: str) -> Place:
    """The place that an address names in this filing."""
    if address == "filing":
        return Place("", "")
    name, *rest = address.split(".")
    form = _form_at(filing, name)
    if not rest:
        return Place(form.sheet, "")
    if len(rest) == 1:
        place = form.entries[rest[0]].place
    else:
        block, row, column = rest
        place = form.block(block)[int(row) - 1][column].place
    assert place is not None
    return place


def _form_at(filing: Filing, name: str) -> Form:
    if name == "department":
        assert filing.department is not None
        return filing.department
    return filing.projects[int(name.removeprefix("project") or 1) - 1]
