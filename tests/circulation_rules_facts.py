"""Facts of the circulation rules: the members of responses and of the policies that they name.

Responses are those of mod-circulation's source (AbstractCirculationRulesEngineResource and Drools). Its RAML
(circulation-rules.raml and the schemas of it) differs from the source as `PUBLISHED` says. Policies are
those of mod-circulation-storage (request-policy.json, patron-notice-policy.json and interval.json). The form
of a fact is that of `tests.fee_fine_facts`.
"""

from __future__ import annotations

from tests.fee_fine_facts import RECORD_METADATA

_CONDITIONS = " ".join(
    f"appliedRuleConditions.{each}:boolean"
    for each in ("materialTypeMatch", "loanTypeMatch", "patronGroupMatch")
)

RESPONSES = {
    "loan-policy": f"loanPolicyId:uuid {_CONDITIONS}",
    "request-policy": f"requestPolicyId:uuid {_CONDITIONS}",
    "overdue-fine-policy": f"overdueFinePolicyId:uuid {_CONDITIONS}",
    "lost-item-policy": f"lostItemPolicyId:uuid {_CONDITIONS}",
    "notice-policy": f"noticePolicyId:uuid {_CONDITIONS}",
}
"""The policy that applies, by route."""

_LINE = "circulationRuleMatches[].circulationRuleLine:integer"

LISTS = {
    "loan-policy-all": f"circulationRuleMatches[].loanPolicyId:uuid {_LINE}",
    "request-policy-all": f"circulationRuleMatches[].requestPolicyId:uuid {_LINE}",
    "overdue-fine-policy-all": f"circulationRuleMatches[].overduePolicyId:uuid {_LINE}",
    "lost-item-policy-all": f"circulationRuleMatches[].lostItemPolicyId:uuid {_LINE}",
    "notice-policy-all": f"circulationRuleMatches[].noticePolicyId:uuid {_LINE}",
}
"""The rules that match, by route."""

PUBLISHED = {
    "circulationRuleMatches[].": "ruleMatches[].",
    "circulationRuleLine": "ruleLine",
    "overduePolicyId": "overdueFinePolicyId",
}
"""What the source sends in lists, and the name of it in the published schemas, which nothing sends."""

PARAMETERS = ("item_type_id", "loan_type_id", "patron_type_id", "location_id")
"""All are required. `rules`, which the RAML has for lists, is read nowhere in the source."""

_NOTICE = (
    "name:text templateId:uuid templateName:text format:text frequency:text realTime:boolean "
    "sendOptions.sendHow:text sendOptions.sendWhen:text sendOptions.sendBy.duration:integer "
    "sendOptions.sendBy.intervalId:text sendOptions.sendEvery.duration:integer "
    "sendOptions.sendEvery.intervalId:text"
)
_NOTICES = " ".join(
    f"{kind}[].{member}"
    for kind in ("loanNotices", "feeFineNotices", "requestNotices")
    for member in _NOTICE.split()
)

POLICIES = {
    "/request-policy-storage/request-policies": (
        "id:uuid name:text description:text requestTypes[]:text allowedServicePoints.Page[]:uuid "
        f"allowedServicePoints.Hold[]:uuid allowedServicePoints.Recall[]:uuid {RECORD_METADATA}"
    ),
    "/patron-notice-policy-storage/patron-notice-policies": (
        f"id:uuid name:text description:text active:boolean {_NOTICES} {RECORD_METADATA}"
    ),
}
"""The policies of requests and notices, by path."""

UNITS = ("Minutes", "Hours", "Days", "Weeks", "Months", "Years")
"""The units of time of notices."""
