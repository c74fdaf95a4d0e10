"""What the site has beyond docs/:
the pages of the repository's root, and those derived from the code."""

from __future__ import annotations

import enum
import inspect
import re
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

# Pages of the root by the names they have in the site.
_ROOT_PAGES = {
    "README.md": "index.md",
    "README.en.md": "english.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
# Title → pages, in the order of the tabs. A page of docs/ that is named nowhere goes to the last
# tab.
_TABS: dict[str, list[str]] = {
    "开始": ["index.md", "manual.md", "faq.md", "limits.md"],
    "快速卡片": ["cards/accountant.md", "cards/bureau.md", "cards/server.md", "cards/developer.md"],
    "使用": [
        "databook.md", "indicator-values.md", "import.md", "export.md", "reports.md", "excel.md", "page.md",
        "campaign.md", "batch.md", "settings.md", "indicator-library.md", "editions.md", "template.md",
        "options.md",
    ],
    "规则": ["rules.md", "rules-accuracy.md"],
    "开发": [
        "api.md", "notebook.md", "web-service.md", "glossary.md", "design.md", "performance.md", "contributing.md",
        "security.md", "changelog.md", "english.md",
    ],
}  # fmt: skip
_REST = "更多"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the derived pages, then say in which order all stand."""
    for source, name in _ROOT_PAGES.items():
        if (ROOT / source).is_file():
            text = (ROOT / source).read_text("utf-8").replace("](docs/", "](")
            files.append(File.generated(config, name, content=text))
    for name, text in derived():
        files.append(File.generated(config, name, content=text))
    there = {file.src_uri for file in files.documentation_pages()}
    rules = sorted(name for name in there if name.startswith("rules/"))
    nav: list[dict[str, Any]] = []
    listed: set[str] = set()
    for title, pages in _TABS.items():
        found = [page for page in pages if page in there] + (rules if title == "规则" else [])
        listed.update(found)
        nav.append({title: found})
    if rest := sorted(there - listed):
        nav.append({_REST: rest})
    config.nav = nav
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links that lead out of docs/ lead to the page of the site."""
    up = "../" * page.file.src_uri.count("/")
    for source, name in _ROOT_PAGES.items():
        markdown = re.sub(
            rf"\]\((?:\.\./)*{re.escape(source)}(#[^)]*)?\)", rf"]({up}{name}\1)", markdown
        )
    # A file that is no page (the licence, a folder of the code) has no place here: its name stays.
    markdown = re.sub(rf"\[([^\]]*)\]\({up}\.\./[^)]*\)", r"\1", markdown)
    # A list may follow its heading line at once, as everywhere but in Python-Markdown.
    return re.sub(r"(?m)^(\*\*.*\*\*)\n(?=[-*] )", r"\1\n\n", markdown)


# What the theme would fetch from elsewhere so that the search works in a folder; ours lies beside.
_SHIM = re.compile(r'<script src="https://[^"]*iframe-worker[^"]*"></script>')
_CODE = re.compile(r"(<pre.*?</pre>|<code>.*?</code>)", re.DOTALL)
_OPTION = re.compile(r"(?<![\w-])(--?[a-z][a-z-]*)")
# A command and what is said of it in the same line: below it where there is no room.
_REMARK = re.compile(
    r"(?m)(^.*?\b(?:xltool|python|pip|nox) .*?\S)( {2,}| +(?=# ))(\S.*?)(?=</code>|$)"
)
# A line of the source that ends between two Chinese characters leaves no space there.
_CHINESE = r"[\u2014-\u201f\u2026\u3000-\u9fff\uff00-\uffef]"
_FOLDED = re.compile(rf"(?<={_CHINESE})\n *(?={_CHINESE})|(?<=[。，、；：）”])\n *(?=[A-Za-z0-9])")
# What fits beside the two side bars of a desk's screen.
_LINE = 80
# A table of so many columns is moved sideways on a phone; one of fewer fits on it.
_MANY_COLUMNS = 4
_LONG_NAME = re.compile(r"(?<=<td><code>)[\w.]{20,}(?=</code></td>)")
_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)
_HEAD = re.compile(r'<th(?: style="([^"]*)")?>')


def on_page_content(html: str, **_: Any) -> str:
    """Chinese lines are joined without a space; an option stays in one line; a column of a table
    is never so narrow that its words fall apart."""
    parts = _CODE.split(html)
    parts[::2] = [_joined(part) for part in parts[::2]]
    parts[1::2] = [
        _OPTION.sub(r'<span class="option">\1</span>', part)
        if part.startswith("<code>")
        else _remarked(part)
        for part in parts[1::2]
    ]
    # No browser parts a line before a full stop: `.doc`、`.wps`、… would be one long word.
    whole = "".join(parts).replace("、<code>", "、<wbr><code>")
    # In a table a long name of the code may be parted where it is put together.
    whole = _LONG_NAME.sub(lambda name: re.sub(r"[._]", r"\g<0><wbr>", name[0]), whole)
    return _TABLE.sub(lambda found: _roomy(found[0]), whole)


def _joined(part: str) -> str:
    """A text between two stretches of code."""
    part = re.sub(rf"^\n *(?={_CHINESE})|(?<={_CHINESE})\n *$", "", part)
    return _FOLDED.sub("", part)


def _remarked(block: str) -> str:
    """A block of commands whose remarks can stand below, and do so where a line is too long."""
    marked = _REMARK.sub(r'\1<span class="gap">\2</span><span class="remark">\3</span>', block)
    if max(map(_width, block.split("\n"))) <= _LINE:
        return marked
    return marked.replace("<pre>", '<pre class="below">', 1)


