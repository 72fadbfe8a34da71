"""The circulation rules and their policies against FOLIO's sources and schemas: nothing is missing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.graph import schema
from gateway.upstream.services import declared_routes
from tests.circulation_rules_facts import LISTS, PARAMETERS, POLICIES, PUBLISHED, RESPONSES, UNITS
from tests.fee_fine_facts import Values, members
from tests.test_fee_fine_contract import Upstream, missing, send
from tests.widest import selection

pytestmark = pytest.mark.anyio

Json = Any  # requests and responses are JSON

ID = "00000000-0000-4000-8000-000000000001"
ROOT = (
    f'appliedPolicies(materialTypeId: "{ID}", loanTypeId: "{ID}", patronGroupId: "{ID}", locationId: "{ID}")'
)
FIELDS = {
    "loan-policy": ("loanPolicy", "AppliedLoanPolicy"),
    "request-policy": ("requestPolicy", "AppliedRequestPolicy"),
    "overdue-fine-policy": ("overdueFinePolicy", "AppliedOverdueFinePolicy"),
    "lost-item-policy": ("lostItemPolicy", "AppliedLostItemPolicy"),
    "notice-policy": ("noticePolicy", "AppliedNoticePolicy"),
    "loan-policy-all": ("loanPolicyMatches", "LoanPolicyMatch"),
    "request-policy-all": ("requestPolicyMatches", "RequestPolicyMatch"),
    "overdue-fine-policy-all": ("overdueFinePolicyMatches", "OverdueFinePolicyMatch"),
    "lost-item-policy-all": ("lostItemPolicyMatches", "LostItemPolicyMatch"),
    "notice-policy-all": ("noticePolicyMatches", "NoticePolicyMatch"),
}

# Members of responses that no field shows, with reasons.
ALWAYS_FALSE = "computed for loan policies only, and false for all others (Drools)"
NOT_SHOWN = {route: {"appliedRuleConditions.": ALWAYS_FALSE} for route in RESPONSES if route != "loan-policy"}


class Rules:
    """Responds to one route, and records what it was sent."""

    def __init__(self, route: str, record: Json) -> None:
        self.path, self.record = f"/circulation/rules/{route}", record
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json=self.record if request.url.path == self.path else {})


@pytest.mark.parametrize("route", FIELDS)
async def test_every_member_of_a_response_reaches_the_client(route: str) -> None:
    """With a unique value in each member, all of them are returned but those with a reason, by one call."""
    record = Values().record({**RESPONSES, **LISTS}[route])
    field, kind = FIELDS[route]
    upstream = Rules(route, record)

    response = await send(upstream, f"{{ {ROOT} {{ {field} {selection(kind)} }} }}")

    assert "errors" not in response, response["errors"][:3]
    lost = missing(record, response["data"])
    reasons = tuple(NOT_SHOWN.get(route, ()))
    assert {each for each in lost if not each.startswith(reasons or ("-",))} == set()
    assert all(any(each.startswith(reason) for each in lost) for reason in reasons)
    (request,) = upstream.requests
    assert dict(request.url.params) == dict.fromkeys(PARAMETERS, ID)


def test_the_published_lists_differ_only_in_names() -> None:
    """Each member that the source sends has its place in the published schema, under another name."""
    published = {
        "loan-policy-all": {"ruleMatches[].ruleLine", "ruleMatches[].loanPolicyId"},
        "request-policy-all": {"ruleMatches[].ruleLine", "ruleMatches[].requestPolicyId"},
        "overdue-fine-policy-all": {"ruleMatches[].ruleLine", "ruleMatches[].overdueFinePolicyId"},
        "lost-item-policy-all": {"ruleMatches[].ruleLine", "ruleMatches[].lostItemPolicyId"},
        "notice-policy-all": {"ruleMatches[].ruleLine", "ruleMatches[].noticePolicyId"},
    }
    renamed: dict[str, set[str]] = {}
    for route, facts in LISTS.items():
        renamed[route] = set()
        for path in members(facts):
            for sent, name in PUBLISHED.items():
                path = path.replace(sent, name)
            renamed[route].add(path)

    assert renamed == published


async def test_each_route_is_declared() -> None:
    """The routes of the interface, but for the text of the rules itself, are those of the facts."""
    routes = {
        each.route.template.rpartition("/")[2]
        for each in declared_routes()
        if each.service == "circulation_rules"
    }

    assert routes == {*RESPONSES, *LISTS}


@pytest.mark.parametrize(
    ("path", "root", "kind"),
    [
        ("/request-policy-storage/request-policies", "requestPolicies", "RequestPolicy"),
        (
            "/patron-notice-policy-storage/patron-notice-policies",
            "patronNoticePolicies",
            "PatronNoticePolicy",
        ),
    ],
)
async def test_every_member_of_a_policy_reaches_the_client(path: str, root: str, kind: str) -> None:
    """With a unique value in each member of the schema, the widest query returns all of them."""
    record = Values().record(POLICIES[path])
    upstream = Upstream(path, root, record)

    response = await send(upstream, f"{{ {root} {{ nodes {selection(kind)} }} }}")

    assert "errors" not in response, response["errors"][:3]
    assert missing(record, response["data"]) == set()


def test_the_units_of_notices_are_known() -> None:
    """Each unit of the schema is a value of its own."""
    kind: Any = schema._schema.type_map["IntervalId"]

    assert {each.upper() for each in UNITS} <= set(kind.values)
