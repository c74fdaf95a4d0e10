"""Where a form that is longer than a page is broken: between categories of indicators, never before
the first row under the heads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xltool.template.layout import FormLayout, GrownRows

# Programs and fonts differ by so much. A page that a program had to break by itself would leave
# another one with next to nothing on it.
_SURE = 0.9
_NO_HEIGHT = 15.0  # points of a row that says none


def page_breaks(
    layout: FormLayout, rows: GrownRows, heights: Mapping[int, float], page: float
) -> list[int]:
    """The rows after which a new page begins.

    `heights` are all rows' with their points, `page` how many points fit on one.
    """
    breaks: list[int] = []
    page *= _SURE
    first = min(rows.start(blank.top) for blank in layout.blocks.values())
    # The heads are repeated on every page.
    again = _points(heights, first - 1, first)
    used = 0.0
    for start, end in _kept_together(layout, rows, max(heights), first):
        whole = _points(heights, start, end)
        if used + whole > page and used > again and whole <= page - again:
            breaks.append(start - 1)
            used = again
        for row in range(start, end):
            high = _points(heights, row, row + 1)
            if used + high > page and used > again:
                breaks.append(row - 1)
                used = again
            used += high
    return breaks


def _points(heights: Mapping[int, float], start: int, end: int) -> float:
    return sum(heights.get(row, 0.0) or _NO_HEIGHT for row in range(start, end))


def _kept_together(
    layout: FormLayout, rows: GrownRows, last: int, first: int
) -> Iterator[tuple[int, int]]:
    """Rows that belong together, from the first to before the last:
    answers, heads with a category, categories."""
    tops = {rows.start(blank.top) for blank in layout.blocks.values()} - {first}
    inside = {
        row
        for blank in layout.fields.values()
        for row in range(rows.start(blank.top) + 1, rows.end(blank.bottom) + 1)
    }
    above = set(range(1, first)) - inside
    starts = sorted(above | tops)
    yield from zip(starts, [*starts[1:], last + 1], strict=True)


def row_breaks(breaks: list[int]) -> bytes:
    """The breaks as the sheet's XML has them."""
    inner = "".join(f'<brk id="{row}" max="16383" man="1"/>' for row in breaks)
    return f'<rowBreaks count="{len(breaks)}" manualBreakCount="{len(breaks)}">{inner}</rowBreaks>'.encode()
