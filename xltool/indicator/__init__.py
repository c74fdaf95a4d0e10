"""Indicator values (指标值及单位): one reader and one writer; the words and units are data."""

from xltool.indicator.parse import is_empty, parse_target
from xltool.indicator.split import Split, split_targets
from xltool.indicator.value import Target, write_target
from xltool.indicator.vocabulary import is_placeholder

__all__ = [
    "Split",
    "Target",
    "is_empty",
    "is_placeholder",
    "parse_target",
    "split_targets",
    "write_target",
]
