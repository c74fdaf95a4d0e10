"""The approval of each approved unit, from a template that the bureau edits."""

from __future__ import annotations

import pytest
from docx import Document

from tests.support.campaign import Bureau, fill_in
from xltool.campaign.returns.decisions import accept
from xltool.campaign.rollup.letters import TEMPLATE, write_letters
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
    [path], problems = write_letters(bureau.campaign, tmp_path / "批复")
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
    written, problems = write_letters(bureau.campaign, tmp_path / "b", bureau.codes[1:2])
    assert written == [] and problems == [(bureau.codes[1], "还没有核准，没有批复")]
    (tmp_path / "坏.docx").write_bytes(b"x")
    _, problems = write_letters(bureau.campaign, tmp_path / "b", template=tmp_path / "坏.docx")
    assert "打不开" in problems[0][1]
    with pytest.raises(XltoolError, match="名单里没有"):
        write_letters(bureau.campaign, tmp_path / "b", ["9"])


@pytest.mark.xdist_group("office")
def test_one_districts_forms_are_one_pdf_in_list_order(office, bureau, tmp_path):
    from xltool.campaign.rollup.printing import print_district

    count, problems = print_district(bureau.campaign, tmp_path / "区.pdf", "第1区")
    assert count == 2 and problems == [(bureau.codes[2], "没有计入的申报")]
    pages = office.pages(tmp_path / "区.pdf")
    assert pages >= 4
    texts = [office.text(tmp_path / "区.pdf", n) for n in range(1, pages + 1)]
    first = next(n for n, text in enumerate(texts) if "第1区第1局" in text)
    second = next(n for n, text in enumerate(texts) if "第1区第2局" in text)
    assert first < second
    with pytest.raises(XltoolError, match="没有区县"):
        print_district(bureau.campaign, tmp_path / "无.pdf", "别处")


def test_where_nothing_was_remarked_the_letter_has_no_empty_remark(bureau, tmp_path):
    accept(bureau.campaign, bureau.codes[1:2])
    [path], _ = write_letters(bureau.campaign, tmp_path / "批复", bureau.codes[1:2])
    text, _ = text_of(path)
    assert "已经审核，现予批复" in text and "（）" not in text
    assert all(line.strip() for line in text.split("\n"))


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
