"""The pictures of the README show what the program shows today:
`python -m website.pictures` makes them anew."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.paths import ROOT
from website import pictures

pytestmark = pytest.mark.heavy
KNOWN = json.loads(pictures.TEXTS.read_text("utf-8"))
NEEDED = {
    "form.png": ("soffice", "pdftotext"),
    "report.png": ("chromium",),
    "toolbar.png": (),
}


def test_every_picture_is_known_and_shown():
    assert set(KNOWN) == set(pictures.PICTURES) == {p.name for p in pictures.FOLDER.glob("*.png")}
    for readme in ("README.md", "README.en.md"):
        text = (ROOT / readme).read_text("utf-8")
        assert all(f"](docs/pictures/{name})" in text for name in KNOWN)


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_has_its_size_and_its_text(name):
    for program in NEEDED[name]:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    assert pictures.size_of(pictures.FOLDER / name) == KNOWN[name]["size"]
    # In a thread of its own: a browser that other tests hold open bars another one from this
    # thread.
    with ThreadPoolExecutor(1) as pool:
        shown = pool.submit(pictures.text_of, name).result()
    assert shown == KNOWN[name]["text"], "run `python -m website.pictures`"
