"""The circulation rules: the policies for a patron and an item, and the rules that determine them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.responses import Response

from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.collections.item_context import effective_loan_type_id
from gateway.sandbox.http.errors import BadRequest, CirculationFailure
from gateway.sandbox.http.request import Endpoint, HttpRequest, json_response, omit_nulls
from gateway.sandbox.library import Library, Record, RecordsById

REQUEST_POLICIES = Collection(
    key="requestPolicies",
    records=lambda library: library.request_policies,
    indexes=index_names(f"id name description requestTypes allowedServicePoints.* {METADATA}"),
)
NOTICE_POLICIES = Collection(
    key="patronNoticePolicies",
    records=lambda library: library.notice_policies,
    indexes=index_names(f"id name description active {METADATA}"),
)

RULE_FIELDS = ("patronGroupId", "materialTypeId", "loanTypeId")
PARAMETERS = {
    "item_type_id": "materialTypeId",
    "loan_type_id": "loanTypeId",
    "patron_type_id": "patronGroupId",
    "location_id": "locationId",
}
CONDITIONS = {
    "materialTypeMatch": "materialTypeId",
    "loanTypeMatch": "loanTypeId",
    "patronGroupMatch": "patronGroupId",
}
UUID_PATTERN = "^[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[1-5][a-fA-F0-9]{3}-[89abAB][a-fA-F0-9]{3}-[a-fA-F0-9]{12}$"
FIRST_LINE = 2  # the rules begin below the line `priority: first-line`
KEYS_OF_MATCHES = {"overdueFinePolicyId": "overduePolicyId"}  # the lists have another key (Drools)


def rule_values(user: Record, item: Record) -> Record:
    return {
        "patronGroupId": user.get("patronGroup"),
        "materialTypeId": item.get("materialTypeId"),
        "loanTypeId": effective_loan_type_id(item),
    }


def rule_matches(rule: Record, values: Mapping[str, str | None]) -> bool:
    return all(values[kind] == rule[kind] for kind in RULE_FIELDS if kind in rule)


def matching_rules(library: Library, values: Mapping[str, str | None]) -> list[tuple[int, Record]]:
    """Return the rules that match, each with its line: the first applies, the last is the fallback."""
    rules = library.circulation_rules or [rule_without_text(library)]
    return [(line, rule) for line, rule in enumerate(rules, FIRST_LINE) if rule_matches(rule, values)]


def rule_without_text(library: Library) -> Record:
    """Return the rule of a library without rules: the first policies, and every request is allowed."""

    def first(policies: RecordsById) -> str | None:
        return next(iter(policies), None)

    loanable = (each["id"] for each in library.loan_policies.values() if each.get("loanable"))
    return omit_nulls(
        {
            "loanPolicyId": next(loanable, None),
            "overdueFinePolicyId": first(library.overdue_fine_policies),
            "lostItemPolicyId": first(library.lost_item_policies),
            "noticePolicyId": first(library.notice_policies),
        }
    )


def find_rule(library: Library, user: Record, item: Record) -> Record:
    """Return the rule that applies, with the ids of its policies."""
    matches = matching_rules(library, rule_values(user, item))
    return matches[0][1] if matches else {}


def find_loan_policy(library: Library, user: Record, item: Record) -> Record | None:
    return library.loan_policies.get(find_rule(library, user, item).get("loanPolicyId", ""))


def find_request_policy(library: Library, user: Record, item: Record) -> Record | None:
    """Return the policy of the rule that applies; without rules, None, which allows every type."""
    return library.request_policies.get(find_rule(library, user, item).get("requestPolicyId", ""))


def read_values(http_request: HttpRequest) -> dict[str, str | None]:
    """Return the four parameters. Raises BadRequest for the first that is missing or no UUID.

    Ids of no record match no rule but the fallback, also the id of no location (mod-circulation,
    AbstractCirculationRulesEngineResource and CirculationRulesProcessor).
    """
    values: dict[str, str | None] = {}
    for parameter, name in PARAMETERS.items():
        value = http_request.query.get(parameter)
        if value is None:
            raise BadRequest(f"required query parameter missing: {parameter}")
        if not re.fullmatch(UUID_PATTERN, value):
            raise BadRequest(
                f"invalid uuid format of {parameter}, expecting {UUID_PATTERN} but it is {value}"
            )
        values[name] = value.lower()
    return values


def policy_endpoint(key: str) -> Endpoint:
    """GET the id of the policy that applies. Only with a loan policy are the conditions of its rule."""

    def read_policy(http_request: HttpRequest) -> Response:
        _, rule = read_matches(http_request, key)[0]
        has_conditions = key == "loanPolicyId"  # false for the other kinds (Drools)
        conditions = {name: has_conditions and field in rule for name, field in CONDITIONS.items()}
        return json_response({key: rule[key], "appliedRuleConditions": conditions})

    return read_policy


def matches_endpoint(key: str) -> Endpoint:
    """GET the policies of all rules that match, the one that applies first."""

    def read_all(http_request: HttpRequest) -> Response:
        matches = [
            {KEYS_OF_MATCHES.get(key, key): rule[key], "circulationRuleLine": line}
            for line, rule in read_matches(http_request, key)
        ]
        return json_response({"circulationRuleMatches": matches})

    return read_all


def read_matches(http_request: HttpRequest, key: str) -> list[tuple[int, Record]]:
    """Return the matching rules. Raises CirculationFailure for a library without rules or policies."""
    values = read_values(http_request)
    matches = [each for each in matching_rules(http_request.library, values) if key in each[1]]
    if not matches:
        raise CirculationFailure("Cannot apply blank circulation rules")
    return matches
