"""The roll-up as plain data: exact decimals as text, so that nothing is lost on the way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from xltool.campaign.rollup.scaling import TOTAL, WHOLE, Scaled
from xltool.campaign.rollup.summation import (
    BUDGET,
    BY_NONTAX,
    PROJECTS,
    ZERO,
    Rollup,
    comparison,
    in_unit,
)
from xltool.money import plain


def rollup_json(book: Rollup) -> dict[str, Any]:
    """The roll-up as plain data; amounts are exact decimals as text, in the edition's unit."""
    edition = book.campaign.edition
    scaled = book.scaled("district")
    whole = {column.id: book.total(column.id) for column in book.columns}
    whole |= {
        key: book.total(key)
        for key in (PROJECTS, BUDGET, *(category[0] for category in book.categories))
    }
    verdicts = book.units["verdict"].value_counts()
    states = book.units["state"].value_counts()
    return {
        "campaign": book.campaign.title,
        "year": book.campaign.year,
        "edition": edition.id,
        "made_at": book.made_at,
        "unit": edition.unit,
        "units": len(book.units),
        "covered": book.covered,
        "balances": {word: int(count) for word, count in verdicts.items() if word},
        "states": {state: int(count) for state, count in states.items()},
        "whole": _amounts(book, whole),
        "districts": _groups(book, "district"),
        "superiors": _groups(book, "superior") if book.units["superior"].any() else [],
        "filings": _filings(book),
        "missing": _missing(book),
        "questions": book.questions,
        "shown": {
            "unit": book.unit,
            "decimals": book.decimals,
            "whole": _shown(book, scaled, WHOLE),
            "districts": {name: _shown(book, scaled, name) for name in scaled.exact.rows},
        },
        "last_year": [
            {"district": name, "field": id_, "units": n, "last": plain(last), "this": plain(this)}
            for name, id_, n, last, this in comparison(book)
        ],
    }


def _groups(book: Rollup, by: str) -> list[dict[str, Any]]:
    counts = ("units", "covered", BY_NONTAX)
    return [
        {"name": name, **{key: int(row[key]) for key in counts}, **_amounts(book, row)}
        for name, row in book.sums(by).iterrows()
    ]


def _missing(book: Rollup) -> list[dict[str, Any]]:
    rows = book.missing.to_dict("records")
    return [{key: row[key] for key in ("code", "name", "district", "state")} for row in rows]


def _filings(book: Rollup) -> list[dict[str, Any]]:
    filings = []
    for row in book.units.to_dict("records"):
        filing = {
            key: row[key] for key in ("code", "name", "district", "superior", "state", "version")
        }
        filing |= {"counted": bool(row["counted"]), "balance": row["verdict"]}
        filings.append(filing | _amounts(book, row))
    return filings


def _amounts(book: Rollup, frame_row: Any) -> dict[str, Any]:
    """What a row adds up, a unit's or a group's: the money, the projects, the indicators."""
    first = _first(book)
    total = sum((frame_row[column.id] for column in book.columns if column.side == first), ZERO)
    categories = [id_ for id_, _level, _label in book.categories]
    return {
        **{column.id: plain(frame_row[column.id]) for column in book.columns},
        "total": plain(total),
        "projects": int(frame_row[PROJECTS]),
        "project_budgets": plain(Decimal(frame_row[BUDGET])),
        "indicators": {id_.partition(":")[2]: int(frame_row[id_]) for id_ in categories},
    }


def _first(book: Rollup) -> str:
    return next((column.side for column in book.columns if column.side), "")


def _shown(book: Rollup, scaled: Scaled, row: str) -> dict[str, str]:
    ids = [TOTAL, *(column.id for column in book.columns if column.side)]
    return {
        "total" if id_ == TOTAL else id_: f"{in_unit(book, scaled[row, id_]):.{book.decimals}f}"
        for id_ in ids
    }
