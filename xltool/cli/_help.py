"""Help pages: Chinese throughout, aligned by what a character takes on the screen,
with examples."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

import click

from xltool.files.display import folded, width

_WORDS = {"required": "必填"}


class HelpPage(click.HelpFormatter):
    """click's layout, measured in columns of the screen."""

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{heading.rstrip(':：')}：\n")

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        self.write("用法：" + "\n      ".join(folded(f"{prog} {args}", self.width - 6)) + "\n")

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        for line in re.split(r"\n\n|\n(?=例：)", text.replace("\b\n", "").strip()):
            for part in folded(_joined(line), max(self.width - len(indent), 20)):
                self.write(f"{indent}{part}\n")
            self.write("\n")
        self.buffer.pop()  # the last blank line: whoever follows makes its own

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 34, col_spacing: int = 2
    ) -> None:
        rows = list(rows)
        first = min(max((width(term) for term, _ in rows), default=0), col_max) + col_spacing
        indent = self.current_indent
        room = max(self.width - first - indent, 20)
        for term, text in rows:
            self.write(" " * indent + term)
            lines = folded(_said(text), room)
            if width(term) > first - col_spacing:
                self.write("\n" + " " * (indent + first))
            else:
                self.write(" " * (first - width(term)))
            self.write(("\n" + " " * (indent + first)).join(lines) + "\n")


def _joined(paragraph: str) -> str:
    """Lines of a docstring as one: Chinese runs on, between two words there is a space."""
    lines = [line.strip() for line in paragraph.splitlines()]
    text = ""
    for line in lines:
        apart = bool(text) and (text[-1].isascii() and line[:1].isascii())
        text += (" " if apart else "") + line
    return text


def _said(text: str) -> str:
    """click's remarks at the end of an option's help, in Chinese."""
    remark = re.search(r"\s*\[([^\[\]]*)\]$", text)
    if not remark:
        return text
    parts = (re.sub(r"(-?\d+)<=x<=(-?\d+)", r"\1～\2", part) for part in remark[1].split("; "))
    sentence = "；".join(_WORDS.get(part, part) for part in parts)
    return f"{text[: remark.start()]}（{sentence}）"


def examples(formatter: click.HelpFormatter, lines: Iterable[str]) -> None:
    """The section of examples, each line ready to be pasted."""
    listed = list(lines)
    if listed:
        with formatter.section("例"):
            for line in listed:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def show_refusal(error: click.ClickException) -> None:
    """What click refuses, on stderr."""
    from xltool.files.escape import lines_on_terminal

    refusal = io.StringIO()
    error.show(refusal)
    click.echo(lines_on_terminal(in_chinese(refusal.getvalue())), err=True, nl=False)


def in_chinese(refusal: str) -> str:
    """What click says, with Chinese quotation marks and full stops."""
    text = re.sub(r"\. 可选：\s+(.*)", _on_one_line, refusal, flags=re.DOTALL)
    text = re.sub(r"'([^'\n]*)'", r"“\1”", text)
    text = re.sub(r"(?<=[^\x00-\x7f])\.$", "。", text, flags=re.MULTILINE)
    text = re.sub(r" ?(“[^”\n]*”) ?", r"\1", text.replace("”, “", "”、“"))
    return text.replace("。 ", "。")


def _on_one_line(choices: re.Match[str]) -> str:
    """The choices that click puts one below the other, set in by tabs."""
    return "，可选：" + "、".join(re.split(r",?\s+", choices[1].strip())) + "。\n"
