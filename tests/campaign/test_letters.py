"""The approval of each approved unit, from a template that the bureau edits."""

from __future__ import annotations

import gc
import sys

import pytest
from docx import Document

from tests.support.campaign import Bureau, fill_in, write_units
from xltool.campaign.ledger.campaign_folder import new_campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.unit_changes import leave
from xltool.campaign.returns.decisions import accept
from xltool.campaign.rollup.letters import TEMPLATE, _plain_template, _save, write_letters
from xltool.campaign.sealing.parcel import read_parcel
from xltool.cli import main
from xltool.errors import XltoolError


@pytest.fixture
def bureau(tmp_path):
    bureau = Bureau(tmp_path, 1, 3, issuer="某市财政局")
    for code in bureau.codes[:2]:
        changes = {"department.quantity": [["维修水库【单位】", "≥12座"], ["清淤渠道", "≥3公里"]]}
        bureau.hand_in(code, {f"{code}.xlsx": fill_in(bureau.sent[code], changes)}, when=1.7e9)
    accept(bureau.campaign, bureau.codes[:1], grade="优", note="同意，抓紧实施")
    return bureau


def text_of(path):
    document = Document(str(path))
    cells = [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]
    return "\n".join(p.text for p in document.paragraphs), cells


def test_an_approved_unit_gets_its_letter_with_the_approved_indicators(bureau, tmp_path):
    [path], problems, _ = write_letters(bureau.campaign, tmp_path / "批复")
    assert problems == [] and path.name == "0001001_第1区第1局_批复.docx"
    text, rows = text_of(path)
    for said in (
        "批复第1区第1局2024年度",
        "审核意见：优",
        "同意，抓紧实施",
        "资金总额2391.01万元",
        "某市财政局",
    ):
        assert said in text, said
    assert "【" not in text
    assert ["部门整体", "产出指标", "数量指标", "清淤渠道", "≥3公里"] in rows
    # What a unit wrote is its text, not a placeholder.
    assert any(row[3] == "维修水库【单位】" for row in rows)
    assert len(rows) > 5 and rows[0][0] == "项目"


