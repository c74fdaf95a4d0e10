"""In a real Chromium and a real Firefox, from its file:
what the command line says, byte for byte."""

import base64
import io
import json
import tomllib
import zipfile
from pathlib import Path

import openpyxl
import pytest
from msgspec.structs import replace

from tests.support import clean
from tests.support.case import filing_of
from tests.support.mutations import MUTATIONS
from tests.support.page import InFirefox
from tests.support.paths import TESTS
from tests.support.seed import EXAMPLE, UNIT, seed_filing
from xltool.campaign.sealing import keys
from xltool.cli import main
from xltool.errors import XltoolError
from xltool.files.filenames import TakenNames
from xltool.filling.writer import render
from xltool.model import Entry

pytestmark = pytest.mark.xdist_group("browser")
NO_CHANGE = {"why", "expect", "says", "severity", "also", "settings", "last_year"}
VARIED = 100


def stated():
    """Every filing of a case file, the seed, and a hundred filings with planted faults."""
    for file in sorted((TESTS / "cases").glob("*.toml")):
        for kind, cases in tomllib.loads(file.read_text("utf-8")).items():
            for number, case in enumerate(cases, 1):
                changes = {key: value for key, value in case.items() if key not in NO_CHANGE}
                yield f"{file.stem}-{kind}{number}", filing_of(changes)
    yield UNIT, seed_filing()
    grounds = [clean.clean_filing(name) for name in clean.NAMES]
    for number in range(VARIED):
        mutation = MUTATIONS[number % len(MUTATIONS)]
        yield f"变动{number:03}", mutation.change(grounds[number % len(grounds)])


@pytest.fixture(scope="session")
def workbooks(tmp_path_factory) -> Path:
    folder, names = tmp_path_factory.mktemp("workbooks"), TakenNames()
    for name, filing in stated():
        try:
            data = render(filing)
        except XltoolError:  # a case that no workbook can say
            continue
        (folder / names.give(name, ".xlsx")).write_bytes(data)
    return folder


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def printed(capsys, *arguments: str) -> bytes:
    main(list(arguments))
    return capsys.readouterr().out.encode()


def test_the_same_verdicts_byte_for_byte(at_work, workbooks, monkeypatch, capsys):
    files = sorted(workbooks.glob("*.xlsx"))
    assert len(files) > 2 * VARIED
    at_work.judge(files)
    name, data = at_work.saved("#save-json")
    monkeypatch.chdir(workbooks)
    assert name == "report.json"
    assert data == printed(capsys, "check", "--json", *(file.name for file in files))
    _, data = at_work.saved("#save-csv")
    main(["indicators", "--csv", "指标.csv", *(file.name for file in files)])
    assert data == Path("指标.csv").read_bytes()


def test_copies_with_results_are_the_command_lines(at_work, workbooks, tmp_path, monkeypatch):
    files = [workbooks / f"{UNIT}.xlsx", *sorted(workbooks.glob("变动00*.xlsx"))]
    at_work.judge(files)
    name, data = at_work.saved("#save-marked")
    monkeypatch.chdir(workbooks)
    main(["check", "--mark", str(tmp_path), *(file.name for file in files)])
    assert name == "审核结果.zip"
    inside = parts(data)
    assert set(inside) == {file.name for file in files}
    for file in files:
        assert parts(inside[file.name]) == parts((tmp_path / file.name).read_bytes())


