"""Closed value sets: FOLIO's texts in, names out, and UNKNOWN for newer values."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLField, GraphQLInputObjectType, get_named_type
from strawberry.annotation import StrawberryAnnotation

from gateway.errors import UpstreamBadResponse
from gateway.fields.record import RecordField
from gateway.schema import enums
from tests.gateway_under_test import Gateway, open_gateway
from tests.schema.graph_walk import CORE, definition, object_types

SETS = [
    each
    for each in vars(enums).values()
    if isinstance(each, type) and issubclass(each, Enum) and each is not Enum
]


def read_by_records() -> list[GraphQLField]:
    """Every field of a record with a value of a closed set."""
    return [
        each
        for parent in object_types().values()
        for each in parent.fields.values()
        if isinstance(definition(each), RecordField)
        and isinstance(get_named_type(each.type), GraphQLEnumType)
    ]


def test_names_follow_folio() -> None:
    """A name is FOLIO's text in capitals."""
    for values in SETS:
        for each in values:
            if isinstance(each.value, str) and each.name != "UNKNOWN":
                text = "".join(char if char.isalnum() else " " for char in each.value)
                assert each.name == "_".join(text.split()).upper()


def test_every_enum_of_records_has_unknown() -> None:
    """Every enum in records has a member for newer values."""
    for each in read_by_records():
        kind = get_named_type(each.type)
        assert isinstance(kind, GraphQLEnumType)
        assert "UNKNOWN" in kind.values, kind.name


def test_every_enum_that_may_be_unknown_has_the_text_beside_it() -> None:
    """Upstream's text of each field `status` that may be UNKNOWN or OTHER is the field `statusText`."""
    fields = [
        (parent, name)
        for parent in object_types().values()
        for name, each in parent.fields.items()
        if isinstance(kind := get_named_type(each.type), GraphQLEnumType)
        and kind.values.keys() & {"UNKNOWN", "OTHER"}
    ]

    assert {"RefusalReason", "ObjectUnlocked", "Request"} <= {parent.name for parent, _ in fields}
    for parent, name in fields:
        assert f"{name}Text" in parent.fields, f"{parent.name}.{name}"
        own, text = definition(parent.fields[name]), definition(parent.fields[f"{name}Text"])
        if isinstance(own, RecordField):
            assert isinstance(text, RecordField)
            assert text.key == own.key


@pytest.mark.anyio
@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_the_text_of_a_newer_value(execution: str) -> None:
    """A status that this version does not know is UNKNOWN with its text, also if it is embedded."""
    async with open_gateway(execution=execution) as gateway:
        library = gateway.library
        request = next(each for each in library.requests.values() if each.get("itemId"))
        library.items[request["itemId"]]["status"]["name"] = "Recently returned"
        request["status"] = "Open - Locating"
        data = await gateway.data(
            """query($id: ID!, $item: ID!) {
                request(id: $id) {
                    status statusText requestType requestTypeText item { status { name nameText } }
                }
                item(id: $item) { status { nameText name } text: status { nameText } }
            }""",
            {"id": request["id"], "item": request["itemId"]},
        )

    state = {"name": "UNKNOWN", "nameText": "Recently returned"}
    assert data["request"] == {
        "status": "UNKNOWN",
        "statusText": "Open - Locating",
        "requestType": request["requestType"].upper(),
        "requestTypeText": request["requestType"],
        "item": {"status": state},
    }
    assert data["item"] == {"status": state, "text": {"nameText": "Recently returned"}}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("Open", "OPEN"),
        ("Closed", "CLOSED"),
        ("OPEN", "OPEN"),  # FOLIO uses both spellings
        ("Suspended", "UNKNOWN"),
        ("", "UNKNOWN"),
        ("UNKNOWN", "UNKNOWN"),
        (7, "UNKNOWN"),
        (None, None),
    ],
)
@pytest.mark.anyio
async def test_a_newer_text_is_unknown(reader: Gateway, sent: object, expected: object) -> None:
    """A text that this version does not know is UNKNOWN without an error, and never null."""
    loan = {"id": reader.summary.loan_id, "status": {"name": sent}}
    reader.sandbox.faults.add(kind="wrong_shape", path="/circulation-bff/loans", shape={"loans": [loan]})

    data = await reader.data("query($id: ID!) { loan(id: $id) { status { name } } }", {"id": loan["id"]})

    assert data["loan"]["status"] == {"name": expected}


