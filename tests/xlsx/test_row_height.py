"""One estimate of how high a row must be: never too low for what a person is to read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xltool.xlsx.row_height import HIGHEST, line_count, row_height


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [
        ("", 10, 1),
        ("abcde", 5, 1),
        ("abcdef", 5, 2),
        ("预算绩效", 8, 1),
        ("预算绩效目", 8, 2),
        ("一\n二\n三", 8, 3),
        ("\n", 8, 2),
        ("预算绩效目\n短", 8, 3),
    ],
)
def test_lines_of_a_text(text, room, lines):
    assert line_count(text, room) == lines


@given(st.lists(st.text("甲乙ab\n", max_size=80), min_size=1, max_size=4), st.integers(3, 40))
def test_a_wider_column_or_a_shorter_text_is_never_higher(texts, width):
    widths = [width] * len(texts)
    height = row_height(texts, widths, 14)
    assert row_height(texts, [width + 5] * len(texts), 14) <= height
    assert row_height([text[:-1] for text in texts], widths, 14) <= height
    assert 14 <= height <= HIGHEST


def test_numbers_take_one_line_and_nothing_is_higher_than_a_row_can_be():
    assert row_height([12345678901234567890, None], [3, 3], 14, margin=3) == 17
    assert row_height(["长" * 5000], [10], 14) == HIGHEST
