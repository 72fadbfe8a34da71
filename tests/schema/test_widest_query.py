"""Queries of all fields at once, and of all members in the contract of the circulation BFF."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type, is_required_argument

from gateway.fields.link import Link
from gateway.fields.page import ConnectionLink
from gateway.fields.record import DerivedField, RecordField
from tests.gateway_under_test import open_gateway
from tests.schema.graph_walk import barcode_of_everything, definition, filled_sandbox, object_types

CONTRACT = Path(__file__).parents[2].parent / "shared" / "contracts" / "circulation-bff.json"
SANDBOX = filled_sandbox()  # only read


def widest(target: GraphQLObjectType, links: int) -> str:
    """Return every field of a type without arguments, with links to the given depth."""
    return " ".join(_widest(target, links))


def _widest(target: GraphQLObjectType, links: int) -> Iterator[str]:
    for name, each in target.fields.items():
        below = get_named_type(each.type)
        one_of_several = name in ("allowedServicePoints", "appliedPolicies")
        if one_of_several or any(map(is_required_argument, each.args.values())):
            continue
        if is_leaf_type(below):
            yield name
        elif isinstance(below, GraphQLObjectType):
            own = isinstance(definition(each), RecordField | DerivedField) or name in ("nodes", "pageInfo")
            if own or links:
                yield f"{name} {{ {widest(below, links if own else links - 1) or '__typename'} }}"


# The roots, with arguments that match records of the sandbox.
ROOTS = {
    "Loan": "loans(first: 20) { nodes { %s } }",
    "Request": "requests(first: 20) { nodes { %s } }",
    "Instance": "instances(first: 10) { nodes { %s } }",
    "Item": "items(first: 10) { nodes { %s } }",
    "User": "users(first: 10) { nodes { %s } }",
    "PatronGroup": "patronGroups { nodes { %s } }",
    "ServicePoint": "servicePoints { nodes { %s } }",
    "Location": "locations { nodes { %s } }",
    "Holdings": "items(first: 10) { nodes { holdings { %s } } }",
    "SearchInstance": "searchInstance(barcode: $barcode) { %s }",
}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ROOTS)
async def test_all_fields_can_be_selected_at_once(kind: str) -> None:
    """Every field of a type and of its links' targets is returned without an error."""
    text = ROOTS[kind] % widest(object_types()[kind], 1)

    async with open_gateway(SANDBOX) as gateway:
        barcode = barcode_of_everything(gateway.library)
        if "$barcode" in text:
            data = await gateway.data(f"query($barcode: String) {{ {text} }}", {"barcode": barcode})
        else:
            data = await gateway.data(f"{{ {text} }}")

    assert any(data.values())


# The types of the contract and their types in the graph.
TYPES = {
    "CirculationLoan": "Loan",
    "LoanItem": "LoanItem",
    "Request": "Request",
    "InventoryItem": "Item",
    "User": "User",
    "BffSearchInstance": "SearchInstance",
    "SearchHolding": "SearchHoldings",
    "BffSearchItem": "SearchItem",
}

# Members that are not in the graph, with the reason.
LEFT_OUT = {
    "inTransitDestinationServicePoint.id": "the key beside it says the same and is the key of the link",
    "requester.patronGroup.id": "patronGroupId beside it says the same and is the key of the link",
    "proxy.patronGroup.id": "as above",
    "requestProcessingParameters": "sent with a new request, never stored, and in no response",
}


def left_out(path: str) -> bool:
    return any(path.endswith(each) or path.startswith(f"{each}.") for each in LEFT_OUT)


def members(
    fields: Mapping[str, Any], types: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Yield the path to each leaf of the contract."""
    for name, each in fields.items():
        declared = each.get("items", each)
        below = declared.get("fields") or types.get(declared.get("ref", ""))
        if below:
            yield from members(below, types, (*path, name))
        else:
            yield (*path, name)


def is_there(target: GraphQLObjectType, path: tuple[str, ...]) -> bool:
    """Return True if the graph has the member: by name, as the key of a link, or embedded in a link."""
    for each in target.fields.values():
        field = definition(each)
        if isinstance(field, Link | ConnectionLink) and field.key == path:
            return True
        if isinstance(field, Link) and path in field.embedded.values():
            return True
        if isinstance(field, RecordField) and field.key == path[0]:
            below = get_named_type(each.type)
            if (
                len(path) == 1
                or is_leaf_type(below)
                or (isinstance(below, GraphQLObjectType) and is_there(below, path[1:]))
            ):
                return True
    return False


def contract() -> Any:  # Any: JSON
    return json.loads(CONTRACT.read_text())


@pytest.mark.skipif(not CONTRACT.exists(), reason="the contract of the BFF is not available")
@pytest.mark.parametrize("declared", TYPES)
def test_all_members_of_the_contract_are_in_the_graph(declared: str) -> None:
    """Each member of the contract is a field, a link, or embedded in a link."""
    types = contract()["types"]
    target = object_types()[TYPES[declared]]

    paths = (path for path in members(types[declared], types) if not is_there(target, path))
    assert [path for path in map(".".join, paths) if not left_out(path)] == []


SERVICE_POINT = {  # inventory-storage's own type, which the contract of the BFF does not declare
    "id": {},
    "name": {},
    "code": {},
    "discoveryDisplayName": {},
    "description": {},
    "shelvingLagTime": {},
    "pickupLocation": {},
    "holdShelfExpiryPeriod": {"fields": {"duration": {}, "intervalId": {}}},
    "holdShelfClosedLibraryDateManagement": {},
    "staffSlips": {"items": {"fields": {"id": {}, "printByDefault": {}}}},
    "ecsRequestRouting": {},
    "metadata": {
        "fields": {
            "createdDate": {},
            "createdByUserId": {},
            "createdByUsername": {},
            "updatedDate": {},
            "updatedByUserId": {},
            "updatedByUsername": {},
        }
    },
}


def test_all_members_of_a_service_point_are_in_the_graph() -> None:
    """Each member of inventory's service point is a field or a link."""
    target = object_types()["ServicePoint"]

    assert [path for path in members(SERVICE_POINT, {}) if not is_there(target, path)] == []
