"""Every field of every operation of the BFF reaches the client, and every field of every body can be sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull, GraphQLType

from gateway.app import create_app
from gateway.fields.scalars import from_upstream
from gateway.graph import schema
from gateway.settings import Settings
from tests.contract import FILE, Contract, Json, leaves
from tests.widest import selection

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not FILE.exists(), reason="the published contract is not available"),
]

ID = "00000000-0000-4000-8000-000000000001"
TYPES = schema._schema.type_map


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The query for an operation, and the members of its response that are not returned, with reasons."""

    root: str  # the field of the graph, with `{}` for the selection
    type: str
    omitted: Mapping[str, str] = field(default_factory=dict)


COUNTED = {"totalRecords": "it is `totalCount`, and on whole lists their length"}

READS = {
    "/circulation-bff/requests/allowed-service-points": Read(
        root=f'allowedServicePoints(operation: CREATE, requesterId: "{ID}", itemId: "{ID}") {{}}',
        type="AllowedServicePoints",
    ),
    "/circulation-bff/requests/search-instances": Read(
        root=f'searchInstance(id: "{ID}") {{}}', type="SearchInstance"
    ),
    "/circulation-bff/requests": Read(
        root="requests { totalCount nodes {} }",
        type="Request",
        omitted={
            "requests.requestProcessingParameters.": "only ever sent to upstream, never stored",
            "requests.tags.": "the BFF takes them for one id; a selection of them reads circulation instead",
        },
    ),
    "/circulation-bff/batch-requests": Read(
        root="batchRequests { totalCount nodes {} }", type="BatchRequest"
    ),
    "/circulation-bff/batch-requests/{batchId}": Read(
        root=f'batchRequest(id: "{ID}") {{}}', type="BatchRequest"
    ),
    "/circulation-bff/batch-requests/{batchId}/details": Read(
        root=f'batchRequest(id: "{ID}") {{ details {{ totalCount nodes {{}} }} }}', type="BatchRequestDetail"
    ),
    "/circulation-bff/loans": Read(root="loans { totalCount nodes {} }", type="Loan"),
    "/circulation-bff/external-users/{externalUserId}/tenant/{tenantId}": Read(
        root='externalUsers(externalUserId: "x") { nodes {} }',
        type="User",
        omitted=COUNTED
        | {
            "resultInfo.": "about the search, not about users; normally absent",
        },
    ),
    "/circulation-bff/pick-slips/{servicePointId}": Read(
        root=f'pickSlips(servicePointId: "{ID}") {{ nodes {{}} }}', type="StaffSlip", omitted=COUNTED
    ),
    "/circulation-bff/search-slips/{servicePointId}": Read(
        root=f'searchSlips(servicePointId: "{ID}") {{ nodes {{}} }}', type="StaffSlip", omitted=COUNTED
    ),
    "/circulation-bff/inventory/items": Read(
        root='consortiumItem(barcode: "1") {}', type="Item", omitted=COUNTED
    ),
}

# Read from the collection, with the id as its filter: one way to read one loan or fifty.
READ_AS_COLLECTION = {"/circulation-bff/loans/{loanId}"}

MUTATIONS = {
    "/circulation-bff/mediated-requests/confirm": "confirmMediatedRequest",
    "/circulation-bff/requests": "createRequest",
    "/circulation-bff/batch-requests": "createBatchRequest",
    "/circulation-bff/create-ecs-request-external": "createEcsRequestExternal",
    "/circulation-bff/loans/check-in-by-barcode": "checkIn",
    "/circulation-bff/loans/check-out-by-barcode": "checkOut",
    "/circulation-bff/loans/{loanId}/declare-item-lost": "declareItemLost",
    "/circulation-bff/loans/{loanId}/claim-item-returned": "claimItemReturned",
    "/circulation-bff/loans/{loanId}/declare-claimed-returned-item-as-missing": (
        "declareClaimedReturnedItemAsMissing"
    ),
}

# Members that upstream derives and overwrites, so that sending them has no effect (facts of the API).
DERIVED = (
    "item.",
    "instance.",
    "requester.",
    "proxy.",
    "deliveryAddress.",
    "pickupServicePoint.",
    "metadata.",
    "searchIndex.",
)


# The one field that cannot be sent: the BFF accepts one id, circulation requires labels.
NOT_SENT = {"createRequest": {"tags.tagList"}}


def test_every_operation_is_in_the_graph() -> None:
    """Each of the 21 operations is read by a query or sent by a mutation."""
    contract = Contract()
    read = {("GET", path) for path in READS} | {("GET", path) for path in READ_AS_COLLECTION}

    assert read | {("POST", path) for path in MUTATIONS} == set(contract.operations)
    assert len(contract.operations) == 21


# The response to every other read: a batch, and empty collections.
OTHER_RESPONSE: Json = {"batchId": ID} | {
    name: []
    for name in ("items", "users", "usergroups", "instances", "holdingsRecords", "locations", "servicepoints")
}


