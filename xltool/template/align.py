"""Rows of the blank found again in a received sheet by their official text alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xltool.files.table_habits import unspaced
from xltool.template.layout import FormLayout, GrownRows
from xltool.xlsx.grid import Sheet

# A form that grew by more rows did not grow: something else stands below it.
MOST_ROWS = 2_000


def align(layout: FormLayout, sheet: Sheet) -> GrownRows:
    """How the form's growing areas grew, and where else rows were put in or taken out, told by the
    official text alone."""
    row_matches = match(layout, sheet)
    grown = _growth(layout, sheet, row_matches, _last(layout, sheet))
    pushed: dict[int, int] = {}
    gone: set[int] = set()
    for above, row, extra in _gaps(row_matches):
        areas = [a for _, a in layout.growing if a.top <= row - 1 and above <= a.bottom]
        if not extra or len(areas) == 1:
            continue
        # Which rows were put in, which taken out, nobody can tell between two known rows.
        gone |= set(range(above + 1, row)) | {
            r for area in areas for r in range(area.top, area.bottom + 1)
        }
        if not areas:
            pushed[row] = extra
    if not pushed and not gone:
        return layout.rows(grown)
    return GrownRows(grown, layout.last_row, pushed, frozenset(gone))


def _gaps(row_matches: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
    """Known rows one after the other:
    (the one above, this one, rows more or fewer between than in the blank)."""
    above, now = 0, 0
    for row, at in sorted(row_matches.items()):
        yield above, row, (at - now) - (row - above)
        above, now = row, at


def _last(layout: FormLayout, sheet: Sheet) -> int:
    return max((row for row, _ in sheet.cells if row <= layout.last_row + MOST_ROWS), default=0)


def match(layout: FormLayout, sheet: Sheet) -> dict[int, int]:
    """Labelled rows of the blank → rows of the sheet: the best match that keeps their order."""
    labelled = _labels_by_row(layout)
    anchors = sorted(labelled)
    texts = _official_texts(layout, sheet, labelled)
    rows = sorted({row for row, _ in texts})  # only these can be any of the blank's

    def score(anchor: int, row: int) -> float:
        labels = labelled[anchor]
        same = sum(texts.get((row, column)) == label for column, label in labels.items())
        return same / len(labels)

    # best[i][n]: the best total of the first i anchors within the first n of these rows.
    best = [[0.0] * (len(rows) + 1)]
    for anchor in anchors:
        line, above = [0.0], best[-1]
        for number, row in enumerate(rows, 1):
            line.append(max(line[-1], above[number], above[number - 1] + score(anchor, row)))
        best.append(line)
    row_matches: dict[int, int] = {}
    number = len(rows)
    for index in range(len(anchors), 0, -1):
        while number and best[index][number] == best[index][number - 1]:
            number -= 1
        if number and best[index][number] > best[index - 1][number]:
            row_matches[anchors[index - 1]] = rows[number - 1]
            number -= 1
    return row_matches


def _labels_by_row(layout: FormLayout) -> dict[int, dict[int, str]]:
    """Row of the blank → column → official text;
    where an answer stands in the text, its pattern."""
    labelled: dict[int, dict[int, str]] = {}
    for (row, column), text in layout.static.items():
        labelled.setdefault(row, {})[column] = unspaced(text)
    for (row, column), around in layout.around.items():
        labelled.setdefault(row, {})[column] = around.pattern
    return labelled


def _official_texts(
    layout: FormLayout, sheet: Sheet, labelled: Mapping[int, Mapping[int, str]]
) -> dict[tuple[int, int], str]:
    """The cells that say what the blank says in the same column, whatever the row,
    as the blank says it."""
    official = {(column, label) for labels in labelled.values() for column, label in labels.items()}
    others = [(column, pattern) for (_, column), pattern in layout.around.items()]
    last = _last(layout, sheet)
    texts: dict[tuple[int, int], str] = {}
    for at, cell in sheet.cells.items():
        if not cell.text or at[0] > last:
            continue
        text = unspaced(cell.text)
        if (at[1], text) in official:
            texts[at] = text
            continue
        for column, around in others:
            if column == at[1] and around.match(text):
                texts[at] = around.pattern
                break
    return texts


def _growth(
    layout: FormLayout, sheet: Sheet, row_matches: dict[int, int], last: int
) -> dict[int, int]:
    """Rows added to each growing area, given where the labelled rows were found."""
    grown: dict[int, int] = {}
    in_order = sorted(row_matches.items())
    for _, area in layout.growing:
        above = max((pair for pair in in_order if pair[0] <= area.bottom), default=None)
        below = min((pair for pair in in_order if pair[0] > area.bottom), default=None)
        if above is None:
            continue
        if below is None:
            # The last block: its label's merge tells how far it goes, or else the last row in use.
            bottoms = [merge.bottom for merge in sheet.merges if merge.top == above[1]]
            below = (area.bottom + 1, max(bottoms, default=last) + 1)
        extra = (below[1] - above[1]) - (below[0] - above[0])
        within = sum(n for row, n in grown.items() if above[0] <= row < below[0])
        grown[area.bottom] = extra - within
    return grown
