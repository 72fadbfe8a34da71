"""The policies that the circulation rules determine: each costs a call, and only if it is selected."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.sandbox import Library
from gateway.sandbox.library import RecordsById
from gateway.settings import Settings
from tests.gateway_under_test import Gateway, open_gateway
from tests.mutations.seeded import ITEM, PATRON

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON

ROUTES = {
    "loanPolicy": "loan-policy",
    "requestPolicy": "request-policy",
    "overdueFinePolicy": "overdue-fine-policy",
    "lostItemPolicy": "lost-item-policy",
    "noticePolicy": "notice-policy",
    "loanPolicyMatches": "loan-policy-all",
    "requestPolicyMatches": "request-policy-all",
    "overdueFinePolicyMatches": "overdue-fine-policy-all",
    "lostItemPolicyMatches": "lost-item-policy-all",
    "noticePolicyMatches": "notice-policy-all",
}
POLICIES = list(ROUTES)[:5]
KEYS = (
    "loanPolicyId",
    "requestPolicyId",
    "overdueFinePolicyId",
    "overduePolicyId",  # in the list of rules
    "lostItemPolicyId",
    "noticePolicyId",
)
DOCUMENT = """query($material: ID!, $loan: ID!, $group: ID!, $location: ID!) {
    appliedPolicies(
        materialTypeId: $material, loanTypeId: $loan, patronGroupId: $group, locationId: $location
    ) { %s }
}"""
IDS = " ".join(f"{name} {{ policy {{ id }} }}" for name in ROUTES)
NAMES = """
    materialType { id } loanType { id } patronGroup { id } location { id }
    loanPolicy {
        policy { name }
        appliedRuleConditions { materialTypeMatch loanTypeMatch patronGroupMatch }
    }
    requestPolicy { policy { name requestTypes requestTypesText } }
    overdueFinePolicy { policy { name } }
    lostItemPolicy { policy { name } }
    noticePolicy { policy { name active } }
