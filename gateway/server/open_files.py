"""The number of files that the process may open: connections must fit it, or none can be accepted at all."""

from __future__ import annotations

import sys
from dataclasses import dataclass

if sys.platform != "win32":
    import resource

RESERVED = 64  # files of the process itself: standard streams, event loop, listener, store, name resolution
SPARE_CONNECTIONS = 64  # client connections beyond MAX_CONNECTIONS, for health checks
MIN_CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The numbers of connections that a process may have open at the same time."""

    clients: int
    spare: int  # beyond `clients`, for health checks
    for_each_upstream: int
    upstreams: int

    @property
    def total(self) -> int:
        """All connections together."""
        return self.clients + self.spare + self.for_each_upstream * self.upstreams


class TooFewFiles(Exception):
    """Raised if the process may open so few files that it cannot serve."""


def raise_file_limit(files: int) -> int | None:
    """Raise the soft limit of open files to `files`, as far as the hard limit permits.

    Returns the limit that holds now, None if the system has none.
    """
    if sys.platform == "win32":
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= files:
        return None if soft == resource.RLIM_INFINITY else soft
    wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS has a further limit for each process
        return soft
    return wanted


def fit(wanted: Connections, files: int | None) -> Connections:
    """Scale connections to a limit of open files. Raises `TooFewFiles`.

    Upstreams get at most a quarter of the files, and spare connections an eighth; clients get what remains.
    """
    if files is None or wanted.total + RESERVED <= files:
        return wanted
    free = files - RESERVED
    spare = min(wanted.spare, free // 8)
    for_each = wanted.for_each_upstream
    if wanted.upstreams:
        for_each = min(for_each, free // 4 // wanted.upstreams)
    clients = min(wanted.clients, free - spare - for_each * wanted.upstreams)
    if clients < min(wanted.clients, MIN_CONNECTIONS) or (wanted.upstreams and for_each < 1):
        raise TooFewFiles(
            f"The process may open {files} files, which is too few to serve; at least"
            f" {RESERVED + 4 * MIN_CONNECTIONS} are needed (ulimit -n)."
        )
    return Connections(clients=clients, spare=spare, for_each_upstream=for_each, upstreams=wanted.upstreams)
