"""What the operating system says of the memory that a process holds. Linux only."""

from __future__ import annotations

import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int | str = "self") -> int:
    """Memory of a process that is in RAM, its libraries included."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
