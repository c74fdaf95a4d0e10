"""report.html: one page with everything in it, for the person who has to act. No network, no frame.

What is shown of all units stands in one small index at the head of the page; what is shown of an
opened unit stands in parts behind it, which the browser takes apart only when needed. Where there
are several they are deflated, to a tenth. So a page of 10,000 units answers at once. A page of many
more would be too large to open: it has the index only.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xltool.checks.results import VERDICTS, CheckResult
from xltool.files.atomic import writing
from xltool.model import Severity
from xltool.reports.run import Run, packed, titles
from xltool.reports.spool import Spool

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("report.js", "report_start.js")
PART = 50  # units taken apart together when one of them is opened
MOST = 20_000  # units with details
# The words of the page's codes.
_WORDS = {"verdicts": VERDICTS, "severities": {s.value: s.label for s in Severity}}
LEVEL = 6  # of deflating: what more would save is less than the time it takes


@contextmanager
def html_report(path: Path, run: Run) -> Iterator[Callable[[CheckResult, bytes], None]]:
    """The page of one run. Units are spooled to disk, for the index comes before the details."""
    with writing(path) as file, Spool() as index, Spool() as parts:
        part: list[Any] = []
        codes: Counter[str] = Counter()  # in how many files
        severities: dict[str, str] = {}
        verdicts: Counter[str] = Counter()

        def add(result: CheckResult, packed: bytes) -> None:
            result_codes = sorted({finding.code for finding in result.findings})
            codes.update(result_codes)
            severities.update({finding.code: finding.severity for finding in result.findings})
            verdicts[result.verdict] += 1
            index.append(index_row(result, result_codes, run.href(result.file)))
            if verdicts.total() <= MOST:
                if len(part) == PART:
                    parts.write(_deflated(part))
                    part.clear()
                part.append(detail_row(result))

        yield add
        deflated = verdicts.total() > PART
        if deflated and part:
            parts.write(_deflated(part))
        whole = verdicts.total() <= MOST
        shape = {"part": PART, "details": whole, "deflated": deflated, "live": run.live}
        details: Iterable[str] = ()
        if whole and deflated:
            details = map(bytes.decode, parts.lines())
        elif whole:
            details = [_script_text(_json(part))]
        page = _template().stream(
            run=run,
            count=verdicts.total(),
            verdicts=[(key, word, verdicts[key]) for key, word in VERDICTS.items()],
            meta=_script_text(_json(shape | _WORDS | {"codes": _used_rules(codes, severities)})),
            index=_joined(index.lines()),
            parts=details,
        )
        file.writelines(page)


def _used_rules(codes: Counter[str], severities: dict[str, str]) -> dict[str, list[Any]]:
    """Code → title, in how many files, severity; the most frequent first."""
    rule_titles = titles()
    return {
        code: [rule_titles.get(code, ""), count, severities[code]]
        for code, count in codes.most_common()
    }


def write_page(
    result: CheckResult,
    path: Path,
    *,
    base: Path | None = None,
    title: str = "绩效目标审核结果",
    live: bool = False,
) -> None:
    """The page of one file by itself, opened at once: what is handed back to the unit.

    `base` is the folder from which the result's file is named (default: the page's own folder);
    `live` makes the page show its newest state whenever someone comes back to it.
    """
    folder = path.absolute().parent
    with html_report(path, Run(folder, base or folder, title, live=live)) as add:
        add(*packed(result))


def index_row(result: CheckResult, codes: list[str], href: str) -> list[Any]:
    """What the list shows of a unit;
    `codes` are those of its findings, `href` leads to its file."""
    sums, count = result.balance, result.counts
    return [
        result.unit or Path(result.file).name, result.code, result.file, href,
        result.year, result.verdict,
        [count.error, count.query, count.note, count.explained, count.trial],
        sums.verdict if sums else "", result.total,
        sums.unit if sums else "", codes,
    ]  # fmt: skip


def detail_row(result: CheckResult) -> list[Any]:
    """What is shown of a unit once it is opened."""
    return [result.balance, result.findings, result.stale, result.projects]


def _deflated(part: list[Any]) -> bytes:
    return base64.b64encode(zlib.compress(_json(part), LEVEL))


def _joined(lines: Iterator[bytes]) -> Iterator[str]:
    """Lines of JSON as the text of one JSON array, piece by piece."""
    separator = "["
    for line in lines:
        yield separator + _script_text(line)
        separator = ",\n"
    yield "]" if separator != "[" else "[]"


def _json(value: Any) -> bytes:
    import msgspec

    return msgspec.json.encode(value)


def _script_text(text: bytes) -> Any:
    """JSON as it may stand inside a script element:
    nothing in it can end the element or open a tag."""
    from markupsafe import Markup

    for sign in b"<>&'":
        text = text.replace(bytes([sign]), b"\\u%04x" % sign)
    return Markup(text.decode())


@functools.cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    style = (TEMPLATES / "report.css").read_text("utf-8")
    script = "".join((TEMPLATES / name).read_text("utf-8") for name in SCRIPTS)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals |= {
        "style": Markup(style),
        "script": Markup(script),
        "policy": _policy(style, script),
    }
    return environment.get_template("report.html.j2")


def _policy(style: str, script: str) -> str:
    """The page may run its own script and use its own style; nothing else, and load nothing."""
    return (
        f"default-src 'none'; style-src {text_hash(style)}; script-src {text_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def text_hash(text: str) -> str:
    """A script or style as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
