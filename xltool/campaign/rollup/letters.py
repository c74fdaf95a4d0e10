"""The approval (批复) of each approved unit, from a Word template that the bureau edits.

A placeholder is a word in 【】.
A table row that holds 【三级指标】 is repeated for each approved indicator.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.related import UnitReturns
from xltool.campaign.returns.collection import original_bytes
from xltool.campaign.units import Unit, UnitFiles, of_before
from xltool.editions.declaration import Edition
from xltool.errors import XltoolError
from xltool.files.atomic import writing
from xltool.model import NOTHING, Filing
from xltool.money import plain
from xltool.reading.reader import read_grid
from xltool.xlsx.workbook_reader import open_grid

if TYPE_CHECKING:
    from docx.document import Document

TEMPLATE = "批复模板.docx"
FOLDER = "批复"
_ENDING = "_批复.docx"
_WORD = re.compile(r"【([^【】]{1,20})】")
_REMARK = re.compile(r"（[^（）【】]*【([^【】]{1,20})】）")  # goes where there is nothing to say
_ROW = "三级指标"


class Letters(NamedTuple):
    """The letters that were written, what could not be and why, and what to say of the rest."""

    written: list[Path]
    problems: list[tuple[str, str]]
    remarks: list[str]


def write_letters(
    campaign: Campaign, folder: Path, codes: Iterable[str] = (), template: Path | None = None
) -> Letters:
    """A letter for each approved unit that owes a filing, of these or of all.

    Without a template the campaign's own is used, which is made where there is none yet.
    """
    wanted = set(codes)
    units = {unit.code: unit for unit in campaign.ledger.units()}
    if unknown := wanted - set(units):
        raise XltoolError(f"名单里没有部门编码：{'、'.join(sorted(unknown))}")
    made_one = not (template or (campaign.folder / TEMPLATE).is_file())
    pattern = template or _own_template(campaign)
    standings, places = campaign.ledger.standings(), UnitFiles(folder)
    written: list[Path] = []
    problems: list[tuple[str, str]] = []
    remarks: dict[str, None] = {}
    if made_one:
        remarks[f"用的是普通的模板，放在 {TEMPLATE}；在 Word 里改好，再运行一次就按它写"] = None
    current: set[Path] = set()
    for code, unit in units.items():
        returns = standings.get(code, UnitReturns())
        stand = returns.outcome.standpoint
        path = places.place(
            unit, _ENDING
        )  # whoever gets a letter: names that meet stay as they are
        if wanted and code not in wanted:
            continue
        if stand.left or not stand.accepted:
            if wanted:
                why = "已经撤销、免报或并入" if stand.left else "还没有核准"
                problems.append((code, f"{why}，没有批复"))
            continue
        try:
            current.add(path)
            remarks |= dict.fromkeys(_write(path, pattern, campaign, unit, returns))
            written.append(path)
        except XltoolError as error:
            problems.append((code, str(error)))
    if not wanted:
        remarks |= dict.fromkeys(_outlived(folder, current))
    return Letters(written, problems, list(remarks))


def _outlived(folder: Path, current: Collection[Path]) -> list[str]:
    """Letters of before that no approval stands behind any more, or of a former name or district."""
    number, few = of_before(folder, [_ENDING], current)
    said = f"文件夹里另有 {number} 份以前的批复，现在没有核准、改了名或划走了，不要再发：{few}"
    return [said] if number else []


def _write(
    path: Path, template: Path, campaign: Campaign, unit: Unit, returns: UnitReturns
) -> list[str]:
    """Write a letter; what to say of its template."""
    row = returns.counting
    assert row is not None
    grid = open_grid(original_bytes(campaign, row["sha256"]))
    filing = read_grid(grid, edition=campaign.edition)
    document = _open(template)
    words = _words(campaign, unit, returns, filing)
    lines = [
        _indicator(indicator, form, campaign.edition)
        for form in filing.forms
        for indicator in form.indicators
    ]
    for paragraph in document.paragraphs:
        alone = _WORD.fullmatch(paragraph.text.strip())
        if alone and words.get(alone[1].strip()) == "":
            paragraph._p.getparent().remove(paragraph._p)  # e.g. no remark was made
    # The rows last, so that nothing a unit wrote is taken for a placeholder.
    rows = [row for table in document.tables if (row := _indicator_row(table)) is not None]
    in_rows = {paragraph for row in rows for paragraph in row._tr.iter(_tag("p"))}
    known = {*words, *(word for line in lines for word in line)} if lines else None
    remarks = []
    for paragraph in _paragraphs(document):
        own = paragraph not in in_rows
        remarks += _unfilled(_text(paragraph), words if own else known)
        _replace(paragraph, words)
    for row in rows:
        _repeat(row, lines)
    _save(document, path)
    return remarks


def _save(document: Document, path: Path) -> None:
    made = io.BytesIO()  # whole before it is written: a zip cut off by a full disk is closed badly
    document.save(made)
    with writing(path, "wb") as file:
        file.write(made.getbuffer())


def _unfilled(text: str, known: Collection[str] | None) -> list[str]:
    """The placeholders in a template's paragraph that stay as they are (None: any may be known)."""
    words = [
        word for word in _WORD.findall(text) if known is not None and word.strip() not in known
    ]
    if set("【】") & set(_WORD.sub("", text)):
        words.append(text.strip()[:20])
    return [f"模板里的“{word}”不是可以替换的词，原样留在批复里" for word in words]


