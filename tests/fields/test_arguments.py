"""Arguments: the ones that are rejected before anything is sent, and the CQL of filters."""

from __future__ import annotations

from typing import Any

import pytest
import strawberry
from graphql import GraphQLEnumType, GraphQLInputObjectType, get_named_type, get_nullable_type, is_list_type
from strawberry.types.base import StrawberryOptional

from gateway.errors import BadUserInput
from gateway.fields.arguments import Key, given_key, key_arguments
from tests.gateway_under_test import Gateway
from tests.schema.graph_walk import CORE

pytestmark = pytest.mark.anyio

A = "11111111-1111-4111-8111-111111111111"
B = "22222222-2222-4222-8222-222222222222"
EVERYTHING = "cql.allRecords=1"

# The arguments of a list, and the complete query that is sent upstream.
CASES: list[tuple[str, str]] = [
    ("loans", f"{EVERYTHING} sortby loanDate/sort.descending id"),
    ("loans(filter: {})", f"{EVERYTHING} sortby loanDate/sort.descending id"),
    ("loans(filter: { dueDate: {} })", f"{EVERYTHING} sortby loanDate/sort.descending id"),
    (f'loans(filter: {{ id: "{A.upper()}" }})', f'id=="{A}" sortby loanDate/sort.descending id'),
    (
        f'loans(filter: {{ borrowerId: ["{A}", "{B}"] }})',
        f'userId==("{A}" or "{B}") sortby loanDate/sort.descending id',
    ),
    (
        f'loans(filter: {{ status: OPEN, itemId: "{A}" }}, sort: [])',
        f'(itemId=="{A}" and status.name=="Open") sortby loanDate/sort.descending id',
    ),
    (
        'loans(filter: { dueDate: { from: "2026-11-01T02:00:00+02:00", before: "2026-12-01T00:00:00Z" } })',
        '(dueDate>="2026-11-01T00:00:00.000+00:00" and dueDate<"2026-12-01T00:00:00.000+00:00")'
        " sortby loanDate/sort.descending id",
    ),
    (
        'loans(filter: { dueDate: { before: "2026-12-01T00:00:00Z" } }, sort: { field: DUE_DATE })',
        'dueDate<"2026-12-01T00:00:00.000+00:00" sortby dueDate id',
    ),
    (
        "loans(sort: [{ field: STATUS, direction: DESCENDING }, { field: DUE_DATE }])",
        f"{EVERYTHING} sortby status.name/sort.descending dueDate id",
    ),
    (
        'loans(cql: "action==renewed or action==checkedout")',
        "(action==renewed or action==checkedout) sortby loanDate/sort.descending id",
    ),
    (
        'loans(filter: { status: [OPEN, CLOSED] }, cql: "action==renewed or action==checkedout")',
        '(status.name==("Open" or "Closed") and (action==renewed or action==checkedout))'
        " sortby loanDate/sort.descending id",
    ),
    (
        "requests(sort: { field: POSITION, direction: DESCENDING })",
        f"{EVERYTHING} sortby position/sort.descending/number id",
    ),
    (
        'requests(filter: { title: "war peace", status: OPEN_NOT_YET_FILLED })',
        '(status=="Open - Not yet filled" and instance.title all "war peace") sortby requestDate id',
    ),
    (
        r'requests(filter: { itemBarcode: "a\"b*c?d^e\\f" })',
        r'item.barcode=="a\"b\*c\?d\^e\\f" sortby requestDate id',
    ),
    (
        'users(filter: { lastName: "Mac*" })',
        'personal.lastName=="Mac*" sortby personal.lastName personal.firstName id',
    ),
    ("users(filter: { active: true })", 'active=="true" sortby personal.lastName personal.firstName id'),
    (
        "users(filter: { active: false })",
        f'({EVERYTHING} not active=="true") sortby personal.lastName personal.firstName id',
    ),
    (
        "items(filter: { status: IN_PROCESS_NON_REQUESTABLE })",
        'status.name=="In process (non-requestable)" sortby barcode id',
    ),
    ("servicePoints", f"{EVERYTHING} sortby name id"),
]


@pytest.mark.parametrize(("arguments", "sent"), CASES)
async def test_the_query_that_is_sent(reader: Gateway, arguments: str, sent: str) -> None:
    """Filters are joined with `and`, a caller's CQL stays in its parentheses, and the id is the last key."""
    await reader.data(f"{{ {arguments} {{ nodes {{ id }} }} }}")

    assert [call.query["query"] for call in reader.calls] == [sent]


