"""Ten thousand operations of two tenants through one gateway, over an upstream in bad weather.

Each desk has an item, a patron and a Polaris object of its own and does one thing after the other, so what
the library must hold after each answer is known for certain, though fifty desks work at once.
`python -m tests.soak.storm` runs it and prints what came of it as JSON.
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

import httpx
import msgspec
from starlette.types import Scope

from gateway.app import create_app
from gateway.sandbox import Library, Sandbox, create_sandbox
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport
from tests.soak.memory import resident_bytes
from tests.soak.weather import SEED, Upstream, Weather
from tests.test_isolation import everything_in, everything_named, marked, values_of

Json = Any  # an answer is JSON, and each reader knows which

OPERATIONS = 10_000
WARM_UP = 2_000
DESKS = 50
TENANTS = ("diku", "college")
STAFF = ("head", "desk")
EARLY = 0.04  # of all upstream calls fail before the library does anything
LATE = 0.08  # of all acts are done, and then the answer fails
FIRST_OBJECT = 1_000_000
LOCKED_BY_ANNEX = 29937

QUESTIONS = (
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
    """What came of it. Every list names what went wrong, one line each."""

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


class Witnessed(Upstream):
    """Sees whose name is on each call, and counts the writes of each."""

    def __init__(self, sandbox: Sandbox, weather: Weather, report: Report) -> None:
        super().__init__(sandbox, weather)
        self.report = report
        self.writes: Counter[str] = Counter()  # by the operation's request id, or by the Polaris object
        self.callers: dict[str, tuple[str, str]] = {}

    def asked(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> None:
        """Count a write for whom it belongs to, and see that nobody's name is on another's call."""
        if "Polaris" in scope["path"]:
            key = scope["path"].rsplit("/", 1)[-1]
            if scope["method"] == "POST":
                key = str(msgspec.json.decode(body)["ObjectID"])
            who = ("polaris", headers["authorization"])
        else:
            key = headers["x-okapi-request-id"].split(";")[0]
            who = (headers["x-okapi-tenant"], headers["x-okapi-token"])
        if scope["method"] != "GET":
            self.writes[key] += 1
            self.report.writes += 1
        if key in self.callers and self.callers[key] != who:
            self.report.foreign.append(f"{key} was asked in the name of {who}")
        if "cookie" in headers:
            self.report.foreign.append(f"{key} carried a cookie")


@dataclass(kw_only=True)
class Desk:
    """One member of staff who serves one patron with one item."""

    number: int
    storm: Storm
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

    def seen(self) -> tuple[str | None, int, Json, frozenset[str], bool]:
        """All that an act of this desk may change."""
        loan = self.library.open_loan_of_item(self.item["id"])
        return (
            None if loan is None else str(loan["id"]),
            sum(each["itemId"] == self.item["id"] for each in self.library.loans.values()),
            self.item.get("lastCheckIn"),
            frozenset(each["id"] for each in self.open_requests()),
            (27, self.object_id) in self.storm.sandbox.locks.locks,
        )

    def open_requests(self) -> list[Json]:
        return [
            each
            for each in self.library.requests.values()
            if each.get("itemId") == self.item["id"] and each["status"].startswith("Open")
        ]

    async def work(self) -> None:
        """The next thing to do, as the item is."""
        dice = self.chance.random()
        if dice < 0.5:
            await self.ask(self.chance.choice(QUESTIONS))
        elif dice < 0.7:
            await self.lock_or_unlock()
        elif requests := self.open_requests():
            await self.cancel(requests[0])
        elif self.item["status"]["name"] != "Available":
            await self.act("checkIn", f"mutation($in: CheckInInput!) {{ {CHECK_IN} }}")
        elif dice < 0.8:
            await self.act("checkOut", f"mutation($out: CheckOutInput!) {{ {CHECK_OUT} }}")
        elif dice < 0.9:
            await self.request()
        else:
            document = f"mutation($out: CheckOutInput!, $in: CheckInInput!) {{ {CHECK_OUT} {CHECK_IN} }}"
            await self.act("both", document)

    def variables(self) -> dict[str, Json]:
        given = {"itemBarcode": self.item["barcode"], "servicePointId": self.point}
        return {"out": given | {"userBarcode": self.user["barcode"]}, "in": given}

    async def ask(self, document: str) -> None:
        answer, _ = await self.storm.sent(
            self, "query", document, {"user": self.user["barcode"], "item": self.item["barcode"]}
        )
        data = answer.get("data") or {}
        if "errors" not in answer and any(value is None for value in data.values()):
            self.storm.report.lost.append(f"{document} was answered with nothing")

    async def act(self, kind: str, document: str) -> None:
        before = self.seen()
        answer, key = await self.storm.sent(self, kind, document, self.variables())
        after = self.seen()
        said = self.storm.outcomes(answer)
        out, back = said.get("checkOut"), said.get("checkIn")
        loans = after[1] - before[1]
        self.judge(key, kind, len([each for each in said.values() if each != "notAttempted"]), answer)
        if (out == "CheckedOut") > loans or loans > (out in ("CheckedOut", "OUTCOME_UNKNOWN")):
            self.storm.report.lost.append(f"{kind}: {said}, and {loans} more loans")
        if out == "CheckedOut":
            loan = self.library.loans.get(answer["data"]["checkOut"]["loan"]["id"])
            if loan is None or (loan["itemId"], loan["userId"]) != (self.item["id"], self.user["id"]):
                self.storm.report.lost.append(f"{kind}: the loan of the answer is not in the library")
        if back == "CheckedIn" and (after[0] is not None or before[2] == after[2]):
            self.storm.report.lost.append(f"{kind}: {said}, and it was not checked in")
        if back not in ("CheckedIn", "OUTCOME_UNKNOWN") and before[2] != after[2]:
            self.storm.report.lost.append(f"{kind}: {said}, and it was checked in")
        self.forget_the_past()

    async def request(self) -> None:
        before = self.seen()
        wish = {
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
        answer, key = await self.storm.sent(self, "createRequest", REQUEST, {"wish": wish})
        said = self.storm.outcomes(answer).get("createRequest")
        self.judge(key, "createRequest", 1, answer)
        added = self.seen()[3] - before[3]
        possible = {"RequestCreated": (1,), "OUTCOME_UNKNOWN": (0, 1)}.get(str(said), (0,))
        if len(added) not in possible or not added <= {wish["id"]}:
            self.storm.report.lost.append(f"createRequest: {said}, and {len(added)} more requests")

    async def cancel(self, request: Json) -> None:
        given = {
            "requestId": request["id"],
            "cancellationReasonId": next(iter(self.library.cancellation_reasons)),
            "cancelledByUserId": self.user["id"],
        }
        answer, key = await self.storm.sent(self, "cancelRequest", CANCEL, {"cancel": given})
        said = self.storm.outcomes(answer).get("cancelRequest")
        self.judge(key, "cancelRequest", 1, answer)
        done = request["status"] == "Closed - Cancelled"
        if done != (said == "RequestCancelled") and said != "OUTCOME_UNKNOWN":
            self.storm.report.lost.append(f"cancelRequest: {said}, and cancelled is {done}")
        self.forget_the_past()

    async def lock_or_unlock(self) -> None:
        if self.chance.random() < 0.1:
            await self.lock_of_another()
            return
        held = self.seen()[4]
        release = held and self.chance.random() < 0.8
        kind, document = ("unlockObject", UNLOCK) if release else ("lockObject", LOCK)
        given = {"objectType": "PATRON", "objectId": self.object_id}
        before = self.storm.upstream.writes[str(self.object_id)]
        answer, key = await self.storm.sent(self, kind, document, {"lock": given})
        said = self.storm.outcomes(answer).get(kind)
        self.judge(key, kind, 1, answer, self.storm.upstream.writes[str(self.object_id)] - before)
        now = self.seen()[4]
        right = {"ObjectLocked": (True,), "ObjectUnlocked": (False,), "OUTCOME_UNKNOWN": (held, not release)}
        if now not in right.get(str(said), (held,)):
            self.storm.report.lost.append(f"{kind}: {said}, and locked is {now}")
        if said == "ObjectLocked" and answer["data"]["lockObject"]["existingLock"] != held:
            self.storm.report.lost.append(f"lockObject: existingLock is not {held}")

    async def lock_of_another(self) -> None:
        given = {"objectType": "PATRON", "objectId": LOCKED_BY_ANNEX}
        answer, _ = await self.storm.sent(self, "lockObject", LOCK, {"lock": given})
        told = answer["data"]["lockObject"]
        conflict = {"__typename": "ObjectLockConflict", "heldBy": {"polarisUserName": "Alex Annex"}}
        if told not in (None, conflict, conflict | {"heldBy": None}):  # half an answer may not say who
            self.storm.report.lost.append(f"somebody else's lock was answered with {told}")

    def judge(self, key: str, kind: str, most: int, answer: Json, writes: int | None = None) -> None:
        """An act is sent once; never twice, and not at all only where the answer says so."""
        times = self.storm.upstream.writes[key] if writes is None else writes
        said = self.storm.outcomes(answer)
        certain = [each for each in said.values() if each == "OUTCOME_UNKNOWN" or not each.isupper()]
        fewest = len([each for each in certain if each != "notAttempted"])
        if times > most:
            self.storm.report.doubled.append(f"{kind}: {said} after {times} writes")
        if times < fewest:
            self.storm.report.lost.append(f"{kind}: {said} after {times} writes")

    def forget_the_past(self) -> None:
        """Closed loans and requests of the desk's item leave the library, whose growth is none of ours."""
        owned, library = self.storm.owned[self.tenant], self.library
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


