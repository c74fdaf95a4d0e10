"""A real Dask scheduler with real worker processes, and a real FTP server, all on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.paths import ROOT


class Workers:
    """A scheduler and its worker processes, each of one thread."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self._start(
            "scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--no-show"
        )
        for _ in range(200):
            if self._file.is_file() and self._file.stat().st_size:
                break
            time.sleep(0.1)
        self.address: str = json.loads(self._file.read_bytes())["address"]

    def _start(self, what: str, *more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", what, "--scheduler-file", str(self._file), *more]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **quiet)
        self._processes.append(process)
        return process

    def add(self, *more: str) -> subprocess.Popen[bytes]:
        """One more worker."""
        where = ("--host", "127.0.0.1", "--local-directory", str(self._file.parent))
        worker = self._start(
            "worker", "--nthreads", "1", "--no-dashboard", *where, *(more or ("--no-nanny",))
        )
        self.workers.append(worker)
        return worker

    def end_scheduler(self) -> None:
        """Kill the scheduler; the workers stay for as long as they like."""
        with suppress(ProcessLookupError):
            os.killpg(self._processes[0].pid, signal.SIGKILL)
        self._processes[0].wait()

    def close(self) -> None:
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def scheduler(folder: Path) -> Iterator[Workers]:
    folder.mkdir()
    workers = Workers(folder)
    try:
        yield workers
    finally:
        workers.close()


@contextmanager
def ftp_server(folder: Path) -> Iterator[str]:
    """A folder behind a URL; one user may read and write."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-d",
        str(folder),
        "-w",
        "-u",
        "office",
        "-P",
        "secret",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "pyftpdlib", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"ftp://office:secret@127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