async def test_lists_of_records_have_filters_too(reader: Gateway) -> None:
    """The filter of a list below a record is joined with the condition of that list."""
    await reader.data(
        'query($id: ID!) { user(id: $id) { openLoans(filter: { action: "renewed" }) { totalCount } } }',
        {"id": reader.summary.user_id},
    )

    assert reader.calls[1].query["query"] == (
        f'(userId=="{reader.summary.user_id}" and (status.name=="Open" and action=="renewed"))'
        " sortby dueDate id"
    )


# Every field of every filter, with a value that some record of the sandbox has.


def filter_fields() -> list[tuple[str, str]]:
    assert CORE.query_type is not None
    result = []
    for root, each in CORE.query_type.fields.items():
        taken = each.args.get("filter")
        inputs = get_named_type(taken.type) if taken else None
        if root in VALUES and isinstance(inputs, GraphQLInputObjectType):
            result += [(root, name) for name in inputs.fields]
    return result


def first_value(records: dict[str, Any], *path: str) -> Any:
    """Return the first value at the end of the path."""
    for record in records.values():
        value = record
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            return value
    raise AssertionError(path)


# The source of each field's value: a collection of the library and the path in its records.
VALUES: dict[str, dict[str, tuple[str, ...]]] = {
    "loans": {
        "id": ("loans", "id"),
        "borrowerId": ("loans", "userId"),
        "itemId": ("loans", "itemId"),
        "action": ("loans", "action"),
        "checkoutServicePointId": ("loans", "checkoutServicePointId"),
        "checkinServicePointId": ("loans", "checkinServicePointId"),
        "createdByUsername": ("loans", "metadata", "createdByUsername"),
    },
    "requests": {
        "id": ("requests", "id"),
        "requesterId": ("requests", "requesterId"),
        "itemId": ("requests", "itemId"),
        "instanceId": ("requests", "instanceId"),
        "pickupServicePointId": ("requests", "pickupServicePointId"),
        "cancellationReasonId": ("requests", "cancellationReasonId"),
    },
    "items": {
        "id": ("items", "id"),
        "hrid": ("items", "hrid"),
        "barcode": ("items", "barcode"),
        "accessionNumber": ("items", "accessionNumber"),
        "holdingsId": ("items", "holdingsRecordId"),
        "instanceId": ("holdings", "instanceId"),
        "materialTypeId": ("items", "materialTypeId"),
        "permanentLoanTypeId": ("items", "permanentLoanTypeId"),
        "effectiveLocationId": ("holdings", "permanentLocationId"),
    },
    "instances": {
        "id": ("instances", "id"),
        "hrid": ("instances", "hrid"),
        "title": ("instances", "title"),
    },
    "users": {
        "id": ("users", "id"),
        "barcode": ("users", "barcode"),
        "username": ("users", "username"),
        "externalSystemId": ("users", "externalSystemId"),
        "patronGroupId": ("users", "patronGroup"),
        "type": ("users", "type"),
        "lastName": ("users", "personal", "lastName"),
        "firstName": ("users", "personal", "firstName"),
        "email": ("users", "personal", "email"),
    },
    "patronGroups": {"id": ("groups", "id"), "group": ("groups", "group")},
    "servicePoints": {
        "id": ("service_points", "id"),
        "name": ("service_points", "name"),
        "code": ("service_points", "code"),
    },
    "locations": {
        "id": ("locations", "id"),
        "name": ("locations", "name"),
        "code": ("locations", "code"),
        "campusId": ("locations", "campusId"),
        "libraryId": ("locations", "libraryId"),
        "primaryServicePointId": ("locations", "primaryServicePoint"),
    },
}
# All records of the seed have the same value of these fields, so they exclude none.
SAME_FOR_ALL = {
    ("instances", "source"),
    ("locations", "institutionId"),
    ("locations", "isActive"),
    ("loans", "createdByUsername"),
}


def value_for(gateway: Gateway, root: str, name: str) -> Any:
    assert CORE.query_type is not None
    inputs = get_named_type(CORE.query_type.fields[root].args["filter"].type)
    assert isinstance(inputs, GraphQLInputObjectType)
    kind = get_named_type(inputs.fields[name].type)
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if kind.name == "Boolean":
        return True
    if kind.name == "DateTimeRange":
        return {"from": "2026-01-01T00:00:00Z", "before": "2026-02-01T00:00:00Z"}
    if name in VALUES[root]:
        collection, *path = VALUES[root][name]
        value = first_value(getattr(gateway.library, collection), *path)
    elif kind.name == "ID":
        value = (
            next(iter(gateway.library.locations))
            if "ocation" in name
            else next(iter(gateway.library.service_points))
        )
    else:
        value = {"itemBarcode": gateway.summary.item_barcode, "requesterBarcode": "1000000002"}.get(
            name, "FOLIO"
        )
    return [value] if is_list_type(get_nullable_type(inputs.fields[name].type)) else value


