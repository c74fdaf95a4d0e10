"""A file is whole or not there."""

import os

import pytest

from xltool.errors import XltoolError
from xltool.files.atomic import sweep, temporary_name, writing


def test_the_file_appears_only_when_the_block_ends(tmp_path):
    goal = tmp_path / "新文件夹" / "结果.txt"
    with writing(goal) as file:
        file.write("甲\n")
        assert not goal.exists()
    assert goal.read_bytes() == "甲\n".encode()
    assert [p.name for p in goal.parent.iterdir()] == ["结果.txt"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    goal = tmp_path / "结果.txt"
    goal.write_text("旧", "utf-8")
    with pytest.raises(KeyError), writing(goal) as file:
        file.write("新")
        raise KeyError
    assert goal.read_text("utf-8") == "旧"
    assert [p.name for p in tmp_path.iterdir()] == ["结果.txt"]


def test_an_ordinary_file_has_ordinary_permissions(tmp_path):
    with writing(tmp_path / "甲", "wb") as file:
        file.write(b"x")
    (tmp_path / "乙").touch()
    assert (tmp_path / "甲").stat().st_mode == (tmp_path / "乙").stat().st_mode


def test_a_full_disk_is_one_line(tmp_path):
    goal = tmp_path / "结果.txt"
    with pytest.raises(XltoolError, match="磁盘已满"), writing(goal):
        raise OSError(28, os.strerror(28))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "甲").touch()
    with pytest.raises(XltoolError, match="写不了"), writing(tmp_path / "甲" / "结果.txt"):
        pass


def test_only_what_is_half_written_and_old_enough_is_swept(tmp_path):
    fresh, old = (tmp_path / temporary_name(tag) for tag in ("a", "b"))
    for path in (fresh, old, tmp_path / "甲.tmp"):
        path.touch()
    os.utime(old, (0, 0))
    sweep(tmp_path.iterdir(), 3600)
    assert sorted(path.name for path in tmp_path.iterdir()) == [fresh.name, "甲.tmp"]
    sweep(tmp_path.iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["甲.tmp"]
