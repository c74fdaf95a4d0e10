"""舍位平衡: a table of exact amounts shown in coarser units that still adds up.

Every cell goes to the whole step below or above it, so nothing moves by a step or more, nothing
changes its sign, zeros and whole steps stay. Which way each goes is one flow through a network
(columns → rows → columns of the other side), so that rows, columns and both sides add up at once;
of all such choices the one that moves the amounts least: the sum of all is rounded as anybody
would round it, the totals of the columns come next, then the rest. Such a flow always exists: the
exact amounts are one, and a network with whole bounds has a whole flow wherever it has any, with
either of the two whole sums of all that are next to the exact one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext

from xltool.errors import XltoolError

# The row of column totals, the column of row totals; no name can be the same.
WHOLE, TOTAL = "\0whole", "\0total"
_PRECISION = 60
_FINE = 10**9  # the movement of a cell as a whole number of these parts of a step


@dataclass(frozen=True)
class AmountTable:
    """Exact amounts by (row, column). In each row the columns of every side have the same sum."""

    rows: tuple[str, ...]
    sides: tuple[tuple[str, ...], ...]
    cells: Mapping[tuple[str, str], Decimal]

    def __post_init__(self) -> None:
        if not 1 <= len(self.sides) <= 2:
            raise ValueError("a table has one side or two")
        for row in self.rows:
            if len({self.row_total(row, side) for side in self.sides}) > 1:
                raise ValueError(f"row {row}: its sides do not have the same sum")

    def cell(self, row: str, column: str) -> Decimal:
        return self.cells.get((row, column), Decimal(0))

    def row_total(self, row: str, side: tuple[str, ...] | None = None) -> Decimal:
        return sum((self.cell(row, c) for c in side or self.sides[0]), Decimal(0))

    def column_total(self, column: str) -> Decimal:
        return sum((self.cell(row, column) for row in self.rows), Decimal(0))

    def exact(self, row: str, column: str) -> Decimal:
        """Any cell, the totals included."""
        if column == TOTAL:
            rows = self.rows if row == WHOLE else (row,)
            return sum((self.row_total(row) for row in rows), Decimal(0))
        return self.column_total(column) if row == WHOLE else self.cell(row, column)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for row in (WHOLE, *self.rows):
            yield row, TOTAL
            for side in self.sides:
                for column in side:
                    yield row, column


@dataclass(frozen=True)
class Scaled:
    """A table shown in whole steps; `exact` keeps the originals. It can't be scaled again."""

    exact: AmountTable
    step: Decimal
    values: Mapping[tuple[str, str], Decimal]

    def __getitem__(self, at: tuple[str, str]) -> Decimal:
        return self.values[at]

    @property
    def moved(self) -> int:
        """How many cells went the other way than rounding alone would take them."""
        return sum(
            abs(self.values[at] - self.exact.exact(*at)) * 2 > self.step for at in self.exact
        )


class Infeasible(XltoolError):
    """No whole table has the given column totals."""


def scale(table: AmountTable, step: Decimal, whole: Mapping[str, Decimal] | None = None) -> Scaled:
    """The table in whole multiples of `step`.

    `whole` gives column totals (TOTAL among them) that stand already, on another sheet; where no
    table fits them Infeasible is raised. Without it there is always a table.
    """
    if isinstance(table, Scaled):
        raise XltoolError("这张表已经舍位平衡过，不能再来一次")
    if step <= 0:
        raise ValueError("a step is above zero")
    with localcontext() as context:
        context.prec = _PRECISION
        network = _Network()
        totals_first = len(table.rows) * sum(map(len, table.sides)) + 1
        for at, (start, end) in _arcs(table).items():
            row, column = at
            if whole is not None and row == WHOLE:
                network.fix(at, start, end, int(whole[column] / step))
                continue
            exact = table.exact(row, column) / step
            if at == (WHOLE, TOTAL):
                network.fix(at, start, end, int(exact.to_integral_value(ROUND_HALF_UP)))
            else:
                network.add(at, start, end, exact, totals_first if row == WHOLE else 1)
        return Scaled(table, step, {at: n * step for at, n in network.solve().items()})


def spread(
    parts: Mapping[str, Decimal], step: Decimal, whole: Decimal | None = None
) -> dict[str, Decimal]:
    """One column alone: its parts in whole steps, WHOLE among the keys, adding up."""
    table = AmountTable(
        tuple(parts), (("",),), {(row, ""): amount for row, amount in parts.items()}
    )
    fixed = None if whole is None else {"": whole, TOTAL: whole}
    scaled = scale(table, step, fixed)
    return {row: scaled[row, ""] for row in (WHOLE, *parts)}


Node = tuple[str, str]


def _arcs(table: AmountTable) -> dict[tuple[str, str], tuple[Node, Node]]:
    """Each cell as an arc: top → column → row in → row out → column → top."""
    top, arcs = ("top", ""), {}
    first, second = (*table.sides, ())[:2]
    end = ("end", "") if second else top
    arcs[WHOLE, TOTAL] = (("end", ""), top) if second else (("total", ""), top)
    for column in first:
        arcs[WHOLE, column] = (top, ("column", column))
    for column in second:
        arcs[WHOLE, column] = (("column", column), end)
    for row in table.rows:
        arcs[row, TOTAL] = (("in", row), ("out", row) if second else ("total", ""))
        for column in first:
            arcs[row, column] = (("column", column), ("in", row))
        for column in second:
            arcs[row, column] = (("out", row), ("column", column))
    return arcs


@dataclass
class _Network:
    """Whole flows near the exact ones: the step below is sent at once, at most one more may go."""

    below: dict[tuple[str, str], int] = field(default_factory=dict)
    open: dict[tuple[str, str], tuple[Node, Node, int]] = field(default_factory=dict)
    surplus: dict[Node, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, at: tuple[str, str], start: Node, end: Node, exact: Decimal, weight: int) -> None:
        floor = exact.to_integral_value(ROUND_FLOOR)
        self.fix(at, start, end, int(floor))
        above = exact - floor
        if above:
            # The cost of going up rather than down: how much farther the amount moves.
            self.open[at] = (start, end, int((1 - 2 * above) * _FINE) * weight)

    def fix(self, at: tuple[str, str], start: Node, end: Node, flow: int) -> None:
        self.below[at] = flow
        self.surplus[end] += flow
        self.surplus[start] -= flow

    def solve(self) -> dict[tuple[str, str], int]:
        import networkx as nx

        graph = nx.DiGraph()
        for node, surplus in self.surplus.items():
            graph.add_node(node, demand=-surplus)
        for at, (start, end, cost) in self.open.items():
            graph.add_edge(start, end, capacity=1, weight=cost, at=at)
        try:
            _, flows = nx.network_simplex(graph)
        except nx.NetworkXUnfeasible as error:
            raise Infeasible("按另一张表已定的合计，这张表舍位后凑不平") from error
        up = {at for at, (start, end, _) in self.open.items() if flows[start][end]}
        return {at: below + (at in up) for at, below in self.below.items()}