@pytest.mark.parametrize(("root", "name"), filter_fields())
async def test_every_filter_field_has_effect(reader: Gateway, root: str, name: str) -> None:
    """Each field of each filter has an index that upstream knows, and excludes some records."""
    assert CORE.query_type is not None
    kind = str(CORE.query_type.fields[root].args["filter"].type)
    text = f"query($filter: {kind}) {{ {root}(filter: $filter, first: 0) {{ totalCount }} }}"

    complete = await reader.data(text, {"filter": None})
    some = await reader.data(text, {"filter": {name: value_for(reader, root, name)}})

    every, kept = complete[root]["totalCount"], some[root]["totalCount"]
    assert reader.calls[1].query["query"] != reader.calls[0].query["query"]
    assert kept <= every if (root, name) in SAME_FOR_ALL else kept < every
    if name in VALUES[root]:
        assert kept >= 1


@pytest.mark.parametrize("root", sorted(VALUES))
async def test_false_is_the_opposite_of_true(reader: Gateway, root: str) -> None:
    """Records without the flag count as false, so that true and false select all records."""
    for flag in (name for where, name in filter_fields() if where == root):
        if isinstance(value_for(reader, root, flag), bool):
            parts = [
                f"{each}: {root}(first: 0, filter: {{ {flag}: {each} }}) {{ totalCount }}"
                for each in ("true", "false")
            ]
            text = " ".join(parts).replace("true:", "yes:").replace("false:", "no:")
            data = await reader.data(f"{{ {text} all: {root}(first: 0) {{ totalCount }} }}")
            assert data["yes"]["totalCount"] + data["no"]["totalCount"] == data["all"]["totalCount"]


REFUSED: list[tuple[str, str]] = [
    ('loan(id: "17") { id }', "`id` must be a UUID"),
    ('loan(id: "") { id }', "`id` must be a UUID"),
    (f'loan(id: "{A}x") {{ id }}', "`id` must be a UUID"),
    ("user { id }", "Exactly one of `id`, `barcode`, `username`, `externalSystemId` must be given; got 0."),
    (f'user(id: "{A}", barcode: "1") {{ id }}', "must be given; got 2."),
    ('user(externalSystemId: "") { id }', "`externalSystemId` must have 1 to 500 characters"),
    (r'user(barcode: "a\u0000") { id }', "`barcode` must not contain control characters"),
    (f'item(barcode: "{"x" * 501}") {{ id }}', "`barcode` must have 1 to 500 characters"),
    ('loans(filter: { borrowerId: "17" }) { totalCount }', "`borrowerId` must be a UUID"),
    ("loans(filter: { borrowerId: [] }) { totalCount }", "`borrowerId` must not be empty"),
    ("loans(filter: { itemStatus: [] }) { totalCount }", "`itemStatus` must not be empty"),
    ('requests(filter: { itemBarcode: "" }) { totalCount }', "`itemBarcode` must have 1 to 500"),
    ('requests(filter: { title: "  " }) { totalCount }', "a text without words"),
    ('loans(cql: "") { totalCount }', "an empty query"),
    ('loans(cql: "a=b) or (c=d") { totalCount }', "`cql` or `filter` cannot be used"),
    ('loans(cql: "a=b sortby c") { totalCount }', "'sortby', for which there is an argument"),
    (f'loans(cql: "a={"x" * 2000}") {{ totalCount }}', "more than 2000 characters; got 2002."),
    ('searchInstance(hrid: "1", barcode: "2") { id }', "Exactly one of `id`, `hrid`, `barcode`, `cql`"),
    ('searchInstance(cql: "a=b sortby c") { id }', "`cql` cannot be used"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
async def test_invalid_arguments_are_rejected(reader: Gateway, arguments: str, message: str) -> None:
    """An invalid argument is named as the client wrote it, and nothing is sent."""
    response = await reader.execute(f"{{ {arguments} }}")

    assert [each["extensions"]["code"] for each in response["errors"]] == ["BAD_USER_INPUT"]
    assert message in response["errors"][0]["message"]
    assert reader.calls == []


def test_the_type_of_a_key_decides_how_it_is_checked() -> None:
    """A key declared as an id must be a UUID, and a text need not be one, whatever their names are."""
    keys = {"number": Key(strawberry.ID, "A UUID."), "shelfId": Key(str, "A text.")}

    assert [(each.python_name, each.type) for each in key_arguments(keys)] == [
        ("number", StrawberryOptional(strawberry.ID)),
        ("shelfId", StrawberryOptional(str)),
    ]
    assert given_key({"shelfId": "17"}, keys) == ("shelfId", "17")
    assert given_key({"number": A.upper()}, keys) == ("number", A)
    with pytest.raises(BadUserInput, match="`number` must be a UUID"):
        given_key({"number": "17"}, keys)
