"""Fees, fines and patron blocks against FOLIO's published schemas: nothing is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)

from gateway.app import create_app
from gateway.fields.scalars import from_upstream
from gateway.graph import schema
from gateway.settings import Settings
from tests.contract import leaves
from tests.fee_fine_facts import BODIES, RECORDS, RESPONSES, Values, members
from tests.widest import selection

pytestmark = pytest.mark.anyio

Json = Any  # requests and responses are JSON

# The root field of each collection, its type, and its member of the response.
COLLECTIONS = {
    "/accounts": ("accounts", "Account", "accounts"),
    "/feefineactions": ("feeFineActions", "FeeFineAction", "feefineactions"),
    "/owners": ("feeFineOwners", "FeeFineOwner", "owners"),
    "/feefines": ("feeFineTypes", "FeeFineType", "feefines"),
    "/payments": ("paymentMethods", "PaymentMethod", "payments"),
    "/waives": ("waiveReasons", "WaiveReason", "waivers"),
    "/transfers": ("transferAccounts", "TransferAccount", "transfers"),
    "/refunds": ("refundReasons", "RefundReason", "refunds"),
    "/patron-block-conditions": (
        "patronBlockConditions",
        "PatronBlockCondition",
        "patronBlockConditions",
    ),
    "/patron-block-limits": ("patronBlockLimits", "PatronBlockLimit", "patronBlockLimits"),
}
ID = "00000000-0000-4000-8000-000000000001"


class Upstream:
    """Responds to the reads of one collection with one record, and to all others with none."""

    def __init__(self, path: str, member: str, record: Json) -> None:
        self.path, self.member, self.record = path, member, record
        self.others: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == self.path:
            return httpx.Response(200, json={self.member: [self.record], "totalRecords": 1})
        self.others.append(request.method)
        if request.url.path == "/users":
            return httpx.Response(200, json={"users": [{"id": ID}], "totalRecords": 1})
        return httpx.Response(200, json={member: [] for _, _, member in COLLECTIONS.values()})


async def send(
    upstream: Callable[[httpx.Request], httpx.Response], query: str, variables: Json = None
) -> Json:
    app = create_app(
        Settings(okapi_url="http://okapi"), transport=lambda limits: httpx.MockTransport(upstream)
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        body = {"query": query, "variables": variables}
        response = await http.post("/graphql", json=body, headers={"X-Okapi-Tenant": "diku"})
    return response.json()


def returned(value: Json) -> Json:
    """Return a value as the gateway returns it: dates in UTC."""
    return from_upstream(value) if isinstance(value, str) and value.startswith("2026-") else value


def missing(record: Json, data: Json) -> set[str]:
    """Return the paths of the members of a record whose values are not in the data."""
    values = [(path[-1], each) for path, each in leaves(data)]
    texts = {value for _, value in values if isinstance(value, str)}
    numbers = {value for _, value in values if type(value) in (int, float)}
    true = {name for name, value in values if value is True}
    return {
        ".".join(path)
        for path, value in leaves(record)
        if not (path[-1] in true if value is True else returned(value) in (texts | numbers))
    }


@pytest.mark.parametrize("path", COLLECTIONS)
async def test_every_member_of_a_record_reaches_the_client(path: str) -> None:
    """With a unique value in each member that FOLIO's schema has, the widest query returns all of them."""
    root, kind, member = COLLECTIONS[path]
    record = Values().record(RECORDS[path])
    upstream = Upstream(path, member, record)

    response = await send(upstream, f"{{ {root} {{ nodes {selection(kind)} }} }}")

    assert "errors" not in response, response["errors"][:3]
    assert missing(record, response["data"]) == set()
    assert set(upstream.others) <= {"GET"}


async def test_every_member_of_a_manual_block_reaches_the_client() -> None:
    """Manual blocks, which belong to a user, have all members too."""
    record = Values().record(RECORDS["/manualblocks"]) | {"userId": ID}
    upstream = Upstream("/manualblocks", "manualblocks", record)

    response = await send(
        upstream, f'{{ user(id: "{ID}") {{ manualBlocks {{ nodes {selection("ManualBlock")} }} }} }}'
    )

    assert "errors" not in response, response["errors"][:3]
    assert missing(record, response["data"]) == set()


# Members of bodies that no input sends, with reasons.
NEW_ACCOUNT = "the same for each new account, and sent"
OF_FOLIO = "set by FOLIO for charges of its own"
READ_AGAIN = "read by FOLIO for each response"
STAMPED = "set by FOLIO for each write"
NOT_SENT: dict[str, dict[str, str]] = {
    "chargeFeeFine": {
        "metadata.": STAMPED,
        "dateCreated": f"{STAMPED} in `metadata`",
        "dateUpdated": f"{STAMPED} in `metadata`",
        "holdingsRecordId": READ_AGAIN,
        "instanceId": READ_AGAIN,
        "itemStatus.": OF_FOLIO,
        "loanPolicyId": OF_FOLIO,
        "overdueFinePolicyId": OF_FOLIO,
        "lostItemFeePolicyId": OF_FOLIO,
        "processId": OF_FOLIO,
    },
    "createManualBlock": {"metadata.": STAMPED},
    "updateManualBlock": {"metadata.": STAMPED, "type": "kept as it is", "userId": "kept as it is"},
    "refundFeeFine": {"transactionInfo": "replaced by FOLIO with the recipient"},
    "refundFeeFines": {"transactionInfo": "replaced by FOLIO with the recipient"},
}


