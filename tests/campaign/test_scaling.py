"""舍位平衡: whatever the amounts, the scaled table adds up and nothing moves by a step."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xltool.campaign.rollup.scaling import TOTAL, WHOLE, AmountTable, Infeasible, scale, spread
from xltool.errors import XltoolError

CENT = Decimal("0.01")
STEPS = st.sampled_from([Decimal(1), CENT, Decimal(10), Decimal(10_000)])
# Round amounts, zeros and halves are where rounding goes wrong.
AMOUNTS = st.one_of(
    st.just(Decimal(0)),
    st.sampled_from([Decimal("0.03"), Decimal("0.5"), Decimal("2.5"), Decimal(7), Decimal("-0.4")]),
    st.decimals(-(10**8), 10**8, places=4),
)


@st.composite
def tables(draw):
    """One side or two: the last column of the second side is what is left of the first."""
    rows = tuple(f"区{n}" for n in range(draw(st.integers(1, 12))))
    first = tuple(f"收{n}" for n in range(draw(st.integers(1, 5))))
    second = tuple(f"支{n}" for n in range(draw(st.integers(0, 3))))
    cells = {}
    for row in rows:
        for column in (*first, *second[:-1]):
            cells[row, column] = draw(AMOUNTS)
        if second:
            left = sum(cells[row, c] for c in first) - sum(cells[row, c] for c in second[:-1])
            cells[row, second[-1]] = left
    return AmountTable(rows, (first, second) if second else (first,), cells)


def adds_up(scaled):
    table = scaled.exact
    for row in (WHOLE, *table.rows):
        for side in table.sides:
            assert scaled[row, TOTAL] == sum(scaled[row, c] for c in side)
    for column in (TOTAL, *(c for side in table.sides for c in side)):
        assert scaled[WHOLE, column] == sum(scaled[row, column] for row in table.rows)


@given(tables(), STEPS)
@settings(deadline=None)
def test_the_scaled_table_adds_up_and_no_cell_moves_by_a_step(table, step):
    scaled = scale(table, step)
    adds_up(scaled)
    whole = table.exact(WHOLE, TOTAL) / step
    assert scaled[WHOLE, TOTAL] == whole.to_integral_value(ROUND_HALF_UP) * step
    for at in table:
        exact, shown = table.exact(*at), scaled[at]
        assert shown % step == 0
        assert abs(shown - exact) < step
        assert exact * shown >= 0, "changed its sign"
        if exact % step == 0:
            assert shown == exact, "a zero or a whole step moved"


@given(tables())
@settings(deadline=None, max_examples=30)
def test_the_same_table_gives_the_same_result(table):
    assert scale(table, Decimal(1)).values == scale(table, Decimal(1)).values


@given(st.dictionaries(st.text(min_size=1, max_size=3), AMOUNTS, min_size=1, max_size=20), STEPS)
@settings(deadline=None)
def test_one_column_goes_to_the_nearest_that_adds_up(parts, step):
    shown = spread(parts, step)
    total = sum(parts.values())
    assert shown[WHOLE] == sum(shown[name] for name in parts)
    assert abs(shown[WHOLE] - total) < step
    for name, exact in parts.items():
        assert abs(shown[name] - exact) < step
        assert exact * shown[name] >= 0


def test_the_one_goes_where_it_moves_least():
    shown = spread({"甲": Decimal("1.4"), "乙": Decimal("1.4"), "丙": Decimal("1.45")}, Decimal(1))
    assert shown == {WHOLE: 4, "甲": 1, "乙": 1, "丙": 2}


def test_the_sum_of_all_is_rounded_first_then_the_totals():
    """Many small parts would each be least moved to nothing, and the sum of all with them."""
    parts = {f"区{n}": Decimal("0.4") for n in range(4)}
    shown = spread(parts, Decimal(1))
    assert shown[WHOLE] == 2 == sum(shown[name] for name in parts)
    cells = {(row, column): amount for row, amount in parts.items() for column in ("收", "支")}
    cells |= {(row, "余"): Decimal("0.02") for row in parts}  # 1.6, 1.6, 0.08 of 3.28
    table = scale(AmountTable(tuple(parts), (("收", "支", "余"),), cells), Decimal(1))
    adds_up(table)
    assert [table[WHOLE, column] for column in (TOTAL, "收", "支", "余")] == [3, 2, 1, 0]


def test_a_small_positive_amount_never_becomes_negative():
    """The complaint about an incumbent: 0.03 shown as -1."""
    shown = spread({"甲": Decimal("0.03"), "乙": Decimal("99.6"), "丙": Decimal("0.4")}, Decimal(1))
    assert shown["甲"] >= 0
    assert shown[WHOLE] == 100 == shown["甲"] + shown["乙"] + shown["丙"]


def test_the_totals_of_another_sheet_are_kept_or_refused():
    half = Decimal("0.5")
    table = AmountTable(
        ("一", "二"), (("a", "b"),), {("一", "a"): half, ("一", "b"): half, ("二", "a"): half * 3}
    )
    kept = scale(table, Decimal(1), {"a": Decimal(2), "b": Decimal(0), TOTAL: Decimal(2)})
    adds_up(kept)
    with pytest.raises(Infeasible):
        scale(table, Decimal(1), {"a": Decimal(9), "b": Decimal(0), TOTAL: Decimal(9)})


def test_what_is_scaled_is_not_scaled_again():
    scaled = scale(AmountTable(("一",), (("a",),), {("一", "a"): Decimal("1.5")}), Decimal(1))
    with pytest.raises(XltoolError, match="已经舍位平衡过"):
        scale(scaled, Decimal(1))


def test_sides_that_differ_are_refused():
    with pytest.raises(ValueError, match="same sum"):
        AmountTable(("一",), (("a",), ("b",)), {("一", "a"): Decimal(1), ("一", "b"): Decimal(2)})
