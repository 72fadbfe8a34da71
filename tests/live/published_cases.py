"""The changes that each mutation publishes: after its success, and if its outcome is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from gateway.live.changes import Change
from tests.mutations.mutation_cases import AT_DESK, MUTATION_CASES, MutationCase, key

Json = Any  # inputs and responses are JSON


def shown(changes: Iterable[Change]) -> list[str]:
    """Return changes as lines of subject, kind, id and keys, with the numbers of the ids of `key`."""
    return [
        f"{each.subject} {each.kind} {_number(each.id)}: "
        + " ".join(sorted(f"{name}={_number(value)}" for name, value in each.keys))
        for each in changes
    ]


def _number(identifier: str) -> str:
    beginning, _, number = identifier.rpartition("-")
    return number.lstrip("0") if f"{beginning}-" == key(0)[:24] else identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCase:
    """A mutation with upstream's responses, and the changes that it publishes, as `shown` returns them."""

    mutation: MutationCase
    published: list[str]
    if_unknown: list[str]
    label: str = ""

    def __str__(self) -> str:
        return f"{self.mutation.name} {self.label}".strip()


def _row(name: str, number: int = 0) -> MutationCase:
    return [each for each in MUTATION_CASES if each.name == name][number]


def _mutation(name: str, inputs: Json, response: Json, **more: Json) -> MutationCase:
    """Return a mutation that has no row in the table of all, with what matters here."""
    return MutationCase(
        name=name,
        inputs=inputs,
        required_inputs=inputs,
        sent=more.pop("sent"),
        body=None,
        keys=None,
        verify="",
        result=more.pop("result"),
        selection=more.pop("selection", "__typename"),
        shown=None,
        status=200,
        response=response,
        **more,
    )


SETTLED: Json = [
    {"id": key(9), "accountId": key(1), "userId": key(3)},
    {"id": key(8), "accountId": key(1), "userId": key(3)},
    {"id": key(7), "accountId": key(2), "userId": key(4).upper()},
]
UPDATED = {"metadata": {"updatedDate": "2026-11-21T10:00:00.000+00:00"}}
LOAN: Json = {
    "id": key(1),
    "userId": key(2),
    "itemId": key(3),
    "item": {"instanceId": key(4), "barcode": "2000000001"},
    "status": {"name": "Open"},
}
REQUEST: Json = {
    "id": key(1),
    "requesterId": key(2),
    "instanceId": key(4),
    "itemId": key(5),
    "pickupServicePointId": key(6),
    "status": "Open - Not yet filled",
    "requestType": "Hold",
}
OF_SLIPS = "slips updated : ="
OF_LOAN = ["loan updated 1: id=1"]
OF_NEW_REQUEST = [
    "request created 1: id=1 instanceId=3 itemId=4 pickupServicePointId=6 requesterId=2",
    "requestQueue updated 3: instanceId=3 itemId=4",
    "item updated 4: id=4 instanceId=3",
    OF_SLIPS,
]
OF_SOME_REQUEST = [
    "request resync : instanceId=3 itemId=4 pickupServicePointId=6 requesterId=2",
    *OF_NEW_REQUEST[1:],
]
OF_RENEWAL = [
    "loan updated 1: id=1 itemId=3 userId=2",
    "item updated 3: id=3 instanceId=4",
    "accounts updated 2: userId=2",
]
CHECK_IN: Json = {"itemBarcode": "2000000001", "servicePointId": key(7)}
CHECKED_IN: Json = {
    "loan": LOAN,
    "item": {"id": key(3), "instanceId": key(4)},
    "staffSlipContext": {"item": {"title": "Über die Dinge"}},
}
CHECK_IN_SENT = "POST /circulation-bff/loans/check-in-by-barcode"