@pytest.mark.parametrize("sent", [{"name": "Open"}, ["Open"], True, 1.5], ids=repr)
@pytest.mark.anyio
async def test_non_text_is_an_error(reader: Gateway, sent: object) -> None:
    """A value that is not text is null with a coded error."""
    loan = {"id": reader.summary.loan_id, "action": "renewed", "status": {"name": sent}}
    reader.sandbox.faults.add(kind="wrong_shape", path="/circulation-bff/loans", shape={"loans": [loan]})

    response = await reader.execute(
        "query($id: ID!) { loan(id: $id) { action status { name } } }", {"id": loan["id"]}
    )

    assert response["data"]["loan"] == {"action": "renewed", "status": {"name": None}}
    assert [each["extensions"]["code"] for each in response["errors"]] == ["UPSTREAM_BAD_RESPONSE"]


@pytest.mark.parametrize("values", [["Open", None, "Closed", "Later"], [], None])
def test_lists_of_values_are_read_one_by_one(values: list[str | None] | None) -> None:
    """Each text of a list is read separately, and a null is an error in its place."""
    read = RecordField(description="")
    read.python_name = "states"
    read.type = list_of(enums.LoanStatusName)
    expected = {"Open": "Open", "Closed": "Closed", "Later": "UNKNOWN", None: UpstreamBadResponse}

    info: Any = None  # which it does not read
    values_read = read.get_value({"states": values}, info, {})

    shown = values_read and [type(each) if isinstance(each, Exception) else each for each in values_read]
    assert shown == (None if values is None else [expected[each] for each in values])


def list_of(values: type[Enum]) -> Any:  # Any: Strawberry's types of types
    return StrawberryAnnotation(list[values | None] | None).resolve()  # type: ignore[valid-type]


def filters_by_enum() -> list[tuple[str, str]]:
    """Every root connection with a filter by an enum that has the gateway's own UNKNOWN."""
    fields = []
    for name, each in CORE.query_type.fields.items() if CORE.query_type else ():
        taken = each.args.get("filter")
        inputs = get_named_type(taken.type) if taken else None
        if isinstance(inputs, GraphQLInputObjectType):
            for member, declared in inputs.fields.items():
                kind = get_named_type(declared.type)
                if isinstance(kind, GraphQLEnumType) and kind.name != "ItemStatusName":
                    fields.append((name, member))
    return fields


@pytest.mark.parametrize(("root", "member"), filters_by_enum())
@pytest.mark.anyio
async def test_unknown_is_rejected_as_an_input(reader: Gateway, root: str, member: str) -> None:
    """UNKNOWN is rejected as a filter, with the name that the client wrote."""
    response = await reader.execute(f"{{ {root}(filter: {{ {member}: UNKNOWN }}) {{ totalCount }} }}")

    assert [each["extensions"]["code"] for each in response["errors"]] == ["BAD_USER_INPUT"]
    assert f"`{member}`" in response["errors"][0]["message"]
    assert reader.calls == []


@pytest.mark.anyio
async def test_unknown_status_of_folio_is_accepted(reader: Gateway) -> None:
    """FOLIO has an item status of that name, so it is a valid filter of items."""
    unknown = [each for each in reader.library.items.values() if each["status"]["name"] == "Unknown"]

    data = await reader.data("{ items(filter: { status: UNKNOWN }) { nodes { id status { name } } } }")

    assert unknown
    assert sorted(data["items"]["nodes"], key=lambda node: str(node["id"])) == [
        {"id": key, "status": {"name": "UNKNOWN"}} for key in sorted(each["id"] for each in unknown)
    ]
