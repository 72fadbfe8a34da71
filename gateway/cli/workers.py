"""Several processes behind one listening socket, and the parent that starts, replaces and stops them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType

import click

from gateway.cli.startup import CannotStart

PAUSE = 1.0  # seconds before a worker that could not start is started again
SIGNALS = (signal.SIGTERM, signal.SIGINT)
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus_client of each worker counts, for all to read
IN_MEMORY = "/dev/shm"  # noqa: S108 - writable where a container's root file system is not

log = logging.getLogger(__name__)

Work = Callable[[socket.socket, Callable[[], None]], None]
"""What a worker does: serve on a socket, and call when it listens. It is pickled, so it is a function of a
module, or a `functools.partial` of one."""


@dataclass(eq=False, slots=True)
class Worker:
    """One process. Its pipe tells that it listens, by its first and only message."""

    process: SpawnProcess
    pipe: Connection
    listens: bool = False


class Workers:
    """So many processes that do the same work, kept alive until a signal ends them.

    Processes are spawned, not forked: each begins as the command itself does, with what the environment says.
    The parent serves nothing and loads nothing. Signals are passed on, and each worker drains as it would
    alone; the parent ends with the last of them.
    """

    def __init__(
        self, count: int, work: Work, listener: socket.socket, *, announce: Callable[[], None]
    ) -> None:
        self.count = count
        self.work = work
        self.listener = listener
        self.announce = announce
        self.announced = False
        self.stopping = False
        self.failed = 0
        self.workers: list[Worker] = []
        self._spawn = multiprocessing.get_context("spawn")
        self._woken, self._wake = self._spawn.Pipe(duplex=False)

    def run(self) -> int:
        """Keep the workers until they are told to stop; return the exit status of the command."""
        with self._signals():
            for _ in range(self.count):
                self._start()
            while self.workers:
                self._turn()
        return self.failed

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def note(number: int, frame: FrameType | None) -> None:
            self._wake.send(number)  # handled in the loop, between two of its steps

        before = {each: signal.signal(each, note) for each in SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _turn(self) -> None:
        """Wait for something to happen, and answer to it."""
        pipes = [each.pipe for each in self.workers if not each.listens]
        ready = set(wait([self._woken, *pipes, *(each.process.sentinel for each in self.workers)]))
        if self._woken in ready:
            self._stop(self._woken.recv())
        for worker in list(self.workers):
            if worker.pipe in ready:
                self._said(worker)
            if worker.process.sentinel in ready:
                self._ended(worker)

    def _start(self) -> None:
        receiving, sending = self._spawn.Pipe(duplex=False)
        process = self._spawn.Process(target=run_worker, args=(self.work, self.listener, sending))
        process.start()
        sending.close()
        self.workers.append(Worker(process, receiving))

    def _said(self, worker: Worker) -> None:
        try:
            worker.pipe.recv_bytes()
        except EOFError:  # it ends without having listened, and its end is told as well
            return
        worker.listens = True
        if not self.announced and all(each.listens for each in self.workers):
            self.announced = True
            self.announce()

    def _ended(self, worker: Worker) -> None:
        worker.process.join()
        worker.pipe.close()
        self.workers.remove(worker)
        status = worker.process.exitcode or 0
        if self.stopping:
            if worker.listens and status:
                self.failed = 1
            return
        if not self.announced:  # what the first ones cannot do, others could not either
            self.failed = status if status > 0 else 1
            self._stop(signal.SIGTERM)
            return
        log.error("Worker %d ended with status %d; another takes its place", worker.process.pid, status)
        if worker.listens or not self._woken.poll(PAUSE):
            self._start()

    def _stop(self, number: int) -> None:
        """Pass a signal on, and listen no more: a socket that is open anywhere lets clients connect."""
        self.stopping = True
        self.listener.close()
        for worker in self.workers:
            if worker.process.exitcode is None and worker.process.pid is not None:
                os.kill(worker.process.pid, number)


def run_worker(work: Work, listener: socket.socket, pipe: Connection) -> None:
    """Be a worker: what a spawned process runs."""
    os.setpgid(0, 0)  # Ctrl+C reaches the parent alone, which passes it on
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the server has handlers of its own
    threading.Thread(target=_follow_parent, daemon=True).start()
    try:
        work(listener, lambda: pipe.send_bytes(b"listening"))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)


def _follow_parent() -> None:
    """End as on SIGTERM when the parent is gone, however it went: nobody else would tell."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - a worker is spawned
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def metrics_folder() -> Iterator[None]:
    """Name a folder in the environment, for the workers to come, in which each of them counts.

    An operator's own PROMETHEUS_MULTIPROC_DIR is left as it is. Raises `CannotStart` where there is no place.
    """
    if METRICS_FOLDER in os.environ:
        yield
        return
    with ExitStack() as stack:
        folder = _new_folder()
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        os.environ[METRICS_FOLDER] = folder
        stack.callback(os.environ.pop, METRICS_FOLDER, None)
        yield


def _new_folder() -> str:
    for parent in (None, IN_MEMORY):
        try:
            return tempfile.mkdtemp(prefix="circulation-gateway-", dir=parent)
        except OSError:
            continue
    raise CannotStart(
        f"WORKERS: more than one need a folder to count in, and neither a temporary one nor {IN_MEMORY} is"
        f" writable; set {METRICS_FOLDER}"
    )
