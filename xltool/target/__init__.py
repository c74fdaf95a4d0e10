"""Indicator values (指标值及单位): one reader and one writer; the words and units are data."""

from xltool.target.parse import is_placeholder, parse_target
from xltool.target.split import Split, split_targets
from xltool.target.value import Target, write_target

__all__ = ["Split", "Target", "is_placeholder", "parse_target", "split_targets", "write_target"]