PUBLISHED_CASES = [
    *(
        PublishedCase(
            mutation=replace(row, response={**row.response, "feefineactions": SETTLED}),
            published=["accounts updated 3: userId=3", "accounts updated 4: userId=4"],
            if_unknown=[],
        )
        for row in MUTATION_CASES
        if "FeeFine" in row.name
    ),
    PublishedCase(
        mutation=_mutation(
            "chargeFeeFine",
            AT_DESK
            | {
                "userId": key(2),
                "feeFineId": key(4),
                "feeFineType": "Damage",
                "ownerId": key(5),
                "feeFineOwner": "Main",
                "amount": "1.00",
                "loanId": key(1),
                "itemId": key(3),
            },
            {"id": key(6), "userId": key(2)},
            sent="POST /accounts",
            result="FeeFineCharged",
        ),
        published=["accounts updated 2: userId=2", "loan updated 1: id=1 itemId=3 userId=2"],
        if_unknown=["accounts updated 2: userId=2", "loan updated 1: id=1 itemId=3 userId=2"],
    ),
    *(
        PublishedCase(mutation=_row(name), published=OF_NEW_REQUEST, if_unknown=OF_SOME_REQUEST)
        for name in ("createRequest", "createEcsRequestExternal")
    ),
    PublishedCase(
        mutation=replace(_row("createRequest"), response=REQUEST | {"requestType": "Recall"}),
        label="recall",
        published=[
            "request created 1: id=1 instanceId=4 itemId=5 pickupServicePointId=6 requesterId=2",
            "requestQueue updated 4: instanceId=4 itemId=5",
            "item updated 5: id=5 instanceId=4",
            "loan resync : itemId=5",
        ],
        if_unknown=OF_SOME_REQUEST,
    ),
    PublishedCase(
        mutation=replace(
            _row("createEcsRequestExternal"),
            response={"id": key(1), "mediatedRequestStatus": "New"},
            result="MediatedRequestCreated",
            selection="mediatedRequest { id }",
        ),
        label="mediated",
        published=[],
        if_unknown=OF_SOME_REQUEST,
    ),
    PublishedCase(
        mutation=_row("confirmMediatedRequest"), published=OF_SOME_REQUEST, if_unknown=OF_SOME_REQUEST
    ),
    PublishedCase(
        mutation=replace(
            _row("confirmMediatedRequest"), response={"id": key(9), "confirmedRequestId": key(1)}
        ),
        label="with its request",
        published=OF_NEW_REQUEST,
        if_unknown=OF_SOME_REQUEST,
    ),
    PublishedCase(mutation=_row("createBatchRequest"), published=[], if_unknown=[]),
    *(
        PublishedCase(mutation=_row(name), published=OF_LOAN, if_unknown=OF_LOAN)
        for name in (
            "declareItemLost",
            "claimItemReturned",
            "declareClaimedReturnedItemAsMissing",
            "changeDueDate",
            "addLoanInfo",
        )
    ),
    PublishedCase(
        mutation=replace(_row("renew", 0), response=LOAN),
        label="by barcode",
        published=OF_RENEWAL,
        if_unknown=[],
    ),
    PublishedCase(
        mutation=replace(_row("renew", 1), response=LOAN),
        label="by id",
        published=OF_RENEWAL,
        if_unknown=[
            "loan resync : itemId=2 userId=3",
            "item updated 2: id=2",
            "accounts updated 3: userId=3",
        ],
    ),
    PublishedCase(
        mutation=_mutation(
            "renewMany",
            {"loanIds": [key(1)]},
            LOAN,
            sent="POST /circulation/renew-by-id",
            result="LoansRenewed",
            selection="renewals { __typename }",
            before={"loans": [LOAN]},
        ),
        published=OF_RENEWAL,
        if_unknown=OF_RENEWAL,
    ),
    *(
        PublishedCase(
            mutation=_row(name), published=["loan updated 1: id=1 itemId=3 userId=2"], if_unknown=[]
        )
        for name in ("holdForUseAtLocation", "pickUpForUseAtLocation")
    ),
    PublishedCase(
        mutation=replace(_row("updateRequest"), before=REQUEST | UPDATED),
        published=[
            "request updated 1: id=1 instanceId=4 itemId=5 pickupServicePointId=3 pickupServicePointId=6 "
            "requesterId=2",
            "requestQueue updated 4: instanceId=4 itemId=5",
            OF_SLIPS,
        ],
        if_unknown=[
            "request updated 1: id=1 instanceId=4 itemId=5 pickupServicePointId=3 pickupServicePointId=6 "
            "requesterId=2",
            "requestQueue updated 4: instanceId=4 itemId=5",
            OF_SLIPS,
        ],
    ),
    PublishedCase(
        mutation=replace(_row("cancelRequest"), before=REQUEST),
        published=[
            "request updated 1: id=1 instanceId=4 itemId=5 pickupServicePointId=6 requesterId=2",
            "requestQueue updated 4: instanceId=4 itemId=5",
            "item updated 5: id=5 instanceId=4",
            OF_SLIPS,
        ],
        if_unknown=[
            "request updated 1: id=1 instanceId=4 itemId=5 pickupServicePointId=6 requesterId=2",
            "requestQueue updated 4: instanceId=4 itemId=5",
            "item updated 5: id=5 instanceId=4",
            OF_SLIPS,
        ],
    ),
    PublishedCase(
        mutation=replace(_row("moveRequest"), response=REQUEST | {"itemId": key(2)}),
        published=[
            "request updated 1: id=1 instanceId=4 itemId=2 pickupServicePointId=6 requesterId=2",
            "requestQueue updated 4: instanceId=4 itemId=2",
            "item updated 2: id=2 instanceId=4",
            OF_SLIPS,
        ],
        if_unknown=[
            "request updated 1: id=1 itemId=2",
            "requestQueue updated 2: itemId=2",
            "item updated 2: id=2",
            OF_SLIPS,
        ],
    ),
    PublishedCase(
        mutation=replace(
            _row("reorderQueue", 0),
            response={
                "requests": [
                    {"id": key(2), "position": 2, "instanceId": key(1), "itemId": key(5)},
                    {"id": key(3), "position": 1, "instanceId": key(1), "requesterId": key(6)},
                ]
            },
        ),
        label="of a title",
        published=[
            "requestQueue updated 1: instanceId=1 itemId=5",
            "request updated 3: id=3 instanceId=1 requesterId=6",
            "request updated 2: id=2 instanceId=1 itemId=5",
        ],
        if_unknown=[
            "requestQueue updated 1: instanceId=1",
            "request updated 2: id=2 instanceId=1",
            "request updated 3: id=3 instanceId=1",
        ],
    ),
    PublishedCase(
        mutation=_row("reorderQueue", 1),
        label="of an item",
        published=[
            "requestQueue updated 1: itemId=1",
            "request updated 3: id=3 itemId=1",
            "request updated 2: id=2 itemId=1",
        ],
        if_unknown=[
            "requestQueue updated 1: itemId=1",
            "request updated 2: id=2 itemId=1",
            "request updated 3: id=3 itemId=1",
        ],
    ),
    PublishedCase(mutation=_row("endPatronActionSession"), published=[], if_unknown=[]),
    PublishedCase(
        mutation=_row("recordPrintEvents"),
        published=["request updated 1: id=1", "request updated 2: id=2"],
        if_unknown=["request updated 1: id=1", "request updated 2: id=2"],
    ),
    *(
        PublishedCase(
            mutation=_row(name), published=["user updated 2: id=2"], if_unknown=["user updated 2: id=2"]
        )
        for name in ("createManualBlock", "updateManualBlock")
    ),
    PublishedCase(mutation=_row("deleteManualBlock"), published=[], if_unknown=[]),
    PublishedCase(
        mutation=_mutation(
            "checkOut",
            {"itemBarcode": "2000000001", "userBarcode": "1000000001", "servicePointId": key(7)},
            LOAN,
            sent="POST /circulation-bff/loans/check-out-by-barcode",
            result="CheckedOut",
        ),
        published=[
            "loan created 1: id=1 itemId=3 userId=2",
            "item updated 3: id=3 instanceId=4",
            "request resync : instanceId=4 itemId=3 requesterId=2",
            "requestQueue updated 4: instanceId=4 itemId=3",
        ],
        if_unknown=[],
    ),
    PublishedCase(
        mutation=_mutation("checkIn", CHECK_IN, CHECKED_IN, sent=CHECK_IN_SENT, result="CheckedIn"),
        label="of a loan",
        published=[
            "checkIn created 3: itemId=3 servicePointId=7",
            "item updated 3: id=3 instanceId=4",
            "loan updated 1: id=1 itemId=3 userId=2",
            "accounts updated 2: userId=2",
        ],
        if_unknown=["checkIn resync : servicePointId=7"],
    ),
    PublishedCase(
        mutation=_mutation(
            "checkIn",
            CHECK_IN,
            {
                "item": CHECKED_IN["item"],
                "staffSlipContext": {"request": {"requestID": key(5), "requestType": "Hold"}},
            },
            sent=CHECK_IN_SENT,
            result="CheckedIn",
        ),
        label="of a requested item without a loan",
        published=[
            "checkIn created 3: itemId=3 servicePointId=7",
            "item updated 3: id=3 instanceId=4",
            "request updated 5: id=5 instanceId=4 itemId=3",
            "requestQueue updated 4: instanceId=4 itemId=3",
            OF_SLIPS,
        ],
        if_unknown=["checkIn resync : servicePointId=7"],
    ),
    PublishedCase(
        mutation=_mutation("checkIn", CHECK_IN, {"loan": LOAN}, sent=CHECK_IN_SENT, result="CheckedIn"),
        label="without a slip",
        published=[
            "checkIn created 3: itemId=3 servicePointId=7",
            "item updated 3: id=3 instanceId=4",
            "loan updated 1: id=1 itemId=3 userId=2",
            "accounts updated 2: userId=2",
            "request resync : instanceId=4 itemId=3",
            "requestQueue updated 4: instanceId=4 itemId=3",
            OF_SLIPS,
        ],
        if_unknown=["checkIn resync : servicePointId=7"],
    ),
]

OVER_POLARIS = {"lockObject", "unlockObject", "releaseMyLocks"}