def test_the_bureaus_own_template_is_used_and_kept(bureau, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(bureau.campaign.folder)
    own = Document()
    paragraph = own.add_paragraph("致【单")
    paragraph.add_run("位】：【没有的词】")  # Word cuts a word into runs as it likes
    own.sections[0].header.paragraphs[0].text = "【发文单位】"
    own.save(TEMPLATE)
    before = bureau.campaign.folder.joinpath(TEMPLATE).read_bytes()
    assert main(["campaign", "letters"]) == 0
    assert "写出 1 份批复" in capsys.readouterr().out
    [path] = bureau.campaign.folder.rglob("*_批复.docx")
    assert text_of(path)[0] == "致第1区第1局：【没有的词】"
    assert Document(str(path)).sections[0].header.paragraphs[0].text == "某市财政局"
    assert bureau.campaign.folder.joinpath(TEMPLATE).read_bytes() == before


def test_who_is_not_approved_gets_none_and_a_bad_template_is_said(bureau, tmp_path):
    written, problems, _ = write_letters(bureau.campaign, tmp_path / "b", bureau.codes[1:2])
    assert written == [] and problems == [(bureau.codes[1], "还没有核准，没有批复")]
    (tmp_path / "坏.docx").write_bytes(b"x")
    _, problems, _ = write_letters(bureau.campaign, tmp_path / "b", template=tmp_path / "坏.docx")
    assert "打不开" in problems[0][1]
    with pytest.raises(XltoolError, match="名单里没有"):
        write_letters(bureau.campaign, tmp_path / "b", ["9"])


@pytest.mark.xdist_group("office")
def test_one_districts_forms_are_one_pdf_in_list_order(office, bureau, tmp_path):
    from xltool.campaign.rollup.printing import print_district

    count, problems = print_district(bureau.campaign, tmp_path / "区.pdf", "第1区")
    assert count == 2 and problems == [(bureau.codes[2], "没有计入的申报（未报）")]
    pages = office.pages(tmp_path / "区.pdf")
    assert pages >= 4
    texts = [office.text(tmp_path / "区.pdf", n) for n in range(1, pages + 1)]
    first = next(n for n, text in enumerate(texts) if "第1区第1局" in text)
    second = next(n for n, text in enumerate(texts) if "第1区第2局" in text)
    assert first < second
    with pytest.raises(XltoolError, match="没有区县"):
        print_district(bureau.campaign, tmp_path / "无.pdf", "别处")
    leave(
        bureau.campaign, Act.EXEMPT, [bureau.codes[2]], "免报"
    )  # owes nothing: nothing is missing
    assert print_district(bureau.campaign, tmp_path / "区.pdf", "第1区") == (2, [])


def test_where_nothing_was_remarked_the_letter_has_no_empty_remark(bureau, tmp_path):
    accept(bureau.campaign, bureau.codes[1:2])
    [path], *_ = write_letters(bureau.campaign, tmp_path / "批复", bureau.codes[1:2])
    text, _ = text_of(path)
    assert "已经审核，现予批复" in text and "（）" not in text
    assert all(line.strip() for line in text.split("\n"))


def test_an_approved_unit_that_left_gets_no_letter_and_its_old_one_is_told(
    bureau, monkeypatch, capsys
):
    """Also the letter under a former name: nobody should send it."""
    first, second, third = bureau.codes
    accept(bureau.campaign, [second])
    monkeypatch.chdir(bureau.campaign.folder)
    assert main(["campaign", "letters"]) == 0
    assert main(["campaign", "merge", first, third, "--reason", "并入"]) == 0
    assert main(["campaign", "rename", second, "新名局"]) == 0
    capsys.readouterr()
    assert main(["campaign", "letters"]) == 0
    output = capsys.readouterr()
    assert "写出 1 份批复" in output.out
    assert "另有 2 份以前的批复" in output.err and f"{first}_第1区第1局_批复.docx" in output.err
    assert main(["campaign", "letters", first]) == 1
    output = capsys.readouterr()
    assert "已经撤销、免报或并入，没有批复" in output.err and "一份批复也没有" in output.out


def test_a_template_keeps_its_looks_and_what_it_cannot_fill_is_said(bureau, tmp_path):
    """Words anywhere, cut as Word likes, beside a picture; a misspelt one, one that isn't closed,
    one that stands in a row only."""
    from docx.oxml import OxmlElement

    own = Document()
    paragraph = own.add_paragraph()
    paragraph.add_run("金额").bold = True
    paragraph.add_run("：【资金")
    paragraph.add_run("总额 】").italic = True
    picture = paragraph.add_run("")
    picture._r.append(OxmlElement("w:drawing"))
    for text in ("【资金总合】", "【区县", "【三级指标】"):
        own.add_paragraph(text)
    cell = own.add_table(rows=1, cols=1).cell(0, 0)
    cell.add_table(rows=1, cols=1).cell(0, 0).paragraphs[0].add_run("【单位】")
    own.add_table(rows=1, cols=1).cell(0, 0).text = "【三级指标】【一级指标】【指标直】"
    page = own.sections[0]
    page.different_first_page_header_footer = True
    page.first_page_header.paragraphs[0].text = "【单位】"
    own.save(tmp_path / "模板.docx")
    [path], problems, remarks = write_letters(
        bureau.campaign, tmp_path / "b", template=tmp_path / "模板.docx"
    )
    assert problems == []
    unfilled = [remark.partition("“")[2].partition("”")[0] for remark in remarks]
    assert unfilled == ["资金总合", "【区县", "三级指标", "指标直"]
    letter = Document(str(path))
    first = letter.paragraphs[0]
    assert first.text == "金额：2391.01" and [run.bold for run in first.runs][:2] == [True, None]
    assert len(list(first._p.iter("{*}drawing"))) == 1
    assert letter.tables[0].cell(0, 0).tables[0].cell(0, 0).text == "第1区第1局"
    assert letter.tables[1].cell(1, 0).text == "清淤渠道产出指标【指标直】"
    assert letter.sections[0].first_page_header.paragraphs[0].text == "第1区第1局"


def test_what_has_several_lines_has_them_in_the_letter(bureau, tmp_path):
    own = Document()
    own.add_paragraph("目标：【整体绩效目标】。")
    own.save(tmp_path / "模板.docx")
    [path], *_ = write_letters(bureau.campaign, tmp_path / "b", template=tmp_path / "模板.docx")
    text = Document(str(path)).paragraphs[0].text
    assert text.startswith("目标：目标1") and "\n目标2" in text and text.endswith("。")


def test_one_letter_more_never_takes_anothers_place(tmp_path):
    """Codes that make the same file name: written alone, the second keeps its own."""
    bureau = Bureau(tmp_path, 1, 2)
    rows = [["1/2", *bureau.rows[0][1:]], ["1_2", *bureau.rows[1][1:]]]
    rows[1][1] = rows[0][1]
    campaign = new_campaign(
        tmp_path / "同名",
        year=2024,
        edition="hunan-2023",
        units=write_units(tmp_path / "n.xlsx", rows),
    )
    bureau.campaign = campaign
    bureau.distribute()
    [sent] = campaign.folder.rglob("*.zip")
    files = {n: data for n, data in read_parcel(sent).items() if "_" in n and "/" not in n}
    bureau.hand_in("r", {n: fill_in(data) for n, data in files.items()}, when=1.7e9)
    accept(campaign, ["1/2", "1_2"])
    both = write_letters(campaign, tmp_path / "b").written
    assert write_letters(campaign, tmp_path / "b", ["1_2"]).written == both[1:]


def test_a_template_may_show_every_column_of_the_form(tmp_path):
    from xltool.campaign.rollup.letters import _indicator
    from xltool.editions.declaration import load_edition
    from xltool.model import Entry, Form, Indicator

    edition = load_edition("national-2021")
    cells = {"name": "维修水库", "sign": "≥", "number": "12", "measure": "座", "weight": "10"}
    block = edition.department.indicators.block[0].id
    indicator = Indicator(block, {key: Entry(value, value) for key, value in cells.items()})
    words = _indicator(indicator, Form("department", {}, (indicator,)), edition)
    assert (words["指标性质"], words["计量单位"], words["权重"]) == ("≥", "座", "10")
    assert words["三级指标"] == "维修水库" and "12" in words["指标值"]


def test_a_letter_that_finds_no_room_is_one_line(tmp_path, monkeypatch):
    """Nothing half-written, and nothing said from inside a library."""
    resource = pytest.importorskip("resource")
    said = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(XltoolError, match="写不了"):
            _save(_plain_template(), tmp_path / "批复.docx")
        gc.collect()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert said == [] and list(tmp_path.iterdir()) == []
