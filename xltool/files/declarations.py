"""What is wrong in a declaration (TOML that a bureau writes), in Chinese: place and reason."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from xltool.errors import XltoolError

Shape = TypeVar("Shape")

_TYPES = {
    "int": "整数", "float": "数", "str": "文字（加引号）", "bool": "true 或 false", "array": "列表 […]",
    "object": "表 {…}", "null": "空",
}  # fmt: skip
# msgspec's sentences and ours; {0} and {1} are what stood in its backquotes.
_SENTENCES = (
    (r"Object missing required field `(.+)`", "缺少“{0}”"),
    (r"Object contains unknown field `(.+)`", "不认识“{0}”"),
    (r"Expected `(.+)`, got `(.+)`", "应当是{0}，写成了{1}"),
    (r"Invalid enum value '?(.+?)'?", "“{0}”不在可选的值里"),
    (r"Expected `str` matching regex '(.+)'", "写法不对，应当符合 {0}"),
    (r"Expected `(?:str|array)` of length >= (\d+)", "至少要有 {0} 个"),
    (r"Expected `(?:str|array)` of length <= (\d+)", "最多 {0} 个"),
    (r"Expected `(?:int|float)` >= (\S+)", "不能小于 {0}"),
    (r"Expected `(?:int|float)` <= (\S+)", "不能大于 {0}"),
)


def read_declaration(
    file: Path, fault: type[XltoolError], parse_float: Callable[[str], Any] = float
) -> dict[str, Any]:
    """The TOML in a file. Raises `fault` with file, place and reason where it is none, OSError
    where it can't be read."""
    try:
        return tomllib.loads(file.read_text("utf-8"), parse_float=parse_float)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise fault(f"{file}：{toml_fault(error)}") from error


def declared(
    data: dict[str, Any], shape: type[Shape], file: Path, fault: type[XltoolError]
) -> Shape:
    """What a file declares, as a struct. Raises `fault` with file, key and reason."""
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        raise fault(f"{file}：{'：'.join(value_fault(error))}") from error


def toml_fault(error: tomllib.TOMLDecodeError | UnicodeDecodeError) -> str:
    """`不是有效的 TOML：第 3 行第 6 列`."""
    if isinstance(error, UnicodeDecodeError):
        return "不是 UTF-8 编码的文字"
    place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    if place:
        return f"不是有效的 TOML：第 {place[1]} 行第 {place[2]} 列写法不对"
    return (
        "不是有效的 TOML：文件没有写完"
        if "end of document" in str(error)
        else f"不是有效的 TOML：{error}"
    )


def value_fault(error: msgspec.ValidationError) -> tuple[str, str]:
    """(where, what): `form[0].field[2].kind` (or 顶层) and a sentence."""
    message, _, key = str(error).partition(" - at ")
    return key.strip("`").removeprefix("$").removeprefix(".") or "顶层", _translated(message)


def _translated(message: str) -> str:
    for pattern, sentence in _SENTENCES:
        if match := re.fullmatch(pattern, message):
            return sentence.format(*(_type(word) for word in match.groups()))
    return message


def _type(word: str) -> str:
    names = [_TYPES.get(name.strip(), name.strip()) for name in word.split("|")]
    return "或".join(names)
