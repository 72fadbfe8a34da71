"""A mutation executed by a plan sends the same requests, and has the same response, as field by field."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.engine.plans.cache import FALLBACKS, PLANS_EXECUTED
from gateway.sandbox import Sandbox, create_sandbox
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport
from tests.engine.plans.compared_executions import WIDE, ComparedExecutions, compare_executions
from tests.mutations.mutation_cases import MUTATION_CASES, MutationCase
from tests.mutations.seeded import ITEM, LENT_ITEM, PATRON, service_point

pytestmark = pytest.mark.anyio

Json = Any  # responses are JSON of the shape that each test expects
NO = {"errors": [{"message": "No", "parameters": [{"key": "itemId", "value": "1"}], "code": "X"}]}

OUTCOMES: dict[str, Callable[[MutationCase], httpx.Response]] = {
    "done": lambda case: (
        httpx.Response(case.status, json=case.response) if case.response else httpx.Response(case.status)
    ),
    "refused": lambda case: httpx.Response(422, json=NO),
    "refused-oddly": lambda case: httpx.Response(422, json={"errors": [{"message": 5, "parameters": {}}]}),
    "unknown": lambda case: httpx.Response(500, text="java"),
    "forbidden": lambda case: httpx.Response(403, text="requires permission: circulation-bff.x.post"),
    "misshapen": lambda case: httpx.Response(case.status if case.status != 204 else 200, json=[1, "odd"]),
    "of-other-kinds": lambda case: httpx.Response(
        200, json={"id": 5, "status": ["odd"], "position": 2**31, "item": "odd", "requests": {"odd": 1}}
    ),
    "empty": lambda case: httpx.Response(200, json={}),
}


@pytest.fixture(autouse=True)
def _all_planned() -> Iterator[None]:
    """Mutations are executed by plans too."""
    before = PLANS_EXECUTED.counts[""]
    others = FALLBACKS.counts["not planned"] + FALLBACKS.counts["not compiled"]
    yield
    assert PLANS_EXECUTED.counts[""] > before
    assert FALLBACKS.counts["not planned"] + FALLBACKS.counts["not compiled"] == others


def case_name(case: MutationCase) -> str:
    return (
        f"{case.name} {case.sent.rpartition('/')[2]}" if case.name in ("renew", "reorderQueue") else case.name
    )


class FixedResponses(httpx.AsyncBaseTransport):
    """An upstream with one response to writes and one to the reads before them."""

    def __init__(
        self, case: MutationCase, outcome: Callable[[MutationCase], httpx.Response], sent: list[str]
    ) -> None:
        self.case = case
        self.outcome = outcome
        self.sent = sent

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(f"{request.method} {request.url.path}")
        if request.method == "GET":
            return (
                httpx.Response(404)
                if self.case.before is None
                else httpx.Response(200, json=self.case.before)
            )
        return self.outcome(self.case)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("case", MUTATION_CASES, ids=case_name)
async def test_every_mutation(case: MutationCase, outcome: str) -> None:
    """Each mutation with each outcome, twice in one operation, sends the same requests in the same order."""
    twice = case.document.replace(f"{{ {case.name}(", f"{{ __typename first: {case.name}(", 1)
    body = twice[twice.index("first:") + 6 : twice.rindex("}")]
    document = f"{twice[: twice.rindex('}')]} again: {body} }}"
    responses, sent = [], []
    for execution in ("plan", "generic"):
        calls: list[str] = []
        upstream = FixedResponses(case, OUTCOMES[outcome], calls)
        settings = Settings(okapi_url="http://folio", execution=execution, look_up_timeout=0.2, **WIDE)
        app = create_app(settings, transport=lambda limits, upstream=upstream: upstream)  # type: ignore[misc]
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            response = await client.post(
                "/graphql",
                json={"query": document, "variables": {"input": case.inputs}},
                headers={"X-Okapi-Tenant": "diku", "X-Okapi-Token": "secret", "X-Okapi-Request-Id": "1"},
            )
        responses.append(without_times(response.json()))
        sent.append(calls)

    assert responses[0] == responses[1]
    assert sent[0] == sent[1]
    assert [each for each in sent[0] if not each.startswith("GET")] in ([case.sent], [case.sent] * 2)


def without_times(response: Json) -> str:
    """Return the response as text, errors in order, without times and request ids."""
    response["errors"] = sorted(json.dumps(each, sort_keys=True) for each in response.get("errors", ()))
    text = re.sub(r"\d+/graphql", "", json.dumps(response))
    return DATE_TIME.sub("", text)


DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)")
KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def without_new_ids_and_times(text: str) -> str:
    """Replace times and new ids: they differ between libraries."""
    known: dict[str, str] = {}
    return KEY.sub(lambda key: known.setdefault(key[0], f"id {len(known)}"), DATE_TIME.sub("then", text))


LOAN = """loan { id dueDate status { name } loanItem { title }
    borrower { username barcode personal { lastName email } openLoans(first: 2) { totalCount } }
    item { barcode status { name } holdings { instance { title } } }
    checkoutServicePoint { code name } patronGroupAtCheckout { group desc }
    openRequests { totalCount nodes { position requester { username } } } }"""
REFUSAL = "... on Refusal { reasons { code message parameters { key value } } }"
CHECK_OUT = f"""checkOut(
    input: {{ itemBarcode: "{ITEM}", userBarcode: "{PATRON}", servicePointId: $point }}
) {{
    __typename ... on CheckedOut {{ {LOAN} }} {REFUSAL} }}"""
CHECK_IN = f"""checkIn(input: {{ itemBarcode: "%s", servicePointId: $point }}) {{
    __typename ... on CheckedIn {{ {LOAN} inHouseUse item {{ status {{ name }} openLoan {{ id }} }}
    staffSlipContext {{ item {{ title }} request {{ request {{ id status }} }} }} }} {REFUSAL} }}"""
RENEW = f"""renew(input: {{ itemBarcode: "{LENT_ITEM}", userBarcode: "%s" }}) {{
    __typename ... on Renewed {{ {LOAN} }} {REFUSAL} }}"""
SEQUENCES = {
    "check-out": f"out: {CHECK_OUT}",
    "check-out-twice": f"one: {CHECK_OUT} two: {CHECK_OUT}",
    "out-and-in": f"out: {CHECK_OUT} in: {CHECK_IN % ITEM} again: {CHECK_OUT}",
    "in-and-renew": f"renewed: {RENEW % PATRON} __typename in: {CHECK_IN % LENT_ITEM} late: {RENEW % PATRON}",
    "of-nothing": f"in: {CHECK_IN % 'nothing'} out: {CHECK_OUT}",
}


class ChangedLibrary(httpx.AsyncBaseTransport):
    """A library with some changed responses."""

    def __init__(
        self, sandbox: Sandbox, change: Callable[[str, str, httpx.Response], httpx.Response | None]
    ) -> None:
        self.upstream = in_process_transport(sandbox)
        self.change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.upstream.handle_async_request(request)
        await response.aread()
        return self.change(request.method, request.url.path, response) or response


def keep_response(method: str, path: str, response: httpx.Response) -> None:
    return None


def links_fail(method: str, path: str, response: httpx.Response) -> httpx.Response | None:
    failing = path.startswith(("/users", "/inventory", "/circulation-bff/requests")) and method == "GET"
    return httpx.Response(403, text="no") if failing else None


def links_misshapen(method: str, path: str, response: httpx.Response) -> httpx.Response | None:
    if method != "GET" or not path.startswith(("/users", "/inventory")):
        return None
    body = json.loads(response.content)
    for records in body.values():
        for each in records if isinstance(records, list) else ():
            each["username"] = {"odd": 1}
            each["status"] = {"name": ["odd"]}
    return httpx.Response(200, json=body)


def loans_of_other_kinds(method: str, path: str, response: httpx.Response) -> httpx.Response | None:
    if "check-" not in path or response.status_code != 200:
        return None
    loan = json.loads(response.content)
    for each in (loan, loan.get("loan") or {}):
        each |= {"dueDate": 17, "status": {"name": {}}, "item": ["odd"]}
    return httpx.Response(200, json=loan)


def fail_first_write() -> Callable[[str, str, httpx.Response], httpx.Response | None]:
    writes: list[str] = []

    def change(method: str, path: str, response: httpx.Response) -> httpx.Response | None:
        writes.extend([path] if method == "POST" else [])
        return httpx.Response(502) if method == "POST" and len(writes) == 1 else None

    return change


UPSTREAMS: dict[str, Callable[[], Callable[[str, str, httpx.Response], httpx.Response | None]]] = {
    "as-it-is": lambda: keep_response,
    "links-fail": lambda: links_fail,
    "links-misshapen": lambda: links_misshapen,
    "loans-of-other-kinds": lambda: loans_of_other_kinds,
    "unknown-at-first": fail_first_write,
}


@asynccontextmanager
async def separate_libraries(upstream: str) -> AsyncIterator[tuple[ComparedExecutions, Sandbox]]:
    """Open both gateways, each over a separate library in the same state."""
    one, other = create_sandbox(), create_sandbox()
    async with compare_executions(
        ChangedLibrary(one, UPSTREAMS[upstream]()), own=ChangedLibrary(other, UPSTREAMS[upstream]())
    ) as side:
        yield side, one


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("sequence", SEQUENCES)
async def test_mutations_in_order(sequence: str, upstream: str) -> None:
    """Each link of several mutations shows the state between its mutation and the next."""
    async with separate_libraries(upstream) as (side, sandbox):
        variables = {"point": service_point(sandbox.library("diku"))}
        document = f"mutation($point: ID!) {{ {SEQUENCES[sequence]} }}"
        await side.same(document, variables, but=without_new_ids_and_times)

    assert not side.refused