def test_last_year_is_compared(at_work, tmp_path, monkeypatch, capsys):
    (tmp_path / "今年").mkdir()
    (tmp_path / "去年").mkdir()
    for folder, year, total in (("今年", "2024", "3173.17"), ("去年", "2023", "0.3173")):
        for name in ("甲局", "乙局"):
            unit = {"unit": name, "filer": name, "year": year, "total": total}
            made = render(filing_of({"code": "", "department": unit}))
            (tmp_path / folder / f"{name}.xlsx").write_bytes(made)
    (tmp_path / "去年" / "乙局.xlsx").unlink()
    files = sorted((tmp_path / "今年").iterdir())
    at_work.judge(files)
    at_work.choose("#last-files", sorted((tmp_path / "去年").iterdir()))
    at_work.until("document.getElementById('state').textContent.includes('已与上年比较')")
    at_work.idle()
    assert "1 / 2" in at_work.text("#state") and "1 份（2023 年）" in at_work.text("#last")
    _, data = at_work.saved("#save-json")
    monkeypatch.chdir(tmp_path / "今年")
    said = printed(
        capsys, "check", "--json", "--last-year", "../去年", *(file.name for file in files)
    )
    assert data == said and b"T311" in said
    again = tmp_path / "去年" / "甲局（改）.xlsx"
    again.write_bytes((tmp_path / "去年" / "甲局.xlsx").read_bytes())
    at_work.choose("#last-files", [again])
    at_work.until("document.querySelector('#several li')")
    at_work.idle()
    assert "用了 甲局.xlsx，没有用 甲局（改）.xlsx" in at_work.text("#several")
    at_work.clear()
    assert "没有放进" in at_work.text("#last") and at_work.text("#several") == ""
    at_work.run("document.getElementById('compare').open = false")


def test_normal_forms_are_shown_and_written_to_a_copy(at_work, workbooks, tmp_path, monkeypatch):
    file = workbooks / f"{UNIT}.xlsx"
    at_work.judge([file])
    button = (
        "[...document.querySelectorAll('#single button')].find(b => b.textContent.includes('{}'))"
    )
    at_work.run(f"{button.format('指标值规范写法')}.click()")
    at_work.until("document.querySelector('#single .changes')")
    at_work.run(f"{button.format('改成规范写法')}.id = 'write-normal'")
    name, data = at_work.saved("#write-normal")
    assert name == f"{UNIT}_规范写法.xlsx"
    monkeypatch.chdir(workbooks)
    main(["normalise", file.name, "--write", str(tmp_path / "甲.xlsx")])
    assert parts(data) == parts((tmp_path / "甲.xlsx").read_bytes())


def test_a_data_book_is_filled_as_by_the_command_line(at_work, tmp_path):
    at_work.click('[data-room="fill"]')
    at_work.choose("#book", sorted(EXAMPLE.glob("*.csv")))
    at_work.until("document.querySelector('#filled button')")
    at_work.idle()
    at_work.run("document.querySelector('#filled button').id = 'write-filled'")
    name, data = at_work.saved("#write-filled")
    at_work.click('[data-room="judge"]')
    main(["fill", str(EXAMPLE), "-o", str(tmp_path)])
    assert name == f"{UNIT}.xlsx"
    assert parts(data) == parts((tmp_path / name).read_bytes())


def test_an_explanation_is_saved_into_the_workbook(at_work, workbooks, tmp_path):
    import xltool

    at_work.judge([workbooks / f"{UNIT}.xlsx"])
    field = "document.querySelector('#single .say textarea')"
    at_work.run(f"{field}.value = '经局务会研究：=1+1'; {field}.dispatchEvent(new Event('input'))")
    at_work.run("document.querySelector('#single .actions button').id = 'write-marked'")
    name, data = at_work.saved("#write-marked")
    at_work.until(
        "document.querySelector('#single .answer')"
    )  # judged again, and shown as answered
    (tmp_path / name).write_bytes(data)
    filing = xltool.read(tmp_path / name)
    assert list(filing.answers.values()) == ["经局务会研究：=1+1"]
    assert [f.explanation for f in xltool.check(filing) if f.explanation] == ["经局务会研究：=1+1"]


@pytest.mark.parametrize("what", ["workbook", "databook"])
def test_a_blank_to_begin_with(at_work, what, tmp_path):
    from xltool.databook import open_databook
    from xltool.editions.declaration import load_edition

    name, data = at_work.saved(f"#blank-{what}")
    if what == "workbook":
        assert data == load_edition().template.read_bytes()
    else:
        (tmp_path / name).write_bytes(data)
        assert open_databook(tmp_path / name).units == ()


