"""A soak run: ten thousand operations of two tenants through one gateway over a faulty upstream.

Each desk has its own item, patron and Polaris object and sends one operation after the other, so the expected
state of the library after each response is known, although fifty desks work concurrently.
`python -m tests.soak.soak_run` runs it and prints a report as JSON.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.types import ASGIApp, Scope

from gateway.app import create_app
from gateway.sandbox import Library, Sandbox, create_sandbox
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport
from tests.asgi_client import post_json
from tests.soak.memory import resident_bytes
from tests.soak.random_faults import SEED, FaultyUpstream, RandomFaults
from tests.test_isolation import ids_in_library, ids_in_response, marked, values_of

Json = Any  # a response body, whose shape each caller knows

OPERATIONS = 10_000
WARM_UP = 2_000
DESKS = 50
TENANTS = ("diku", "college")
STAFF = ("head", "desk")
EARLY = 0.04  # of all upstream calls fail before the library processes them
LATE = 0.08  # of all writes succeed, and then the response fails
FIRST_OBJECT = 1_000_000
LOCKED_BY_ANNEX = 29937

QUERIES = (
    "query($item: String!) { item(barcode: $item) { id barcode instance { id title } openLoan { id } } }",
    "query($user: String!) { user(barcode: $user) { id barcode externalSystemId patronGroup { id group } } }",
    "query($user: String!) { user(barcode: $user) { id openLoans(first: 3) { nodes { id dueDate } } } }",
    "{ loans(first: 3) { nodes { id item { id barcode } borrower { id barcode personal { email } } } } }",
    "{ servicePoints(first: 2) { nodes { id name } } }",
    "{ requests(first: 2) { nodes { id requester { id barcode } } } }",
)
CHECK_OUT = """checkOut(input: $out) { __typename
    ... on CheckedOut { loan { id item { id barcode } } } ... on Refusal { reasons { code } } }"""
CHECK_IN = """checkIn(input: $in) { __typename
    ... on CheckedIn { loan { id } item { id barcode } } ... on Refusal { reasons { code } } }"""
LOCK = """mutation($lock: LockObjectInput!) { lockObject(input: $lock) { __typename
    ... on ObjectLocked { existingLock lock { objectId polarisUserName } }
    ... on ObjectLockConflict { heldBy { polarisUserName } } } }"""
UNLOCK = "mutation($lock: UnlockObjectInput!) { unlockObject(input: $lock) { __typename } }"
REQUEST = """mutation($wish: CreateRequestInput!) { createRequest(input: $wish) { __typename
    ... on RequestCreated { request { id item { id barcode } requester { id barcode } } }
    ... on Refusal { reasons { code } } } }"""
CANCEL = """mutation($cancel: CancelRequestInput!) { cancelRequest(input: $cancel) { __typename
    ... on RequestCancelled { request { id } } ... on Refusal { reasons { code } } } }"""


@dataclass(kw_only=True)
class Report:
    """The result of a run. Every list describes failures, one line each."""

    operations: int = 0
    seconds: float = 0.0
    kinds: dict[str, int] = field(default_factory=Counter)
    outcomes: dict[str, int] = field(default_factory=Counter)
    codes: dict[str, int] = field(default_factory=Counter)
    statuses: dict[int, int] = field(default_factory=Counter)
    faults: dict[str, int] = field(default_factory=Counter)
    writes: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)
    warm_bytes: int = 0
    end_bytes: int = 0


class CheckingUpstream(FaultyUpstream):
    """Checks the caller of each upstream call and counts the writes of each operation."""

    def __init__(self, sandbox: Sandbox, faults: RandomFaults, report: Report) -> None:
        super().__init__(sandbox, faults)
        self.report = report
        self.writes: Counter[str] = Counter()  # by the operation's request id, or by the Polaris object
        self.callers: dict[str, tuple[str, str]] = {}

    def on_call(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> None:
        """Count a write for its operation, and check the call's caller and that it has no cookie."""
        if "Polaris" in scope["path"]:
            key = scope["path"].rsplit("/", 1)[-1]
            if scope["method"] == "POST":
                key = str(msgspec.json.decode(body)["ObjectID"])
            caller = ("polaris", headers["authorization"])
        else:
            key = headers["x-okapi-request-id"].split(";")[0]
            caller = (headers["x-okapi-tenant"], headers["x-okapi-token"])
        if scope["method"] != "GET":
            self.writes[key] += 1
            self.report.writes += 1
        if key in self.callers and self.callers[key] != caller:
            self.report.foreign.append(f"{key} was called as {caller}")
        if "cookie" in headers:
            self.report.foreign.append(f"{key} had a cookie")


