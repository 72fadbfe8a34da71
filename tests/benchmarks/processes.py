"""The measured processes, and their CPU time and memory as the operating system reports them. Linux only.

CPU time is the kernel's: `clock_getcpuclockid(3)` reads the same account as utime and stime in
`/proc/<pid>/stat`, in nanoseconds in place of hundredths of a second. It holds what the kernel did for the
process too, such as sending and receiving; children that run are added.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
START_SECONDS_WRAPPED = 600  # under valgrind a process takes up to fifty times as long

_CPUCLOCK_SCHED = 2  # the clock of the CPU time of a process


class Process:
    """A running server, and its address."""

    def __init__(self, pid: int, url: str) -> None:
        self.pid = pid
        self.url = url

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process and its children until now, user and system."""
        return sum(time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED) for pid in _tree(self.pid))

    def resident_bytes(self) -> int:
        """Return the memory of the process and its children."""
        return sum(_resident(pid) for pid in _tree(self.pid))


@contextmanager
def started(
    arguments: Sequence[str],
    variables: Mapping[str, str] | None = None,
    *,
    says: str = r"^(http://\S+)$",
    wrapper: Sequence[str] = (),
) -> Iterator[Process]:
    """Run `python <arguments>` until the end of the block.

    `says` is what the server writes on its output when it listens, its address as the first group. `wrapper`
    is a command that the process runs under; it must become the process, as valgrind does.
    """
    with subprocess.Popen(  # noqa: S603 - our own modules
        [*wrapper, sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        alarm = threading.Timer(START_SECONDS_WRAPPED if wrapper else START_SECONDS, running.kill)
        alarm.start()
        try:
            output = next(filter(None, (re.search(says, line.rstrip()) for line in running.stdout)), None)
            alarm.cancel()
            if output is None:
                raise RuntimeError(f"`python {' '.join(arguments)}` did not start; its reason is above")
            yield Process(running.pid, output[1])
        finally:
            alarm.cancel()
            running.kill()


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _tree(int(child))


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    result = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert result is not None
    return int(result[1]) * 1024