def _open(template: Path) -> Document:
    from docx import Document as opened
    from docx.opc.exceptions import PackageNotFoundError

    try:
        return opened(str(template))
    except (PackageNotFoundError, KeyError, ValueError, OSError) as error:
        raise XltoolError(f"批复模板打不开（要 .docx）：{template}") from error


def _words(campaign: Campaign, unit: Unit, returns: UnitReturns, filing: Filing) -> dict[str, str]:
    """What each placeholder stands for;
    the amounts of the department form go by their printed labels."""
    deed = next(deed for deed in reversed(returns.deeds) if deed.action == Act.ACCEPT)
    words = {
        "单位": unit.name, "部门名称": unit.name, "部门编码": unit.code, "区县": unit.district,
        "年度": str(campaign.year), "批次": campaign.title, "发文单位": campaign.meta.get("issuer", ""),
        "审核意见": str(msgspec.json.decode(deed.detail).get("grade", "")), "意见": deed.reason,
        "核准日期": _in_words(dt.date.fromisoformat(deed.made_at[:10])),
        "今日": _in_words(dt.date.today()),
        "金额单位": campaign.edition.unit,
    }  # fmt: skip
    form = filing.department
    for field in campaign.edition.department.field:
        amount = form.amount(field.id) if form is not None else None
        text = form.text(field.id) if form is not None else ""
        words.setdefault(field.label, text if amount is None else plain(amount))
    return words


