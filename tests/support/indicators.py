"""Rows of indicators by the dozen."""

from xltool.model import Entry, Indicator


def indicators(block: str, count: int) -> tuple[Indicator, ...]:
    return tuple(
        Indicator(
            block, {"name": Entry(f"指标{n}", f"指标{n}"), "target": Entry(f"≥{n}个", f"≥{n}个")}
        )
        for n in range(1, count + 1)
    )
