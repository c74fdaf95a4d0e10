"""The table of buttons in docs/excel.md: `python -m tests.support.button_table` prints it."""

import re

from tests.support.paths import ROOT
from xltool.excel.ribbon import buttons, commands, labels

_FILES = ("test_buttons.py", "test_presses.py")


def table() -> str:
    lines = [
        "| 组 | 按钮 | id | Python 函数 | 命令行里 | 按它的测试 |",
        "|---|---|---|---|---|---|",
    ]
    functions, same = buttons(), commands()
    for one in labels():
        function = functions[one.id]
        command = f"`{same[one.id]}`" if same[one.id] else "—"
        home = function.__module__.removeprefix("xltool.")
        lines.append(
            f"| {one.group} | {one.label} | `{one.id}` | `{home}.{function.__name__}` | {command} | "
            f"`{_test(one.id)}` |"
        )
    return "\n".join(lines) + "\n"


def _test(button: str) -> str:
    """The first test in which the button is pressed in the running program."""
    for file in _FILES:
        source = (ROOT / "tests" / "excel" / file).read_text("utf-8")
        for part in re.split(r"(?m)^(?=(?:@|def test_|def \w))", source):
            name = re.match(r"def (test_\w+)", part)
            if name and f'press("{button}"' in part:
                return name[1]
    return next(_parametrized(button), "")


def _parametrized(button: str):
    for file in _FILES:
        source = (ROOT / "tests" / "excel" / file).read_text("utf-8")
        for found in re.finditer(
            r"@pytest\.mark\.parametrize\((.*?)\ndef (test_\w+)", source, re.DOTALL
        ):
            if f'"{button}"' in found[1]:
                yield found[2]


if __name__ == "__main__":
    print(table(), end="")
