"""Cross-totals: verdicts agree with exact arithmetic,
and a cause named is a cause that closes the side."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.case import filing_of
from tests.support.seed import seed_filing
from xltool.checks.cross_totals import Side, Term, Verdict, balance, lines
from xltool.checks.residual import explain
from xltool.editions.declaration import load_edition
from xltool.money import places

CENT = Decimal("0.01")
amounts = st.one_of(
    st.none(),
    st.decimals(min_value=0, max_value=10**6, places=2),
    st.decimals(0, 5, places=4),
    st.just(Decimal(0)),
)
PARTS = ("general", "fund", "nontax", "other", "basic", "project_spending", "nontax_spending")


def department(total, **parts):
    written = {
        key: "" if value is None else f"{value:f}"
        for key, value in {"total": total, **parts}.items()
    }
    blank = dict.fromkeys(("general", "fund"), "")
    return filing_of({"department": {**blank, **written}, "without": ["project"]})


def worth(value):
    return value or Decimal(0)


def allowance(*values):
    """Half a unit of the last place of each amount, none stated more coarsely than in cents."""
    return sum((Decimal(5).scaleb(-1 - max(2, places(v))) for v in values if v), Decimal(0))


@given(
    st.fixed_dictionaries(dict.fromkeys(PARTS, amounts)),
    amounts,
    st.sampled_from(["any", "revenue", "spending"]),
)
def test_verdicts_agree_with_exact_arithmetic(parts, total, aim):
    income = [parts[p] for p in ("general", "fund", "nontax", "other")]
    spent, beside = [parts["basic"], parts["project_spending"]], parts["nontax_spending"]
    if aim != "any":  # a total that one side comes to, else nearly nothing would balance
        total = sum(map(worth, income if aim == "revenue" else [*spent, beside]), Decimal(0))
    sums = balance(department(total, **parts))
    if total is None:
        assert sums.verdict is Verdict.UNKNOWN
        assert sums.revenue.residual is None
        return
    revenue_off = abs(total - sum(map(worth, income)))
    without = abs(total - sum(map(worth, spent)))
    with_it = abs(total - sum(map(worth, [*spent, beside])))
    assert sums.revenue.closes is (revenue_off <= allowance(total, *income))
    near = allowance(total, *spent)
    assert sums.spending.closes is (min(without, with_it) <= near)
    if sums.spending.closes:
        assert abs(sums.spending.residual) == min(without, with_it) or without <= near
    assert sums.spending.residual == total - sums.spending.sum
    balanced = sums.revenue.closes and sums.spending.closes
    assert (sums.verdict is Verdict.UNBALANCED) is not balanced
    if balanced and not beside:
        assert sums.verdict is Verdict.BALANCED
    if balanced and without > near and beside != parts["nontax"]:
        assert sums.verdict is Verdict.BY_NONTAX


filled = st.decimals(min_value=CENT, max_value=10**5, places=2)


@given(st.lists(filled, min_size=1, max_size=4), filled, st.booleans())
def test_every_cause_closes_the_side(parts, total, confirmed):
    """Change the amount that a cause names to what it says, and the side closes."""
    assume(sum(parts) != total)
    terms = [Term(f"p{n}", f"分项{n}", amount) for n, amount in enumerate(parts)]
    causes = explain(
        Term("total", "资金总额", total), terms, unit="万元", tolerance=CENT, confirmed=confirmed
    )
    for cause in causes:
        if cause.field == "total":
            assert not confirmed
            assert abs(cause.should - sum(parts)) <= CENT
        elif cause.field:
            changed = sum(cause.should if t.field == cause.field else t.amount for t in terms)
            assert abs(total - changed) <= CENT


def planted(**changes):
    return balance(filing_of({"department": changes, "without": ["project"]}))


@pytest.mark.parametrize(
    ("side", "changes", "field", "should"),
    [
        ("revenue", {"fund": "12900000"}, "fund", "1290"),
        ("revenue", {"fund": "12.9"}, "fund", "1290"),
        ("revenue", {"fund": "12900"}, "fund", "1290"),
        ("revenue", {"fund": "2190"}, "fund", "1290"),
        ("revenue", {"fund": "-1290"}, "fund", "1290"),
        ("spending", {"basic": "207317"}, "basic", "2073.17"),
        ("spending", {"basic": "0.207317"}, "basic", "2073.17"),
        ("spending", {"basic": "2703.17"}, "basic", "2073.17"),
        ("spending", {"basic": "", "project_spending": "1100"}, "basic", "2073.17"),
        ("revenue", {"other": "1290"}, "fund", "0"),
        (
            "revenue",
            {"general": "1583.17", "nontax_spending": "300", "basic": "1773.17"},
            "nontax_spending",
            "300",
        ),
        ("spending", {"general": "1583.17", "nontax": "300", "basic": "1773.17"}, "nontax", "300"),
    ],
)
def test_the_first_cause_is_the_planted_one(side, changes, field, should):
    causes = planted(**changes)[side].causes
    assert (causes[0].field, causes[0].should) == (field, Decimal(should)), [c.text for c in causes]


@pytest.mark.parametrize("total", ["31731700", "3137.17", "31731.7", "3713.17"])
def test_a_wrong_total_is_blamed_alone(total):
    """Both sides come to the same, so no addend is in doubt."""
    for side in planted(total=total).sides:
        assert {(c.field, c.should) for c in side.causes} == {("total", Decimal("3173.17"))}


def test_a_difference_without_reason_gets_none():
    assert planted(basic="2061.94").spending.causes == ()


def test_the_filing_of_2023():
    sums = balance(seed_filing())
    assert lines(sums) == [
        "收入侧：一般公共预算 1245.61 = 资金总额 1245.61（平衡）",
        "支出侧：基本支出 711.94 + 项目支出 523.67 + 非税支出 10.00 = 1245.61 = 资金总额 1245.61"
        "（经非税项目调节后平衡）",
        "结论：经非税项目调节后平衡（单位：万元）",
    ]
    assert (sums.verdict, sums.spending.adjusted, sums.spending.residual) == (
        Verdict.BY_NONTAX,
        True,
        0,
    )


INCOME = "收入侧：一般公共预算 1883.17 + 政府性基金拨款 1290.00 = 3173.17"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"basic": "2061.94"},
            "支出侧：基本支出 2061.94 + 项目支出 1100.00 = 3161.94 ≠ 资金总额 3173.17（不平衡，差 11.23）",
        ),
        ({"total": "3173.18"}, f"{INCOME} ≈ 资金总额 3173.18（平衡，相差 0.01 在四舍五入以内）"),
        (
            {"nontax_spending": "5"},
            "支出侧：基本支出 2073.17 + 项目支出 1100.00 = 3173.17 = 资金总额 3173.17"
            "（平衡；未计入非税支出 5.00）",
        ),
        (
            {"basic": "两千"},
            "支出侧：项目支出 1100.00 + 基本支出“两千”（读不出）；资金总额 3173.17（无法判断）",
        ),
        (
            {"general": "", "fund": ""},
            "收入侧：各项都没有填 ≠ 资金总额 3173.17（不平衡，差 3173.17）",
        ),
        ({"total": ""}, f"{INCOME}；资金总额（空）（无法判断）"),
    ],
)
def test_sides_are_written_out(changes, expected):
    assert expected in lines(planted(**changes))


def test_no_department_form_is_no_judgement():
    sums = balance(filing_of({"without": ["department"]}))
    assert sums.verdict is Verdict.UNKNOWN


def test_an_open_side_makes_the_form_unbalanced_though_the_other_can_not_be_judged():
    assert planted(basic="两千", fund="1190").verdict is Verdict.UNBALANCED


def test_a_form_in_yuan_knows_no_slip_to_yuan():
    total, parts = (
        Term("total", "资金总额", Decimal(12456100)),
        [Term("a", "甲", Decimal("1245.61"))],
    )
    (cause, *_) = explain(total, parts, unit="元", tolerance=CENT, confirmed=True)
    assert cause.should == 12456100
    assert "按万元填在了元表里" in cause.text


def test_every_sum_of_every_shipped_edition_has_a_side():
    edition = load_edition()
    sides: list[Side] = list(balance(filing_of(), edition).sides)
    assert [s.side for s in sides] == [s.side for s in edition.department.sum]