def _in_words(day: dt.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _indicator(indicator: Any, form: Any, edition: Edition) -> dict[str, str]:
    """One indicator's placeholders: its levels, and each column by its printed label."""
    spec = edition[form.kind]
    block = spec.block(indicator.block)
    printed = {
        column.label: indicator.cells.get(column.id, NOTHING).said
        for column in spec.indicators.column
    }
    return {
        **printed,
        "一级指标": block.level1,
        "二级指标": block.label,
        _ROW: indicator.name.said,
        "指标值": indicator.target.said,
        "项目": form.text("project").strip() if form.kind == "project" else "部门整体",
    }


def _indicator_row(table: Any) -> Any:
    """The row with placeholders of an indicator, if the table has one."""
    return next(
        (row for row in table.rows if any(_ROW in _WORD.findall(cell.text) for cell in row.cells)),
        None,
    )


def _repeat(row: Any, lines: list[dict[str, str]]) -> None:
    """The row once for each indicator."""
    for line in lines:
        fresh = copy.deepcopy(row._tr)
        row._tr.addprevious(fresh)
        for paragraph in fresh.iter(_tag("p")):
            _replace(paragraph, line)
    row._tr.getparent().remove(row._tr)


def _tag(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(f"w:{name}"))


def _paragraphs(document: Document) -> list[Any]:
    """Every paragraph's element: of the text, tables in tables and text boxes too, and of every
    head and foot."""
    margins = [
        relation.target_part.element
        for relation in document.part.rels.values()
        if not relation.is_external and relation.reltype.endswith(("/header", "/footer"))
    ]
    roots = [document.element.body, *margins]
    return [paragraph for root in roots for paragraph in root.iter(_tag("p"))]


def _texts(paragraph: Any) -> list[Any]:
    """The pieces of a paragraph's own text: not of a text box that is anchored in it."""
    ours = _tag("p")
    return [
        piece
        for piece in paragraph.iter(_tag("t"))
        if next(parent for parent in piece.iterancestors() if parent.tag == ours) is paragraph
    ]


def _text(paragraph: Any) -> str:
    return "".join(piece.text or "" for piece in _texts(paragraph))


def _replace(paragraph: Any, words: Mapping[str, str]) -> None:
    """Put words for placeholders. All else in the paragraph stays: how it looks, its pictures."""
    for match in reversed(list(_REMARK.finditer(_text(paragraph)))):
        if words.get(match[1].strip()) == "":
            _put(paragraph, match.span(), "")
    for match in reversed(list(_WORD.finditer(_text(paragraph)))):
        word = words.get(match[1].strip())
        if word is not None:
            _put(paragraph, match.span(), word)


def _put(paragraph: Any, span: tuple[int, int], word: str) -> None:
    """A word for this part of a paragraph's text. Word cuts text into pieces where it likes: the
    first one takes the word, in its own font, the others lose their share."""
    start, end = span
    at = 0
    for piece in _texts(paragraph):
        text = piece.text or ""
        first, last = max(start - at, 0), min(end - at, len(text))
        if first < last:
            piece.text = text[:first] + (word if start >= at else "") + text[last:]
            piece.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
            _break_lines(piece)
        at += len(text)


def _break_lines(piece: Any) -> None:
    """A line break for each end of a line in a piece of text."""
    first, *others = (piece.text or "").split("\n")
    piece.text = first
    for line in reversed(others):
        rest = copy.deepcopy(piece)
        rest.text = line
        piece.addnext(rest)
        piece.addnext(piece.makeelement(_tag("br")))


def _own_template(campaign: Campaign) -> Path:
    """The campaign's template; a plain one is made where the bureau has not put its own there."""
    path = campaign.folder / TEMPLATE
    if not path.is_file():
        _save(_plain_template(), path)
    return path


def _plain_template() -> Document:
    """A letter on A4 in the layout of official papers (公文)."""
    from docx import Document as opened
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm, Pt

    document = opened()
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.top_margin, page.bottom_margin = Cm(3.7), Cm(3.5)
    page.left_margin, page.right_margin = Cm(2.8), Cm(2.6)
    _in_font(document.styles["Normal"], "仿宋", 16)
    title = document.add_paragraph()
    _in_font(title.add_run("关于批复【单位】【年度】年度绩效目标的通知"), "方正小标宋简体", 22)
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    document.add_paragraph("【单位】：")
    for text in (
        "你单位报来的【年度】年度部门整体支出和项目支出绩效目标已经审核（审核意见：【审核意见】），现予批复。"
        "资金总额【资金总额】【金额单位】。请按批复的绩效目标执行，年中监控和年终评价以此为准。",
        "【意见】",
    ):
        document.add_paragraph(text).paragraph_format.first_line_indent = Pt(32)
    _indicator_table(document, page.page_width - page.left_margin - page.right_margin)
    for text in ("【发文单位】", "【今日】"):
        signature = document.add_paragraph(text)
        signature.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        signature.paragraph_format.space_before = Pt(16)
        signature.paragraph_format.keep_with_next = text == "【发文单位】"
    return document


def _in_font(what: Any, name: str, points: float) -> None:
    """A style or a run in a font, for Chinese text, too."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    what.font.name, what.font.size = name, Pt(points)
    what._element.get_or_add_rPr().rFonts.set(qn("w:eastAsia"), name)


def _indicator_table(document: Document, width: int) -> None:
    """The table of the approved indicators:
    its head, which each page repeats, and the row to be repeated."""
    from docx.enum.table import WD_ALIGN_VERTICAL
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement

    columns = {"项目": 20, "一级指标": 14, "二级指标": 20, "三级指标": 26, "指标值": 20}
    table = document.add_table(rows=2, cols=len(columns), style="Table Grid")
    table.autofit = False
    for column, share in zip(table.columns, columns.values(), strict=True):
        column.width = width * share // 100
    for row, text in zip(table.rows, ("{}", "【{}】"), strict=True):
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        for cell, (head, share) in zip(row.cells, columns.items(), strict=True):
            cell.width, cell.vertical_alignment = width * share // 100, WD_ALIGN_VERTICAL.CENTER
            paragraph = cell.paragraphs[0]
            _in_font(paragraph.add_run(text.format(head)), "黑体" if text == "{}" else "宋体", 10.5)
            paragraph.paragraph_format.space_after = 0
            if text == "{}":
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