"""
NOTHING = "00000000-0000-4000-8000-000000000000"


def key_of(records: RecordsById, value: str, name: str = "name") -> str:
    return next(key for key, record in records.items() if record[name] == value)


def combination(library: Library, material: str, loan: str, group: str) -> dict[str, str]:
    return {
        "material": key_of(library.material_types, material),
        "loan": key_of(library.loan_types, loan),
        "group": key_of(library.groups, group, "group"),
        "location": next(iter(library.locations)),
    }


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_the_policies_and_their_rule(execution: str) -> None:
    """A DVD in the hands of a visitor: names are one further call for each kind of policy."""
    async with open_gateway(execution=execution) as gateway:
        variables = combination(gateway.library, "dvd", "Selected", "visitor")
        data = await gateway.data(DOCUMENT % NAMES, variables)
        paths, query = gateway.paths(), gateway.calls[0].query

    assert data["appliedPolicies"] == {
        "materialType": {"id": variables["material"]},
        "loanType": {"id": variables["loan"]},
        "patronGroup": {"id": variables["group"]},
        "location": {"id": variables["location"]},
        "loanPolicy": {
            "policy": {"name": "One week"},
            "appliedRuleConditions": {
                "materialTypeMatch": True,
                "loanTypeMatch": False,
                "patronGroupMatch": True,
            },
        },
        "requestPolicy": {
            "policy": {"name": "Page only", "requestTypes": ["PAGE"], "requestTypesText": ["Page"]}
        },
        "overdueFinePolicy": {"policy": {"name": "Overdue, 25 cents a day"}},
        "lostItemPolicy": {"policy": {"name": "Lost, actual cost"}},
        "noticePolicy": {"policy": {"name": "Reminders", "active": True}},
    }
    assert paths[:5] == [f"GET /circulation/rules/{ROUTES[name]}" for name in POLICIES]
    assert sorted(paths[5:]) == [
        "GET /loan-policy-storage/loan-policies",
        "GET /lost-item-fees-policies",
        "GET /overdue-fines-policies",
        "GET /patron-notice-policy-storage/patron-notice-policies",
        "GET /request-policy-storage/request-policies",
    ]
    assert query == {
        "item_type_id": variables["material"],
        "loan_type_id": variables["loan"],
        "patron_type_id": variables["group"],
        "location_id": variables["location"],
    }


async def test_the_rules_that_match(gateway: Gateway) -> None:
    """The one that applies is first, the fallback last; the names of their policies are one call."""
    library = gateway.library
    data = await gateway.data(
        DOCUMENT % "overdueFinePolicyMatches { circulationRuleLine policy { name } } "
        "lostItemPolicyMatches { circulationRuleLine policy { id } }",
        combination(library, "dvd", "Course reserves", "staff"),
    )

    assert data["appliedPolicies"] == {
        "overdueFinePolicyMatches": [
            {"circulationRuleLine": 3, "policy": {"name": "Overdue, 1 an hour"}},
            {"circulationRuleLine": 6, "policy": {"name": "Overdue, 25 cents a day"}},
            {"circulationRuleLine": 7, "policy": {"name": "Overdue, 25 cents a day"}},
        ],
        "lostItemPolicyMatches": [
            {"circulationRuleLine": line, "policy": {"id": key_of(library.lost_item_policies, name)}}
            for line, name in (
                (3, "Lost, replacement cost"),
                (6, "Lost, actual cost"),
                (7, "Lost, replacement cost"),
            )
        ],
    }
    assert gateway.paths() == [
        "GET /circulation/rules/overdue-fine-policy-all",
        "GET /circulation/rules/lost-item-policy-all",
        "GET /overdue-fines-policies",
    ]


async def test_each_field_costs_a_call_only_if_it_is_selected(reader: Gateway) -> None:
    """The ids of policies cost the one call that determines them, the ids in the arguments none."""
    variables = combination(reader.library, "book", "Selected", "staff")

    await reader.data(DOCUMENT % "materialType { id } location { id }", variables)
    assert reader.paths() == []
    for name, route in ROUTES.items():
        reader.sandbox.calls.clear()
        data = await reader.data(DOCUMENT % f"{name} {{ policy {{ id }} }}", variables)
        assert data["appliedPolicies"][name]
        assert reader.paths() == [f"GET /circulation/rules/{route}"]


async def test_the_calls_of_all_fields_run_at_once() -> None:
    """The ten calls of one selection are in flight together, each with the same ids."""
    arrived: list[str] = []
    complete = asyncio.Event()

    async def respond(request: httpx.Request) -> httpx.Response:
        arrived.append(request.url.path)
        if len(arrived) == len(ROUTES):
            complete.set()
        await asyncio.wait_for(complete.wait(), 20)
        route = request.url.path.rpartition("/")[2]
        record = dict.fromkeys(KEYS, NOTHING)
        return httpx.Response(
            200, json={"circulationRuleMatches": [record]} if route.endswith("-all") else record
        )

    app = create_app(
        Settings(okapi_url="http://okapi"), transport=lambda limits: httpx.MockTransport(respond)
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        body = {
            "query": DOCUMENT % IDS,
            "variables": dict.fromkeys(("material", "loan", "group", "location"), NOTHING),
        }
        response = await http.post("/graphql", json=body, headers={"X-Okapi-Tenant": "diku"})

    assert response.json()["data"]["appliedPolicies"] == {
        name: {"policy": {"id": NOTHING}} if name in POLICIES else [{"policy": {"id": NOTHING}}]
        for name in ROUTES
    }
    assert sorted(arrived) == sorted(f"/circulation/rules/{each}" for each in ROUTES.values())


async def test_equal_combinations_share_their_calls(reader: Gateway) -> None:
    """Two roots for the same ids, one of them in capitals, cost one call; another combination one more."""
    variables = combination(reader.library, "book", "Selected", "staff")
    root = "appliedPolicies(materialTypeId: %s, loanTypeId: %s, patronGroupId: %s, locationId: %s)"
    texts = [
        root % tuple(f'"{each}"' for each in ids)
        for ids in (
            variables.values(),
            [each.upper() for each in variables.values()],
            [NOTHING, *list(variables.values())[1:]],
        )
    ]
    selections = (
        f"a{number}: {text} {{ loanPolicy {{ policy {{ id }} }} }}" for number, text in enumerate(texts)
    )
    data = await reader.data(f"{{ {' '.join(selections)} }}")

    assert data["a0"] == data["a1"]
    assert reader.paths() == ["GET /circulation/rules/loan-policy"] * 2


@pytest.mark.parametrize(
    ("variable", "argument"),
    [
        ("material", "materialTypeId"),
        ("loan", "loanTypeId"),
        ("group", "patronGroupId"),
        ("location", "locationId"),
    ],
)
async def test_an_id_that_is_none_is_refused(reader: Gateway, variable: str, argument: str) -> None:
    """The argument is named, and nothing is sent."""
    variables = combination(reader.library, "book", "Selected", "staff") | {variable: "book"}
    response = await reader.execute(DOCUMENT % IDS, variables)

    (error,) = response["errors"]
    assert response["data"] == {"appliedPolicies": None}
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"].startswith(f"`{argument}` must be a UUID")
    assert reader.calls == []


async def test_a_uuid_that_folio_refuses(reader: Gateway) -> None:
    """FOLIO takes versions 1 to 5 only; the rejection is an error of each field that was sent."""
    later = "7c9e6679-7425-70de-944b-e07fc1f90ae7"
    variables = combination(reader.library, "book", "Selected", "staff") | {"group": later}
    response = await reader.execute(
        DOCUMENT % "materialType { name } patronGroup { id } loanPolicy { policy { id } }", variables
    )

    (error,) = response["errors"]
    assert (error["path"][-1], error["extensions"]["code"]) == ("loanPolicy", "UPSTREAM_REJECTED")
    assert response["data"]["appliedPolicies"] == {
        "materialType": {"name": "book"},
        "patronGroup": {"id": later},
        "loanPolicy": None,
    }


async def test_ids_of_nothing_have_the_fallback(reader: Gateway) -> None:
    """Upstream does not look them up: the last rule applies, and the links lead nowhere."""
    variables = dict.fromkeys(("material", "loan", "group", "location"), NOTHING)
    data = await reader.data(
        DOCUMENT % "patronGroup { group } location { name } loanPolicy { policy { name } } "
        "loanPolicyMatches { circulationRuleLine }",
        variables,
    )

    assert data["appliedPolicies"] == {
        "patronGroup": None,
        "location": None,
        "loanPolicy": {"policy": {"name": "Standard loan"}},
        "loanPolicyMatches": [{"circulationRuleLine": 7}],
    }


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "status": 500}, "UPSTREAM_ERROR"),
        ({"kind": "status", "status": 403}, "FORBIDDEN"),
        ({"kind": "html"}, "UPSTREAM_BAD_RESPONSE"),
        ({"kind": "wrong_shape"}, "UPSTREAM_BAD_RESPONSE"),
    ],
)
@pytest.mark.parametrize("name", ["requestPolicy", "loanPolicyMatches"])
async def test_a_failure_costs_no_neighbour(reader: Gateway, name: str, fault: Json, code: str) -> None:
    """The fields of a path are null with their errors, and all others have their policies."""
    path = ROUTES[name]
    reader.sandbox.faults.add(path=f"/circulation/rules/{path}", **fault)
    failed = [each for each, route in ROUTES.items() if route.startswith(path)]
    variables = combination(reader.library, "book", "Selected", "staff")
    response = await reader.execute(DOCUMENT % IDS, variables)

    errors = [(each["path"], each["extensions"]["code"]) for each in response["errors"]]
    assert errors == [(["appliedPolicies", each], code) for each in failed]
    assert [field for field, value in response["data"]["appliedPolicies"].items() if not value] == failed


async def test_a_tenant_without_rules(gateway: Gateway) -> None:
    """FOLIO's own failure is an error of each field that needs the rules."""
    gateway.library.circulation_rules.clear()
    gateway.library.loan_policies.clear()
    variables = combination(gateway.library, "book", "Selected", "staff")
    response = await gateway.execute(
        DOCUMENT
        % "materialType { name } loanPolicy { policy { id } } loanPolicyMatches { circulationRuleLine }",
        variables,
    )

    assert response["data"]["appliedPolicies"] == {
        "materialType": {"name": "book"},
        "loanPolicy": None,
        "loanPolicyMatches": None,
    }
    assert [(each["path"][1], each["extensions"]["code"]) for each in response["errors"]] == [
        ("loanPolicy", "UPSTREAM_ERROR"),
        ("loanPolicyMatches", "UPSTREAM_ERROR"),
    ]


