"""Real processes and sockets: the gateway over a sandbox server has the responses of one process."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.sandbox import create_sandbox
from gateway.sandbox.clock import format_timestamp
from gateway.settings import Settings
from tests.gateway_under_test import Gateway, open_gateway
from tests.mutations.seeded import MANUALLY_BLOCKED, service_point

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

TRANSPORTS = ("aiohttp", "httpx")
PATIENCE = 60.0  # seconds, on a slow and busy machine
SAMPLE = Path(__file__).parents[2] / "shared" / "folio-sample"
needs_sample = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample records are not available")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
REQUEST_ID = re.compile(r"\d{6}/graphql")


Command = tuple[list[str], Mapping[str, str]]


@contextmanager
def processes(*commands: Command) -> Iterator[list[str]]:
    """Run commands of the gateway concurrently, each as a process; yield their addresses."""
    inherited = {
        name: value for name, value in os.environ.items() if name.lower() not in Settings.declarations()
    }
    with ExitStack() as stack:
        running = []
        for arguments, environment in commands:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-W", "error", "-m", "gateway", *arguments, "--port", "0"],
                env={**inherited, **environment},
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            deadline = threading.Timer(PATIENCE, process.kill)
            stack.callback(deadline.cancel)
            deadline.start()
            running.append(process)
        yield [address(process) for process in running]


def address(process: subprocess.Popen[str]) -> str:
    """Read the output of a process up to its first curl command, which has its address."""
    assert process.stdout is not None
    assert process.stderr is not None
    for line in process.stdout:
        if line.startswith("  curl "):
            return "http://" + shlex.split(line)[1].removeprefix("http://").split("/")[0]
    pytest.fail(f"the process ended with {process.wait()}: {process.stderr.read()}")


def over(url: str, transport: str) -> Command:
    """Return the command for a gateway over a server at this address."""
    return [], {"OKAPI_URL": url, "POLARIS_URL": url, "UPSTREAM_TRANSPORT": transport}


def unreachable_url() -> str:
    """Return a URL without a server."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(scope="module", name="addresses")
def _addresses() -> Iterator[Mapping[str, str]]:
    """Start the processes of this file concurrently, because they are slow; yield their addresses."""
    sandboxes: list[Command] = [(["sandbox"], {})]
    if SAMPLE.is_dir():
        sandboxes.append((["sandbox", "--data", str(SAMPLE)], {}))
    with (
        processes(*sandboxes) as (url, *sample),
        processes(*(over(url, transport) for transport in TRANSPORTS)) as gateways,
    ):
        yield dict(zip((*TRANSPORTS, "sample"), (*gateways, *sample), strict=False))