@dataclass(kw_only=True)
class Desk:
    """A member of staff with one patron and one item."""

    number: int
    soak_run: SoakRun
    tenant: str
    staff: str
    library: Library
    item: Json
    user: Json
    point: str
    chance: random.Random

    @property
    def object_id(self) -> int:
        return FIRST_OBJECT + self.number

    def state(self) -> tuple[str | None, int, Json, frozenset[str], bool]:
        """Return the state that the writes of this desk may change."""
        loan = self.library.open_loan_of_item(self.item["id"])
        return (
            None if loan is None else str(loan["id"]),
            sum(each["itemId"] == self.item["id"] for each in self.library.loans.values()),
            self.item.get("lastCheckIn"),
            frozenset(each["id"] for each in self.open_requests()),
            (27, self.object_id) in self.soak_run.sandbox.locks.locks,
        )

    def open_requests(self) -> list[Json]:
        return [
            each
            for each in self.library.requests.values()
            if each.get("itemId") == self.item["id"] and each["status"].startswith("Open")
        ]

    async def work(self) -> None:
        """Send the next operation, which depends on the state of the item."""
        draw = self.chance.random()
        if draw < 0.5:
            await self.query(self.chance.choice(QUERIES))
        elif draw < 0.7:
            await self.lock_or_unlock()
        elif requests := self.open_requests():
            await self.cancel(requests[0])
        elif self.item["status"]["name"] != "Available":
            await self.mutate("checkIn", f"mutation($in: CheckInInput!) {{ {CHECK_IN} }}")
        elif draw < 0.8:
            await self.mutate("checkOut", f"mutation($out: CheckOutInput!) {{ {CHECK_OUT} }}")
        elif draw < 0.9:
            await self.request()
        else:
            document = f"mutation($out: CheckOutInput!, $in: CheckInInput!) {{ {CHECK_OUT} {CHECK_IN} }}"
            await self.mutate("both", document)

    def variables(self) -> dict[str, Json]:
        fields = {"itemBarcode": self.item["barcode"], "servicePointId": self.point}
        return {"out": fields | {"userBarcode": self.user["barcode"]}, "in": fields}

    async def query(self, document: str) -> None:
        response_body, _ = await self.soak_run.send(
            self, "query", document, {"user": self.user["barcode"], "item": self.item["barcode"]}
        )
        data = response_body.get("data") or {}
        if "errors" not in response_body and any(value is None for value in data.values()):
            self.soak_run.report.lost.append(f"{document} returned no data")

    async def mutate(self, kind: str, document: str) -> None:
        before = self.state()
        response_body, key = await self.soak_run.send(self, kind, document, self.variables())
        after = self.state()
        outcomes = self.soak_run.outcomes(response_body)
        out, back = outcomes.get("checkOut"), outcomes.get("checkIn")
        loans = after[1] - before[1]
        self.check_writes(
            key, kind, len([each for each in outcomes.values() if each != "notAttempted"]), response_body
        )
        if (out == "CheckedOut") > loans or loans > (out in ("CheckedOut", "OUTCOME_UNKNOWN")):
            self.soak_run.report.lost.append(f"{kind}: {outcomes}, but {loans} new loans")
        if out == "CheckedOut":
            loan = self.library.loans.get(response_body["data"]["checkOut"]["loan"]["id"])
            if loan is None or (loan["itemId"], loan["userId"]) != (self.item["id"], self.user["id"]):
                self.soak_run.report.lost.append(f"{kind}: the returned loan is not in the library")
        if back == "CheckedIn" and (after[0] is not None or before[2] == after[2]):
            self.soak_run.report.lost.append(f"{kind}: {outcomes}, but it was not checked in")
        if back not in ("CheckedIn", "OUTCOME_UNKNOWN") and before[2] != after[2]:
            self.soak_run.report.lost.append(f"{kind}: {outcomes}, but it was checked in")
        self.remove_closed_records()

    async def request(self) -> None:
        before = self.state()
        request_input = {
            "id": self.library.new_id(),
            "requesterId": self.user["id"],
            "instanceId": self.library.holdings[self.item["holdingsRecordId"]]["instanceId"],
            "holdingsRecordId": self.item["holdingsRecordId"],
            "itemId": self.item["id"],
            "requestType": "PAGE",
            "requestLevel": "ITEM",
            "fulfillmentPreference": "HOLD_SHELF",
            "pickupServicePointId": self.point,
        }
        response_body, key = await self.soak_run.send(self, "createRequest", REQUEST, {"wish": request_input})
        outcome = self.soak_run.outcomes(response_body).get("createRequest")
        self.check_writes(key, "createRequest", 1, response_body)
        added = self.state()[3] - before[3]
        possible = {"RequestCreated": (1,), "OUTCOME_UNKNOWN": (0, 1)}.get(str(outcome), (0,))
        if len(added) not in possible or not added <= {request_input["id"]}:
            self.soak_run.report.lost.append(f"createRequest: {outcome}, but {len(added)} new requests")

    async def cancel(self, request: Json) -> None:
        cancel_input = {
            "requestId": request["id"],
            "cancellationReasonId": next(iter(self.library.cancellation_reasons)),
            "cancelledByUserId": self.user["id"],
        }
        response_body, key = await self.soak_run.send(self, "cancelRequest", CANCEL, {"cancel": cancel_input})
        outcome = self.soak_run.outcomes(response_body).get("cancelRequest")
        self.check_writes(key, "cancelRequest", 1, response_body)
        done = request["status"] == "Closed - Cancelled"
        if done != (outcome == "RequestCancelled") and outcome != "OUTCOME_UNKNOWN":
            self.soak_run.report.lost.append(f"cancelRequest: {outcome}, but cancelled is {done}")
        self.remove_closed_records()

    async def lock_or_unlock(self) -> None:
        if self.chance.random() < 0.1:
            await self.lock_object_of_another()
            return
        held = self.state()[4]
        release = held and self.chance.random() < 0.8
        kind, document = ("unlockObject", UNLOCK) if release else ("lockObject", LOCK)
        lock_input = {"objectType": "PATRON", "objectId": self.object_id}
        before = self.soak_run.upstream.writes[str(self.object_id)]
        response_body, key = await self.soak_run.send(self, kind, document, {"lock": lock_input})
        outcome = self.soak_run.outcomes(response_body).get(kind)
        self.check_writes(
            key, kind, 1, response_body, self.soak_run.upstream.writes[str(self.object_id)] - before
        )
        now = self.state()[4]
        right = {"ObjectLocked": (True,), "ObjectUnlocked": (False,), "OUTCOME_UNKNOWN": (held, not release)}
        if now not in right.get(str(outcome), (held,)):
            self.soak_run.report.lost.append(f"{kind}: {outcome}, but locked is {now}")
        if outcome == "ObjectLocked" and response_body["data"]["lockObject"]["existingLock"] != held:
            self.soak_run.report.lost.append(f"lockObject: existingLock is not {held}")

    async def lock_object_of_another(self) -> None:
        lock_input = {"objectType": "PATRON", "objectId": LOCKED_BY_ANNEX}
        response_body, _ = await self.soak_run.send(self, "lockObject", LOCK, {"lock": lock_input})
        result = response_body["data"]["lockObject"]
        conflict = {"__typename": "ObjectLockConflict", "heldBy": {"polarisUserName": "Alex Annex"}}
        # A truncated response may lack the holder.
        if result not in (None, conflict, conflict | {"heldBy": None}):
            self.soak_run.report.lost.append(f"a lock held by another user returned {result}")

    def check_writes(
        self, key: str, kind: str, max_writes: int, response_body: Json, writes: int | None = None
    ) -> None:
        """Check that a write was sent at most once, and at least once unless the response excludes it."""
        count = self.soak_run.upstream.writes[key] if writes is None else writes
        outcomes = self.soak_run.outcomes(response_body)
        known_outcomes = [
            each for each in outcomes.values() if each == "OUTCOME_UNKNOWN" or not each.isupper()
        ]
        min_writes = len([each for each in known_outcomes if each != "notAttempted"])
        if count > max_writes:
            self.soak_run.report.doubled.append(f"{kind}: {outcomes} after {count} writes")
        if count < min_writes:
            self.soak_run.report.lost.append(f"{kind}: {outcomes} after {count} writes")

    def remove_closed_records(self) -> None:
        """Remove closed loans and requests of the desk's item, so that the library does not grow."""
        owned, library = self.soak_run.owned[self.tenant], self.library
        old_loans = {
            each["id"]
            for each in library.loans.values()
            if each["itemId"] == self.item["id"] and each["status"]["name"] == "Closed"
        }
        old_requests = {
            each["id"]
            for each in library.requests.values()
            if each.get("itemId") == self.item["id"] and not each["status"].startswith("Open")
        }
        owned |= old_loans | old_requests
        for key in old_loans:
            del library.loans[key]
        for key in old_requests:
            del library.requests[key]
        past = [key for key, each in library.loan_history.items() if each["loan"]["id"] in old_loans]
        for key in past:
            del library.loan_history[key]


