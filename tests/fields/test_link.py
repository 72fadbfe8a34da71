"""Links: embedded values are free and true, others are one batch, and a failure affects only its rows."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

import pytest

from gateway.fields.link import Link, ManyLink
from gateway.sandbox import Call, Library, Sandbox
from tests.gateway_under_test import Gateway, open_gateway
from tests.schema.graph_walk import (
    WAYS,
    Declared,
    barcode_of_everything,
    filled_sandbox,
    flat,
    links,
    result,
    sparse_sandbox,
)

pytestmark = pytest.mark.anyio

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SANDBOX = filled_sandbox()  # only read by the tests that walk the links
SPARSE = sparse_sandbox()  # as above

DECLARED = list(links())
WALKED = [each for each in DECLARED if each.parent in WAYS and type(each.link) in (Link, ManyLink)]
IDENTIFIED = [each for each in WALKED if ("id",) in each.link.embedded]
ids = [str(each) for each in IDENTIFIED]
BEFORE: dict[str, list[str]] = {}  # read once for all links of a parent


def query(declared: Declared, selection: str) -> str:
    way = WAYS[declared.parent] % selection
    return f"query($barcode: String) {{ {way} }}" if "$barcode" in way else f"{{ {way} }}"


async def execute(sandbox: Sandbox, text: str) -> tuple[Any, list[Call]]:  # Any: JSON
    """Return the data and the upstream calls."""
    async with open_gateway(sandbox, max_cost=100_000, max_result_nodes=10_000_000) as gateway:
        sandbox.calls.clear()
        variables = {"barcode": barcode_of_everything(gateway.library)} if "$barcode" in text else {}
        return await gateway.data(text, variables), gateway.calls


def paths(calls: list[Call]) -> list[str]:
    return [call.path for call in calls]


async def calls_before(declared: Declared) -> list[str]:
    """Return the upstream calls for the parents of a link."""
    if declared.parent not in BEFORE:
        _, calls = await execute(SANDBOX, query(declared, "__typename"))
        BEFORE[declared.parent] = paths(calls)
    return BEFORE[declared.parent]


def test_every_link_is_walked() -> None:
    """The links of each type that a query reaches by a list are walked; mutations have separate tests."""
    assert {each.parent for each in WALKED} == WAYS.keys()


@pytest.mark.parametrize("declared", DECLARED, ids=str)
def test_each_embedded_path_can_be_selected(declared: Declared) -> None:
    """The embedded members that a link declares are members of its target."""
    names = {name for path in declared.link.embedded for name in path}
    assert len(re.findall(r"\w+", declared.embedded)) >= len(names - {"id"})


@pytest.mark.parametrize("declared", IDENTIFIED, ids=ids)
async def test_embedded_values_are_free(declared: Declared) -> None:
    """Embedded leaves need no call; one more leaf is one batch: every id once, 75 to a call."""
    before = await calls_before(declared)
    data, calls = await execute(
        SANDBOX, query(declared, f"__typename link: {declared.name} {{ {declared.embedded} }}")
    )

    assert any(flat(result(data, "link")))
    assert paths(calls) == before
    if declared.unknown is None:
        assert declared.target.name in ("LoanType", "NoteType")  # with no other leaves than id and name
        return

    selection = f"__typename link: {declared.name} {{ {declared.known_leaves} {declared.unknown} }}"
    _, calls = await execute(SANDBOX, query(declared, selection))

    assert paths(calls[: len(before)]) == before
    more = calls[len(before) :]
    requested_keys = [key for call in more for key in UUID.findall(call.query.get("query", ""))]
    assert len(set(paths(more))) == 1
    assert len(requested_keys) == len(set(requested_keys))
    # Small tables are read completely.
    assert len(more) == max(1, math.ceil(len(requested_keys) / 75))


@pytest.mark.parametrize("declared", IDENTIFIED, ids=ids)
async def test_embedded_values_are_true(declared: Declared) -> None:
    """Each embedded leaf equals the loaded leaf, in every record, however few members are embedded."""
    selection = (
        f"free: {declared.name} {{ {declared.embedded} }} "
        f"loaded: {declared.name} {{ {declared.embedded} {declared.unknown or ''} }}"
    )

    data, _ = await execute(SPARSE, query(declared, selection))

    free, loaded = result(data, "free"), result(data, "loaded")
    assert any(flat(loaded))
    for each in flat(loaded):
        if each is not None and declared.unknown is not None:
            del each[declared.unknown]
    assert free == loaded


# Shapes of selections of one open loan with a known borrower.

LOAN = "query($id: ID!) { loan(id: $id) { %s } }"


def named_loan(library: Library) -> dict[str, Any]:
    """Return an open loan, as the library stores it, whose borrower has every name."""
    names = {"lastName", "firstName", "middleName"}
    return next(
        loan
        for loan in library.open_loans()
        if names <= library.users.get(loan.get("userId", ""), {}).get("personal", {}).keys()
    )


async def cost(reader: Gateway, text: str, variables: dict[str, Any]) -> tuple[Any, Counter[str]]:
    reader.sandbox.calls.clear()
    data = await reader.data(text, variables)
    calls = Counter(reader.paths())
    calls.subtract({"GET /circulation-bff/loans": 1})
    return data, +calls


FREE_SHAPES = {
    "aliases": "b: borrower { key: id personal { family: lastName } }",
    "inline fragment": "borrower { ... { id } ... on User { barcode personal { ... { lastName } } } }",
    "skip": "borrower { id username @skip(if: true) ... @skip(if: true) { externalSystemId } }",
    "include": "borrower { id username @include(if: $more) personal { lastName email @include(if: $more) } }",
    "skip with a variable": "borrower { id username @skip(if: $less) }",
    "typename": "borrower { __typename id personal { __typename lastName } }",
    "only typename": "borrower { __typename }",
    "merged fields": "borrower { id } borrower { personal { lastName } } borrower { personal { firstName } }",
    "a link of the link": "borrower { patronGroup { id } }",
    "nested objects": "item { status { name date } materialType { name } effectiveLocation { name } }",
    "a link through a plain object": "loanItem { instance { id title hrid } holdings { id } }",
    "through the link": "item { instance { hrid } }",
    "its own record through the link": "item { instance { id title } }",
    "two selections under aliases": "a: borrower { id } b: borrower { barcode }",
}


@pytest.mark.parametrize("shape", FREE_SHAPES)
async def test_selections_of_embedded_leaves_are_free(reader: Gateway, shape: str) -> None:
    """Embedded leaves need no call in any form of selection."""
    loan = named_loan(reader.library)
    text = "query($id: ID!, $more: Boolean = false, $less: Boolean! = true) { loan(id: $id) { ...Shape } }"
    used = "id @include(if: $more) status @skip(if: $less) { name }"  # a variable that is not used is refused
    text += f" fragment Shape on Loan {{ {used} {FREE_SHAPES[shape]} }}"

    data, calls = await cost(reader, text, {"id": loan["id"]})

    assert set(data["loan"]) >= {re.match(r"\w+", FREE_SHAPES[shape])[0]}  # type: ignore[index]  # it matches
    assert None not in data["loan"].values()
    assert calls == {}


COSTLY_SHAPES = {
    "alias": ("borrower { barcode: username }", "GET /users"),
    "inline fragment": ("borrower { id ... on User { username } }", "GET /users"),
    "included": ("borrower { id username @include(if: true) }", "GET /users"),
    "not skipped": ("borrower { id username @skip(if: false) }", "GET /users"),
    "merged with an unknown leaf": ("borrower { id } borrower { username }", "GET /users"),
    "an object of which nothing is read": ("borrower { personal { __typename } }", "GET /users"),
    "an unknown object": ("borrower { tags { tagList } }", "GET /users"),
    "a nested unknown leaf": ("borrower { personal { lastName email } }", "GET /users"),
    "a free and a costly alias": ("a: borrower { id } b: borrower { username }", "GET /users"),
    "two costly aliases": ("a: borrower { username } b: borrower { active barcode }", "GET /users"),
    "an unknown leaf through the link": ("borrower { patronGroup { group } }", "GET /groups"),
    "a derived place": ("item { holdings { hrid } }", "GET /holdings-storage/holdings"),
}


@pytest.mark.parametrize("shape", COSTLY_SHAPES)
async def test_selections_of_other_leaves_are_one_call(reader: Gateway, shape: str) -> None:
    """Another leaf is one call in any form of selection, and one for all links to the same record."""
    loan = named_loan(reader.library)
    selection, path = COSTLY_SHAPES[shape]

    _, calls = await cost(reader, LOAN % selection, {"id": loan["id"]})

    assert calls == {path: 1}


async def test_fragments_are_opened(reader: Gateway) -> None:
    """A leaf in nested fragments is selected, on a link and on a plain object below it."""
    loan = named_loan(reader.library)
    text = """query($id: ID!) { loan(id: $id) { borrower { ...A } } }
        fragment A on User { id personal { ...B } }
        fragment B on Personal { lastName ...C }
        fragment C on Personal { %s }"""

    _, free = await cost(reader, text % "firstName", {"id": loan["id"]})
    _, costly = await cost(reader, text % "phone", {"id": loan["id"]})

    assert (free, costly) == ({}, {"GET /users": 1})


async def test_a_shared_fragment_is_evaluated_in_each_position(reader: Gateway) -> None:
    """A fragment below two links is free if its leaves are embedded in the parent, and loaded if not."""
    request = next(
        each
        for each in reader.library.requests.values()
        if each.get("cancelledByUserId") and each.get("requesterId") in reader.library.users
    )
    text = """query($id: ID!) { request(id: $id) { requester { ...Who } cancelledBy { ...Who } } }
        fragment Who on User { barcode personal { lastName } }"""

    data = await reader.data(text, {"id": request["id"]})

    users = reader.library.users
    for name, key in (("requester", "requesterId"), ("cancelledBy", "cancelledByUserId")):
        user = users[request[key]]
        assert data["request"][name] == {
            "barcode": user.get("barcode"),
            "personal": {"lastName": user["personal"]["lastName"]},
        }
    assert reader.paths() == ["GET /circulation-bff/requests", "GET /users"]
    assert reader.calls[1].query["query"] == f'id=="{request["cancelledByUserId"]}"'


async def test_the_group_of_a_requester_is_free(reader: Gateway) -> None:
    """The group that a request embeds in its requester is free; one more leaf is a call."""
    request = next(
        each for each in reader.library.requests.values() if each.get("requesterId") in reader.library.users
    )
    text = "query($id: ID!) { request(id: $id) { requester { id patronGroup { %s } } } }"
    group = reader.library.groups[reader.library.users[request["requesterId"]]["patronGroup"]]

    data = await reader.data(text % "id group desc", {"id": request["id"]})
    free = reader.paths()
    more = await reader.data(text % "id group source", {"id": request["id"]})

    assert data["request"]["requester"]["patronGroup"] == {
        "id": group["id"],
        "group": group["group"],
        "desc": group["desc"],
    }
    assert free == ["GET /circulation-bff/requests"]
    assert more["request"]["requester"]["patronGroup"]["source"] == group["source"]
    assert reader.paths() == [*free, "GET /circulation-bff/requests", "GET /groups"]


async def test_chained_links_are_batched_by_level(reader: Gateway) -> None:
    """A chain of four links over all loans is one call and one batch per 75 keys for each link."""
    data = await reader.data(
        """{ loans(first: 40, filter: { status: OPEN }) { nodes {
            itemEffectiveLocationAtCheckOut { code library { code campus { code institution { code } } } }
        } } }"""
    )

    assert result(data, "institution")
    assert all(each["code"] for each in result(data, "institution"))
    assert reader.paths() == [
        "GET /circulation-bff/loans",
        "GET /locations",
        "GET /location-units/libraries",
        "GET /location-units/campuses",
        "GET /location-units/institutions",
    ]


# Links without a target.


async def test_an_absent_summary_is_loaded(reader: Gateway) -> None:
    """If a record has no summary of its target, the target is loaded: absent is not null."""
    loan = named_loan(reader.library)
    await reader.data("{ loans(first: 0) { totalCount } }")
    reader.sandbox.calls.clear()
    stripped = [dict(without_summaries(each)) for each in reader.library.loans.values()]
    reader.sandbox.faults.add(kind="wrong_shape", path="/circulation-bff/loans", shape={"loans": stripped})

    data = await reader.data(LOAN % "borrower { barcode personal { lastName } }", {"id": loan["id"]})

    user = reader.library.users[loan["userId"]]
    assert data["loan"]["borrower"] == {
        "barcode": user["barcode"],
        "personal": {"lastName": user["personal"]["lastName"]},
    }
    assert reader.paths() == ["GET /circulation-bff/loans", "GET /users"]


def without_summaries(loan: dict[str, Any]) -> dict[str, Any]:
    return {name: loan[name] for name in ("id", "userId", "itemId") if name in loan}


async def test_no_key_is_null_and_no_call(reader: Gateway) -> None:
    """The borrower of an anonymized loan is null for any selection, without a call."""
    forgotten = next(each for each in reader.library.loans.values() if "userId" not in each)

    data = await reader.data(LOAN % "a: borrower { id } b: borrower { username }", {"id": forgotten["id"]})

    assert data["loan"] == {"a": None, "b": None}
    assert reader.paths() == ["GET /circulation-bff/loans"]


async def test_an_empty_key_is_no_key(gateway: Gateway) -> None:
    """An empty text is not an id: FOLIO would match it with every record that has one."""
    loan = named_loan(gateway.library)
    loan["proxyUserId"] = ""

    data = await gateway.data(LOAN % "proxy { username }", {"id": loan["id"]})

    assert data["loan"] == {"proxy": None}
    assert gateway.paths() == ["GET /circulation-bff/loans"]


async def test_a_dangling_id_is_null_without_error(gateway: Gateway) -> None:
    """A deleted user is null, the other loans are complete, and all users are one call."""
    loans = list(gateway.library.open_loans())[:10]
    kept = [each for each in loans if each.get("userId") in gateway.library.users]
    gone = kept[0]["userId"]
    del gateway.library.users[gone]

    data = await gateway.data(
        "query($ids: [ID!]) { loans(filter: { id: $ids }) { nodes { id borrower { username } } } }",
        {"ids": [each["id"] for each in kept]},
    )

    names = {node["id"]: (node["borrower"] or {}).get("username") for node in data["loans"]["nodes"]}
    users = gateway.library.users
    assert names == {each["id"]: users.get(each["userId"], {}).get("username") for each in kept}
    assert None in names.values()
    assert gateway.paths() == ["GET /circulation-bff/loans", "GET /users"]


async def test_a_failed_batch_nulls_only_its_links(reader: Gateway) -> None:
    """If users cannot be read the loans stay, with one error for each row and one call in all."""
    reader.sandbox.faults.add(kind="status", path="/users", status=503, headers={"Retry-After": "60"})

    response = await reader.execute(
        "{ loans(first: 8, filter: { status: OPEN }) { nodes {"
        " dueDate who: borrower { username } item { title } } } }"
    )

    nodes = response["data"]["loans"]["nodes"]
    assert len(nodes) == 8
    assert all(node["dueDate"] and node["item"]["title"] and node["who"] is None for node in nodes)
    assert sorted(map(str, (each["path"] for each in response["errors"]))) == sorted(
        str(["loans", "nodes", row, "who"]) for row in range(8)
    )
    assert {each["extensions"]["code"] for each in response["errors"]} == {"UPSTREAM_UNAVAILABLE"}
    assert Counter(reader.paths()) == {"GET /circulation-bff/loans": 1, "GET /users": 1}


async def test_a_failed_call_is_not_repeated(reader: Gateway) -> None:
    """A failed call is not repeated in its operation."""
    loan = named_loan(reader.library)
    reader.sandbox.faults.add(kind="status", path="/users", status=500)

    response = await reader.execute(
        LOAN % "a: borrower { username } metadata { createdBy { id } } b: borrower { id active }",
        {"id": loan["id"]},
    )

    assert sorted(each["path"] for each in response["errors"]) == [
        ["loan", "a"],
        ["loan", "b", "active"],
    ]
    assert Counter(reader.paths()) == {"GET /circulation-bff/loans": 1, "GET /users": 1}


async def test_a_failed_batch_affects_only_its_rows(reader: Gateway) -> None:
    """If one of two batches fails, the rows of the other have their links."""
    reader.sandbox.faults.add(kind="status", path="/inventory/instances", status=500, times=1)

    response = await reader.execute("{ loans(first: 200) { nodes { instance { source } } } }")

    rows = [node["instance"] for node in response["data"]["loans"]["nodes"]]
    assert any(rows)
    assert 0 < len(response["errors"]) < len(rows)
    assert Counter(reader.paths())["GET /inventory/instances"] == 2


# Links by a list of keys.

DEPARTMENTS = "query($id: ID!) { user(id: $id) { departments { %s } } }"


@pytest.fixture(name="user")
def _user(gateway: Gateway) -> dict[str, Any]:
    """Return a user, as the library stores it, who belongs to all departments."""
    user = gateway.library.users[str(gateway.summary.user_id)]
    user["departments"] = list(gateway.library.departments)
    return user


async def test_a_list_of_keys_is_one_batch(gateway: Gateway, user: dict[str, Any]) -> None:
    """The records of a list of keys are in the order of the keys, in one call; ids alone need none."""
    free = await gateway.data(DEPARTMENTS % "id", {"id": user["id"]})
    loaded = await gateway.data(DEPARTMENTS % "id name", {"id": user["id"]})

    names = gateway.library.departments
    assert free["user"]["departments"] == [{"id": key} for key in user["departments"]]
    assert loaded["user"]["departments"] == [
        {"id": key, "name": names[key]["name"]} for key in user["departments"]
    ]
    assert gateway.paths() == ["GET /users", "GET /users", "GET /departments"]


async def test_a_list_of_keys_has_no_gaps(gateway: Gateway, user: dict[str, Any]) -> None:
    """Keys that are null or empty and keys of deleted records leave no gap in the list."""
    kept, gone, *_ = user["departments"]
    user["departments"] = [None, gone, "", kept]
    name = gateway.library.departments.pop(gone) and gateway.library.departments[kept]["name"]

    free = await gateway.data(DEPARTMENTS % "id", {"id": user["id"]})
    loaded = await gateway.data(DEPARTMENTS % "name", {"id": user["id"]})

    assert free["user"]["departments"] == [{"id": gone}, {"id": kept}]
    assert loaded["user"]["departments"] == [{"name": name}]


async def test_the_lists_of_many_rows_are_one_batch(reader: Gateway) -> None:
    """The service points of all locations, single ones and lists, are one call."""
    data = await reader.data(
        "{ locations { nodes { primaryServicePoint { code } servicePoints { code } } } }"
    )

    assert all(node["primaryServicePoint"] in node["servicePoints"] for node in data["locations"]["nodes"])
    assert reader.paths() == ["GET /locations", "GET /service-points"]


async def test_a_failed_list_is_one_error_for_its_row(gateway: Gateway, user: dict[str, Any]) -> None:
    """A list that cannot be loaded is null with one error, and its record stays."""
    gateway.sandbox.faults.add(kind="status", path="/departments", status=500)

    response = await gateway.execute(
        "query($id: ID!) { user(id: $id) { barcode departments { name } } }", {"id": user["id"]}
    )

    assert response["data"]["user"] == {"barcode": user["barcode"], "departments": None}
    assert [each["path"] for each in response["errors"]] == [["user", "departments"]]


def test_lists_of_keys_know_only_ids() -> None:
    """A list of keys has no summaries, so only ids are free."""
    lists = [each for each in DECLARED if isinstance(each.link, ManyLink)]

    assert {"User.departments", "Location.servicePoints"} <= {str(each) for each in lists}
    assert all(each.link.embedded.keys() == {("id",)} for each in lists)


async def test_a_link_without_a_key_is_always_loaded(reader: Gateway) -> None:
    """An item's open loan is found by a query: the loan's id, or null for an item on the shelf."""
    loan = named_loan(reader.library)
    shelved = reader.summary.item_id
    text = "query($id: ID!) { item(id: $id) { id openLoan { %s } } }"

    lent = await reader.data(text % "id", {"id": loan["itemId"]})
    named = await reader.data(text % "__typename", {"id": loan["itemId"]})
    none = await reader.data(text % "__typename", {"id": shelved})

    assert lent["item"]["openLoan"] == {"id": loan["id"]}
    assert named["item"]["openLoan"] == {"__typename": "Loan"}
    assert none["item"]["openLoan"] is None
    assert reader.paths() == ["GET /inventory/items", "GET /circulation-bff/loans"] * 3