@asynccontextmanager
async def gateway_over(url: str, transport: str) -> AsyncIterator[Gateway]:
    """Open a gateway in this process over an upstream on the network."""
    app = create_app(Settings(okapi_url=url, polaris_url=url, upstream_transport=transport))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http,
    ):
        yield Gateway(http, create_sandbox())


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for all tests of this file, which share the processes."""
    return "asyncio"


@pytest.fixture(scope="module", params=TRANSPORTS, name="over_network")
async def _gateway_over_network(
    request: pytest.FixtureRequest, addresses: Mapping[str, str]
) -> AsyncIterator[Gateway]:
    """A gateway over a sandbox, both in other processes."""
    url = addresses[request.param]
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE) as http:
        yield Gateway(http, create_sandbox())


@pytest.fixture(scope="module", name="in_process")
async def _gateway_in_process() -> AsyncIterator[Gateway]:
    """A gateway and a library in this process; writes are sent to both."""
    async with open_gateway() as opened:
        yield opened


def timeless(value: Json) -> Json:
    """Return a response without times and the ids of requests."""
    if isinstance(value, dict):
        return {name: timeless(each) for name, each in value.items()}
    if isinstance(value, list):
        return [timeless(each) for each in value]
    if isinstance(value, str):
        return REQUEST_ID.sub("(request)", MOMENT.sub("(moment)", value))
    return value


async def same(
    over_network: Gateway, in_process: Gateway, query: str, variables: Json = None, staff: str = "head"
) -> Json:
    """Send the same operation to both, assert equal responses, and return one."""
    response = await over_network.execute(query, variables, over_network.as_staff(staff))
    expected = await in_process.execute(query, variables, in_process.as_staff(staff))

    assert timeless(response) == timeless(expected)
    return response


QUERIES = {
    "loans": """{ loans(first: 50, sort: [{ field: DUE_DATE }]) {
        totalCount pageInfo { hasNextPage endCursor } nodes {
            id loanDate dueDate action status { name } feesAndFines { amountRemainingToPay }
            borrower { id barcode personal { lastName email } patronGroup { group } }
            item { id title barcode status { name date } callNumber holdings { callNumber } }
            instance { id hrid source } checkoutServicePoint { name holdShelfExpiryPeriod { duration } }
            openRequests { totalCount nodes { requester { barcode } } }
        }
    } }""",
    "requests": """{ requests(first: 50, filter: { status: [OPEN_NOT_YET_FILLED] }) { totalCount nodes {
        id position requestType requestDate requester { barcode personal { email } }
        item { barcode } instance { title source } pickupServicePoint { name code } openLoan { dueDate }
    } } }""",
    "odd barcodes": """{ items(filter: {
        barcode: ["A*B?C", "the \\"quoted\\" one", "shelf/7 & more+%", "back\\\\slash^"]
    }) {
        nodes { id barcode title }
    } }""",
    "what is not there": """{
        item(barcode: "no such") { id } user(id: "7c9e6679-7425-40de-944b-e07fc1f90ae7") { id }
        loan(id: "7c9e6679-7425-40de-944b-e07fc1f90ae7") { id }
        searchInstance(barcode: "no such") { id } objectLock(objectType: PATRON, objectId: 1) { id }
    }""",
    "mistakes": """{
        loan(id: "42") { id } users(first: -1) { totalCount } items(cql: "(") { totalCount }
        loans(cql: "nonsense==1") { totalCount }
    }""",
    "locks": """{ objectLocks(all: true) { totalCount nodes {
        id objectType polarisUserName workstationName lockDate lockDateText
    } } }""",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_queries_have_the_same_responses(
    over_network: Gateway, in_process: Gateway, query: str
) -> None:
    """The responses are equal over the network and in process, except for times."""
    response = await same(over_network, in_process, query)

    assert set(response["data"])


async def test_the_responses_are_those_of_the_library(over_network: Gateway, in_process: Gateway) -> None:
    """Over the network the complete library is served: every loan with its borrower."""
    yesterday = format_timestamp(
        in_process.library.clock.now() - timedelta(hours=12)
    )  # before all loans here
    response = await same(
        over_network,
        in_process,
        """query($before: DateTime) { loans(first: 1000, filter: { loanDate: { before: $before } }) {
            totalCount nodes { id borrower { id externalSystemId } }
        } }""",
        {"before": yesterday},
    )

    library = in_process.library
    loans = response["data"]["loans"]["nodes"]
    planted = {key: loan for key, loan in library.loans.items() if loan["loanDate"] < yesterday}
    assert response["data"]["loans"]["totalCount"] == len(loans) == 220
    assert {loan["id"]: (loan["borrower"] or {}).get("id") for loan in loans} == {
        # The deleted borrower is null; the loan is still there.
        key: loan.get("userId") if loan.get("userId") in library.users else None
        for key, loan in planted.items()
    }


async def test_callers_have_separate_budgets(over_network: Gateway, in_process: Gateway) -> None:
    """Tokens are forwarded: a caller without permission gets the same FORBIDDEN over the network."""
    for staff, codes in {"nobody": ["FORBIDDEN"], "head": []}.items():
        headers = {"X-Okapi-Tenant": "diku", "X-Okapi-Token": f"sandbox:{staff}"}
        responses = [
            await each.execute("{ users(first: 1) { nodes { id } } }", None, headers)
            for each in (over_network, in_process)
        ]
        assert timeless(responses[0]) == timeless(responses[1])
        assert [error["extensions"]["code"] for error in responses[0].get("errors", [])] == codes


CHECK_OUT = """mutation($input: CheckOutInput!) { checkOut(input: $input) {
    __typename
    ... on CheckedOut { loan { dueDate action borrower { barcode } item { title status { name } } } }
    ... on Refusal { reasons {
        code message parameters { key value } overridableBlock { name missingPermissions }
    } }
} }"""
CHECK_IN = """mutation($input: CheckInInput!) { checkIn(input: $input) {
    __typename
    ... on CheckedIn {
        inHouseUse
        loan { id returnDate status { name } } item { status { name date } circulationNotes { note } }
        staffSlipContext { item { title toServicePoint } request { requestId } }
    }
} }"""


async def test_a_loan_over_the_network(over_network: Gateway, in_process: Gateway) -> None:
    """An item is lent, refused to another patron and checked in, and each state is visible."""
    point = service_point(in_process.library)
    mutation_input = {"itemBarcode": "2000000001", "userBarcode": "1000000001", "servicePointId": point}
    seen = """{ item(barcode: "2000000001") { status { name } openLoan { borrower { barcode } } }
        user(barcode: "1000000001") { openLoans { totalCount } } }"""

    result = await same(over_network, in_process, CHECK_OUT, {"input": mutation_input})
    again = await same(over_network, in_process, CHECK_OUT, {"input": mutation_input})
    during = await same(over_network, in_process, seen)
    back = {"itemBarcode": "2000000001", "servicePointId": point}
    in_both = [
        await each.execute(CHECK_IN, {"input": back}, each.as_staff("head"))
        for each in (over_network, in_process)
    ]
    for each in in_both:
        del each["data"]["checkIn"]["loan"]["id"]  # a random id
    after = await same(over_network, in_process, seen)

    assert result["data"]["checkOut"]["__typename"] == "CheckedOut"
    assert again["data"]["checkOut"]["reasons"][0]["message"] == "Item is already checked out"
    assert during["data"]["item"] == {
        "status": {"name": "CHECKED_OUT"},
        "openLoan": {"borrower": {"barcode": "1000000001"}},
    }
    assert timeless(in_both[0]) == timeless(in_both[1])
    assert in_both[0]["data"]["checkIn"]["loan"]["status"] == {"name": "CLOSED"}
    assert after["data"] == {
        "item": {"status": {"name": "AVAILABLE"}, "openLoan": None},
        "user": {"openLoans": {"totalCount": 0}},
    }


async def test_refusals_over_the_network(over_network: Gateway, in_process: Gateway) -> None:
    """Reasons, parameters and blocks are equal; the missing permission of staff is named."""
    point = service_point(in_process.library)
    mutation_input = {"itemBarcode": "2000000009", "userBarcode": MANUALLY_BLOCKED, "servicePointId": point}
    response = await same(over_network, in_process, CHECK_OUT, {"input": mutation_input}, staff="desk")
    unresolved = await same(
        over_network, in_process, CHECK_IN, {"input": {"itemBarcode": "2000000151", "servicePointId": point}}
    )

    assert [each["code"] for each in response["data"]["checkOut"]["reasons"]] == [
        "USER_IS_BLOCKED_MANUALLY",
        "ITEM_NOT_LOANABLE",
    ]
    assert unresolved["data"]["checkIn"]["__typename"] == "Refusal"


async def test_locks_over_the_network(over_network: Gateway, in_process: Gateway) -> None:
    """Locked, refused to another, released: DELETE without a body and 404 as a result work as well."""
    lock = """mutation { lockObject(input: { objectType: PATRON, objectId: 480 }) {
        __typename
        ... on ObjectLocked { existingLock lock { id polarisUserName lockDate } }
        ... on ObjectLockConflict { heldBy { polarisUserName lockDate } }
    } }"""
    unlock = """mutation { unlockObject(input: { objectType: PATRON, objectId: 480 }) {
        __typename ... on ObjectLockConflict { heldBy { polarisUserName } }
    } }"""
    lock_results = [
        (await same(over_network, in_process, query, staff=staff))["data"]
        for query, staff in (
            (lock, "desk"),
            (lock, "head"),
            (unlock, "head"),
            (unlock, "desk"),
            (unlock, "desk"),
        )
    ]

    assert [next(iter(each.values()))["__typename"] for each in lock_results] == [
        "ObjectLocked",
        "ObjectLockConflict",
        "ObjectLockConflict",
        "ObjectUnlocked",
        "ObjectUnlocked",
    ]
    await same(over_network, in_process, lock)
    released = await same(
        over_network, in_process, "mutation { releaseMyLocks(input: { confirm: true }) { __typename } }"
    )
    remaining_locks = await same(over_network, in_process, "{ objectLocks { totalCount } }")
    assert released["data"] == {"releaseMyLocks": {"__typename": "MyLocksReleased"}}
    assert remaining_locks["data"] == {"objectLocks": {"totalCount": 0}}


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_unreachable_upstream(transport: str) -> None:
    """Without a server a query is unavailable and a mutation is not sent."""
    async with gateway_over(unreachable_url(), transport) as gateway:
        mutation_input = {
            "itemBarcode": "1",
            "userBarcode": "1",
            "servicePointId": gateway.summary.service_point_id,
        }
        responses = [
            await gateway.execute("{ loans { totalCount } }"),
            await gateway.execute(CHECK_OUT, {"input": mutation_input}),
        ]

    assert [response["data"] for response in responses] == [{"loans": None}, {"checkOut": None}]
    codes = [response["errors"][0]["extensions"]["code"] for response in responses]
    assert codes == ["UPSTREAM_UNAVAILABLE"] * 2
    assert responses[1]["errors"][0]["message"] == "bff cannot be reached; nothing was sent."


@needs_sample
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_real_records_over_the_network(addresses: Mapping[str, str], transport: str) -> None:
    """`sandbox --data` serves a folder of FOLIO records, and the gateway over it shows them."""
    query = """{
        loans(filter: { status: [OPEN] }) { totalCount nodes {
            loanDate dueDate borrower { barcode personal { lastName email } } item { title barcode }
            instance { hrid contributors { name } }
        } }
        servicePoints { nodes { id name } }
    }"""
    async with gateway_over(addresses["sample"], transport) as over_network:
        over_http = await over_network.data(query)
    async with open_gateway(create_sandbox(SAMPLE)) as gateway:
        in_process = await gateway.data(query)

    assert over_http == in_process
    assert over_http["loans"]["totalCount"] == 3
    assert over_http["loans"]["nodes"][0] == {
        "loanDate": "2017-03-05T18:32:31.000Z",
        "dueDate": "2017-03-19T18:32:31.000Z",
        "borrower": {
            "barcode": "344058867767195",
            "personal": {"lastName": "Hilll", "email": "pete@schulist-raynor-and-beer.ar.us"},
        },
        "item": {"title": "Bridget Jones's Baby: the diaries", "barcode": "453987605438"},
        "instance": {"hrid": "inst000000000006", "contributors": [{"name": "Fielding, Helen"}]},
    }
