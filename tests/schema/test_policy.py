"""Policies have all stored members, and loans link to them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio

DAYS = {"duration": 3, "intervalId": "Days"}
LOAN_POLICY: dict[str, Any] = {
    "loansPolicy": {
        "profileId": "Rolling",
        "period": DAYS,
        "closedLibraryDueDateManagementId": "CURRENT_DUE_DATE",
        "existingRequestsPeriod": DAYS,
        "gracePeriod": DAYS,
        "openingTimeOffset": DAYS,
        "fixedDueDateScheduleId": "3e2e7a6b-2f0b-4b7c-9d5e-2b8f6f0a1c11",
        "itemLimit": 7,
        "forUseAtLocation": True,
        "holdShelfExpiryPeriodForUseAtLocation": DAYS,
    },
    "renewalsPolicy": {
        "unlimited": False,
        "numberAllowed": 3.0,
        "renewFromId": "SYSTEM_DATE",
        "differentPeriod": True,
        "period": DAYS,
        "alternateFixedDueDateScheduleId": "3e2e7a6b-2f0b-4b7c-9d5e-2b8f6f0a1c12",
    },
    "requestManagement": {
        "recalls": {
            "alternateGracePeriod": DAYS,
            "minimumGuaranteedLoanPeriod": DAYS,
            "minLoanPeriod": DAYS,
            "recallReturnInterval": DAYS,
            "allowRecallsToExtendOverdueLoans": True,
            "alternateRecallReturnInterval": DAYS,
        },
        "holds": {
            "alternateCheckoutLoanPeriod": DAYS,
            "renewItemsWithRequest": True,
            "alternateRenewalLoanPeriod": DAYS,
        },
        "pages": {
            "alternateCheckoutLoanPeriod": DAYS,
            "renewItemsWithRequest": False,
            "alternateRenewalLoanPeriod": DAYS,
        },
    },
}
OVERDUE_FINE_POLICY: dict[str, Any] = {
    "overdueFine": {"quantity": 0.25, "intervalId": "day"},
    "countClosed": True,
    "maxOverdueFine": 20.0,
    "forgiveOverdueFine": False,
    "overdueRecallFine": {"quantity": 1.0, "intervalId": "hour"},
    "gracePeriodRecall": True,
    "maxOverdueRecallFine": 40.5,
    "reminderFeesPolicy": {
        "countClosed": True,
        "ignoreGracePeriodRecall": False,
        "ignoreGracePeriodHolds": True,
        "allowRenewalOfItemsWithReminderFees": False,
        "clearPatronBlockWhenPaid": True,
        "reminderSchedule": [
            {
                "interval": 1,
                "timeUnitId": "week",
                "reminderFee": 1.5,
                "noticeFormat": "Email",
                "noticeMethodId": "1",
                "noticeTemplateId": "3e2e7a6b-2f0b-4b7c-9d5e-2b8f6f0a1c13",
                "blockTemplateId": "3e2e7a6b-2f0b-4b7c-9d5e-2b8f6f0a1c14",
            }
        ],
    },
}
LOST_ITEM_FEE_POLICY: dict[str, Any] = {
    "itemAgedLostOverdue": DAYS,
    "patronBilledAfterAgedLost": DAYS,
    "recalledItemAgedLostOverdue": DAYS,
    "patronBilledAfterRecalledItemAgedLost": DAYS,
    "chargeAmountItem": {"chargeType": "anotherCost", "amount": 30.0},
    "lostItemProcessingFee": 5.5,
    "chargeAmountItemPatron": True,
    "chargeAmountItemSystem": False,
    "lostItemChargeFeeFine": DAYS,
    "returnedLostItemProcessingFee": True,
    "replacedLostItemProcessingFee": False,
    "replacementProcessingFee": 2.5,
    "replacementAllowed": True,
    "lostItemReturned": "Charge",
    "feesFinesShallRefunded": DAYS,
}
REQUEST_POLICY: dict[str, Any] = {"description": "For music", "requestTypes": ["Hold", "Page"]}
NOTICE: dict[str, Any] = {
    "name": "Due soon",
    "templateId": "3e2e7a6b-2f0b-4b7c-9d5e-2b8f6f0a1c15",
    "templateName": "Due soon, in German",
    "format": "Email",
    "frequency": "Recurring",
    "realTime": False,
    "sendOptions": {"sendHow": "Before", "sendWhen": "Due date", "sendBy": DAYS, "sendEvery": DAYS},
}
NOTICE_POLICY: dict[str, Any] = {
    "description": "For borrowers",
    "active": True,
    "loanNotices": [NOTICE],
    "feeFineNotices": [NOTICE | {"name": "Fine charged"}],
    "requestNotices": [NOTICE | {"name": "Ready for pickup"}],
}
POLICIES = {
    "loanPolicies": ("loan_policies", LOAN_POLICY),
    "overdueFinePolicies": ("overdue_fine_policies", OVERDUE_FINE_POLICY),
    "lostItemFeePolicies": ("lost_item_policies", LOST_ITEM_FEE_POLICY),
    "requestPolicies": ("request_policies", REQUEST_POLICY),
    "patronNoticePolicies": ("notice_policies", NOTICE_POLICY),
}


ENUM_VALUES = {"Days": "DAYS", "Hold": "HOLD", "Page": "PAGE"}


def selected(value: Any) -> str:
    """Return the selection of all members of a value."""
    if isinstance(value, list):
        return selected(value[0])
    if not isinstance(value, dict):
        return ""
    return "{ " + " ".join(f"{name} {selected(each)}" for name, each in value.items()) + " }"


def shown(value: Any) -> Any:
    """Return a value as the graph has it: units and types of requests are enum values."""
    if isinstance(value, list):
        return [shown(each) for each in value]
    if isinstance(value, dict):
        return {name: shown(each) for name, each in value.items()}
    return ENUM_VALUES.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("root", POLICIES)
async def test_a_policy_has_all_members(gateway: Gateway, root: str) -> None:
    """Every member of a policy reaches the client as stored."""
    name, content = POLICIES[root]
    policies = getattr(gateway.library, name)
    policy = next(iter(policies.values()))
    policies[policy["id"]] = {**policy, **content}

    data = await gateway.data(
        f"query($id: ID!) {{ {root}(filter: {{ id: [$id] }}) {{ nodes {selected(content)} }} }}",
        {"id": policy["id"]},
    )

    assert data[root]["nodes"] == [shown(content)]
    assert len(gateway.calls) == 1


async def test_the_policies_of_loans_are_one_call_each(reader: Gateway) -> None:
    """Names are embedded in the loan; other members take one call per type of policy, for all loans."""
    query = (
        "{ loans(first: 30) { nodes { loanPolicy { id name %s } overdueFinePolicy { name %s }"
        " lostItemPolicy { name %s } } } }"
    )

    await reader.data(query % ("", "", ""))
    names = reader.paths()
    reader.sandbox.calls.clear()
    await reader.data(query % ("loanable", "countClosed", "lostItemProcessingFee"))

    assert names == ["GET /circulation-bff/loans"]
    assert sorted(reader.paths()[1:]) == [
        "GET /loan-policy-storage/loan-policies",
        "GET /lost-item-fees-policies",
        "GET /overdue-fines-policies",
    ]


async def test_the_service_points_of_a_request_policy(gateway: Gateway) -> None:
    """Ids are in the policy, names are one call for all request types; types without a list are null."""
    data = await gateway.data(
        '{ requestPolicies(filter: { name: ["Page or hold, at the Music Desk"] }) { nodes { '
        "requestTypes allowedServicePoints { page { id } hold { name } recall { name } } } } }"
    )
    points = gateway.library.service_points.values()
    music = next(each["id"] for each in points if each["name"] == "Music Desk")

    assert data["requestPolicies"]["nodes"] == [
        {
            "requestTypes": ["PAGE", "HOLD"],
            "allowedServicePoints": {
                "page": [{"id": music}],
                "hold": [{"name": "Music Desk"}],
                "recall": None,
            },
        }
    ]
    assert gateway.paths() == ["GET /request-policy-storage/request-policies", "GET /service-points"]
