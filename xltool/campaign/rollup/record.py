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

    def amounts(frame_row: Any) -> dict[str, Any]:
        return {
            **{c.id: plain(frame_row[c.id]) for c in book.columns},
            "total": plain(
                sum((frame_row[c.id] for c in book.columns if c.side == _first(book)), ZERO)
            ),
            "projects": int(frame_row[PROJECTS]),
            "project_budgets": plain(Decimal(frame_row[BUDGET])),
            "indicators": {
                id_.partition(":")[2]: int(frame_row[id_]) for id_, _, _ in book.categories
            },
        }

    def groups(by: str) -> list[dict[str, Any]]:
        counts = ("units", "covered", BY_NONTAX)
        return [
            {"name": name, **{key: int(row[key]) for key in counts}, **amounts(row)}
            for name, row in book.sums(by).iterrows()
        ]

    whole = {c.id: book.total(c.id) for c in book.columns}
    whole |= {key: book.total(key) for key in (PROJECTS, BUDGET, *(c[0] for c in book.categories))}
    return {
        "campaign": book.campaign.title,
        "year": book.campaign.year,
        "edition": edition.id,
        "made_at": book.made_at,
        "unit": edition.unit,
        "units": len(book.units),
        "covered": book.covered,
        "balances": {
            word: int(n) for word, n in book.units["verdict"].value_counts().items() if word
        },
        "states": {state: int(n) for state, n in book.units["state"].value_counts().items()},
        "whole": amounts(whole),
        "districts": groups("district"),
        "superiors": groups("superior") if book.units["superior"].any() else [],
        "filings": [
            {key: row[key] for key in ("code", "name", "district", "superior", "state", "version")}
            | {"counted": bool(row["counted"]), "balance": row["verdict"], **amounts(row)}
            for row in book.units.to_dict("records")
        ],
        "missing": [
            {key: row[key] for key in ("code", "name", "district", "state")}
            for row in book.missing.to_dict("records")
        ],
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


def _first(book: Rollup) -> str:
    return next((c.side for c in book.columns if c.side), "")


def _shown(book: Rollup, scaled: Scaled, row: str) -> dict[str, str]:
    ids = [TOTAL, *(c.id for c in book.columns if c.side)]
    return {
        "total" if id_ == TOTAL else id_: f"{in_unit(book, scaled[row, id_]):.{book.decimals}f}"
        for id_ in ids
    }
