"""The shipped example says what the paper filing says (a reading by hand)."""

from decimal import Decimal

from tests.support.seed import EXAMPLE, UNIT, seed_filing
from xltool.databook import open_databook

OUTPUT = ["quantity", "quality", "cost", "time"]
BENEFIT = ["economic", "social", "ecological", "sustainable", "satisfaction"]


def test_identity_and_amounts():
    filing = seed_filing()
    assert (filing.edition, filing.unit, filing.year, filing.code) == ("hunan-2023", UNIT, 2023, "")
    fields = [
        "total",
        "general",
        "fund",
        "nontax",
        "other",
        "basic",
        "project_spending",
        "nontax_spending",
    ]
    amounts = {f: filing.department.amount(f) for f in fields}
    assert amounts == {
        "total": Decimal("1245.61"),
        "general": Decimal("1245.61"),
        "fund": None,
        "nontax": None,
        "other": None,
        "basic": Decimal("711.94"),
        "project_spending": Decimal("523.67"),
        "nontax_spending": Decimal(10),
    }


def test_project():
    [project] = seed_filing().projects
    assert project.text("project") == "科技三项、税收增量、中小微企业创新创业大赛专项"
    assert (project.amount("own_budget"), project.amount("upper_budget")) == (
        Decimal(240),
        Decimal(0),
    )
    assert project.text("period") == "2023年1月1日-2023年12月31日"
    assert (project.text("unit"), project.text("filer"), project.year) == (UNIT, UNIT, 2023)
    assert project.text("annual_goal") == project.text("period_goal")
    assert project.text("annual_goal").endswith("解决就业180人")


def test_indicators_by_category():
    filing = seed_filing()
    [project] = filing.projects

    def counts(form):
        return "".join(str(len(form.block(b))) for b in OUTPUT + BENEFIT)

    assert counts(filing.department) == "222122121"
    assert counts(project) == "222122111"
    stuffed = project.block("economic")[1]
    assert stuffed.name.value == "奖补资金\n销售收入"
    assert stuffed.target.value == "200万以上\n1亿"
    assert stuffed.standard.value == "≥200万、\n≤1亿"
    assert project.block("sustainable")[0].target.blank
    assert project.block("satisfaction")[0].standard.value == "≥85"


def test_long_texts_keep_their_lines():
    department = seed_filing().department
    duties, goal = department.text("duties").split("\n"), department.text("goal").split("\n")
    assert "".join(line[1] for line in duties) == "一二三四五"
    assert "".join(line[2] for line in goal) == "1234"


def test_every_answer_knows_its_place():
    filing = seed_filing()
    assert str(filing.department["nontax_spending"].place) == "部门.csv!K2"
    assert str(filing.projects[0].block("satisfaction")[0].standard.place) == "指标.csv!G30"
    assert all(e.place for form in filing.forms for e in form.entries.values())


def test_nothing_to_complain_about():
    assert open_databook(EXAMPLE).problems == []