def filled(kind: GraphQLInputType, values: Values) -> Json:
    """Return a value of an input type with all fields."""
    if isinstance(kind, GraphQLNonNull):
        return filled(kind.of_type, values)
    if isinstance(kind, GraphQLList):
        return [filled(kind.of_type, values)]
    if isinstance(kind, GraphQLInputObjectType):
        return {name: filled(each.type, values) for name, each in kind.fields.items()}
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    kinds = {"ID": "uuid", "DateTime": "date", "Boolean": "boolean", "Decimal": "decimal"}
    return values.value(kinds.get(getattr(kind, "name", ""), "text"))


@pytest.mark.parametrize("name", BODIES)
async def test_every_member_of_a_body_can_be_sent(name: str) -> None:
    """An input with all fields sends each member of FOLIO's schema, except those with a reason, no other."""
    method, path, facts = BODIES[name]
    pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
    bodies: list[Json] = []

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.method == method and pattern.fullmatch(request.url.path):
            bodies.append(json.loads(request.content))
        return httpx.Response(
            204 if method == "PUT" else 200,
            json={"id": request.url.path.rpartition("/")[2], "accountId": ID, "accountIds": [ID]},
        )

    pascal = name[0].upper() + name[1:]
    kind = schema._schema.type_map[f"{pascal}Input"]
    assert isinstance(kind, GraphQLInputObjectType)

    response = await send(
        upstream,
        f"mutation($input: {pascal}Input!) {{ {name}(input: $input) {{ __typename }} }}",
        {"input": filled(kind, Values())},
    )

    assert "errors" not in response, response["errors"]
    (body,) = bodies
    sent = {".".join(path) for path, _ in leaves(body)}
    expected = {each.replace("[]", "") for each in members(facts)}
    reasons = NOT_SENT.get(name, {})
    assert sent - expected <= {"accountId", "accountIds"}  # of the response to the read before an update
    assert {each for each in expected - sent if not each.startswith(tuple(reasons) or "-")} == set()
    assert {each for each in reasons if any(one.startswith(each) for one in expected - sent)} == set(reasons)


SETTLEMENTS = ("pay", "waive", "transfer", "refund", "cancel")


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("verb", SETTLEMENTS)
async def test_every_member_of_the_response_to_an_action_reaches_the_client(verb: str, several: bool) -> None:
    """With a unique value in each member, the widest selection returns all of them."""
    record = Values().record(RESPONSES["bulk action" if several else "action"])
    name = f"{verb}FeeFine{'s' * several}"
    pascal = name[0].upper() + name[1:]
    kind = schema._schema.type_map[f"{pascal}Input"]
    assert isinstance(kind, GraphQLInputObjectType)

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(f"/{verb}"):
            return httpx.Response(201, json=record)
        return httpx.Response(200, json={member: [] for _, _, member in COLLECTIONS.values()})

    response = await send(
        upstream,
        f"mutation($input: {pascal}Input!) {{ {name}(input: $input) {selection(f'{pascal}Result')} }}",
        {"input": filled(kind, Values())},
    )

    lost = missing(record, response["data"])
    # Of accounts that no longer exist there is no link.
    assert lost <= {"accountId", "accountIds", "feefineactions.accountId"}


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("status", [200, 422])
async def test_every_member_of_a_check_reaches_the_client(several: bool, status: int) -> None:
    """Allowed or denied, the response is returned with all members."""
    record = Values().record(RESPONSES["bulk check" if several else "check"])
    name, kind = (
        ("feeFinesActionCheck", "FeeFinesActionCheck")
        if several
        else ("feeFineActionCheck", "FeeFineActionCheck")
    )
    argument = f'accountIds: ["{ID}"]' if several else f'accountId: "{ID}"'
    accounts = "accounts { id }" if several else "account { id }"
    members_of = set(schema._schema.type_map[kind].fields)  # type: ignore[attr-defined]

    def upstream(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=record)

    response = await send(
        upstream,
        f'{{ {name}(action: PAY, {argument}, amount: "1") '
        f"{{ allowed amount remainingAmount errorMessage {accounts} }} }}",
    )

    assert "errors" not in response
    assert missing(record, response["data"]) == set()
    assert members_of == {"allowed", "amount", "remainingAmount", "errorMessage", accounts.split()[0]}