def _width(html: str) -> int:
    """In columns of a terminal; a Chinese character is two."""
    from xltool.files.display import width

    return width(unescape(re.sub("<[^>]*>", "", html)))


def _roomy(table: str) -> str:
    """The table with a least width for each column: its longest text, or enough to read it by."""
    rows = [_CELL.findall(row) for row in _ROW.findall(table)]
    wide = len(rows[0]) >= _MANY_COLUMNS
    widths = iter([_least_width(column, wide=wide) for column in zip(*rows, strict=True)])
    return _HEAD.sub(lambda head: f'<th style="{head[1] or ""}min-width: {next(widths)}em">', table)


def _least_width(cells: tuple[str, ...], *, wide: bool) -> int:
    """In em, margins included; a head counts only up to five."""
    head, *body = (_width(cell) // 2 + 3 for cell in cells)
    longest = max([min(head, 5), *body])
    return min(longest, 15 if wide and longest > 30 else 8)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Nothing is fetched from elsewhere."""
    up = "../" * page.file.src_uri.count("/")
    return _SHIM.sub(f'<script src="{up}assets/worker.js"></script>', output)


def on_post_template(output: str, **_: Any) -> str:
    """The page for what isn't there."""
    return _SHIM.sub("", output)


def derived() -> Iterator[tuple[str, str]]:
    """The pages made from the code: options, the library's face, a page for each rule."""
    from xltool.checks.engine import rules
    from xltool.cli.help import options_page
    from xltool.reports import rulebook

    yield "options.md", options_page()
    yield "api.md", api_page()
    yield "limits.md", limits_page()
    for code, rule in rules().items():
        title, _, text = rulebook.page(rule).partition("\n")
        yield f"rules/{code}.md", f"# {title}\n\n{_paragraphs(text)}\n\n[全部规则](../rules.md)\n"


def limits_page() -> str:
    """Sizes, counts and versions, taken from the code that holds them."""
    import tomllib

    from xltool.batch import run as batch
    from xltool.campaign.returns import incoming
    from xltool.databook import sources
    from xltool.files import filenames, pool
    from xltool.filling import fill_sheet
    from xltool.importing import pdf
    from xltool.reports import html
    from xltool.xlsx import cell_text, package

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    mega = 2**20
    rows = [
        ("收到的工作簿", f"{package.MAX_FILE // mega} MB，展开后 {package.MAX_UNPACKED // mega} MB"),
        ("工作簿里的一个部件", f"{package.MAX_PART // mega} MB"),
        ("工作簿里的部件、工作表、有内容的单元格",
         f"{package.MAX_PARTS:,}、{package.MAX_SHEETS:,}、{package.MAX_CELLS:,} 个"),
        ("数据表（CSV、JSON）一个文件", f"{sources.LARGEST // mega} MB"),
        ("一格文字", f"{cell_text.MAX_TEXT:,} 个字符"),
        ("一个数的有效数字（填写）", f"{fill_sheet.MAX_DIGITS} 位"),
        ("PDF 导入", f"{pdf.MAX_PAGES} 页"),
        ("收取：压缩包套几层、一次多少文件、一共展开多少",
         f"{incoming.MAX_DEPTH} 层、{incoming.MAX_FILES:,} 个、{incoming.MAX_ALL // 2**30} GB"),
        ("报告网页里有明细的单位", f"{html.MOST:,} 家；更多时只有结论"),
        ("文件名", f"{filenames.LONGEST} 个字符，超过的截短"),
        ("成批：一个输入的时间、一个进程的内存",
         f"{pool.SECONDS:.0f} 秒、{pool.MEMORY_MB} MB（可改；内存至少 {batch.LEAST_MB} MB）"),
        ("Python", f"64 位，{project['requires-python']}"),
        ("最低的库版本", "、".join(line.partition(" #")[0] for line in project["dependencies"])),
    ]  # fmt: skip
    lines = [
        "# 限度",
        "",
        "超过的文件不予打开或只做到限度为止，都会说明。数字取自程序本身。",
        "",
        "| 什么 | 限度 |",
        "|---|---|",
    ]
    return "\n".join([*lines, *(f"| {what} | {limit} |" for what, limit in rows)]) + "\n"


def _paragraphs(text: str) -> str:
    """Lines of a terminal page as paragraphs, one line for each `错` and `对`."""
    parts = re.split(r"\n\s*\n|\n(?=(?:错|对|例|级别)：)", text)
    return "\n\n".join(re.sub(r"\s*\n\s*", "", part.strip()) for part in parts)


def api_page() -> str:
    """The library's face, from its signatures and docstrings."""
    import xltool

    lines = [
        "# 库的接口",
        "",
        "```python",
        "import xltool",
        "```",
        "",
        inspect.getdoc(xltool) or "",
        "",
    ]
    for name in sorted(xltool.__all__, key=str.lower):
        value = getattr(xltool, name)
        if not callable(value):
            continue
        what = "class " if inspect.isclass(value) else ""
        lines += [
            f"## `{what}{name}`",
            "",
            "```python",
            f"xltool.{name}{_signature(value)}",
            "```",
            "",
        ]
        lines += [_doc(value), ""]
    return "\n".join(lines)


def _signature(value: Any) -> str:
    if isinstance(value, enum.EnumType):
        return ": " + ", ".join(member.name for member in value)
    try:
        return re.sub(r"xltool\.[a-z_.]+\.", "", str(inspect.signature(value)))
    except (TypeError, ValueError):
        return ""


def _doc(value: Any) -> str:
    text = inspect.getdoc(value) or ""
    return re.sub(r"(?m)^(?=#)", "\\\\", text)
