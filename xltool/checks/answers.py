"""The unit's written explanations, each tied to its finding.

An explanation carries the key of the finding it was written for. It stays tied when the value was
only rewritten (15家以上 → ≥15家) or the sheet renamed; where it could belong to two, it belongs to
none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from msgspec.structs import replace

from xltool.indicator.normalise import normal_text
from xltool.model import Filing, Finding

_Parts = tuple[str, str, str, str]  # code, sheet, field, what was found


def explained(filing: Filing, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, each with the explanation that is tied to it."""
    if not filing.answers:
        return list(findings)
    tied = {at: key for key, at in _tied(filing, findings).items()}
    explanations = [
        filing.answers.get(tied.get(number, finding.key), "").strip()
        for number, finding in enumerate(findings)
    ]
    return [
        replace(f, explanation=text) if text else f
        for f, text in zip(findings, explanations, strict=True)
    ]


def stale(filing: Filing, findings: Iterable[Finding]) -> list[str]:
    """The keys of written explanations (`filing.answers`) whose finding is gone."""
    if not filing.answers:
        return []
    tied = _tied(filing, list(findings))
    return [key for key in filing.answers if key not in tied]


def _tied(filing: Filing, findings: Sequence[Finding]) -> dict[str, int]:
    """Key of an explanation → the finding's place in the list."""
    exact: dict[str, int] = {}
    for number, finding in enumerate(findings):
        exact.setdefault(finding.key, number)
    tied = {key: exact[key] for key in filing.answers if key in exact}
    sheets = {form.sheet for form in filing.forms}
    _tie_by(_same_value, filing, findings, tied, lambda parts: True)
    _tie_by(_same_anywhere, filing, findings, tied, lambda parts: parts[1] not in sheets)
    return tied


def _tie_by(
    likeness: Callable[[_Parts], Hashable],
    filing: Filing,
    findings: Sequence[Finding],
    tied: dict[str, int],
    fits: Callable[[_Parts], bool],
) -> None:
    """Tie what is left where exactly one explanation and one finding are alike."""
    taken = set(tied.values())
    written: defaultdict[Hashable, list[str]] = defaultdict(list)
    for key in filing.answers:
        if key not in tied and fits(parts := _parts(key)):
            written[likeness(parts)].append(key)
    if not written:
        return
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for number, finding in enumerate(findings):
        if number not in taken:
            places[likeness(_parts(finding.key))].append(number)
    for like, keys in written.items():
        if len(keys) == len(places.get(like, ())) == 1:
            tied[keys[0]] = places[like][0]


def _parts(key: str) -> _Parts:
    code, sheet, field, written = [*key.split("|", 3), "", "", ""][:4]
    return code, sheet, field, written


def _same_value(parts: _Parts) -> Hashable:
    code, sheet, field, written = parts
    return code, sheet, field, _normal(written)


def _same_anywhere(parts: _Parts) -> Hashable:
    code, _, field, written = parts
    return code, field, _normal(written)


def _normal(written: str) -> str:
    """`新建水库：15家以上` as `新建水库：≥15家`, without spaces."""
    name, colon, value = written.rpartition("：")
    return "".join(f"{name}{colon}{normal_text(value) or value}".split())
