"""Seeded circulation rules, and the policies for requests and notices."""

from __future__ import annotations

from typing import NamedTuple

from gateway.sandbox.library import Record
from gateway.sandbox.requests.request_types import REQUEST_TYPES
from gateway.sandbox.seed.seeder import Seeder


class Rule(NamedTuple):
    """Conditions by their members of a rule, each with the kind and the key of its record, and policies."""

    conditions: dict[str, tuple[str, str]]
    loan: str
    request: str
    overdue_fine: str = "standard"
    lost_item: str = "standard"
    notice: str = "Reminders"


REQUEST_POLICIES: list[tuple[str, tuple[str, ...]]] = [
    ("Every request", REQUEST_TYPES),
    ("Hold only", ("Hold",)),
    ("Page only", ("Page",)),
    ("Page or hold, at the Music Desk", ("Page", "Hold")),
    ("No requests", ()),
]
READING_ROOM = {"loanTypeId": ("loan-type", "Reading room")}
RESERVES = {"loanTypeId": ("loan-type", "Course reserves")}
VISITOR = {"patronGroupId": ("group", "visitor")}
DVD = {"materialTypeId": ("material-type", "dvd")}
RULES = [
    Rule(READING_ROOM, "Not loanable", "No requests", notice="Send no notices"),
    Rule(RESERVES, "Three hours", "Hold only", overdue_fine="reserves"),
    Rule({**VISITOR, **DVD}, "One week", "Page only", lost_item="actual cost"),
    Rule(VISITOR, "Standard loan", "Page only"),
    Rule(DVD, "One week", "Page or hold, at the Music Desk", lost_item="actual cost"),
    Rule({}, "Standard loan", "Every request"),
]


def add_circulation_rules(seeder: Seeder) -> None:
    library = seeder.library
    for name, request_types in REQUEST_POLICIES:
        seeder.add(library.request_policies, request_policy(seeder, name, request_types))
    for policy in (reminders(seeder), notice_policy(seeder, "Send no notices")):
        seeder.add(library.notice_policies, policy)
    for rule in RULES:
        conditions = {field: seeder.id(*names) for field, names in rule.conditions.items()}
        library.circulation_rules.append(
            {
                **conditions,
                "loanPolicyId": seeder.id("loan-policy", rule.loan),
                "requestPolicyId": seeder.id("request-policy", rule.request),
                "overdueFinePolicyId": seeder.id("overdue-fine-policy", rule.overdue_fine),
                "lostItemPolicyId": seeder.id("lost-item-policy", rule.lost_item),
                "noticePolicyId": seeder.id("notice-policy", rule.notice),
            }
        )


def request_policy(seeder: Seeder, name: str, request_types: tuple[str, ...]) -> Record:
    record: Record = {
        "id": seeder.id("request-policy", name),
        "name": name,
        "requestTypes": list(request_types),
        "metadata": seeder.metadata(),
    }
    if name.endswith("at the Music Desk"):
        music = [seeder.id("service-point", "music")]
        record["allowedServicePoints"] = dict.fromkeys(request_types, music)
    return record


def notice_policy(seeder: Seeder, name: str) -> Record:
    return {
        "id": seeder.id("notice-policy", name),
        "name": name,
        "description": f"{name}, for the sandbox",
        "active": True,
        "loanNotices": [],
        "feeFineNotices": [],
        "requestNotices": [],
        "metadata": seeder.metadata(),
    }


def reminders(seeder: Seeder) -> Record:
    """Build a policy with a notice of each kind."""
    before = {
        "sendHow": "Before",
        "sendWhen": "Due date",
        "sendBy": {"duration": 3, "intervalId": "Days"},
        "sendEvery": {"duration": 1, "intervalId": "Days"},
    }
    return notice_policy(seeder, "Reminders") | {
        "loanNotices": [notice(seeder, "Due soon", before, "Recurring")],
        "feeFineNotices": [
            notice(seeder, "Fine charged", {"sendHow": "Upon At", "sendWhen": "Overdue fine returned"})
        ],
        "requestNotices": [
            notice(seeder, "Ready for pickup", {"sendHow": "Upon At", "sendWhen": "Available"})
        ],
    }


def notice(seeder: Seeder, name: str, options: Record, frequency: str = "One time") -> Record:
    return {
        "name": name,
        "templateId": seeder.id("notice-template", name),
        "templateName": name,
        "format": "Email",
        "frequency": frequency,
        "realTime": False,
        "sendOptions": options,
    }
