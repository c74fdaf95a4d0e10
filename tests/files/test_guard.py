"""What a person made is never replaced unasked; what xltool wrote unchanged is."""

import shutil
import threading

import pytest

from xltool.files import guard
from xltool.files.atomic import writing
from xltool.files.guard import Guarded, guarding


def write(path, text, **options):
    with guarding(**options), writing(path) as file:
        file.write(text)


def test_our_own_file_is_replaced(tmp_path):
    for text in ("一", "二", "二", "三"):
        write(tmp_path / "表.csv", text)
        assert (tmp_path / "表.csv").read_text("utf-8") == text


def test_nothing_is_left_beside_a_persons_files(tmp_path):
    write(tmp_path / "表.csv", "一")
    assert [p.name for p in tmp_path.iterdir()] == ["表.csv"]


@pytest.mark.parametrize("text", ["", "我的", "一"])
def test_somebody_elses_file_stays(tmp_path, text):
    path = tmp_path / "表.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(Guarded, match=r"没有覆盖.*--force"):
        write(path, "一")
    assert path.read_text("utf-8") == text
    write(path, "一", force=True)
    assert path.read_text("utf-8") == "一"


def test_a_changed_file_stays_until_it_is_as_it_was(tmp_path):
    path = tmp_path / "表.csv"
    write(path, "一")
    path.write_text("一和我的", "utf-8")
    with pytest.raises(Guarded, match="写出以后有人改过"):
        write(path, "二")
    path.write_text("一", "utf-8")
    write(path, "二")


def test_a_file_that_is_saved_while_we_write_stays(tmp_path):
    path = tmp_path / "表.csv"
    write(path, "一")
    with pytest.raises(Guarded), guarding(), writing(path) as file:
        file.write("二")
        path.write_text("刚刚保存的", "utf-8")
    assert path.read_text("utf-8") == "刚刚保存的"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_copy_elsewhere_is_somebodys(tmp_path):
    write(tmp_path / "表.csv", "一")
    (tmp_path / "别处").mkdir()
    shutil.copy(tmp_path / "表.csv", tmp_path / "别处")
    with pytest.raises(Guarded, match="不知是谁写的"):
        write(tmp_path / "别处" / "表.csv", "二")


def test_an_input_is_never_the_output(tmp_path):
    path, link = tmp_path / "表.csv", tmp_path / "链接.csv"
    write(path, "一")
    link.hardlink_to(path)
    for goal in (path, link, tmp_path / "." / "表.csv"):
        with pytest.raises(Guarded, match="输入"):
            write(goal, "二", force=True, inputs=[path])
    assert path.read_text("utf-8") == "一"


def test_a_folder_with_a_record_keeps_it_and_takes_it_along(tmp_path):
    """On a shared disk: whoever runs the command, from wherever the folder is reached."""
    (tmp_path / "共享" / ".xltool").mkdir(parents=True)
    write(tmp_path / "共享" / "里" / "表.csv", "一")
    (tmp_path / "共享").rename(tmp_path / "搬走")
    write(tmp_path / "搬走" / "里" / "表.csv", "二")
    record = (tmp_path / "搬走" / ".xltool" / "written.txt").read_text("utf-8").splitlines()
    assert [line.partition("  ")[2] for line in record] == ["里/表.csv"] * 2


def test_a_record_that_cannot_be_read_or_written_only_asks_more(tmp_path):
    folder = tmp_path / ".xltool"
    folder.mkdir()
    (folder / "written.txt").write_bytes(b"\xff\xfe\n")
    write(tmp_path / "表.csv", "一")
    with pytest.raises(Guarded):
        write(tmp_path / "表.csv", "二")
    (folder / "written.txt").unlink()
    (folder / "written.txt").mkdir()
    write(tmp_path / "另.csv", "一")


def test_a_long_record_is_shortened_and_still_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "_LONG", 20)
    (tmp_path / ".xltool").mkdir()
    for number in range(50):
        write(tmp_path / "表.csv", str(number))
    assert len((tmp_path / ".xltool" / "written.txt").read_text("utf-8").splitlines()) < 25
    write(tmp_path / "表.csv", "末")


def test_two_at_once_know_of_each_other(tmp_path):
    """Both write the same files; neither mixes up the other's record."""
    (tmp_path / ".xltool").mkdir()

    def run(kept):
        for number in range(40):
            file = tmp_path / f"{number}.csv"
            kept.note(file, f"{number:064}")

    kept = [guard.Guard() for _ in range(4)]
    threads = [threading.Thread(target=run, args=(one,)) for one in kept]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / ".xltool" / "written.txt").read_text("utf-8").splitlines()
    assert len(lines) == 160
    assert set(lines) == {f"{n:064}  {n}.csv" for n in range(40)}


def test_another_command_may_have_written_it_meanwhile(tmp_path):
    with guarding() as first:
        first.digests(tmp_path / "表.csv")
        write(tmp_path / "表.csv", "一")
        first.ask(tmp_path / "表.csv")


def test_a_program_that_calls_the_library_writes_where_it_says(tmp_path):
    path = tmp_path / "表.csv"
    path.write_text("我的", "utf-8")
    with writing(path) as file:
        file.write("一")
    assert path.read_text("utf-8") == "一"


def test_our_own_temporary_folders_are_not_noted(tmp_path):
    (tmp_path / ".xltool").mkdir()
    write(tmp_path / ".xltool-abc" / "表.csv", "一")
    assert not (tmp_path / ".xltool" / "written.txt").exists()