def test_no_request_leaves_and_nothing_is_stored(at_work, workbooks, built):
    at_work.judge([workbooks / f"{UNIT}.xlsx"])
    assert {url for url in at_work.requests if not url.startswith("blob:")} <= {built.as_uri()}
    assert at_work.complaints == []
    assert at_work.run("return localStorage.length + sessionStorage.length") == 0
    seen = """
        const [urls] = arguments, refused = [];
        const note = (event) => refused.push(event.effectiveDirective);
        document.addEventListener("securitypolicyviolation", note);
        return Promise.all(urls.map((url) => fetch(url).then(() => url, () => ""))).then(async (reached) => {
            const image = new Image(); image.src = urls[0];
            const script = document.createElement("script");
            script.text = "document.title = 'ran'";
            document.body.append(script);
            await new Promise((done) => setTimeout(done, 300));
            return [reached, [...new Set(refused)].sort(), document.title];
        });"""
    urls = ["https://example.org/", "http://127.0.0.1:9/", "data:text/plain,x"]
    reached, refused, title = at_work.run(seen, urls)
    assert reached == [""] * len(urls) and title == "绩效目标申报：审核、填报"
    assert {"connect-src", "img-src"} <= set(refused)
    assert not any(
        "example" in asked for asked in at_work.requests if isinstance(at_work, InFirefox)
    )
    at_work.complaints.clear()  # that these were refused
    at_work.requests.clear()


def test_files_are_dropped(at_work, workbooks):
    """Also in a page that was opened from its file, whose entries a browser does not open."""
    names = [f"{UNIT}.xlsx", "变动000.xlsx"]
    data = [base64.b64encode((workbooks / name).read_bytes()).decode() for name in names]
    dropped = """
        const [names, data] = arguments, files = new DataTransfer();
        const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        names.forEach((name, at) => files.items.add(new File([bytes(data[at])], name)));
        const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files });
        document.getElementById("drop").dispatchEvent(event);"""
    at_work.run(dropped, names, data)
    at_work.until("document.getElementById('state').textContent.includes('审核了 2 个')")
    at_work.idle()
    assert "共 2 个文件" in at_work.text("#scope")


