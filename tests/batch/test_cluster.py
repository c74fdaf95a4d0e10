"""A real scheduler, real workers, and folders behind a URL: the results of a run on one machine."""

import json
import shutil
import subprocess
import sys
import time

import fsspec
import pytest

import xltool
from benchmarks.killing import contents
from tests.support.batches import book_of, command, many
from tests.support.cluster import ftp_server, scheduler
from xltool.batch import book_parts as parts
from xltool.batch.away import perform
from xltool.batch.local_workers import LocalWorkers
from xltool.batch.run import run
from xltool.errors import XltoolError

# One scheduler for all of them.
pytestmark = pytest.mark.xdist_group("cluster")


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    with scheduler(tmp_path_factory.mktemp("dask") / "cluster") as cluster:
        cluster.add()
        cluster.add()
        yield cluster


def called(source, out, *more) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "xltool", "batch", str(source), str(out), *more],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_cluster_gives_what_one_machine_gives_though_a_worker_is_killed(workers, tmp_path):
    source = many(tmp_path / "in", 30)
    (source / "坏.xlsx").write_bytes(b"PK\3\4 broken")
    run(source, tmp_path / "alone", jobs=2)
    out = tmp_path / "out"
    dying = workers.add()
    process = subprocess.Popen(
        [*command(source, out, "--json"), "--dask", workers.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    lines = [process.stdout.readline() for _ in range(6)]
    dying.kill()
    rest, complained = process.communicate(timeout=200)
    assert process.returncode == 1, complained
    assert complained == ""
    events = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    done = [event["file"] for event in events if event["event"] == "done"]
    assert len(done) == len(set(done)) == 31
    assert events[-1]["done"] == 31
    assert contents(out) == contents(tmp_path / "alone")
    assert not list(out.rglob("*.tmp"))
    again = called(source, out, "--dask", workers.address, "--json")
    assert json.loads(again.stdout.splitlines()[-1])["skipped"] == 31


def test_folders_behind_a_url_need_no_shared_disk(workers, tmp_path, monkeypatch):
    disk = tmp_path / "server"
    source = many(disk / "in", 5)
    for unit in ("单位1", "单位2"):
        run(source, tmp_path / "alone", jobs=1)
        shutil.copy(next((tmp_path / "alone").rglob(f"{unit}.xlsx")), source / f"{unit} 报表.xlsx")
    shutil.rmtree(tmp_path / "alone")
    run(source, tmp_path / "alone", jobs=1)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with ftp_server(disk) as url:
        first = called(f"{url}/in", f"{url}/out", "--dask", workers.address, "--json")
        assert first.returncode == 1, first.stderr
        assert json.loads(first.stdout.splitlines()[-1])["done"] == 7
        assert contents(disk / "out") == contents(tmp_path / "alone")
        assert not list(disk.rglob("*.tmp"))
        # The journal is kept on this side; what is gone over there is made again.
        gone = next((disk / "out").rglob("单位3.xlsx"))
        gone.unlink()
        again = called(f"{url}/in", f"{url}/out", "--json")
        summary = json.loads(again.stdout.splitlines()[-1])
        assert (summary["done"], summary["skipped"], summary["failed"]) == (1, 6, [])
        assert not xltool.read(gone).faults


class Inline:
    """One who does the work himself, in this process:
    an object store in memory is seen only here."""

    def results(self, jobs, order):
        while job := jobs.take():
            yield job[0], perform(*job, order)


def test_a_large_book_in_an_object_store_is_cut_and_done_there(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(parts, "PART", 5)
    source = tmp_path / "in"
    book_of(13, source / "区" / "书")
    run(source, tmp_path / "alone", jobs=1)
    store = fsspec.filesystem("memory")
    store.put(str(source), "/收到", recursive=True)
    first = run("memory://收到", "memory://结果", crew=Inline())
    assert (first.done, first.failed) == (1, [])
    store.get("/结果", str(tmp_path / "out"), recursive=True)
    shutil.rmtree(tmp_path / "out" / ".xltool")
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")
    again = run("memory://收到", "memory://结果", crew=Inline())
    assert (again.done, again.skipped) == (0, 1)
    store.rm("/收到/区/书", recursive=True)
    book_of(3, tmp_path / "less")
    store.put(str(tmp_path / "less"), "/收到/区/书", recursive=True)
    run("memory://收到", "memory://结果", crew=Inline())
    assert {name.rsplit("/", 1)[1] for name in store.find("/结果/区")} == {
        f"第{n}局.xlsx" for n in (0, 1, 2)
    }


class Killed(BaseException):
    """The run ends before its journal knows of what was just written."""


def test_behind_a_url_too_a_killed_run_leaves_nothing_that_looks_like_anothers(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    store = fsspec.filesystem("memory")
    book_of(1, tmp_path / "甲")
    store.put(str(tmp_path / "甲"), "/被杀/收到/甲", recursive=True)

    class Here(LocalWorkers):
        """Works in this process, and is killed with the first result at hand."""

        def results(self, jobs, order):
            item, prior = jobs.take()
            assert not perform(item, prior, order).failed
            raise Killed
            yield

    with pytest.raises(Killed):
        run("memory://被杀/收到", "memory://被杀/结果", crew=Here(1, 60, 2048))
    [written] = store.find("/被杀/结果")
    before = store.cat(written)
    # Meanwhile the input has changed.
    table = store.cat("/被杀/收到/甲/部门.csv").decode("utf-8-sig")
    store.pipe("/被杀/收到/甲/部门.csv", table.replace("1245.61", "1245.62").encode())
    run("memory://被杀/收到", "memory://被杀/结果", crew=Inline())
    assert [name for name in store.find("/被杀/结果") if name.endswith("局.xlsx")] == [written]
    assert store.cat(written) != before


def test_an_input_that_hangs_is_given_up_and_its_worker_started_anew(tmp_path, monkeypatch):
    from xltool.batch import dask_workers as clusters

    source = many(tmp_path / "in", 6)
    with scheduler(tmp_path / "cluster") as own:
        own.add("--nanny")
        crew = clusters.Cluster(own.address, timeout=5)
        monkeypatch.setattr(clusters, "perform", _hanging())
        monkeypatch.setattr(clusters, "_LOOK_SECONDS", 0.5)
        summary = run(source, tmp_path / "out", crew=crew)
    assert summary.done == 5
    [(name, reason)] = summary.failed
    assert "单位3" in name
    assert "没有做完" in reason


def _hanging():
    """Sent to the workers as it is: they don't know this module."""

    def perform(item, prior, order):
        if "单位3" in item.key:
            time.sleep(1000)
        from xltool.batch.away import perform

        return perform(item, prior, order)

    return perform


def test_no_scheduler_and_no_workers_are_one_line(tmp_path, monkeypatch):
    from xltool.batch import dask_workers as clusters

    monkeypatch.setattr(clusters, "_CONNECT_SECONDS", 1)
    with pytest.raises(XltoolError, match="连不上"):
        clusters.Cluster("tcp://127.0.0.1:9", 60)
    with scheduler(tmp_path / "cluster") as empty, pytest.raises(XltoolError, match="没有工作进程"):
        clusters.Cluster(empty.address, 60)


def test_a_url_that_no_one_answers_is_one_line(tmp_path):
    result = called("ftp://127.0.0.1:9/in", tmp_path / "out")
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("错误：")


def test_a_scheduler_that_goes_away_ends_the_run_in_one_line_and_the_next_goes_on(tmp_path):
    source = many(tmp_path / "in", 40)
    run(source, tmp_path / "alone", jobs=2)
    out = tmp_path / "out"
    with scheduler(tmp_path / "first") as cluster:
        cluster.add()
        with subprocess.Popen(
            [*command(source, out, "--json"), "--dask", cluster.address],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        ) as process:  # fmt: skip
            for _ in range(4):
                process.stdout.readline()
            cluster.end_scheduler()
            for line in process.stdout:
                last = json.loads(line)
            complained = process.stderr.read()
        assert process.returncode == 2, complained
        assert last["event"] == "error" and "接着做" in last["reason"]
        assert "Traceback" not in complained
    # The workers that stayed may still have been writing; another scheduler, the same command.
    with scheduler(tmp_path / "second") as cluster:
        cluster.add()
        again = called(source, out, "--dask", cluster.address, "--json")
    assert again.returncode == 1, again.stderr
    summary = json.loads(again.stdout.splitlines()[-1])
    assert summary["done"] + summary["skipped"] == 40 and summary["skipped"] > 0
    assert contents(out) == contents(tmp_path / "alone")
    assert not list(out.rglob("*.tmp"))


def test_a_worker_of_another_version_gets_nothing(workers, tmp_path, monkeypatch):
    from xltool.batch import dask_workers as clusters

    source = many(tmp_path / "in", 6)
    crew = clusters.Cluster(workers.address, timeout=60)
    some = sorted(crew._versions)[0]
    # As if it had joined with another one after the run began.
    crew._versions[some] = "0.0.9"
    monkeypatch.setattr(crew, "_look_at_versions", lambda: None)
    sent = []
    submit = crew.client.submit

    def noted(*arguments, **more):
        sent.append(more["workers"])
        return submit(*arguments, **more)

    monkeypatch.setattr(crew.client, "submit", noted)
    summary = run(source, tmp_path / "out", crew=crew)
    assert (summary.done, summary.failed) == (6, [])
    assert sent and all(some not in to for to in sent)


def test_settings_that_no_connection_can_be_made_of_are_one_line(tmp_path):
    import dask

    from xltool.batch import dask_workers as clusters

    with (
        dask.config.set({"distributed.comm.tls.ca-file": 3}),
        pytest.raises(XltoolError, match="连不上"),
    ):
        clusters.Cluster("tls://127.0.0.1:9", 60)
    with pytest.raises(XltoolError, match="打不开"):
        run("memory://in?x", f"simplecache::{tmp_path}/a::nonsense://b")
