"""The memory of a server process: after its start, when warm, and after many requests. Linux only.

`python -m tests.soak.memory` takes a minute and prints the sentence of the page on benchmarks.
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
WARM_UP = 2_000  # requests, half of them with a document of its own: more than the gateway keeps
DOCUMENTS = 5_000
REQUESTS = 10_000
UPSTREAM = 5  # each fifth request goes upstream
FIELDS = ("id", "dueDate", "loanDate", "action", "renewalCount", "status { name }", "item { barcode title }")


@dataclass(frozen=True, kw_only=True)
class Residence:
    """Bytes in RAM of one server process, its libraries included."""

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
    """Memory of a process that is in RAM, its libraries included."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def measured() -> Residence:
    """A gateway process over a sandbox process, both as users start them, asked one question at a time."""
    with started(["-m", "gateway", "sandbox", "--port", "0"], says=r"(http://\S+)") as upstream:
        arguments = ["-m", "gateway", "--port", "0", "--okapi-url", upstream.url, "--log-level", "error"]
        with started(arguments, says=r"(http://\S+?)/graphql") as server:
            fresh = resident_bytes(server.pid)
            ask_all(server, range(WARM_UP), distinct=WARM_UP // 2)
            warm = resident_bytes(server.pid)
            ask_all(server, range(WARM_UP, WARM_UP + REQUESTS), distinct=DOCUMENTS)
            return Residence(fresh=fresh, warm=warm, end=resident_bytes(server.pid))


def ask_all(server: Process, numbers: range, *, distinct: int) -> None:
    """The first have a document each, the others share one. Raises AssertionError for an error."""
    headers = {"X-Okapi-Tenant": "diku", "Content-Type": "application/json"}
    with closing(HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=60)) as connection:
        for number in numbers:
            shown = number if number - numbers.start < distinct else 0
            asked = {"query": document(shown), "variables": {"loans": number % UPSTREAM == 0}}
            connection.request("POST", "/graphql", json.dumps(asked), headers)
            answer = json.loads(connection.getresponse().read())
            assert "errors" not in answer, answer


def document(number: int) -> str:
    """One that differs from all others in its name and a literal, and from most in its fields."""
    chosen = " ".join(field for place, field in enumerate(FIELDS) if place == 0 or number >> place & 1)
    return f"""query Screen{number}($loans: Boolean! = false) {{ __typename
        loans(first: 2) @include(if: $loans) {{ totalCount nodes {{ {chosen} }} }}
        item(barcode: "{number}") @include(if: $loans) {{ id barcode status {{ name }} instance {{ title }} }}
    }}"""


def main() -> None:
    print(measured())  # noqa: T201 - what it was started for


if __name__ == "__main__":
    main()
