"""The pages for a web service and for a notebook run as they are written."""

import re

import pytest

from tests.support.paths import DOCS

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["web-service.md", "notebook.md"])
def test_every_block_of_the_page_runs_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / page).read_text("utf-8")
    blocks = BLOCK.findall(text)
    assert len(blocks) > 2
    space: dict = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, page, "exec"), space)
    if page == "web-service.md":
        assert space["result"]["findings"] and space["result"]["unit"]
    else:
        assert (tmp_path / "填好.xlsx").exists()
        assert len(space["findings"]) and len(space["balances"])
