"""Facts of FOLIO's published schemas of fees, fines and patron blocks: the members of records and bodies.

From the folders `ramls` of mod-feesfines 19.4 and mod-patron-blocks (accountdata.json, feefineactiondata.json
and so on). A member is `name:kind`, with dots for members of members; `[]` marks a list.
"""

from __future__ import annotations

import itertools
import uuid
from typing import Any

Json = Any  # records and bodies are JSON

RECORD_METADATA = (
    "metadata.createdDate:date metadata.createdByUserId:uuid metadata.createdByUsername:text "
    "metadata.updatedDate:date metadata.updatedByUserId:uuid metadata.updatedByUsername:text"
)

RECORDS = {
    "/accounts": (
        "amount:number remaining:number dateCreated:date dateUpdated:date status.name:text "
        "paymentStatus.name:text feeFineType:text feeFineOwner:text title:text callNumber:text barcode:text "
        "materialType:text itemStatus.name:text location:text dueDate:date returnedDate:date loanId:uuid "
        "userId:uuid itemId:uuid materialTypeId:uuid feeFineId:uuid ownerId:uuid id:uuid "
        "holdingsRecordId:uuid instanceId:uuid contributors[].name:text loanPolicyId:uuid "
        f"overdueFinePolicyId:uuid lostItemFeePolicyId:uuid processId:uuid {RECORD_METADATA}"
    ),
    "/feefineactions": (
        "dateAction:date typeAction:text comments:text notify:boolean amountAction:number balance:number "
        "transactionInformation:text createdAt:uuid originalCreatedAt:text source:text paymentMethod:text "
        "accountId:uuid userId:uuid id:uuid"
    ),
    "/owners": (
        "owner:text desc:text servicePointOwner[].value:uuid servicePointOwner[].label:text "
        f"defaultChargeNoticeId:uuid defaultActionNoticeId:uuid id:uuid {RECORD_METADATA}"
    ),
    "/feefines": (
        "automatic:boolean feeFineType:text defaultAmount:number chargeNoticeId:uuid actionNoticeId:uuid "
        f"ownerId:uuid id:uuid {RECORD_METADATA}"
    ),
    "/payments": f"nameMethod:text allowedRefundMethod:boolean ownerId:uuid id:uuid {RECORD_METADATA}",
    "/waives": f"nameReason:text description:text accountId:uuid id:uuid {RECORD_METADATA}",
    "/transfers": f"accountName:text desc:text ownerId:uuid id:uuid {RECORD_METADATA}",
    "/refunds": f"nameReason:text description:text accountId:uuid id:uuid {RECORD_METADATA}",
    "/manualblocks": (
        "type:text desc:text code:text staffInformation:text patronMessage:text expirationDate:date "
        f"borrowing:boolean renewals:boolean requests:boolean userId:uuid id:uuid {RECORD_METADATA}"
    ),
    "/patron-block-conditions": (
        "name:text blockBorrowing:boolean blockRenewals:boolean blockRequests:boolean valueType:text "
        f"message:text id:uuid {RECORD_METADATA}"
    ),
    "/patron-block-limits": (f"patronGroupId:uuid conditionId:uuid value:number id:uuid {RECORD_METADATA}"),
}
"""The records of the collections, by path."""

_AT_DESK = "comments:text notifyPatron:boolean servicePointId:uuid userName:text"
_SETTLEMENT = f"amount:decimal transactionInfo:text paymentMethod:text {_AT_DESK}"
_SETTLEMENTS = ("pay", "waive", "transfer", "refund")

BODIES = {
    "createManualBlock": ("POST", "/manualblocks", RECORDS["/manualblocks"]),
    "updateManualBlock": ("PUT", "/manualblocks/{id}", RECORDS["/manualblocks"]),
    "chargeFeeFine": ("POST", "/accounts", RECORDS["/accounts"]),
    **{f"{each}FeeFine": ("POST", f"/accounts/{{id}}/{each}", _SETTLEMENT) for each in _SETTLEMENTS},
    **{
        f"{each}FeeFines": ("POST", f"/accounts-bulk/{each}", f"accountIds[]:uuid {_SETTLEMENT}")
        for each in _SETTLEMENTS
    },
    "cancelFeeFine": ("POST", "/accounts/{id}/cancel", f"cancellationReason:text {_AT_DESK}"),
    "cancelFeeFines": ("POST", "/accounts-bulk/cancel", f"accountIds[]:uuid {_AT_DESK}"),
}
"""The bodies of the writes of mutations, with method and path."""

_ACTIONS = " ".join(f"feefineactions[].{each}" for each in RECORDS["/feefineactions"].split())

RESPONSES = {
    "action": f"accountId:uuid amount:decimal remainingAmount:decimal {_ACTIONS}",
    "bulk action": f"accountIds[]:uuid amount:decimal {_ACTIONS}",
    "check": "accountId:uuid amount:decimal allowed:boolean remainingAmount:decimal errorMessage:text",
    "bulk check": (
        "accountIds[]:uuid amount:decimal allowed:boolean remainingAmount:decimal errorMessage:text"
    ),
}
"""The responses to actions and to checks."""


def members(facts: str) -> dict[str, str]:
    """Return the kinds of members by their paths."""
    return dict(each.split(":") for each in facts.split())


class Values:
    """Values of these kinds, each of them unique, except for the booleans, which are true."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1001)

    def record(self, facts: str) -> Json:
        """Return a record with a value for each member."""
        record: Json = {}
        for path, kind in members(facts).items():
            *parents, name = path.split(".")
            place = record
            for parent in parents:
                key, is_list, _ = parent.partition("[]")
                place = place.setdefault(key, [{}] if is_list else {})
                place = place[0] if is_list else place
            key, is_list, _ = name.partition("[]")
            place[key] = [self.value(kind)] if is_list else self.value(kind)
        return record

    def value(self, kind: str) -> Json:
        number = next(self._numbers)
        if kind == "uuid":
            return str(uuid.UUID(int=number, version=4))
        if kind == "date":
            return f"2026-01-{number % 28 + 1:02}T{number % 24:02}:00:00.{number % 1000:03}+00:00"
        values = {
            "number": number + 0.25,
            "integer": number,
            "boolean": True,
            "decimal": f"{number}.50",
        }
        return values.get(kind, f"text {number}")
