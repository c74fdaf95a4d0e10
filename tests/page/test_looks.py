"""The page as people meet it:
for screen readers, keyboards, phones, at night, on paper, in old browsers."""

import json
import subprocess

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.browser import offline
from tests.support.page import InChromium
from tests.support.seed import EXAMPLE, UNIT, seed_filing
from xltool.filling.writer import render

pytestmark = pytest.mark.xdist_group("browser")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture
def seed(tmp_path):
    for name in ("甲", "乙"):
        (tmp_path / f"{name}.xlsx").write_bytes(render(seed_filing()))
    return [tmp_path / "甲.xlsx", tmp_path / "乙.xlsx"]


@pytest.fixture(params=[("light", {}), ("dark", PHONE)], ids=["desk", "phone at night"])
def page(request, _chromium, built):
    scheme, device = request.param
    one = InChromium(_chromium, built, color_scheme=scheme, **device)
    one.ready()
    yield one
    one.close()


def sound(page: InChromium) -> None:
    """No serious fault for axe, nothing to be scrolled sideways."""
    found = [
        (fault["id"], [node["html"][:120] for node in fault["nodes"][:3]])
        for fault in Axe().run(page.page).response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert found == []
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")


def test_every_state_is_fit_for_everybody(page, seed):
    sound(page)
    page.judge(seed[:1])
    buttons = "[...document.querySelectorAll('#single button')]"
    page.run(f"{buttons}.find(b => b.textContent.includes('规范写法')).click()")
    page.until("document.querySelector('#single .changes')")
    sound(page)
    page.choose("#files", [*seed, EXAMPLE / "部门.csv"])
    page.until("document.getElementById('scope').textContent.includes('共 2 个文件')")
    page.idle()
    page.run(
        "document.querySelector('tr.unit .open').click(); document.getElementById('trouble').open = true"
    )
    sound(page)
    page.run("document.getElementById('compare').open = true")
    page.choose("#last-files", seed[:1])
    page.until("document.getElementById('state').textContent.includes('已与上年比较')")
    page.idle()
    sound(page)
    page.click('[data-room="fill"]')
    page.choose("#book", sorted(EXAMPLE.glob("*.csv")))
    page.until("document.querySelector('#filled button')")
    sound(page)
    for room in ("blank", "about"):
        page.click(f'[data-room="{room}"]')
        sound(page)
    assert page.complaints == []


def _chooser_by_enter(page: InChromium, choosers: list):
    """The files' chooser; on a busy machine the moment in which a key may open one can pass."""
    for _ in range(5):
        page.page.keyboard.press("Enter")
        for _ in range(100):
            page.page.wait_for_timeout(100)
            if choosers:
                return choosers[0]
    pytest.fail("Enter opens no chooser")


def test_the_keyboard_is_enough(_chromium, built, seed):
    one = InChromium(_chromium, built)
    choosers: list = []
    # Listened for from the start: the browser then shows no window of its own.
    one.page.on("filechooser", lambda chooser: choosers.append(chooser))
    one.ready()
    for _ in range(12):
        one.page.keyboard.press("Tab")
        if one.run("return document.activeElement.id") == "pick":
            break
    else:
        pytest.fail("no way to the button by the keyboard")
    _chooser_by_enter(one, choosers).set_files(seed)
    one.until("document.getElementById('state').textContent.includes('审核了')")
    one.page.keyboard.press("/")
    assert one.run("return document.activeElement.id") == "search"
    one.run("document.querySelector('.open').focus()")
    one.page.keyboard.press("Enter")
    one.run("document.querySelector('.say textarea').focus()")
    one.page.keyboard.type("/ 已说明")  # a stroke is a letter here, and nothing else
    assert one.run("return document.querySelector('.say textarea').value") == "/ 已说明"
    one.close()


def test_a_folder_is_dropped_with_all_that_lies_in_it(_chromium, built, seed, tmp_path):
    """A browser tells a folder's entries a hundred at a time."""
    folder = tmp_path / "收到" / "里面"
    folder.mkdir(parents=True)
    data = seed[0].read_bytes()
    for number in range(105):
        (folder / f"{number:03}.xlsx").write_bytes(data if number in (0, 104) else b"PK")
    (folder.parent / "说明.pdf").write_bytes(b"%PDF")
    one = InChromium(_chromium, built)
    one.ready()
    one.drop("#drop", [folder.parent, seed[0]])
    one.until("document.getElementById('state').textContent.includes('审核了 106 个')")
    one.idle()
    _, results = one.saved("#save-json")
    names = [file["file"] for file in json.loads(results)["files"]]
    assert names == ["甲.xlsx", *(f"收到/里面/{number:03}.xlsx" for number in range(105))]
    one.run("document.getElementById('trouble').open = true")
    assert "收到/说明.pdf：网页里读不了" in one.text("#trouble")
    one.close()


def test_a_file_let_go_beside_the_target_replaces_no_page(_chromium, built, seed):
    one = InChromium(_chromium, built)
    one.ready()
    one.drop("header h1", seed)
    assert one.run("return location.href") == built.as_uri()
    assert "还没有文件" in one.text("#scope")
    one.close()


def test_on_paper_stands_the_result_and_no_button(_chromium, built, seed, tmp_path):
    one = InChromium(_chromium, built)
    one.ready()
    one.judge(seed[:1])
    one.page.pdf(path=tmp_path / "print.pdf", prefer_css_page_size=True)
    done = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "print.pdf", "-"], capture_output=True, check=True
    )
    text = done.stdout.decode()
    assert UNIT in text and "收支平衡" in text
    assert "选择文件" not in text and "存一份" not in text and "空白表" not in text
    one.close()


@pytest.mark.parametrize("missing", ["DecompressionStream", "WebAssembly", "Worker"])
def test_an_old_browser_gets_one_sentence(_chromium, built, missing):
    context = offline(_chromium)
    context.add_init_script(f"delete window.{missing}")
    page = context.new_page()
    page.goto(built.as_uri())
    page.locator("#old").wait_for(state="visible")
    assert "97" in page.locator("#old").inner_text() and page.locator("#state").inner_text() == ""
    context.close()
