"""Each mutation publishes the records that it changes, unless nothing was changed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest

from gateway.app import create_app
from gateway.context import Info, MutationState
from gateway.engine.core import declaration_of
from gateway.fields.mutation import CHANGES, publishing
from gateway.graph import schema
from gateway.identity import Caller
from gateway.live.changed_records import NoChanges, Written
from gateway.live.changes import Change, Changes, Watch
from gateway.live.own_mutations import ChangedRecord, OwnMutations
from gateway.settings import Settings
from tests.gateway_under_test import Json, open_gateway
from tests.live.published_cases import LOAN, OVER_POLARIS, PUBLISHED_CASES, PublishedCase, shown
from tests.manual.pages import section
from tests.mutations.mutation_cases import MutationCase, key

pytestmark = pytest.mark.anyio

HEADERS = {"X-Okapi-Tenant": "diku", "X-Okapi-Token": "secret"}
every = pytest.mark.parametrize("case", PUBLISHED_CASES, ids=str)
CHECK_OUT = next(case for case in PUBLISHED_CASES if case.mutation.name == "checkOut")

Upstream = Callable[[httpx.Request], httpx.Response]


class Desk:
    """A gateway over a mocked upstream, the calls that this receives, and the changes that are published."""

    def __init__(self, http: httpx.AsyncClient, changes: Changes) -> None:
        self.calls: list[httpx.Request] = []
        self.changes = changes
        self._http = http

    async def execute(self, case: MutationCase, inputs: Json = None, **headers: str) -> Json:
        body = {"query": case.document, "variables": {"input": case.inputs if inputs is None else inputs}}
        response = await self._http.post("/graphql", json=body, headers=HEADERS | headers)
        return response.json()

    @property
    def published(self) -> list[str]:
        return shown(self.changes.kept)


@asynccontextmanager
async def open_desk(upstream: Upstream, *, is_watched: bool = True) -> AsyncIterator[Desk]:
    """Open a gateway, one of whose clients watches a record that no test changes."""

    def receive(request: httpx.Request) -> httpx.Response:
        desk.calls.append(request)
        return upstream(request)

    app = create_app(
        Settings(okapi_url="http://folio", polaris_url="http://polaris", look_up_timeout=0),
        transport=lambda limits: httpx.MockTransport(receive),
    )
    changes: Changes = app.state.changes
    if is_watched:
        changes.watch("diku", Watch("loan", "id", key(99)))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        desk = Desk(http, changes)
        yield desk


def responding(case: MutationCase, write: httpx.Response | None = None) -> Upstream:
    """Return an upstream with the read before the write, if any, and the response to the write."""

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=case.before)
        if write is not None:
            return write
        if case.response is None:
            return httpx.Response(case.status)
        return httpx.Response(case.status, json=case.response)

    return upstream


def test_every_mutation_declares_its_changes() -> None:
    """A mutation declares what it changes or the reason why it publishes nothing, and has its cases here."""
    mutations = schema._schema.mutation_type
    assert mutations is not None
    declared = {name: declaration_of(field).metadata[CHANGES] for name, field in mutations.fields.items()}

    assert [name for name, each in declared.items() if not callable(each) and not each.reason] == []
    silent = {name for name, each in declared.items() if isinstance(each, NoChanges)} - {"renewMany"}
    tested = {case.mutation.name for case in PUBLISHED_CASES}
    assert tested | OVER_POLARIS == set(declared)
    assert {case.mutation.name for case in PUBLISHED_CASES if case.published} == tested - silent


def test_the_manual_lists_every_mutation_that_publishes() -> None:
    """The page on live updates names each mutation but those of Polaris and sessions, and one of fees."""
    named = set(re.findall(r"`(\w+)`", section("live-updates", "Without Kafka")))
    tested = {case.mutation.name for case in PUBLISHED_CASES}
    fees = {name for name in tested if name.endswith(("FeeFine", "FeeFines"))}

    assert tested - fees - {"endPatronActionSession"} | {"chargeFeeFine", "payFeeFine"} <= named


@every
async def test_a_success_is_published(case: PublishedCase) -> None:
    """The changes have exactly these keys, and cost upstream no call."""
    async with open_desk(responding(case.mutation)) as desk:
        began = datetime.now(UTC)
        response = await desk.execute(case.mutation)

        assert "errors" not in response, response["errors"]
        assert response["data"][case.mutation.name]["__typename"] == case.mutation.result
        assert desk.published == case.published
        assert {each.tenant for each in desk.changes.kept} <= {"diku"}
        assert all(began <= each.occurred_at <= datetime.now(UTC) for each in desk.changes.kept)
        reads = 0 if case.mutation.before is None else 1
        writes = 2 if case.mutation.name == "chargeFeeFine" else 1
        assert len(desk.calls) == reads + writes


@every
async def test_an_unknown_outcome_is_published(case: PublishedCase) -> None:
    """A write that may have happened is published as far as its records are known, so that they are read."""
    async with open_desk(responding(case.mutation, httpx.Response(502))) as desk:
        response = await desk.execute(case.mutation)

        (error,) = response["errors"]
        assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
        assert desk.published == case.if_unknown


@every
async def test_a_refusal_is_not_published(case: PublishedCase) -> None:
    """A write that upstream refuses has changed nothing."""
    refusal = httpx.Response(422, json={"errors": [{"message": "No", "parameters": []}]})
    async with open_desk(responding(case.mutation, refusal)) as desk:
        response = await desk.execute(case.mutation)

        assert "errors" not in response, response["errors"]
        assert len(desk.calls) == (1 if case.mutation.before is None else 2)
        assert desk.changes.kept == ()


async def test_what_was_not_sent_is_not_published() -> None:
    """Neither an unreachable upstream, nor an invalid input, nor a conflict before the write."""

    def unreachable(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return responding(update)(request)
        raise httpx.ConnectError("refused", request=request)

    update = next(case.mutation for case in PUBLISHED_CASES if case.mutation.name == "updateRequest")
    async with open_desk(unreachable) as desk:
        not_sent = await desk.execute(CHECK_OUT.mutation)
        invalid = await desk.execute(CHECK_OUT.mutation, CHECK_OUT.mutation.inputs | {"userBarcode": ""})
        changed = await desk.execute(
            update, {"requestId": key(1), "unchangedSince": "2026-11-20T00:00:00Z", "tags": []}
        )

        assert not_sent["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
        assert invalid["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert changed["data"]["updateRequest"]["__typename"] == "RequestConflict"
        assert desk.changes.kept == ()


async def test_a_confirmed_write_is_published() -> None:
    """A check-out whose response is lost, and whose loan proves it, is published as one with a response."""
    async with open_gateway(look_up_timeout=3) as gateway:
        changes = _changes_of(gateway)
        library = gateway.library
        item = library.item_by_barcode("2000000001")
        assert item is not None
        inputs = {
            "itemBarcode": item["barcode"],
            "userBarcode": "1000000001",
            "servicePointId": next(iter(library.service_points)),
        }
        gateway.sandbox.faults.add(
            kind="status", method="POST", path="/circulation-bff/loans/check-out-by-barcode", after=True
        )

        response = await gateway.execute(
            CHECK_OUT.mutation.document, {"input": inputs}, gateway.as_staff("head")
        )

        assert response["extensions"] == {"outcome": "confirmed"}
        loan = library.open_loan_of_item(item["id"])
        assert loan is not None
        instance = library.holdings[item["holdingsRecordId"]]["instanceId"]
        created = changes.kept[0]
        assert (created.subject, created.kind, created.id) == ("loan", "created", loan["id"])
        assert created.keys == {("id", loan["id"]), ("userId", loan["userId"]), ("itemId", item["id"])}
        assert [(each.subject, each.id) for each in changes.kept[1:]] == [
            ("item", item["id"]),
            ("request", ""),
            ("requestQueue", instance),
        ]


async def test_a_replay_is_not_published() -> None:
    """The replayed response to a mutation that was sent again with its key publishes nothing again."""
    headers = {"Idempotency-Key": "the-key"}
    async with open_desk(responding(CHECK_OUT.mutation)) as desk:
        first = await desk.execute(CHECK_OUT.mutation, **headers)
        published = desk.published

        again = await desk.execute(CHECK_OUT.mutation, **headers)

        assert again == first
        assert published == CHECK_OUT.published
        assert desk.published == published
        assert len(desk.calls) == 1


async def test_each_mutation_of_an_operation_is_published() -> None:
    """Several mutations in one operation publish one after another, up to the refused one."""
    responses = [httpx.Response(204), httpx.Response(422, json={"errors": [{"message": "No"}]})]
    add = next(case.mutation for case in PUBLISHED_CASES if case.mutation.name == "addLoanInfo")
    document = (
        "mutation($input: AddLoanInfoInput!) { first: addLoanInfo(input: $input) { __typename } "
        "second: addLoanInfo(input: $input) { __typename } }"
    )
    async with open_desk(lambda request: responses.pop(0)) as desk:
        response = await desk._http.post(
            "/graphql", json={"query": document, "variables": {"input": add.inputs}}, headers=HEADERS
        )

        assert response.json()["data"]["second"] == {"__typename": "Refusal"}
        assert desk.published == ["loan updated 1: id=1"]


async def test_a_mutation_publishes_nothing_of_the_record_that_another_has_read() -> None:
    """After a cancelled request, a renewal with an unknown outcome publishes the ids of its own input."""
    cancel = next(case.mutation for case in PUBLISHED_CASES if case.mutation.name == "cancelRequest")
    document = """mutation($input: CancelRequestInput!, $renew: RenewInput!) {
        cancelRequest(input: $input) { __typename } renew(input: $renew) { __typename } }"""
    given = {"input": cancel.inputs, "renew": {"itemId": key(5), "userId": key(6)}}

    def upstream(request: httpx.Request) -> httpx.Response:
        if "renew" in request.url.path:
            return httpx.Response(502)
        return responding(cancel)(request)

    async with open_desk(upstream) as desk:
        body = {"query": document, "variables": given}
        response = (await desk._http.post("/graphql", json=body, headers=HEADERS)).json()

        assert response["data"]["cancelRequest"] == {"__typename": "RequestCancelled"}
        assert response["errors"][0]["extensions"]["code"] == "OUTCOME_UNKNOWN"
        loans = [each for each in desk.published if each.startswith(("loan", "accounts"))]
        assert loans == ["loan resync : itemId=5 userId=6", "accounts updated 6: userId=6"]


async def test_changes_that_cannot_be_determined_change_no_outcome(caplog: pytest.LogCaptureFixture) -> None:
    """The result of a write stands, and one line without its values says that nothing is published."""

    def fail(written: Written[str, str]) -> Iterable[ChangedRecord]:
        raise KeyError(written.input)

    async def write(info: Info, input: str) -> str:
        return f"written {input}"

    changes = Changes()
    own = OwnMutations(changes)
    changes.watch("diku", Watch("loan", "id", key(1)))
    caller = Caller(tenant="diku", request_id="1")
    context = SimpleNamespace(own_mutations=own, mutations=MutationState(), caller=caller)
    info: Any = SimpleNamespace(context=context, field_name="checkOut")

    assert await publishing(fail, write)(info, "secret") == "written secret"
    assert caplog.messages == ["The changes of checkOut are not published: KeyError"]
    assert changes.kept == ()


async def test_nothing_is_kept_before_the_first_stream() -> None:
    """Without a stream nothing is published; the first one can resume from its beginning on."""
    watch = Watch("loan", "id", key(1))
    async with open_desk(responding(CHECK_OUT.mutation), is_watched=False) as desk:
        await desk.execute(CHECK_OUT.mutation)
        assert desk.changes.kept == ()
        stream = desk.changes.watch("diku", watch)
        opened = desk.changes.position
        stream.close()

        await desk.execute(CHECK_OUT.mutation)

        resumed = desk.changes.since("diku", watch, opened)
        assert resumed is not None
        assert shown(resumed) == [CHECK_OUT.published[0]]
        assert desk.changes.since("diku", watch, opened - 60_000) is None


@pytest.mark.parametrize("value", [7, "", None, [], {}, [LOAN], {"id": 1}, True])
@pytest.mark.parametrize("name", ["id", "userId", "itemId", "item", "metadata"])
async def test_values_of_another_type_are_absent(name: str, value: Json) -> None:
    """A member of upstream's response that is of another type costs no more than its own keys."""
    case = CHECK_OUT.mutation
    body = {**LOAN, "dueDate": "2026-12-24T00:00:00Z", "proof": 1, name: value}
    if name == "id":
        body["id"] = key(1)  # without it the response proves nothing
    async with open_desk(responding(case, httpx.Response(201, json=body))) as desk:
        response = await desk.execute(case)

        assert response["data"]["checkOut"] == {"__typename": "CheckedOut"}
        assert desk.published[0].startswith("loan created 1: id=1")
        assert all(type(part) is str for each in desk.changes.kept for pair in each.keys for part in pair)


