"""By plans or field by field, an act is sent as often, with the same answer and the same links below it."""

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
from tests.engine.plans.side_by_side import WIDE, SideBySide, side_by_side
from tests.mutations.mutation_cases import MUTATION_CASES, MutationCase
from tests.mutations.seeded import ITEM, LENT_ITEM, PATRON, service_point

pytestmark = pytest.mark.anyio

Json = Any  # answers are JSON, and each test knows which
NO = {"errors": [{"message": "No", "parameters": [{"key": "itemId", "value": "1"}], "code": "X"}]}

OUTCOMES: dict[str, Callable[[MutationCase], httpx.Response]] = {
    "done": lambda act: (
        httpx.Response(act.status, json=act.response) if act.response else httpx.Response(act.status)
    ),
    "refused": lambda act: httpx.Response(422, json=NO),
    "refused-oddly": lambda act: httpx.Response(422, json={"errors": [{"message": 5, "parameters": {}}]}),
    "unknown": lambda act: httpx.Response(500, text="java"),
    "forbidden": lambda act: httpx.Response(403, text="requires permission: circulation-bff.x.post"),
    "misshapen": lambda act: httpx.Response(act.status if act.status != 204 else 200, json=[1, "odd"]),
    "of-other-kinds": lambda act: httpx.Response(
        200, json={"id": 5, "status": ["odd"], "position": 2**31, "item": "odd", "requests": {"odd": 1}}
    ),
    "empty": lambda act: httpx.Response(200, json={}),
}


@pytest.fixture(autouse=True)
def planned() -> Iterator[None]:
    """Mutations are executed by plans too."""
    before = PLANS_EXECUTED.counts[""]
    others = FALLBACKS.counts["not planned"] + FALLBACKS.counts["not compiled"]
    yield
    assert PLANS_EXECUTED.counts[""] > before
    assert FALLBACKS.counts["not planned"] + FALLBACKS.counts["not compiled"] == others


def called(act: MutationCase) -> str:
    return f"{act.name} {act.sent.rpartition('/')[2]}" if act.name in ("renew", "reorderQueue") else act.name


class OneAnswer(httpx.AsyncBaseTransport):
    """An upstream that gives one answer to what is to be done, and one to what is read before."""

    def __init__(
        self, act: MutationCase, outcome: Callable[[MutationCase], httpx.Response], sent: list[str]
    ) -> None:
        self.act = act
        self.outcome = outcome
        self.sent = sent

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(f"{request.method} {request.url.path}")
        if request.method == "GET":
            return (
                httpx.Response(404) if self.act.before is None else httpx.Response(200, json=self.act.before)
            )
        return self.outcome(self.act)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("act", MUTATION_CASES, ids=called)
async def test_every_act(act: MutationCase, outcome: str) -> None:
    """Each act and whatever comes of it, twice in one operation: upstream gets the same in the same order."""
    twice = act.document.replace(f"{{ {act.name}(", f"{{ __typename first: {act.name}(", 1)
    body = twice[twice.index("first:") + 6 : twice.rindex("}")]
    document = f"{twice[: twice.rindex('}')]} again: {body} }}"
    responses, sent = [], []
    for how in ("plan", "generic"):
        calls: list[str] = []
        upstream = OneAnswer(act, OUTCOMES[outcome], calls)
        settings = Settings(okapi_url="http://folio", execution=how, **WIDE)
        app = create_app(settings, transport=lambda limits, upstream=upstream: upstream)  # type: ignore[misc]
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            response = await client.post(
                "/graphql",
                json={"query": document, "variables": {"input": act.inputs}},
                headers={"X-Okapi-Tenant": "diku", "X-Okapi-Token": "secret", "X-Okapi-Request-Id": "1"},
            )
        responses.append(without_moments(response.json()))
        sent.append(calls)

    assert responses[0] == responses[1]
    assert sent[0] == sent[1]
    assert [each for each in sent[0] if not each.startswith("GET")] in ([act.sent], [act.sent] * 2)


def without_moments(response: Json) -> str:
    """The answer as text, errors in order, without what is told of time and of the request."""
    response["errors"] = sorted(json.dumps(each, sort_keys=True) for each in response.get("errors", ()))
    text = re.sub(r"\d+/graphql", "", json.dumps(response))
    return MOMENT.sub("", text)


MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)")
KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def but_for_the_time(text: str) -> str:
    """Libraries made one after the other are some moments apart, and what is new in them has its own ids."""
    known: dict[str, str] = {}
    return KEY.sub(lambda key: known.setdefault(key[0], f"id {len(known)}"), MOMENT.sub("then", text))


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


class Behind(httpx.AsyncBaseTransport):
    """A library some of whose answers are changed."""

    def __init__(
        self, sandbox: Sandbox, change: Callable[[str, str, httpx.Response], httpx.Response | None]
    ) -> None:
        self.upstream = in_process_transport(sandbox)
        self.change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.upstream.handle_async_request(request)
        await response.aread()
        return self.change(request.method, request.url.path, response) or response


def as_it_is(method: str, path: str, response: httpx.Response) -> None:
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


def unknown_at_first() -> Callable[[str, str, httpx.Response], httpx.Response | None]:
    acts: list[str] = []

    def change(method: str, path: str, response: httpx.Response) -> httpx.Response | None:
        acts.extend([path] if method == "POST" else [])
        return httpx.Response(502) if method == "POST" and len(acts) == 1 else None

    return change


UPSTREAMS: dict[str, Callable[[], Callable[[str, str, httpx.Response], httpx.Response | None]]] = {
    "as-it-is": lambda: as_it_is,
    "links-fail": lambda: links_fail,
    "links-misshapen": lambda: links_misshapen,
    "loans-of-other-kinds": lambda: loans_of_other_kinds,
    "unknown-at-first": unknown_at_first,
}


@asynccontextmanager
async def a_library_each(upstream: str) -> AsyncIterator[tuple[SideBySide, Sandbox]]:
    """Both gateways, each over a library of its own in the same state."""
    one, other = create_sandbox(), create_sandbox()
    async with side_by_side(
        Behind(one, UPSTREAMS[upstream]()), own=Behind(other, UPSTREAMS[upstream]())
    ) as side:
        yield side, one


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("sequence", SEQUENCES)
async def test_acts_in_order(sequence: str, upstream: str) -> None:
    """Several acts with links below: each link tells what was true between its act and the next."""
    async with a_library_each(upstream) as (side, sandbox):
        variables = {"point": service_point(sandbox.library("diku"))}
        document = f"mutation($point: ID!) {{ {SEQUENCES[sequence]} }}"
        await side.same(document, variables, but=but_for_the_time)

    assert not side.refused
