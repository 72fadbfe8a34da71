"""The memory of a server process: after its start, when warm, and after many requests. Linux only.

`python -m tests.soak.memory` takes a minute and prints the sentence in the manual's page on benchmarks.
"""

from __future__ import annotations

import json
import os
import urllib.parse
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from tests.benchmarks.processes import Process, started

PAGE = os.sysconf("SC_PAGE_SIZE")
WARM_UP = 2_000  # requests, half of them with distinct documents: more than the gateway caches
DOCUMENTS = 5_000
REQUESTS = 10_000
CONTAINER_LIMIT = 320 * 2**20  # bytes, as in the manual's page on deployment
UPSTREAM = 5  # each fifth request goes upstream
FIELDS = ("id", "dueDate", "loanDate", "action", "renewalCount", "status { name }", "item { barcode title }")


@dataclass(frozen=True, kw_only=True)
class ResidentMemory:
    """The resident memory of one server process in bytes, with its libraries."""

    fresh: int
    warm: int
    end: int

    def __str__(self) -> str:
        fresh, warm, end = (f"{each / 1e6:.0f} MB" for each in (self.fresh, self.warm, self.end))
        return (
            f"Resident memory of a gateway process: {fresh} after the start, {warm} after {WARM_UP:,} "
            f"requests, {end} after {REQUESTS:,} more with {DOCUMENTS:,} distinct documents."
        )


def resident_bytes(pid: int | str = "self") -> int:
    """Return the resident memory of a process, with its libraries."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def peak_bytes(pid: int) -> int:
    """Return the largest resident memory that a process has had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


def scheduled(pid: int) -> tuple[float, float]:
    """Return the seconds that the main thread of a process has run, and has waited for a CPU."""
    ran, queued, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    return int(ran) / 1e9, int(queued) / 1e9


def measure() -> ResidentMemory:
    """Measure a gateway process over a sandbox process, both started by their commands."""
    with started(["-m", "gateway", "sandbox", "--port", "0"], says=r"(http://\S+)") as upstream:
        arguments = ["-m", "gateway", "--port", "0", "--okapi-url", upstream.url, "--log-level", "error"]
        with started(arguments, says=r"(http://\S+?)/graphql") as server:
            fresh = resident_bytes(server.pid)
            send_requests(server, range(WARM_UP), distinct=WARM_UP // 2)
            warm = resident_bytes(server.pid)
            send_requests(server, range(WARM_UP, WARM_UP + REQUESTS), distinct=DOCUMENTS)
            return ResidentMemory(fresh=fresh, warm=warm, end=resident_bytes(server.pid))


def send_requests(server: Process, numbers: range, *, distinct: int) -> None:
    """Send requests, the first with a distinct document each, the others with one. Fails on an error."""
    headers = {"X-Okapi-Tenant": "diku", "Content-Type": "application/json"}
    with closing(HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=60)) as connection:
        for number in numbers:
            document_number = number if number - numbers.start < distinct else 0
            payload = {"query": document(document_number), "variables": {"loans": number % UPSTREAM == 0}}
            connection.request("POST", "/graphql", json.dumps(payload), headers)
            body = json.loads(connection.getresponse().read())
            assert "errors" not in body, body


def document(number: int) -> str:
    """Build a document with a distinct name and literal, and mostly distinct fields."""
    fields = " ".join(field for place, field in enumerate(FIELDS) if place == 0 or number >> place & 1)
    return f"""query Screen{number}($loans: Boolean! = false) {{ __typename
        loans(first: 2) @include(if: $loans) {{ totalCount nodes {{ {fields} }} }}
        item(barcode: "{number}") @include(if: $loans) {{ id barcode status {{ name }} instance {{ title }} }}
    }}"""


def main() -> None:
    print(measure())  # noqa: T201 - the output of the script


if __name__ == "__main__":
    main()
