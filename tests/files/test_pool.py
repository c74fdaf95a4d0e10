"""Work over many files: an item that hangs, dies, grows or breaks the program costs only itself."""

import functools
import os
import signal
import subprocess
import sys
import time

import pytest
from pebble.pool.process import PoolManager

from tests.support.pool_work import disk_full, faulty, killing, set_up, told
from xltool.errors import DiskError, XltoolError
from xltool.files.barrier import Failure, guarded
from xltool.files.pool import FEW, HANDFUL_BYTES, WorkerPool

BAD = {
    7: "没有做完",
    11: "意外结束",
    13: "内存",
    17: "程序内部错误（ValueError：坏了）",
    19: "没有这个版式",
    23: "没有权限",
    29: "程序内部错误（RecursionError：deep）",
}


@pytest.mark.heavy
@pytest.mark.parametrize("clean", [False, True], ids=["inherited", "clean"])
def test_each_bad_item_costs_only_itself_and_the_order_stays(clean):
    pool = WorkerPool(faulty, workers=2, seconds=2, memory_mb=1500, clean=clean)
    items = list(range(FEW + 12))
    results = list(pool.in_order(items))
    assert len(results) == len(items)
    for item, result in zip(items, results, strict=True):
        if item in BAD:
            assert isinstance(result, Failure) and BAD[item] in result.reason, item
        else:
            assert result == item * 2


@pytest.mark.heavy
@pytest.mark.parametrize("workers", [1, 2])
def test_a_process_that_ends_before_anybody_knew_what_it_had_begun(monkeypatch, workers):
    """A busy machine: the pool hears late what its processes begin, and gives all of them up."""
    hear = PoolManager.process_next_message

    def hear_late(self, timeout):
        time.sleep(0.3)
        hear(self, timeout)

    monkeypatch.setattr(PoolManager, "process_next_message", hear_late)
    waiting = iter(range(9, 16, 2))
    done = dict(WorkerPool(killing, workers=workers).as_done(lambda: next(waiting, None)))
    assert "意外结束" in done.pop(11).reason
    assert done == {9: 18, 13: 26, 15: 30}


@pytest.mark.heavy
def test_who_stops_a_run_does_not_wait_for_what_hangs():
    waiting = iter([1, 7])
    results = WorkerPool(faulty, workers=2, size=lambda item: HANDFUL_BYTES).as_done(
        lambda: next(waiting, None)
    )
    assert next(results) == (1, 2)
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 20  # 7 takes a minute


@pytest.mark.heavy
def test_results_as_they_come_and_items_that_come_late():
    waiting = list(range(5))
    pool = WorkerPool(faulty, workers=2)
    seen = {}
    for item, result in pool.as_done(lambda: waiting.pop(0) if waiting else None):
        seen[item] = result
        if item < 5:  # each gives another, as a large data book gives its parts
            waiting.append(item + 100)
    assert seen == {item: item * 2 for item in [*range(5), *range(100, 105)]}


@pytest.mark.heavy
def test_every_process_is_set_up_once():
    pool = WorkerPool(told, workers=2, setup=set_up, given=("好",), clean=True)
    assert list(pool.in_order(range(FEW + 3))) == [f"{item} 好" for item in range(FEW + 3)]


def test_a_few_items_are_done_here_behind_the_same_barrier():
    pool = WorkerPool(faulty)
    results = list(pool.in_order([1, 17, 19, 23, 2]))
    assert [results[0], results[4]] == [2, 4]
    assert [result.reason for result in results[1:3]] == [BAD[17], BAD[19]]
    assert "甲.xlsx" in results[3].reason


def test_a_full_disk_ends_the_run():
    with pytest.raises(DiskError):
        list(WorkerPool(disk_full).in_order(range(5)))


@pytest.mark.heavy
def test_a_full_disk_in_a_worker_ends_the_run():
    with pytest.raises(DiskError):
        list(WorkerPool(disk_full, workers=2).in_order(range(FEW + 5)))


def test_the_order_never_holds_more_than_a_window(monkeypatch):
    monkeypatch.setattr("xltool.files.pool.FEW", 0)
    taken = []

    def items():
        for item in range(100, 1000):
            taken.append(item)
            yield item

    results = WorkerPool(functools.partial(max, 0), workers=1).in_order(items())
    next(results)
    assert len(taken) < 200
    results.close()


def test_what_stops_the_person_or_the_program_is_no_file_s_reason(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded(interrupted)

    def broken():
        raise ZeroDivisionError("x")

    monkeypatch.setenv("XLTOOL_DEBUG", "1")
    assert guarded(broken) == Failure("程序内部错误（ZeroDivisionError：x）")
    assert "Traceback" in capsys.readouterr().err

    def refused():
        raise XltoolError("不行")

    assert guarded(refused) == Failure("不行")
    assert "Traceback" not in capsys.readouterr().err


SLEEPERS = """
import os, time
from xltool.files.pool import WorkerPool
def work(item):
    print(os.getpid(), flush=True)
    time.sleep(60)
items = iter([1, 2])
list(WorkerPool(work, workers=2).as_done(lambda: next(items, None)))
"""


@pytest.mark.heavy
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no kill -9")
def test_workers_end_with_a_run_that_was_killed():
    run = subprocess.Popen(
        [sys.executable, "-c", SLEEPERS], stdout=subprocess.PIPE, encoding="utf-8"
    )
    with run.stdout as said:
        worker = int(said.readline())
        run.send_signal(signal.SIGKILL)
        run.wait()
    for _ in range(200):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        if _zombie(worker):
            return
        time.sleep(0.05)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("a worker outlived its run")


def _zombie(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
