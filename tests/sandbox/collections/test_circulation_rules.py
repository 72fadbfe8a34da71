"""The circulation rules: what they determine for four ids is what a check-out applies."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from gateway.sandbox.library import RecordsById

pytestmark = pytest.mark.anyio

RULES = "/circulation/rules"
NOTHING = "00000000-0000-4000-8000-000000000000"
PERMISSIONS = {
    "loan-policy": "circulation.rules.loan-policy.get",
    "loan-policy-all": "circulation.rules.loan-policy-all.get",
    "request-policy": "circulation.rules.request-policy.get",
    "request-policy-all": "circulation.rules.request-policy-all.get",
    "overdue-fine-policy": "circulation.rules.overdue-fine-policy.get",
    "overdue-fine-policy-all": "circulation.rules.overdue-fine-policy-all.get",
    "lost-item-policy": "circulation.rules.lost-item-policy.get",
    "lost-item-policy-all": "circulation.rules.lost-item-all.get",
    "notice-policy": "circulation.rules.notice-policy.get",
    "notice-policy-all": "circulation.rules.notice-policy-all.get",
}
NO_CONDITIONS = {"materialTypeMatch": False, "loanTypeMatch": False, "patronGroupMatch": False}

Query = dict[str, str]


def key_of(records: RecordsById, value: str, name: str = "name") -> str:
    return next(key for key, record in records.items() if record[name] == value)


def combination(
    library: Library, material: str = "dvd", loan: str = "Selected", group: str = "visitor"
) -> Query:
    return {
        "item_type_id": key_of(library.material_types, material),
        "loan_type_id": key_of(library.loan_types, loan),
        "patron_type_id": key_of(library.groups, group, "group"),
        "location_id": next(iter(library.locations)),
    }


async def read(client: httpx.AsyncClient, name: str, query: Query) -> Any:
    response = await client.get(f"{RULES}/{name}", params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def test_the_policies_that_apply(client: httpx.AsyncClient, library: Library) -> None:
    """The rule of visitors and DVDs applies; its conditions come with the loan policy alone."""
    query = combination(library)

    assert [await read(client, name, query) for name in PERMISSIONS if not name.endswith("all")] == [
        {
            "loanPolicyId": key_of(library.loan_policies, "One week"),
            "appliedRuleConditions": {
                "materialTypeMatch": True,
                "loanTypeMatch": False,
                "patronGroupMatch": True,
            },
        },
        {
            "requestPolicyId": key_of(library.request_policies, "Page only"),
            "appliedRuleConditions": NO_CONDITIONS,
        },
        {
            "overdueFinePolicyId": key_of(library.overdue_fine_policies, "Overdue, 25 cents a day"),
            "appliedRuleConditions": NO_CONDITIONS,
        },
        {
            "lostItemPolicyId": key_of(library.lost_item_policies, "Lost, actual cost"),
            "appliedRuleConditions": NO_CONDITIONS,
        },
        {
            "noticePolicyId": key_of(library.notice_policies, "Reminders"),
            "appliedRuleConditions": NO_CONDITIONS,
        },
    ]


@pytest.mark.parametrize(
    ("name", "key", "collection", "policies"),
    [
        ("loan", "loanPolicyId", "loan_policies", ["One week", "Standard loan", "One week", "Standard loan"]),
        (
            "request",
            "requestPolicyId",
            "request_policies",
            ["Page only", "Page only", "Page or hold, at the Music Desk", "Every request"],
        ),
        ("overdue-fine", "overduePolicyId", "overdue_fine_policies", ["Overdue, 25 cents a day"] * 4),
        (
            "lost-item",
            "lostItemPolicyId",
            "lost_item_policies",
            ["Lost, actual cost", "Lost, replacement cost"] * 2,
        ),
        ("notice", "noticePolicyId", "notice_policies", ["Reminders"] * 4),
    ],
)
async def test_all_rules_that_match(
    client: httpx.AsyncClient, library: Library, name: str, key: str, collection: str, policies: list[str]
) -> None:
    """They are in the order of their lines, the fallback last; those of fines have a key of their own."""
    body = await read(client, f"{name}-policy-all", combination(library))

    keys = [key_of(getattr(library, collection), each) for each in policies]
    assert body == {
        "circulationRuleMatches": [
            {key: policy, "circulationRuleLine": line}
            for policy, line in zip(keys, (4, 5, 6, 7), strict=True)
        ]
    }


@pytest.mark.parametrize("name", PERMISSIONS)
async def test_each_route_requires_its_permission(client: httpx.AsyncClient, name: str) -> None:
    """The permission of all lost item policies is named otherwise than its path."""
    response = await client.get(f"{RULES}/{name}", headers={"X-Okapi-Token": "sandbox:nobody"})

    assert response.status_code == 403
    assert response.text.endswith(f"requires permission: {PERMISSIONS[name]}")


@pytest.mark.parametrize("name", ["loan-policy", "notice-policy-all"])
async def test_invalid_parameters(client: httpx.AsyncClient, library: Library, name: str) -> None:
    """The first one that is missing, or no UUID of RFC 4122, is named in plain text."""
    query = combination(library)
    texts = []
    for parameter in query:
        rest = {other: value for other, value in query.items() if other != parameter}
        for changed in (rest, {**query, parameter: "7c9e6679-7425-90de-944b-e07fc1f90ae7"}):
            response = await client.get(f"{RULES}/{name}", params=changed)
            assert response.status_code == 400
            assert response.headers["content-type"].startswith("text/plain")
            texts.append(response.text.partition(", expecting")[0])

    assert texts == [
        text
        for parameter in ("item_type_id", "loan_type_id", "patron_type_id", "location_id")
        for text in (
            f"required query parameter missing: {parameter}",
            f"invalid uuid format of {parameter}",
        )
    ]


async def test_ids_of_nothing(client: httpx.AsyncClient, library: Library) -> None:
    """They match no rule but the fallback, and are no error."""
    query = dict.fromkeys(combination(library), NOTHING)
    standard = key_of(library.loan_policies, "Standard loan")

    assert await read(client, "loan-policy", query) == {
        "loanPolicyId": standard,
        "appliedRuleConditions": NO_CONDITIONS,
    }
    assert await read(client, "loan-policy-all", query) == {
        "circulationRuleMatches": [{"loanPolicyId": standard, "circulationRuleLine": 7}]
    }


async def test_a_library_without_rules(client: httpx.AsyncClient, library: Library) -> None:
    """The policies of its check-outs are shown; it has none for requests, which are all allowed."""
    library.circulation_rules.clear()
    query = combination(library)
    response = await client.get(f"{RULES}/request-policy", params=query)

    assert (await read(client, "loan-policy", query))["loanPolicyId"] == next(iter(library.loan_policies))
    assert (response.status_code, response.text) == (500, "Cannot apply blank circulation rules")
    assert response.headers["content-type"].startswith("text/plain")


async def test_check_outs_apply_what_is_shown(client: httpx.AsyncClient, library: Library) -> None:
    """For an item of each rule that allows loans, the dry run of a check-out has the same policies."""
    shown: set[str] = set()
    users = [library.user_by_barcode("1000000001"), library.user_by_barcode("1000000012")]
    for item in library.items.values():
        for user in filter(None, users):
            if item["status"]["name"] != "Available" or "barcode" not in item:
                continue
            body = {"itemBarcode": item["barcode"], "userBarcode": user["barcode"]}
            dry_run = await client.post("/circulation/check-out-by-barcode-dry-run", json=body)
            if dry_run.status_code != 201:
                continue
            holding = library.holdings[item["holdingsRecordId"]]
            query = {
                "item_type_id": item["materialTypeId"],
                "loan_type_id": item.get("temporaryLoanTypeId") or item["permanentLoanTypeId"],
                "patron_type_id": user["patronGroup"],
                "location_id": holding["permanentLocationId"],
            }
            policies: dict[str, Any] = {}
            for name in ("loan", "overdue-fine", "lost-item", "notice"):
                policies |= await read(client, f"{name}-policy", query)
            del policies["appliedRuleConditions"]
            policies["patronNoticePolicyId"] = policies.pop("noticePolicyId")
            assert policies == dry_run.json()
            shown.add("".join(policies.values()))

    assert len(shown) >= 3