async def test_the_date_of_the_record_is_published() -> None:
    """`metadata.updatedDate` of the response is passed on, unless it is no moment."""
    dates = ["2026-11-21T10:00:00.000+00:00", "2026-11-21T10:00:00", "soon", 7]
    for date, expected in zip(dates, [datetime(2026, 11, 21, 10, tzinfo=UTC), *[None] * 3], strict=True):
        body = LOAN | {"metadata": {"updatedDate": date}}
        async with open_desk(responding(CHECK_OUT.mutation, httpx.Response(201, json=body))) as desk:
            await desk.execute(CHECK_OUT.mutation)

            assert [each.updated_at for each in desk.changes.kept if each.subject == "loan"] == [expected]


async def test_positions_only_grow() -> None:
    """Each change has its own position, also after one of a replica whose clock is ahead."""
    async with open_desk(responding(CHECK_OUT.mutation)) as desk:
        await desk.execute(CHECK_OUT.mutation)
        last = desk.changes.kept[-1]
        ahead = msgspec.structs.replace(last, position=last.position + 60_000)
        desk.changes.publish(ahead)
        await desk.execute(CHECK_OUT.mutation)

        positions = [each.position for each in desk.changes.kept]
        assert positions == sorted(set(positions))
        assert positions[5:] == [ahead.position + number for number in range(1, 5)]


def _changes_of(gateway: Any) -> Changes:
    """Return the changes of a gateway, which someone watches. Any: its transport has the application."""
    changes: Changes = gateway.http._transport.app.state.changes
    changes.watch("diku", Watch("loan", "id", key(99)))
    return changes


def test_a_change_has_all_keys_of_its_record() -> None:
    """The lines of this file show each key of a change."""
    change = Change(
        tenant="diku",
        subject="loan",
        kind="updated",
        id=key(1),
        keys=frozenset({("id", key(1)), ("userId", "x")}),
        occurred_at=datetime.now(UTC),
        position=1,
    )

    assert shown([change]) == ["loan updated 1: id=1 userId=x"]
