"""The circulation rules: the loan and request policy for a patron and an item."""

from __future__ import annotations

from gateway.sandbox.collections.item_context import effective_loan_type_id
from gateway.sandbox.library import Library, Record

RULE_FIELDS = ("patronGroupId", "materialTypeId", "loanTypeId")


def rule_values(user: Record, item: Record) -> Record:
    return {
        "patronGroupId": user.get("patronGroup"),
        "materialTypeId": item.get("materialTypeId"),
        "loanTypeId": effective_loan_type_id(item),
    }


def rule_matches(rule: Record, values: Record) -> bool:
    return all(values[kind] == rule[kind] for kind in RULE_FIELDS if kind in rule)


def find_loan_policy(library: Library, user: Record, item: Record) -> Record | None:
    """Return the policy of the first matching rule; without rules, the first policy that allows loans."""
    values = rule_values(user, item)
    for rule in library.loan_rules:
        if rule_matches(rule, values) and rule["loanPolicyId"] in library.loan_policies:
            return library.loan_policies[rule["loanPolicyId"]]
    return next((policy for policy in library.loan_policies.values() if policy.get("loanable")), None)


def find_request_policy(library: Library, user: Record, item: Record) -> Record | None:
    """Return the policy of the first matching rule; without rules, None, which allows every type."""
    values = rule_values(user, item)
    for rule in library.request_rules:
        if rule_matches(rule, values):
            return library.request_policies.get(rule["requestPolicyId"])
    return None