def test_a_zip_is_opened_and_what_is_no_workbook_is_said(at_work, workbooks, tmp_path):
    seed = (workbooks / f"{UNIT}.xlsx").read_bytes()
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("乙局/乙.xlsx", seed)
    with zipfile.ZipFile(tmp_path / "收到.zip", "w") as archive:
        archive.writestr("甲局/甲.xlsx", seed)
        archive.writestr("里面.zip", inner.getvalue())
        archive.writestr("../../绕.xlsx", b"PK\x05\x06" + bytes(18))
    (tmp_path / "说明.pdf").write_bytes(b"%PDF")
    (tmp_path / "旧表.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    at_work.judge([tmp_path / name for name in ("收到.zip", "说明.pdf", "旧表.doc")])
    assert "共 3 个文件" in at_work.text("#scope")
    _, data = at_work.saved("#save-json")
    files = [one["file"] for one in json.loads(data)["files"]]
    assert files == [
        "收到.zip/../../绕.xlsx",
        "收到.zip/甲局/甲.xlsx",
        "收到.zip/里面.zip/乙局/乙.xlsx",
    ]
    at_work.run("document.getElementById('trouble').open = true")
    said = at_work.text("#trouble")
    assert "说明.pdf：网页里读不了" in said and "旧表.doc：网页里读不了" in said


def test_the_same_file_again_takes_the_place_of_the_one_before(at_work, tmp_path):
    path = tmp_path / "甲.xlsx"
    for year in (2022, 2023):
        filing = seed_filing()
        said = {**filing.department.entries, "year": Entry(year, str(year))}
        filing = replace(filing, department=replace(filing.department, entries=said))
        path.write_bytes(render(filing))
        at_work.choose("#files", [path])
        at_work.until("document.getElementById('state').textContent.includes('审核了')")
        at_work.idle()
    assert "一个文件" in at_work.text("#scope") and UNIT in at_work.text("#single h2")
    assert "2023 年度" in at_work.text("#single")


def explain(at_work, text: str) -> None:
    field = "document.querySelector('#single .say textarea')"
    at_work.run(f"{field}.value = arguments[0]; {field}.dispatchEvent(new Event('input'))", text)


def typed(at_work) -> list[str]:
    fields = "[...document.querySelectorAll('#single .say textarea')]"
    return at_work.run(f"return {fields}.map(one => one.value).filter(Boolean)")


def given(at_work, paths, says: str = "审核了") -> None:
    """More files, without anything being cleared before."""
    at_work.run("document.getElementById('state').textContent = ''")
    at_work.choose("#files", paths)
    at_work.until(f"document.getElementById('state').textContent.includes('{says}')")
    at_work.idle()


def test_what_was_typed_stays_with_the_corrected_file(at_work, workbooks, tmp_path):
    path = tmp_path / "申报.xlsx"
    data = (workbooks / f"{UNIT}.xlsx").read_bytes()
    path.write_bytes(data)
    given(at_work, [path])
    explain(at_work, "经局务会研究")
    for broken in (False, True, False):  # and through one that can't be read
        path.write_bytes(b"nothing" if broken else data)
        given(at_work, [path])
    assert typed(at_work) == ["经局务会研究"]
    assert "还没有存进副本" in at_work.text("#single .unsaved")
    at_work.run("document.querySelector('#single .actions button').id = 'write-marked'")
    _, marked = at_work.saved("#write-marked")
    path.write_bytes(marked)  # a person goes on with the copy, and says it otherwise there
    at_work.until("!document.querySelector('#single .unsaved')")
    book = openpyxl.load_workbook(path)
    cell = next(c for row in book["审核结果"].iter_rows() for c in row if c.value == "经局务会研究")
    cell.value = "经党组会研究"
    book.save(path)
    given(at_work, [path])
    assert typed(at_work) == ["经党组会研究"]


def test_another_units_file_of_the_same_name_stands_beside(at_work, workbooks, tmp_path):
    other = next(file for file in sorted(workbooks.glob("变动*.xlsx")))
    for folder, data in (("甲", (workbooks / f"{UNIT}.xlsx")), ("乙", other)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "申报.xlsx").write_bytes(data.read_bytes())
    for folder in ("甲", "乙", "乙", "甲"):
        given(at_work, [tmp_path / folder / "申报.xlsx"])
        if folder == "乙":
            assert "共 2 个文件" in at_work.text("#scope")
    _, data = at_work.saved("#save-json")
    files = [one["file"] for one in json.loads(data)["files"]]
    assert files == ["申报.xlsx", "申报（2）.xlsx"]


def test_why_a_copy_is_not_among_the_saved_ones_is_said(at_work, workbooks, tmp_path):
    good = workbooks / f"{UNIT}.xlsx"
    book = openpyxl.load_workbook(good)
    book.create_sheet("审核结果")["A1"] = "我的笔记"
    book.save(tmp_path / "自己的.xlsx")
    at_work.judge([good, tmp_path / "自己的.xlsx"])
    _, data = at_work.saved("#save-marked")
    assert len(zipfile.ZipFile(io.BytesIO(data)).namelist()) == 1
    assert "1 个不在里面：自己的.xlsx（" in at_work.text("#state")
    assert "不是本工具写的：请先给它另取一个名字" in at_work.text("#state")


def test_what_was_wrong_with_a_file_is_not_said_of_its_next_version(at_work, workbooks, tmp_path):
    (tmp_path / "收.zip").write_bytes(b"PK nothing")
    (tmp_path / "公钥.pem").write_bytes(b"nothing")
    given(at_work, [tmp_path / "收.zip", tmp_path / "公钥.pem"], "没有可以审核的工作簿")
    told = "return document.getElementById('trouble').textContent"
    assert "收.zip：压缩包已损坏" in at_work.run(told) and "公钥.pem" in at_work.run(told)
    with zipfile.ZipFile(tmp_path / "收.zip", "w") as archive:
        archive.writestr("甲.xlsx", (workbooks / f"{UNIT}.xlsx").read_bytes())
    given(at_work, [tmp_path / "收.zip"])
    assert "收.zip" not in at_work.run(told) and "公钥.pem" in at_work.run(told)
    keys.make_keys(tmp_path / "新")
    (tmp_path / "公钥.pem").write_bytes((tmp_path / "新" / "public.pem").read_bytes())
    (tmp_path / "说明.pdf").write_bytes(b"%PDF")
    given(at_work, [tmp_path / "公钥.pem", tmp_path / "说明.pdf"], "公钥已放进来")
    assert "公钥.pem" not in at_work.run(told)


def test_files_given_while_others_are_judged_are_judged_too(at_work, workbooks, tmp_path):
    (tmp_path / "后来.xlsx").write_bytes((workbooks / f"{UNIT}.xlsx").read_bytes())
    files = sorted(workbooks.glob("*.xlsx"))
    at_work.choose("#files", files)
    at_work.until("/正在审核 [2-9]/.test(document.getElementById('state').textContent)")
    at_work.choose("#files", [tmp_path / "后来.xlsx"])
    at_work.until("document.getElementById('state').textContent.includes('审核了 1 个')")
    at_work.idle()
    assert f"共 {len(files) + 1} 个文件" in at_work.text("#scope")


def test_a_file_that_breaks_python_down_harms_no_other(at_work, workbooks, tmp_path):
    """JSON nested deeper than the browser's stack is the end of this Python;
    a new one takes its place."""
    at_work.judge([workbooks / f"{UNIT}.xlsx"])
    (tmp_path / "深.json").write_text("[" * 200_000, "utf-8")
    at_work.choose("#book", [tmp_path / "深.json"])
    at_work.until("/重新准备好|没有填出/.test(document.getElementById('state').textContent)")
    at_work.idle()
    assert UNIT in at_work.text("#single h2")
    at_work.choose("#files", [workbooks / "变动000.xlsx"])
    at_work.until("document.getElementById('scope').textContent.includes('共 2 个文件')")
    at_work.idle()
    at_work.complaints.clear()


def test_many_can_be_stopped_and_gone_on_with(at_work, workbooks):
    files = sorted(workbooks.glob("*.xlsx"))
    at_work.choose("#files", files)
    at_work.until("/正在审核 [2-9]/.test(document.getElementById('state').textContent)")
    at_work.click("#stop")
    at_work.until("document.getElementById('state').textContent === '已停止'")
    at_work.idle()
    done = at_work.run("return document.querySelectorAll('tr.unit').length")
    assert 0 < done < len(files)
    at_work.choose("#files", files[-3:])
    at_work.until("document.getElementById('state').textContent.includes('审核了 3 个')")
    at_work.complaints.clear()


def test_what_a_workbook_says_is_shown_as_text(at_work, tmp_path):
    from tests.support.nasty import NASTY

    filing = seed_filing()
    for number, text in enumerate(text for text in NASTY if len(text) < 100 and text.isprintable()):
        unit = replace(filing.department.entries["unit"], value=text, text=text)
        department = replace(filing.department, entries={**filing.department.entries, "unit": unit})
        data = render(replace(filing, department=department))
        (tmp_path / f"{number}<img src=x onerror=alert(1)>.xlsx").write_bytes(data)
    at_work.run("window.alert = () => { document.title = 'ran' }")
    at_work.judge(sorted(tmp_path.glob("*.xlsx")))
    at_work.run("for (const b of document.querySelectorAll('tr.unit .open')) b.click()")
    assert (
        at_work.run(
            "return document.querySelectorAll('#main img, #main script, #main iframe').length"
        )
        == 0
    )
    assert at_work.run("return document.title") != "ran"
    assert "<img src=x onerror=alert(1)>" in at_work.text("#table")
    assert at_work.complaints == []
