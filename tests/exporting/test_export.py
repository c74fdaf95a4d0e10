"""`xltool export`: data that other programs can take, PDFs that show what was filed, a public set
without what is internal; and nothing foreign is ever opened."""

import csv
import json
import os
import re
import shutil
import socket
import time
import zipfile
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from msgspec.structs import replace

import xltool
import xltool.exporting
from tests.support.seed import UNIT, seed_filing
from tests.support.strategies import filings
from xltool.cli import main
from xltool.cli.export import CSV, JSON, NOTHING, export
from xltool.editions.conversion import convert
from xltool.editions.declaration import SHIPPED, default_edition_id, load_edition
from xltool.errors import XltoolError
from xltool.exporting import office as office_module
from xltool.exporting.data import COLUMNS, record, rows
from xltool.exporting.pristine import Press
from xltool.files import libreoffice
from xltool.model import Entry

SCHEMA = json.loads(
    (Path(xltool.exporting.__file__).parent / "export.schema.json").read_text("utf-8")
)
EDITION = load_edition()


def run(*arguments):
    result = CliRunner().invoke(export, [str(a) for a in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def table(path):
    return list(csv.DictReader(path.read_text("utf-8-sig").splitlines(keepends=True)))


def named(filing, unit):
    department = filing.department
    said = {"unit": Entry(unit, unit), "filer": Entry(unit, unit)}
    projects = tuple(replace(p, entries={**p.entries, **said}) for p in filing.projects)
    form = replace(department, entries={**department.entries, **said})
    return replace(filing, department=form, projects=projects)


def patched(path, change):
    """The workbook with the XML of its sheets and texts changed."""
    with zipfile.ZipFile(path) as package:
        parts = {item: package.read(item) for item in package.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for item, data in parts.items():
            if item.filename.startswith(("xl/worksheets/sheet", "xl/sharedStrings")):
                data = change(data.decode()).encode()
            package.writestr(item.filename, data)
    return path


@pytest.fixture
def seed(tmp_path):
    return xltool.fill(
        replace(seed_filing(), code="00430981"), tmp_path / "收到 的" / "科工局.xlsx"
    )


# ── data ──


def test_json_keeps_to_its_schema_and_amounts_are_exact(seed, tmp_path):
    result = run(seed, "-o", tmp_path / "出", "--json")
    assert result.return_value == 0
    whole = json.loads((tmp_path / "出" / JSON).read_text("utf-8"))
    jsonschema.validate(whole, SCHEMA)
    [filing] = whole["filings"]
    assert (filing["unit"], filing["code"], filing["money_unit"]) == (UNIT, "00430981", "万元")
    department = filing["forms"][0]
    assert department["fields"]["basic"] == {
        "label": "基本支出", "text": "711.94", "amount": "711.94", "unit": "万元", "cell": "F6",
    }  # fmt: skip
    first = department["indicators"][0]
    assert [(v["name"], v["operator"], v["number"], v["unit"]) for v in first["values"]] == [
        ("完成高企申报和复审", "≥", "15", "家"),
        ("完成科技型中小企业申报入库", "≥", "120", "家"),
    ]
    assert first["target"] == "15家以上\n120家以上"


def test_csv_splits_values_and_names_the_unit_of_money(seed, tmp_path):
    run(seed.parent, "-o", tmp_path / "出", "--csv")
    found = table(tmp_path / "出" / CSV)
    assert list(found[0]) == list(COLUMNS)
    [basic] = [row for row in found if row["名称"] == "基本支出"]
    assert (basic["计算符号"], basic["数值"], basic["计量单位"]) == ("=", "711.94", "万元")
    assert (basic["部门编码"], basic["工作表"], basic["单元格"]) == (
        "00430981", "部门整体支出绩效目标表", "F6",
    )  # fmt: skip
    [deadline, *_] = [row for row in found if row["名称"] == "工作完成时限"]
    assert (deadline["计算符号"], deadline["数值"]) == ("定性", "12月31日前")
    standards = {row["绩效标准"] for row in found if row["项目"] and row["类别"] == "指标"}
    assert "≥15家" in standards


@settings(max_examples=25)
@given(filings())
def test_any_filing_becomes_data_with_every_answer_once(filing):
    edition = load_edition(filing.edition)
    jsonschema.validate(json.loads(json.dumps({"filings": [record(filing, edition)]})), SCHEMA)
    made = list(rows(filing, edition))
    assert all(set(row) <= set(COLUMNS) for row in made)
    for form in filing.forms:
        spec = edition[form.kind]
        wanted = [f.label for f in spec.field if not f.same_as and not form[f.id].blank]
        labels = [r["名称"] for r in made if r["类别"] == "栏目" and r["表"] == spec.title]
        assert set(wanted) <= set(labels)
    written = sum(
        not e.blank
        for form in filing.forms
        for k, e in form.entries.items()
        if not EDITION[form.kind][k].same_as
    )
    assert sum(row["类别"] == "栏目" for row in made) == written


def test_two_projects_of_one_name_are_not_counted_twice():
    seed = seed_filing()
    twice = replace(seed, projects=seed.projects * 2)

    def count(f):
        return sum(row["类别"] == "指标" for row in rows(f, EDITION) if row["项目"])

    assert count(twice) == 2 * count(seed) > 0


def test_no_cell_of_the_csv_is_a_formula(tmp_path):
    seed = seed_filing()
    evil = '=HYPERLINK("http://example.org")'
    form = replace(
        seed.department, entries={**seed.department.entries, "duties": Entry(evil, evil)}
    )
    odd = {"name": Entry("@SUM(A1)", "@SUM(A1)"), "target": Entry("+1+1", "+1+1")}
    rows_ = tuple(replace(one, cells={**one.cells, **odd}) for one in form.indicators)
    path = xltool.fill(
        replace(seed, department=replace(form, indicators=rows_)), tmp_path / "in" / "a.xlsx"
    )
    run(path, "-o", tmp_path / "out", "--csv")
    cells = [cell for row in table(tmp_path / "out" / CSV) for cell in row.values()]
    assert f"'{evil}" in cells and "'@SUM(A1)" in cells
    assert [
        c for c in cells if re.match(r"\s*[=+@-]", c) and not re.fullmatch(r"=|-?[\d.]+", c)
    ] == []


def test_the_other_edition_gives_its_own_unit_of_money_and_its_weights(tmp_path):
    national = load_edition(
        next(
            f.parent
            for f in SHIPPED.glob("*/edition.toml")
            if f.parent.name != default_edition_id()
        )
    )
    filing = convert(seed_filing(), national).filing
    first, *rest = filing.department.indicators
    weighed = replace(first, cells={**first.cells, "weight": Entry("12.5", "12.5")})
    filing = replace(filing, department=replace(filing.department, indicators=(weighed, *rest)))
    path = xltool.fill(filing, tmp_path / "in" / "a.xlsx")
    run(path, "-o", tmp_path / "out", "--csv", "--json")
    made = table(tmp_path / "out" / CSV)
    [basic] = [row for row in made if row["名称"] == "基本支出"]
    assert (basic["数值"], basic["计量单位"]) == ("7119400", "元")
    assert {row["权重"] for row in made if row["类别"] == "指标"} == {"", "12.5"}
    assert ("≥", "15", "家") in {(row["计算符号"], row["数值"], row["计量单位"]) for row in made}
    whole = json.loads((tmp_path / "out" / JSON).read_text("utf-8"))
    jsonschema.validate(whole, SCHEMA)
    assert whole["filings"][0]["money_unit"] == "元"


# ── what is said and refused ──


def test_without_libreoffice_one_line_says_so(seed, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(office_module.shutil, "which", lambda name: None)
    monkeypatch.setattr(libreoffice, "_PLACES", ())
    code = main(["export", str(seed), "-o", str(tmp_path / "出"), "--format", "pdf"])
    assert code == 2
    said = capsys.readouterr().err
    assert "没有找到 LibreOffice" in said and said.count("\n") == 1
    assert not (tmp_path / "出").exists()


@pytest.mark.parametrize("extra", [[], ["--public", "--csv"]])
def test_what_to_export_must_be_said(seed, tmp_path, extra, capsys):
    assert main(["export", str(seed), "-o", str(tmp_path / "出"), *extra]) == 2
    assert "--public" in capsys.readouterr().err


def test_an_output_inside_the_input_is_refused(seed):
    with pytest.raises(XltoolError, match="输入文件夹"):
        run(seed.parent, "-o", seed.parent / "出", "--json")


def test_unreadable_files_are_named_and_the_rest_exported(seed, tmp_path):
    (seed.parent / "坏.xlsx").write_bytes(b"PK nonsense")
    (seed.parent / "~$科工局.xlsx").write_bytes(b"lock")
    result = run(seed.parent, "-o", tmp_path / "出", "--csv")
    assert result.return_value == 1
    assert "坏.xlsx" in result.stderr and "1 个文件没有导出" in result.stderr
    assert {row["文件"] for row in table(tmp_path / "出" / CSV)} == {str(seed)}


def test_nothing_to_export_writes_nothing(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "坏.xlsx").write_bytes(b"")
    with pytest.raises(XltoolError, match=NOTHING):
        run(tmp_path / "in", "-o", tmp_path / "出", "--json", "--csv")
    assert not (tmp_path / "出").exists() or not list((tmp_path / "出").iterdir())


# ── LibreOffice, played by a script ──


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """A soffice that notes each start;
    `body` runs for it with the files in $@ and the folder in $out."""

    def make(body):
        log = tmp_path / "starts.txt"
        script = tmp_path / "soffice"
        script.write_text(
            f'#!/bin/sh\necho start >> "{log}"\n'
            'while [ "$1" != --outdir ]; do shift; done\nout=$2; shift 2\n' + body
        )
        script.chmod(0o755)
        monkeypatch.setattr(office_module, "find_office", lambda: str(script))
        monkeypatch.setattr(office_module, "lacks_chinese", lambda: False)
        return log

    return make


_MAKE = 'b=$(basename "$f" .xlsx); echo "%PDF %%EOF" > "$out/$b.pdf"\n'


def test_many_files_are_one_process_and_keep_their_folders(seed, tmp_path, pretend):
    log = pretend(f'for f in "$@"; do {_MAKE}done\n')
    (seed.parent / "东区").mkdir()
    shutil.copy(seed, seed.parent / "东区" / "科工局.xlsx")
    shutil.copy(seed, seed.parent / "科工局.xlsm")
    result = run(seed.parent, "-o", tmp_path / "出", "--pdf")
    assert result.return_value == 0
    assert log.read_text() == "start\n"
    made = {
        p.relative_to(tmp_path / "出").as_posix()
        for p in (tmp_path / "出").rglob("*")
        if p.is_file()
    }
    assert made == {"科工局.pdf", "科工局(2).pdf", "东区/科工局.pdf"}


def test_a_crash_in_the_middle_is_tried_again(tmp_path, pretend):
    log = pretend(f"f=$1\n{_MAKE}exit 134\n")
    files = [tmp_path / f"{n}.xlsx" for n in range(3)]
    made = office_module.print_pdf(files, tmp_path / "pdf")
    assert log.read_text() == "start\n" * 2
    assert set(made) == set(files[:2])  # the third is said to be missing, not hidden


def test_half_a_pdf_is_none(tmp_path, pretend):
    pretend('echo "%PDF-1.6 and then the disk was full" > "$out/a.pdf"\n')
    with pytest.raises(XltoolError, match="没能转出 PDF"):
        office_module.print_pdf([tmp_path / "a.xlsx"], tmp_path / "pdf")


def test_a_hanging_office_is_ended_with_its_children(tmp_path, pretend):
    child = tmp_path / "child"
    pretend(f'sleep 300 &\necho $! > "{child}"\nwait\n')
    with pytest.raises(XltoolError, match="秒内没有转完"):
        office_module.print_pdf([tmp_path / "a.xlsx"], tmp_path / "pdf", timeout=0.5)
    pid = int(child.read_text())
    for _ in range(100):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        os.kill(pid, 9)
        pytest.fail("the child went on")


def test_a_failing_office_publishes_nothing(seed, tmp_path, pretend):
    pretend("echo boom; exit 1\n")
    with pytest.raises(XltoolError, match="boom"):
        run(seed, "-o", tmp_path / "公开", "--public")
    assert not (tmp_path / "公开").exists()
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".xltool")) == []


# ── received files ──


def test_only_values_reach_libreoffice(seed, tmp_path):
    """A formula that calls out, in a received file: its last value goes along, it does not."""
    call = '<f>WEBSERVICE("http://127.0.0.1:1/")</f><v>711.94</v>'
    received = patched(seed, lambda xml: xml.replace("<v>711.94</v>", call, 1))
    filing = xltool.read(received)
    assert any(fault.kind == "content" for fault in filing.faults)
    press = Press(tmp_path)
    press.add(filing, EDITION, tmp_path / "a.pdf")
    with zipfile.ZipFile(tmp_path / "000001.xlsx") as package:
        sheets = [
            package.read(n).decode() for n in package.namelist() if n.startswith("xl/worksheets/")
        ]
    assert "711.94" in sheets[0]
    assert not [xml for xml in sheets if "WEBSERVICE" in xml or re.search(r"<f[ >]", xml)]


@pytest.mark.xdist_group("office")
def test_the_pdf_shows_what_was_filed_and_calls_nobody(seed, tmp_path, office):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        call = f'<f>WEBSERVICE("http://127.0.0.1:{server.getsockname()[1]}/")</f><v>711.94</v>'
        patched(seed, lambda xml: xml.replace("<v>711.94</v>", call, 1))
        result = run(seed, "-o", tmp_path / "出", "--pdf")
        with pytest.raises(BlockingIOError):
            server.accept()
    assert result.return_value == 0
    assert "公式" in result.stderr and "F6" in result.stderr
    pdf = tmp_path / "出" / "科工局.pdf"
    text = re.sub(r"\s", "", office.text(pdf))
    for said in (
        "2023年部门整体支出绩效目标表",
        UNIT,
        "711.94",
        "523.67",
        "2023年项目支出绩效目标表",
        "≥15家",
    ):
        assert said in text


def test_a_changed_form_is_not_printed_as_if_it_were_the_official_one(seed, tmp_path, pretend):
    log = pretend(f'for f in "$@"; do {_MAKE}done\n')
    sound = tmp_path / "in" / "好.xlsx"
    xltool.fill(named(seed_filing(), "沅江市水利局"), sound)
    bad = xltool.fill(seed_filing(), tmp_path / "in" / "改.xlsx")
    patched(bad, lambda xml: xml.replace("其他资金", "捐赠资金"))
    result = run(tmp_path / "in", "-o", tmp_path / "出", "--pdf")
    assert result.return_value == 1
    assert "改.xlsx" in result.stderr and "捐赠资金" in result.stderr
    assert [p.name for p in (tmp_path / "出").iterdir()] == ["好.pdf"]
    assert log.exists()


def test_a_scan_beside_the_workbook_is_not_overwritten(seed, pretend):
    pretend(f'for f in "$@"; do {_MAKE}done\n')
    scan = seed.with_suffix(".pdf")
    scan.write_bytes(b"scan with the stamp")
    result = run(seed, "-o", seed.parent, "--pdf")
    assert result.return_value == 1
    assert scan.read_bytes() == b"scan with the stamp"


# ── the public set ──


@pytest.fixture
def confidential(tmp_path):
    """An edition made from a copy by data alone:
    the duties and the standard column are internal."""
    folder = tmp_path / "editions" / "nei-2024"
    shutil.copytree(SHIPPED / "hunan-2023", folder)
    toml = (
        (folder / "edition.toml").read_text("utf-8").replace('id = "hunan-2023"', 'id = "nei-2024"')
    )
    toml = toml.replace('id = "duties"\n', 'id = "duties"\ninternal = true\n')
    toml = toml.replace('id = "standard"\n', 'id = "standard"\ninternal = true\n')
    (folder / "edition.toml").write_text(toml, "utf-8")
    return folder


@pytest.mark.xdist_group("office")
def test_the_public_set_has_every_form_and_nothing_internal(tmp_path, office, confidential):
    edition = load_edition(confidential)
    secret = "只供内部看的职责"
    for unit in (UNIT, "沅江市水利局"):
        filing = named(replace(seed_filing(), edition=edition.id, code="00430981"), unit)
        form = filing.department
        form = replace(form, entries={**form.entries, "duties": Entry(secret, secret)})
        project = filing.projects[0]
        project = replace(
            project,
            indicators=tuple(
                replace(one, cells={**one.cells, "standard": Entry("内部标准", "内部标准")})
                for one in project.indicators
            ),
        )
        xltool.fill(
            replace(filing, department=form, projects=(project,)),
            tmp_path / "in" / f"{unit}.xlsx",
            edition=edition,
        )
    out = tmp_path / "公开"
    result = run(tmp_path / "in", "-o", out, "--public", "--edition", confidential)
    assert result.return_value == 0
    made = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert made == {
        "全部单位.csv",
        "说明.txt",
        *(f"{unit}/{unit}.{kind}" for unit in (UNIT, "沅江市水利局") for kind in ("pdf", "csv")),
    }
    for path in out.rglob("*"):
        if path.is_dir():
            continue
        text = office.text(path) if path.suffix == ".pdf" else path.read_text("utf-8-sig")
        text = re.sub(r"\s", "", text)
        assert not [w for w in (secret, "内部标准", "00430981", "xlsx") if w in text], path
        if path.suffix != ".txt":
            assert "711.94" in text and "15家以上" in text
    assert "部门职能职责概述" in (out / "说明.txt").read_text("utf-8")
    whole = table(out / "全部单位.csv")
    parts = [row for name in (UNIT, "沅江市水利局") for row in table(out / name / f"{name}.csv")]
    assert sorted(map(str, whole)) == sorted(map(str, parts))
    assert [*whole[0], "文件", "工作表", "单元格"] == list(COLUMNS) and {
        row["部门编码"] for row in whole
    } == {""}


def test_a_public_set_never_mixes_with_older_files(seed, tmp_path, pretend):
    pretend(f'for f in "$@"; do {_MAKE}done\n')
    out = tmp_path / "公开"
    assert run(seed, "-o", out, "--public").return_value == 0
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with pytest.raises(XltoolError, match="新的文件夹"):
        run(seed, "-o", out, "--public")
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_a_unit_is_published_once_and_open_errors_are_said(seed, tmp_path, pretend):
    pretend(f'for f in "$@"; do {_MAKE}done\n')
    shutil.copy(seed, seed.parent / "科工局（新）.xlsx")
    result = run(seed.parent, "-o", tmp_path / "公开", "--public")
    assert result.return_value == 1
    assert "只能公开一份" in result.stderr
    assert "处错误没有改正" in result.stderr
    assert len(list((tmp_path / "公开").glob("*/*.pdf"))) == 1


def test_units_of_one_name_and_two_codes_are_both_published(seed, tmp_path, pretend):
    pretend(f'for f in "$@"; do {_MAKE}done\n')
    xltool.fill(replace(seed_filing(), code="00430999"), seed.parent / "另一个.xlsx")
    assert run(seed.parent, "-o", tmp_path / "公开", "--public").return_value == 0
    folders = sorted(p.parent.name for p in (tmp_path / "公开").glob("*/*.pdf"))
    assert folders == [UNIT, f"{UNIT}(2)"]


def test_a_blank_amount_is_no_zero_in_the_data():
    seed = seed_filing()
    labels = {row["名称"]: row for row in rows(seed, EDITION)}
    assert "政府性基金拨款" not in labels
    zero = replace(
        seed.department, entries={**seed.department.entries, "fund": Entry(Decimal(0), "0")}
    )
    labels = {row["名称"]: row for row in rows(replace(seed, department=zero), EDITION)}
    assert labels["政府性基金拨款"]["数值"] == "0"


@pytest.mark.xdist_group("office")
def test_the_contact_of_the_other_edition_is_printed_for_the_bureau_and_not_published(
    tmp_path, office
):
    [folder] = [
        f.parent for f in SHIPPED.glob("*/edition.toml") if f.parent.name != default_edition_id()
    ]
    filing = convert(seed_filing(), load_edition(folder)).filing
    contact = {"contact": Entry("某甲", "某甲"), "phone": Entry("07370000000", "07370000000")}
    department = replace(filing.department, entries={**filing.department.entries, **contact})
    path = xltool.fill(replace(filing, department=department), tmp_path / "in" / "a.xlsx")
    assert run(path, "-o", tmp_path / "out", "--pdf", "--csv").return_value == 0
    assert run(path, "-o", tmp_path / "公开", "--public").return_value == 0
    inside = [
        office.text(tmp_path / "out" / "a.pdf"),
        (tmp_path / "out" / CSV).read_text("utf-8-sig"),
    ]
    assert all("某甲" in text and "07370000000" in text for text in inside)
    [pdf], tables = (tmp_path / "公开").glob("*/*.pdf"), (tmp_path / "公开").rglob("*.csv")
    for text in (office.text(pdf), *(file.read_text("utf-8-sig") for file in tables)):
        assert "某甲" not in text and "0737" not in text and UNIT in re.sub(r"\s", "", text)
    assert "联系人、联系电话" in (tmp_path / "公开" / "说明.txt").read_text("utf-8")
