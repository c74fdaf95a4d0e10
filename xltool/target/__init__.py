"""Indicator values (指标值及单位): one reader and one writer; the words and units are data."""

from xltool.target.parse import is_empty, parse_target
from xltool.target.split import Split, split_targets
from xltool.target.value import Target, write_target
from xltool.target.words import is_placeholder

__all__ = ["Split", "Target", "is_empty", "is_placeholder", "parse_target", "split_targets", "write_target"]
