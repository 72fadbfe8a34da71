"""The compared rows: each is a separate server over the same upstream.

To measure another way to execute, add a `GatewayRow` with its variable; for another design, a module that
serves it and a row that starts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tests.benchmarks.driver import encode_request
from tests.benchmarks.processes import Process, started
from tests.benchmarks.serving import SPARE_COLLECTIONS, UPSTREAM
from tests.benchmarks.workloads import Workload

# Deadlines are for upstreams that are slow; here 64 requests wait for one processor. Connecting has less time
# than a call, as by default.
_PATIENCE = {
    "CONNECT_TIMEOUT": "300",
    "FIRST_BYTE_TIMEOUT": "600",
    "READ_TIMEOUT": "600",
    "ACT_TIMEOUT": "600",
    "OPERATION_TIMEOUT": "600",
    "IDLE_TIMEOUT": "300",  # a connection waits while callgrind writes its counts
}


@dataclass(frozen=True, eq=False)
class Row:
    """A server, and its request for a workload.

    `exact` if it must return the same bytes as the first row, from the same upstream calls; otherwise the
    same data is sufficient.
    """

    name: str
    what: str
    exact: bool = True
    metrics: str | None = None  # the path of its metrics, in the text format of Prometheus

    @contextmanager
    def serving(self, upstream: str, wrapper: Sequence[str] = ()) -> Iterator[Process]:
        """Run the server until the end of the block, under the command `wrapper` if there is one."""
        raise NotImplementedError

    def environment(self, upstream: str) -> dict[str, str]:
        """Return the variables of the server, in addition to those of this process."""
        return {UPSTREAM: upstream}

    def encode_request(self, workload: Workload) -> bytes:
        """Return the request of a workload to this server; a GraphQL request by default."""
        body = {"query": workload.query, "variables": workload.variables}
        return encode_request("POST", "/graphql", body)


@dataclass(frozen=True, eq=False)
class GatewayRow(Row):
    """The real gateway, as `python -m gateway` starts it."""

    variables: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def serving(self, upstream: str, wrapper: Sequence[str] = ()) -> Iterator[Process]:
        with started(
            ["-m", "gateway", "--port", "0"],
            self.environment(upstream),
            says=r"GraphQL +(http://[^/]+)",
            wrapper=wrapper,
        ) as process:
            yield process

    def environment(self, upstream: str) -> dict[str, str]:
        return {
            "OKAPI_URL": upstream,
            "HOST": "127.0.0.1",
            "LOG_LEVEL": "error",
            **_PATIENCE,
            **self.variables,
        }


@dataclass(frozen=True, eq=False)
class HandwrittenRow(Row):
    """The endpoints written for the workloads, in one of their modules.

    They have the gateway's settings of the garbage collector. These belong to the process, and not to the
    execution of a request; and decoding into dictionaries gains a fifth from them.
    """

    module: str = field(kw_only=True)
    spare_collections: bool = True

    @contextmanager
    def serving(self, upstream: str, wrapper: Sequence[str] = ()) -> Iterator[Process]:
        with started(["-m", self.module], self.environment(upstream), wrapper=wrapper) as process:
            yield process

    def environment(self, upstream: str) -> dict[str, str]:
        return {UPSTREAM: upstream, **({SPARE_COLLECTIONS: "1"} if self.spare_collections else {})}

    def encode_request(self, workload: Workload) -> bytes:
        return encode_request(workload.method, workload.path, workload.body)

    def with_python_collector(self) -> HandwrittenRow:
        """The same, but the garbage collector is left as Python sets it."""
        return replace(
            self, what=f"{self.what}; the garbage collector as Python sets it", spare_collections=False
        )


@dataclass(frozen=True, eq=False)
class PlainStrawberryRow(Row):
    """A schema of the same fields in Strawberry's own view."""

    @contextmanager
    def serving(self, upstream: str, wrapper: Sequence[str] = ()) -> Iterator[Process]:
        module = "tests.benchmarks.plain_strawberry"
        with started(["-m", module], self.environment(upstream), wrapper=wrapper) as process:
            yield process


PLAN = GatewayRow(
    "plan",
    "the gateway as it is started in production, but for its log of operations (LOG_LEVEL=error)",
    metrics="/metrics",
    variables={"EXECUTION": "plan"},
)
GENERIC = GatewayRow(
    "generic",
    "the same with EXECUTION=generic: field by field",
    metrics="/metrics",
    variables={"EXECUTION": "generic"},
)
HANDWRITTEN = HandwrittenRow(
    "hand-written",
    "an endpoint per workload: Starlette + aiohttp + orjson",
    module="tests.benchmarks.handwritten_orjson",
)
HANDWRITTEN_MSGSPEC = HandwrittenRow(
    "hand-written, msgspec",
    "the same with msgspec Structs of the needed members in place of orjson",
    module="tests.benchmarks.handwritten_msgspec",
)
BOUND = HandwrittenRow(
    "bound",
    "msgspec and a projection over bare asyncio protocols: no GraphQL, no Starlette, no HTTP library",
    module="tests.benchmarks.bound",
)
PLAIN_STRAWBERRY = PlainStrawberryRow(
    "plain Strawberry", "Strawberry's view, dataclasses, its DataLoader and httpx as documented", exact=False
)

ROWS: tuple[Row, ...] = (PLAN, GENERIC, HANDWRITTEN, HANDWRITTEN_MSGSPEC, BOUND, PLAIN_STRAWBERRY)
LIMITS: tuple[Row, ...] = (HANDWRITTEN, HANDWRITTEN_MSGSPEC, BOUND)