OF_ITEM = """query($item: String!, $user: ID, $barcode: String, $group: ID) {
    item(barcode: $item) {
        appliedPolicies(userId: $user, userBarcode: $barcode, patronGroupId: $group) {
            materialType { id } loanType { id } patronGroup { id } location { id }
            loanPolicy { policy { id } } overdueFinePolicy { policy { id } }
            lostItemPolicy { policy { id } } noticePolicy { policy { id } }
        }
    }
}"""
DRY_RUN = """query($item: String!, $barcode: String!) {
    checkOutDryRun(itemBarcode: $item, userBarcode: $barcode) {
        ... on CheckOutAllowed {
            loanPolicy { id } overdueFinePolicy { id } lostItemPolicy { id }
            noticePolicy: patronNoticePolicy { id }
        }
    }
}"""
RULES_OF_ITEM = [f"GET /circulation/rules/{ROUTES[name]}" for name in POLICIES if name != "requestPolicy"]


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_the_policies_of_an_item_and_a_patron(execution: str) -> None:
    """They are those of a check-out, for a patron by id, library card or group; a group costs no call."""
    async with open_gateway(execution=execution) as gateway:
        user = gateway.library.user_by_barcode(PATRON)
        item = gateway.library.item_by_barcode(ITEM)
        assert user is not None
        assert item is not None
        item["temporaryLoanTypeId"] = key_of(gateway.library.loan_types, "Course reserves")
        would_apply = (await gateway.data(DRY_RUN, {"item": ITEM, "barcode": PATRON}))["checkOutDryRun"]
        results, paths = [], []
        for patron in ({"user": user["id"]}, {"barcode": PATRON}, {"group": user["patronGroup"]}):
            gateway.sandbox.calls.clear()
            results.append((await gateway.data(OF_ITEM, {"item": ITEM, **patron}))["item"]["appliedPolicies"])
            paths.append(gateway.paths())

    assert results[0] == results[1] == results[2]
    assert {name: results[0][name]["policy"] for name in would_apply} == would_apply
    assert results[0]["materialType"] == {"id": item["materialTypeId"]}
    assert results[0]["loanType"] == {"id": item["temporaryLoanTypeId"]}
    assert results[0]["patronGroup"] == {"id": user["patronGroup"]}
    assert paths[0] == paths[1] == ["GET /inventory/items", "GET /users", *RULES_OF_ITEM]
    assert paths[2] == ["GET /inventory/items", *RULES_OF_ITEM]