class SoakRun:
    """The gateway, its upstream and the desks of one run."""

    app: ASGIApp

    def __init__(self) -> None:
        self.report = Report()
        self.sandbox = create_sandbox()
        self.faults = RandomFaults(early=EARLY, late=LATE)
        self.sandbox.calls = deque(maxlen=10)  # growth up to a bound is not a leak
        self.upstream = CheckingUpstream(self.sandbox, self.faults, self.report)
        self.numbers = itertools.count(1)
        self.marks: dict[str, str] = {}
        self.owned: dict[str, set[str]] = {}
        for tenant in TENANTS:
            library = self.sandbox.library(tenant)
            self.marks[tenant] = marked(library)
            for record in (*library.users.values(), *library.items.values()):
                if "barcode" in record:
                    record["barcode"] = f"{tenant}-{record['barcode']}"
            self.owned[tenant] = ids_in_library(library)
        summary = self.sandbox.summary()
        self.polaris = summary.polaris_authorizations
        self.workstation = str(summary.polaris_workstation)
        self.organization = str(summary.polaris_organization)

    async def run(self) -> Report:
        settings = Settings(sandbox=True, look_up_timeout=0.3)  # two looks
        app = create_app(settings, transport=lambda limits: in_process_transport(self.upstream))
        self.app = app
        async with app.router.lifespan_context(app):
            desks = await self.create_desks()
            self.report.kinds.clear()
            self.report.operations = self.report.writes = 0
            self.faults.enabled = True
            await self.work(desks, WARM_UP)
            self.report.warm_bytes = resident_bytes()
            started = time.perf_counter()
            await self.work(desks, OPERATIONS - WARM_UP)
            self.report.seconds = time.perf_counter() - started
            self.report.end_bytes = resident_bytes()
        self.report.faults = self.faults.drawn
        return self.report

    async def work(self, desks: list[Desk], operations: int) -> None:
        """Send this many operations, from all desks concurrently."""
        end = self.report.operations + operations

        async def keep_working(desk: Desk) -> None:
            while self.report.operations < end:
                await desk.work()

        await asyncio.gather(*map(keep_working, desks))
        self.upstream.writes.clear()
        gc.collect()

    async def create_desks(self) -> list[Desk]:
        """Create the desks whose item can be lent to their patron; a check-out without faults decides it."""
        desks: list[Desk] = []
        for tenant in TENANTS:
            library = self.sandbox.library(tenant)
            users = [each for each in library.users.values() if each.get("type", "patron") == "patron"]
            items = [each for each in library.items.values() if each["status"]["name"] == "Available"]
            for item, user in zip(items, users[20:], strict=False):
                if "barcode" not in item or len(desks) == DESKS // 2 * (1 + TENANTS.index(tenant)):
                    continue
                desk = self.create_desk(len(desks), tenant, item, user)
                both = f"mutation($out: CheckOutInput!, $in: CheckInInput!) {{ {CHECK_OUT} {CHECK_IN} }}"
                response_body, _ = await self.send(desk, "both", both, desk.variables())
                desk.remove_closed_records()
                if self.outcomes(response_body).get("checkOut") == "CheckedOut":
                    desks.append(desk)
        assert len(desks) == DESKS
        return desks

    def create_desk(self, number: int, tenant: str, item: Json, user: Json) -> Desk:
        library = self.sandbox.library(tenant)
        holding = library.holdings[item["holdingsRecordId"]]
        location = library.locations[holding["permanentLocationId"]]
        staff = STAFF[number % 2]
        self.upstream.callers[str(FIRST_OBJECT + number)] = ("polaris", self.polaris[staff])
        return Desk(
            number=number,
            soak_run=self,
            tenant=tenant,
            staff=staff,
            library=library,
            item=item,
            user=user,
            point=location["primaryServicePoint"],
            chance=random.Random(SEED + number),  # noqa: S311 - repeatable, not secret
        )

    async def send(
        self, desk: Desk, kind: str, document: str, variables: Mapping[str, Json]
    ) -> tuple[Json, str]:
        """Send an operation and check the response. Returns it with the operation's request id."""
        self.report.operations += 1
        self.report.kinds[kind] += 1
        key = f"soak-{next(self.numbers)}"
        token = f"sandbox:{desk.staff}"
        self.upstream.callers[key] = (desk.tenant, token)
        response = await post_json(
            self.app,
            "/graphql",
            {"query": document, "variables": variables},
            {
                "X-Okapi-Tenant": desk.tenant,
                "X-Okapi-Token": token,
                "X-Okapi-Request-Id": key,
                "X-Polaris-Authorization": self.polaris[desk.staff],
                "X-Polaris-Workstation": self.workstation,
                "X-Polaris-Organization": self.organization,
            },
        )
        del self.upstream.callers[key]
        self.report.statuses[response.status] += 1
        response_body = response.json()
        self.check_response(desk, key, response_body)
        return response_body, key

    def check_response(self, desk: Desk, key: str, response_body: Json) -> None:
        report, library = self.report, desk.library
        errors = response_body.get("errors", [])
        if not isinstance(response_body.get("data"), dict):
            report.malformed.append(f"{key}: no data")
        for error in errors:
            extensions = error["extensions"]
            report.codes[extensions["code"]] += 1
            if not extensions["requestId"].startswith(f"{key};"):
                report.foreign.append(f"{key}: an error of {extensions['requestId']}")
        for each in ids_in_response(response_body.get("data")) - self.owned[desk.tenant]:
            if not any(each in shelf for shelf in (library.loans, library.requests)):
                report.foreign.append(f"{key}: {each}")
        for barcode in values_of(response_body.get("data"), "barcode") - {None}:
            if not barcode.startswith(f"{desk.tenant}-"):
                report.foreign.append(f"{key}: {barcode}")
        texts = values_of(
            response_body.get("data"), "externalSystemId", "email", "title", "name", "group"
        ) - {None}
        if texts - {self.marks[desk.tenant]}:
            report.foreign.append(f"{key}: {texts}")
        is_confirmed = "extensions" in response_body  # by a look-up, after its response was lost
        for name, outcome in self.outcomes(response_body).items():
            report.outcomes[f"{name} {outcome}"] += 1
            if is_confirmed and not outcome.isupper():
                report.outcomes[f"{name} confirmed"] += 1

    @staticmethod
    def outcomes(response_body: Json) -> dict[str, str]:
        """Return, by field, the type of a write's result or the code of its error."""
        result = {
            name: value["__typename"]
            for name, value in (response_body.get("data") or {}).items()
            if isinstance(value, dict) and "__typename" in value
        }
        for error in response_body.get("errors", []):
            if len(error["path"]) == 1:
                extensions = error["extensions"]
                result[error["path"][0]] = extensions.get("reason", extensions["code"])
        return result


def main() -> None:
    report = asyncio.run(SoakRun().run())
    print(msgspec.json.encode(report).decode())  # noqa: T201 - the output of the script


if __name__ == "__main__":
    main()