class Upstream:
    """Responds to one operation with one body, and records the requests."""

    def __init__(self, method: str, path: str, status: int, response: Json) -> None:
        self.pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        self.method, self.status, self.response = method, status, response
        self.others: list[str] = []
        self.bodies: list[Json] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method != self.method or not self.pattern.fullmatch(request.url.path):
            self.others.append(f"{request.method} {request.url.path}")
            return httpx.Response(200, json=OTHER_RESPONSE)
        self.bodies.append(json.loads(request.content) if request.content else None)
        return httpx.Response(self.status, json=self.response) if self.response else httpx.Response(204)


async def run(upstream: Upstream, query: str, variables: Json = None) -> Json:
    app = create_app(
        Settings(okapi_url="http://okapi"), transport=lambda limits: httpx.MockTransport(upstream)
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        response = await http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"X-Okapi-Tenant": "diku"},
        )
    return response.json()


def is_returned(name: str, value: Json, response: Json) -> bool:
    """Return True if the response has a value: unchanged, as a date and time, or as an enum name."""
    values = [(path[-1] if path else "", each) for path, each in leaves(response)]
    if value is True:
        return (name, True) in values
    if any(each == value and type(each) is type(value) for _, each in values):
        return True
    if not isinstance(value, str):
        return False
    shown = {each for _, each in values if isinstance(each, str)}
    constant = re.sub(r"[^A-Z0-9]+", "_", value.upper()).strip("_")
    if constant in shown:
        return True
    try:
        return from_upstream(value) in shown
    except Exception:  # no date, so it is not returned as one
        return False


def missing(upstream: Json, response: Json) -> set[str]:
    return {".".join(path) for path, value in leaves(upstream) if not is_returned(path[-1], value, response)}


@pytest.mark.parametrize("path", READS)
async def test_every_field_of_a_response_reaches_the_client(path: str) -> None:
    """With a unique value in each leaf of the response, the widest query returns all of them."""
    read = READS[path]
    response = Contract().response("GET", path)
    if "totalRecords" in response:  # the records of the page, or the next page is read too
        response["totalRecords"] = 1
    upstream = Upstream("GET", path, 200, response)

    result = await run(upstream, f"{{ {read.root.replace('{}', selection(read.type))} }}")

    assert "errors" not in result, result["errors"][:3]
    lost = missing(upstream.response, result["data"])
    assert {each for each in lost if not each.startswith(tuple(read.omitted))} == set()
    assert {reason for reason in read.omitted if any(each.startswith(reason) for each in lost)} == set(
        read.omitted
    )
    assert len(upstream.bodies) == 1
    assert all(call.startswith("GET ") for call in upstream.others)


@pytest.mark.parametrize("path", MUTATIONS)
async def test_every_field_of_a_mutation_is_sent_and_returned(path: str) -> None:
    """Each leaf of the body can be sent, and each leaf of the response is returned."""
    contract = Contract()
    operation = contract.operations["POST", path]
    status, shape = next(each for each in operation["responses"].items() if each[0].startswith("2"))
    upstream = Upstream("POST", path, int(status), contract.value(shape) if shape else None)
    mutation = MUTATIONS[path]
    pascal = mutation[0].upper() + mutation[1:]
    query = (
        f"mutation($input: {pascal}Input!) {{ {mutation}(input: $input) "
        f"{selection(f'{pascal}Result') if shape else '{ __typename }'} }}"
    )

    response = await run(upstream, query, {"input": filled(TYPES[f"{pascal}Input"], contract)})

    assert "errors" not in response, response["errors"][:3]
    lost = set() if upstream.response is None else missing(upstream.response, response["data"])
    assert {each for each in lost if not each.startswith(("requestProcessingParameters.", "tags."))} == set()
    assert all(call.startswith("GET ") for call in upstream.others)
    (body,) = upstream.bodies
    expected_paths = contract.body_paths(operation["body"]["ref"])
    sent = {".".join(each) for each, _ in leaves(body)}
    assert {each for each in expected_paths - sent if not each.startswith(DERIVED)} == NOT_SENT.get(
        mutation, set()
    )


def filled(kind: GraphQLType, contract: Contract) -> Any:
    """Return a value of an input type with all fields."""
    if isinstance(kind, GraphQLNonNull):
        return filled(kind.of_type, contract)
    if isinstance(kind, GraphQLList):
        return [filled(kind.of_type, contract)]
    if isinstance(kind, GraphQLInputObjectType):
        return {name: filled(each.type, contract) for name, each in kind.fields.items()}
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    shapes = {
        "ID": {"type": "string", "format": "uuid"},
        "DateTime": {"type": "string", "format": "date-time"},
        "Boolean": {"type": "boolean"},
        "Int": {"type": "integer"},
        "Float": {"type": "number"},
    }
    return contract.value(shapes.get(getattr(kind, "name", ""), {"type": "string"}))