async def test_items_of_one_combination_share_their_calls(reader: Gateway) -> None:
    """A page of items costs the call for the patron, and one for each combination of ids among them."""
    data = await reader.data(
        "query($user: String!) { items(first: 40) { nodes { materialType { id } permanentLoanType { id } "
        "temporaryLoanType { id } effectiveLocation { id } "
        "appliedPolicies(userBarcode: $user) { loanPolicy { policy { id } } } } } }",
        {"user": PATRON},
    )

    items = data["items"]["nodes"]
    combinations = {
        (
            each["materialType"]["id"],
            (each["temporaryLoanType"] or each["permanentLoanType"])["id"],
            each["effectiveLocation"]["id"],
        )
        for each in items
    }
    assert all(each["appliedPolicies"]["loanPolicy"]["policy"] for each in items)
    assert 1 < len(combinations) < len(items)
    assert reader.paths() == [
        "GET /inventory/items",
        "GET /users",
        *["GET /circulation/rules/loan-policy"] * len(combinations),
    ]


async def test_an_unknown_patron_has_no_policies(reader: Gateway) -> None:
    """The rules are not read for a user that does not exist."""
    data = await reader.data(OF_ITEM, {"item": ITEM, "user": NOTHING})

    assert data == {"item": {"appliedPolicies": None}}
    assert reader.paths() == ["GET /inventory/items", "GET /users"]


async def test_a_patron_that_cannot_be_read_is_the_only_error(reader: Gateway) -> None:
    """The item is returned, and the rules are not read."""
    reader.sandbox.faults.add(path="/users", kind="status", status=403)
    query = OF_ITEM.replace("item(barcode: $item) {", "item(barcode: $item) { barcode")
    response = await reader.execute(query, {"item": ITEM, "barcode": PATRON})

    (error,) = response["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["item", "appliedPolicies"], "FORBIDDEN")
    assert response["data"] == {"item": {"barcode": ITEM, "appliedPolicies": None}}
    assert reader.paths() == ["GET /inventory/items", "GET /users"]


@pytest.mark.parametrize(
    ("patron", "message"),
    [
        ({}, "Exactly one of `userId`, `userBarcode`, `patronGroupId` must be given; got 0."),
        (
            {"barcode": PATRON, "group": NOTHING},
            "Exactly one of `userId`, `userBarcode`, `patronGroupId` must be given; got 2.",
        ),
        ({"user": "x"}, "`userId` must be a UUID such as 7c9e6679-7425-40de-944b-e07fc1f90ae7."),
        ({"group": "x"}, "`patronGroupId` must be a UUID such as 7c9e6679-7425-40de-944b-e07fc1f90ae7."),
        ({"barcode": ""}, "`userBarcode` must have 1 to 500 characters; got 0."),
    ],
)
async def test_a_patron_is_named_in_one_way(reader: Gateway, patron: Json, message: str) -> None:
    """Anything else is refused, and of the rules and users nothing is read."""
    response = await reader.execute(OF_ITEM, {"item": ITEM, **patron})

    (error,) = response["errors"]
    assert (error["message"], error["extensions"]["code"]) == (message, "BAD_USER_INPUT")
    assert response["data"] == {"item": {"appliedPolicies": None}}
    assert reader.paths() == ["GET /inventory/items"]