class Storm:
    def __init__(self) -> None:
        self.report = Report()
        self.sandbox = create_sandbox()
        self.weather = Weather(early=EARLY, late=LATE)
        self.sandbox.calls = deque(maxlen=10)  # what grows to its bound during the storm is no leak
        self.upstream = Witnessed(self.sandbox, self.weather, self.report)
        self.numbers = itertools.count(1)
        self.marks: dict[str, str] = {}
        self.owned: dict[str, set[str]] = {}
        for tenant in TENANTS:
            library = self.sandbox.library(tenant)
            self.marks[tenant] = marked(library)
            for record in (*library.users.values(), *library.items.values()):
                if "barcode" in record:
                    record["barcode"] = f"{tenant}-{record['barcode']}"
            self.owned[tenant] = everything_in(library)
        summary = self.sandbox.summary()
        self.polaris = summary.polaris_authorizations
        self.workstation = str(summary.polaris_workstation)
        self.organization = str(summary.polaris_organization)

    async def rage(self) -> Report:
        app = create_app(Settings(sandbox=True), transport=lambda limits: in_process_transport(self.upstream))
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://gateway") as self.http,
        ):
            desks = await self.staffed()
            self.report.kinds.clear()
            self.report.operations = self.report.writes = 0
            self.weather.bad = True
            await self.shift(desks, WARM_UP)
            self.report.warm_bytes = resident_bytes()
            started = time.perf_counter()
            await self.shift(desks, OPERATIONS - WARM_UP)
            self.report.seconds = time.perf_counter() - started
            self.report.end_bytes = resident_bytes()
        self.report.faults = self.weather.drawn
        return self.report

    async def shift(self, desks: list[Desk], operations: int) -> None:
        """So many operations, shared by all desks at once."""
        end = self.report.operations + operations

        async def busy(desk: Desk) -> None:
            while self.report.operations < end:
                await desk.work()

        await asyncio.gather(*map(busy, desks))
        self.upstream.writes.clear()
        gc.collect()

    async def staffed(self) -> list[Desk]:
        """Desks whose item can be lent to their patron, which is tried in fair weather."""
        desks: list[Desk] = []
        for tenant in TENANTS:
            library = self.sandbox.library(tenant)
            users = [each for each in library.users.values() if each.get("type", "patron") == "patron"]
            items = [each for each in library.items.values() if each["status"]["name"] == "Available"]
            for item, user in zip(items, users[20:], strict=False):
                if "barcode" not in item or len(desks) == DESKS // 2 * (1 + TENANTS.index(tenant)):
                    continue
                desk = self.desk(len(desks), tenant, item, user)
                both = f"mutation($out: CheckOutInput!, $in: CheckInInput!) {{ {CHECK_OUT} {CHECK_IN} }}"
                answer, _ = await self.sent(desk, "both", both, desk.variables())
                desk.forget_the_past()
                if self.outcomes(answer).get("checkOut") == "CheckedOut":
                    desks.append(desk)
        assert len(desks) == DESKS
        return desks

    def desk(self, number: int, tenant: str, item: Json, user: Json) -> Desk:
        library = self.sandbox.library(tenant)
        holding = library.holdings[item["holdingsRecordId"]]
        location = library.locations[holding["permanentLocationId"]]
        staff = STAFF[number % 2]
        self.upstream.callers[str(FIRST_OBJECT + number)] = ("polaris", self.polaris[staff])
        return Desk(
            number=number,
            storm=self,
            tenant=tenant,
            staff=staff,
            library=library,
            item=item,
            user=user,
            point=location["primaryServicePoint"],
            chance=random.Random(SEED + number),  # noqa: S311 - repeatable, not secret
        )

    async def sent(
        self, desk: Desk, kind: str, document: str, variables: Mapping[str, Json]
    ) -> tuple[Json, str]:
        """Ask the gateway; the answer is looked through before it goes back with the operation's name."""
        self.report.operations += 1
        self.report.kinds[kind] += 1
        key = f"storm-{next(self.numbers)}"
        token = f"sandbox:{desk.staff}"
        self.upstream.callers[key] = (desk.tenant, token)
        response = await self.http.post(
            "/graphql",
            json={"query": document, "variables": variables},
            headers={
                "X-Okapi-Tenant": desk.tenant,
                "X-Okapi-Token": token,
                "X-Okapi-Request-Id": key,
                "X-Polaris-Authorization": self.polaris[desk.staff],
                "X-Polaris-Workstation": self.workstation,
                "X-Polaris-Organization": self.organization,
            },
        )
        del self.upstream.callers[key]
        self.report.statuses[response.status_code] += 1
        answer = response.json()
        self.looked_through(desk, key, answer)
        return answer, key

    def looked_through(self, desk: Desk, key: str, answer: Json) -> None:
        report, library = self.report, desk.library
        errors = answer.get("errors", [])
        if not isinstance(answer.get("data"), dict):
            report.malformed.append(f"{key}: no data")
        for error in errors:
            extensions = error["extensions"]
            report.codes[extensions["code"]] += 1
            if not extensions["requestId"].startswith(f"{key};"):
                report.foreign.append(f"{key}: an error of {extensions['requestId']}")
        for each in everything_named(answer.get("data")) - self.owned[desk.tenant]:
            if not any(each in shelf for shelf in (library.loans, library.requests)):
                report.foreign.append(f"{key}: {each}")
        for barcode in values_of(answer.get("data"), "barcode") - {None}:
            if not barcode.startswith(f"{desk.tenant}-"):
                report.foreign.append(f"{key}: {barcode}")
        texts = values_of(answer.get("data"), "externalSystemId", "email", "title", "name", "group") - {None}
        if texts - {self.marks[desk.tenant]}:
            report.foreign.append(f"{key}: {texts}")
        for name, outcome in self.outcomes(answer).items():
            report.outcomes[f"{name} {outcome}"] += 1

    @staticmethod
    def outcomes(answer: Json) -> dict[str, str]:
        """By field: the type that an act was answered with, or the code of its error."""
        told = {
            name: value["__typename"]
            for name, value in (answer.get("data") or {}).items()
            if isinstance(value, dict) and "__typename" in value
        }
        for error in answer.get("errors", []):
            if len(error["path"]) == 1:
                extensions = error["extensions"]
                told[error["path"][0]] = extensions.get("reason", extensions["code"])
        return told


def main() -> None:
    report = asyncio.run(Storm().rage())
    print(msgspec.json.encode(report).decode())  # noqa: T201 - what it was started for


if __name__ == "__main__":
    main()
