"""The time that a second client waits for `{ __typename }` while the largest permitted operations run.

`python -m tests.soak.neighbour [NAME ...]` prints it for each of the operations.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from tests.benchmarks.driver import connections, encode_request
from tests.benchmarks.processes import Process, started
from tests.soak.memory import scheduled
from tests.soak.storm_hostile import FAT_FIELDS, WIDE_FIELDS, roots, schemas

REQUESTS = 120  # in each run, so that the longest is beyond the 99th percentile
INTERVAL = 0.005  # seconds between two requests of the second client
HEADERS = {"X-Okapi-Tenant": "diku", "X-Okapi-Token": "t"}
TITLE = "7c9e6679-7425-40de-944b-000000000001"

_LINKS = """id dueDate action
    borrower { username active personal { lastName email addresses { city addressLine1 } } }
    item { id barcode callNumber } instance { id hrid source identifiers { value } contributors { name } }
    checkoutServicePoint { id discoveryDisplayName }"""
_REQUEST = """requestType requestTypeText requestLevelText ecsRequestPhaseText status statusText requestDate
    position requestExpirationDate holdShelfExpirationDate cancelledDate patronComments itemLocationCode
    cancellationAdditionalInformation fulfillmentPreferenceText isDcbReRequestCancellation"""
_FIELDS = " ".join(f"f{each}: loan(id: $id) {{ ...F }}" for each in range(28))

NEW = " new0000000: __typename "  # is numbered, so that each document is parsed and validated

# A slow machine has more time to read, and reads as much.
_SLOW_MACHINE = {
    "BREAKER": "0",
    "CONNECT_TIMEOUT": "60",
    "FIRST_BYTE_TIMEOUT": "60",
    "READ_TIMEOUT": "60",
    "OPERATION_TIMEOUT": "180",
}

OPERATIONS: Mapping[str, Any] = {
    "100,000 records": {
        "query": "{ loans(first: 1000) { nodes { borrower { loans(first: 99) { nodes { id dueDate action"
        " status { name } loanItem { title callNumber } } } } } } }"
    },
    "a thousand rows with links": {"query": f"{{ loans(first: 990) {{ nodes {{ {_LINKS} }} }} }}"},
    "nine megabytes": {"query": "{ loans(first: 998) { nodes { id actionComment } } }"},
    "15 wide pages": {"query": roots(15, 1000, WIDE_FIELDS)},
    "30 fat pages": {"query": roots(30, 996, FAT_FIELDS)},
    "30 pages without a plan": {"query": roots(30, 300, WIDE_FIELDS)},
    "1,375 lists of 55 without a plan": {
        "query": roots(25, 55, f"{WIDE_FIELDS} instance {{ identifiers {{ value }} }}")
    },
    "a thousand rows with failing links": {
        "query": "{ loans(first: 990) { nodes { loanPolicy { name } borrower { patronGroup { group } } } } }"
    },
    "one bad record": {"query": f"{{ loans(first: 997) {{ nodes {{ {WIDE_FIELDS} }} }} }}"},
    "a page of bad records": {"query": f"{{ loans(first: 995) {{ nodes {{ {WIDE_FIELDS} }} }} }}"},
    "7 schemas": {"query": schemas(7)},
    "60,000 identifiers": {"query": f'{{ instance(id: "{TITLE}") {{ identifiers {{ value }} }} }}'},
    "a queue of 60,000": {"query": f'{{ requestQueue(itemId: "{TITLE}") {{ nodes {{ {_REQUEST} }} }} }}'},
    "undeclared variables": {
        "query": "{ loans(first: 1) { nodes { id } } }",
        "variables": {"a": [[]] * 320_000},
    },
    "declared variables": {
        "query": "query ($a: [LoanStatusName!]) { loans(filter: {status: $a}) { totalCount } }",
        "variables": {"a": ["OPEN"] * 19_000},
    },
    "too many declared variables": {
        "query": "query ($a: [LoanStatusName!]) { loans(filter: {status: $a}) { totalCount } }",
        "variables": {"a": ["OPEN"] * 120_000},
    },
    "a long declared text": {
        "query": "query ($a: String) { loans(cql: $a) { totalCount } }",
        "variables": {"a": "(" * 980_000},
    },
    "a long document": {"query": "{ loans { nodes { id } } }" + " " * 99_000},
    "a long name": {"query": "{ loans { nodes { " + "x" * 99_000 + " } } }"},
    "new documents of 1,500 fields": {
        "query": f"query ($id: ID!) {{ {NEW} {_FIELDS} }} fragment F on Loan {{ {WIDE_FIELDS} }}",
        "variables": {"id": TITLE},
    },
    "new documents of equal names": {"query": "{" + NEW + " loans { nodes { id } } " * 140 + "}"},
    "new invalid documents": {"query": "{" + NEW + " ".join(f"field{each}" for each in range(1900)) + " }"},
}

# 60,000 errors: 50 to 70 ms (p99) on a fast machine, and more than 100 on a slow one, so that no test has it.
BEYOND = {
    "a queue of bad records": {
        "query": f'{{ requestQueue(instanceId: "{TITLE}") {{ nodes {{ {_REQUEST} }} }} }}'
    },
}


@dataclass(frozen=True, kw_only=True)
class Waited:
    """The times of the second client in milliseconds, without those in which the gateway had no CPU."""

    p99: float
    longest: float
    longest_as_measured: float
    operations: int
    status: int
    size: int
    codes: list[str]


@contextmanager
def served(execution: str = "plan") -> Iterator[Process]:
    """A gateway process over the upstream with large responses."""
    with started(["-m", "tests.soak.large_upstream"]) as upstream:
        arguments = ["-m", "gateway", "--port", "0", "--okapi-url", upstream.url, "--log-level", "error"]
        with started(
            arguments, {"EXECUTION": execution, **_SLOW_MACHINE}, says=r"(http://\S+?)/graphql"
        ) as gateway:
            yield gateway


async def measure(gateway: Process, operation: Any) -> Waited:  # Any: JSON
    """Send `{ __typename }` while an operation runs, and the operation again until there are enough times."""
    large = encode_request("POST", "/graphql", operation, HEADERS)
    numbers = itertools.count(1)
    small = encode_request("POST", "/graphql", {"query": "{ __typename }"}, HEADERS)
    times: list[float] = []
    measured: list[float] = []
    async with connections(gateway.url, 2) as (first, second):
        await second.execute(small)

        async def run() -> tuple[int, Any]:
            number = 0
            while not number or len(times) < REQUESTS:
                response = await first.execute(large.replace(b"new0000000", b"new%07d" % next(numbers)))
                number += 1
            return number, response

        running = asyncio.create_task(run())
        while not running.done():
            _, queued = scheduled(gateway.pid)
            began = time.perf_counter()
            await second.execute(small)
            took = time.perf_counter() - began
            measured.append(took)
            times.append(took - (scheduled(gateway.pid)[1] - queued))
            await asyncio.sleep(max(INTERVAL - took, 0))
        number, response = await running
    body = json.loads(response.body)
    return Waited(
        p99=round(quantiles(times, n=100, method="inclusive")[98] * 1000, 1),
        longest=round(max(times) * 1000, 1),
        longest_as_measured=round(max(measured) * 1000, 1),
        operations=number,
        status=response.status,
        size=len(response.body),
        codes=sorted({each["extensions"]["code"] for each in body.get("errors", ())}),
    )


async def main(names: list[str]) -> None:
    with served() as gateway:
        operations = {**OPERATIONS, **BEYOND}
        for name in names or OPERATIONS:
            for _ in range(3):
                print(f"{name}: {await measure(gateway, operations[name])}", flush=True)  # noqa: T201 - output


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
