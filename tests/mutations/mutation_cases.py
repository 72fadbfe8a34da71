"""Every mutation: its inputs, the request that upstream must receive, and the result of its response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = Any  # inputs, bodies and responses are JSON


def key(number: int) -> str:
    return f"7c9e6679-7425-40de-944b-{number:012}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationCase:
    """A mutation: `inputs` has every field of the input, `required_inputs` only the required ones."""

    name: str
    inputs: Json
    required_inputs: Json
    sent: str  # the one write: method and path
    body: Json
    keys: Json
    verify: str
    result: str  # the type of success, and its selection
    selection: str
    shown: Json
    status: int = 204
    response: Json = None
    upstream: str = "bff"
    now: str | None = None  # the member of the body that is the current time unless it is given
    before: Json = None  # the response to the read before the write

    @property
    def document(self) -> str:
        pascal = self.name[0].upper() + self.name[1:]
        return (
            f"mutation($input: {pascal}Input!) {{ {self.name}(input: $input) {{ __typename "
            f"... on {self.result} {{ {self.selection} }} ... on Refusal {{ reasons {{ code message "
            "parameters { key value } overridableBlock { name missingPermissions } } } } }"
        )


LOAN_LINK: Json = {"selection": "loan { id }", "shown": {"loan": {"id": key(1)}}}
LOAN_VERIFY = "loan(id:) { action actionComment status { name } item { status { name date } } }"
REQUESTS_VERIFY = "requests(filter: { requesterId: instanceId: }) { nodes { id requestDate status } }"
OVERRIDES: Json = {
    "itemNotLoanableBlock": {"dueDate": "2026-12-24T23:59:59Z"},
    "patronBlock": True,
    "itemLimitBlock": True,
    "renewalBlock": True,
    "renewalDueDateRequiredBlock": {"dueDate": "2026-12-31T00:00:00+01:00"},
    "comment": "Für die\nAusstellung",
}
OVERRIDES_SENT = {
    "itemNotLoanableBlock": {"dueDate": "2026-12-24T23:59:59.000Z"},
    "patronBlock": {},
    "itemLimitBlock": {},
    "renewalBlock": {},
    "renewalDueDateRequiredBlock": {"dueDate": "2026-12-30T23:00:00.000Z"},
    "comment": "Für die\nAusstellung",
}
REQUEST = {
    "requesterId": key(2),
    "instanceId": key(3),
    "requestType": "HOLD",
    "requestLevel": "ITEM",
    "fulfillmentPreference": "HOLD_SHELF",
}
REQUEST_SENT = REQUEST | {
    "requestType": "Hold",
    "requestLevel": "Item",
    "fulfillmentPreference": "Hold Shelf",
}
REQUESTED_DATES = {
    "id": key(1),
    "itemId": key(4),
    "holdingsRecordId": key(5),
    "pickupServicePointId": key(6),
    "patronComments": "Bitte\n\trasch",
}
DATES = {"requestDate": "2026-11-21T10:00:00+01:00", "requestExpirationDate": "2027-01-01T00:00:00Z"}
DATES_SENT = {"requestDate": "2026-11-21T09:00:00.000Z", "requestExpirationDate": "2027-01-01T00:00:00.000Z"}
CREATED = {"id": key(1), "status": "Open - Not yet filled", "position": 2}
RENEWED_LOAN: Json = {
    "status": 200,
    "response": {"id": key(1), "renewalCount": 3},
    "result": "Renewed",
    "selection": "loan { id renewalCount }",
    "shown": {"loan": {"id": key(1), "renewalCount": 3}},
    "upstream": "folio",
}
HALVES = {
    "primaryRequestId": key(11),
    "primaryRequestDcbTransactionId": key(12),
    "primaryRequestTenantId": "college",
    "secondaryRequestId": key(13),
    "secondaryRequestDcbTransactionId": key(14),
    "secondaryRequestTenantId": "university",
}
ECS = {name: value for name, value in REQUEST.items() if name not in ("requestType", "instanceId")}
ECS_SENT = {name: value for name, value in REQUEST_SENT.items() if name in ECS}
MEDIATED: Json = {
    "mediatedWorkflow": "Private request",
    "mediatedRequestStep": "Awaiting confirmation",
    "position": 1,
    "confirmedRequestId": key(7),
    "cancellationReasonId": key(8),
    "cancelledByUserId": key(9),
    "cancellationAdditionalInformation": "Nicht mehr nötig",
    "deliveryAddressTypeId": key(10),
    "proxyUserId": key(11),
}
KEPT: Json = {  # a request of circulation, with members that are in no type of the gateway
    "id": key(1),
    "requestType": "Hold",
    "status": "Open - Not yet filled",
    "requesterId": key(2),
    "position": 2,
    "tags": {"tagList": ["rare"]},
    "item": {"barcode": "1"},
    "ofTomorrow": {"a": [1, None]},
}

MUTATION_CASES = [
    MutationCase(
        name="createRequest",
        inputs=REQUEST
        | REQUESTED_DATES
        | DATES
        | {
            "proxyUserId": key(7),
            "deliveryAddressTypeId": key(8),
            "holdShelfExpirationDate": "2026-12-01T00:00:00Z",
            "overrideBlocks": OVERRIDES,
        },
        required_inputs=REQUEST,
        sent="POST /circulation-bff/requests",
        body=REQUEST_SENT
        | REQUESTED_DATES
        | DATES_SENT
        | {
            "proxyUserId": key(7),
            "deliveryAddressTypeId": key(8),
            "holdShelfExpirationDate": "2026-12-01T00:00:00.000Z",
            "requestProcessingParameters": {"overrideBlocks": OVERRIDES_SENT},
        },
        keys={"id": key(1), "requesterId": key(2), "instanceId": key(3), "itemId": key(4)},
        verify=REQUESTS_VERIFY,
        status=201,
        response=CREATED,
        result="RequestCreated",
        selection="request { id status position }",
        shown={"request": {"id": key(1), "status": "OPEN_NOT_YET_FILLED", "position": 2}},
        now="requestDate",
    ),
    MutationCase(
        name="createEcsRequestExternal",
        inputs=ECS | REQUESTED_DATES | DATES | HALVES | {"instanceId": key(3)},
        required_inputs=ECS,
        sent="POST /circulation-bff/create-ecs-request-external",
        body=ECS_SENT | REQUESTED_DATES | DATES_SENT | HALVES | {"instanceId": key(3)},
        keys={"id": key(1), "requesterId": key(2), "instanceId": key(3), "itemId": key(4)},
        verify="requests(filter: { requesterId: }) { nodes { id requestDate status } }",
        status=201,
        response=CREATED,
        result="RequestCreated",
        selection="request { id status position }",
        shown={"request": {"id": key(1), "status": "OPEN_NOT_YET_FILLED", "position": 2}},
        now="requestDate",
    ),
    MutationCase(
        name="confirmMediatedRequest",
        inputs=REQUEST
        | REQUESTED_DATES
        | MEDIATED
        | {
            "requestDate": DATES["requestDate"],
            "cancelledDate": "2026-11-22T00:00:00Z",
            "mediatedRequestStatus": "NEW",
            "status": "NEW_AWAITING_CONFIRMATION",
        },
        required_inputs=REQUEST,
        sent="POST /circulation-bff/mediated-requests/confirm",
        body=REQUEST_SENT
        | REQUESTED_DATES
        | MEDIATED
        | {
            "requestDate": DATES_SENT["requestDate"],
            "cancelledDate": "2026-11-22T00:00:00.000Z",
            "mediatedRequestStatus": "New",
            "status": "New - Awaiting confirmation",
        },
        keys={"id": key(1), "requesterId": key(2), "instanceId": key(3), "itemId": key(4)},
        verify=REQUESTS_VERIFY,
        status=201,
        response={"id": key(1), "status": "Open - Not yet filled", "mediatedRequestStatus": "Open"},
        result="MediatedRequestConfirmed",
        selection="mediatedRequest { id status mediatedRequestStatus }",
        shown={
            "mediatedRequest": {
                "id": key(1),
                "status": "OPEN_NOT_YET_FILLED",
                "mediatedRequestStatus": "OPEN",
            }
        },
        now="requestDate",
    ),
    MutationCase(
        name="createBatchRequest",
        inputs={
            "requesterId": key(2),
            "itemRequests": [
                {"itemId": key(3), "pickupServicePointId": key(4)},
                {"itemId": key(5), "pickupServicePointId": key(6)},
            ],
            "patronComments": "Alle",
            "batchId": key(1),
        },
        required_inputs={
            "requesterId": key(2),
            "itemRequests": [{"itemId": key(3), "pickupServicePointId": key(4)}],
        },
        sent="POST /circulation-bff/batch-requests",
        body={
            "requesterId": key(2),
            "itemRequests": [
                {"itemId": key(3), "pickupServicePointId": key(4)},
                {"itemId": key(5), "pickupServicePointId": key(6)},
            ],
            "patronComments": "Alle",
            "batchId": key(1),
            "mediatedWorkflow": "Multi-Item request",
        },
        keys={"batchId": key(1), "requesterId": key(2)},
        verify="batchRequests(filter: { requesterId: }) { nodes { id requestDate } }",
        status=201,
        response={"batchId": key(1), "mediatedRequestStatus": "Pending"},
        result="BatchRequestCreated",
        selection="batchRequest { id mediatedRequestStatus }",
        shown={"batchRequest": {"id": key(1), "mediatedRequestStatus": "PENDING"}},
    ),
    MutationCase(
        name="declareItemLost",
        inputs={
            "loanId": key(1),
            "servicePointId": key(2),
            "declaredLostDateTime": "2026-11-21T10:00:00+01:00",
            "comment": "Ins\nWasser",
        },
        required_inputs={"loanId": key(1), "servicePointId": key(2)},
        sent=f"POST /circulation-bff/loans/{key(1)}/declare-item-lost",
        body={
            "servicePointId": key(2),
            "declaredLostDateTime": "2026-11-21T09:00:00.000Z",
            "comment": "Ins\nWasser",
        },
        keys={"loanId": key(1)},
        verify=LOAN_VERIFY,
        result="ItemDeclaredLost",
        now="declaredLostDateTime",
        **LOAN_LINK,
    ),
    MutationCase(
        name="claimItemReturned",
        inputs={
            "loanId": key(1),
            "itemClaimedReturnedDateTime": "2026-11-21T10:00:00+01:00",
            "comment": "Gestern",
        },
        required_inputs={"loanId": key(1)},
        sent=f"POST /circulation-bff/loans/{key(1)}/claim-item-returned",
        body={"itemClaimedReturnedDateTime": "2026-11-21T09:00:00.000Z", "comment": "Gestern"},
        keys={"loanId": key(1)},
        verify=LOAN_VERIFY,
        result="ItemClaimedReturned",
        now="itemClaimedReturnedDateTime",
        **LOAN_LINK,
    ),
    MutationCase(
        name="declareClaimedReturnedItemAsMissing",
        inputs={"loanId": key(1), "comment": "Nirgends"},
        required_inputs={"loanId": key(1), "comment": "Nirgends"},
        sent=f"POST /circulation-bff/loans/{key(1)}/declare-claimed-returned-item-as-missing",
        body={"comment": "Nirgends"},
        keys={"loanId": key(1)},
        verify=LOAN_VERIFY,
        result="ItemDeclaredMissing",
        **LOAN_LINK,
    ),
    MutationCase(
        name="renew",
        inputs={
            "itemBarcode": 'shelf/7 & "more"',
            "userBarcode": "1000000001",
            "servicePointId": key(2),
            "overrideBlocks": OVERRIDES,
        },
        required_inputs={"itemBarcode": 'shelf/7 & "more"', "userBarcode": "1000000001"},
        sent="POST /circulation/renew-by-barcode",
        body={
            "itemBarcode": 'shelf/7 & "more"',
            "userBarcode": "1000000001",
            "servicePointId": key(2),
            "overrideBlocks": OVERRIDES_SENT,
        },
        keys={"itemBarcode": 'shelf/7 & "more"', "userBarcode": "1000000001"},
        verify="item(barcode:) { openLoan { dueDate renewalCount action } }",
        **RENEWED_LOAN,
    ),
    MutationCase(
        name="renew",
        inputs={"itemId": key(2), "userId": key(3), "overrideBlocks": OVERRIDES},
        required_inputs={"itemId": key(2), "userId": key(3)},
        sent="POST /circulation/renew-by-id",
        body={"itemId": key(2), "userId": key(3), "overrideBlocks": OVERRIDES_SENT},
        keys={"itemId": key(2), "userId": key(3)},
        verify="item(id:) { openLoan { dueDate renewalCount action } }",
        **RENEWED_LOAN,
    ),
    MutationCase(
        name="changeDueDate",
        inputs={"loanId": key(1), "dueDate": "2026-12-24T23:59:59+01:00"},
        required_inputs={"loanId": key(1), "dueDate": "2026-12-24T23:59:59+01:00"},
        sent=f"POST /circulation/loans/{key(1)}/change-due-date",
        body={"dueDate": "2026-12-24T22:59:59.000Z"},
        keys={"loanId": key(1)},
        verify="loan(id:) { dueDate action }",
        result="DueDateChanged",
        upstream="folio",
        **LOAN_LINK,
    ),
    MutationCase(
        name="cancelRequest",
        inputs={
            "requestId": key(1),
            "cancellationReasonId": key(3),
            "cancelledByUserId": key(4),
            "cancellationAdditionalInformation": "Doppelt",
            "cancelledDate": "2026-11-21T10:00:00+01:00",
        },
        required_inputs={"requestId": key(1), "cancellationReasonId": key(3), "cancelledByUserId": key(4)},
        sent=f"PUT /circulation/requests/{key(1)}",
        body=KEPT
        | {
            "status": "Closed - Cancelled",
            "cancellationReasonId": key(3),
            "cancelledByUserId": key(4),
            "cancellationAdditionalInformation": "Doppelt",
            "cancelledDate": "2026-11-21T09:00:00.000Z",
        },
        keys={"requestId": key(1)},
        verify="request(id:) { status cancelledDate }",
        result="RequestCancelled",
        selection="request { id }",
        shown={"request": {"id": key(1)}},
        upstream="folio",
        now="cancelledDate",
        before=KEPT,
    ),
    MutationCase(
        name="moveRequest",
        inputs={"requestId": key(1), "destinationItemId": key(2), "requestType": "RECALL"},
        required_inputs={"requestId": key(1), "destinationItemId": key(2)},
        sent=f"POST /circulation/requests/{key(1)}/move",
        body={"destinationItemId": key(2), "requestType": "Recall"},
        keys={"requestId": key(1), "destinationItemId": key(2)},
        verify="request(id:) { item { id } position requestType }",
        status=200,
        response=CREATED | {"itemId": key(2)},
        result="RequestMoved",
        selection="request { id position item { id } }",
        shown={"request": {"id": key(1), "position": 2, "item": {"id": key(2)}}},
        upstream="folio",
    ),
    *(
        MutationCase(
            name="reorderQueue",
            inputs={
                f"{of}Id": key(1),
                "queue": [{"id": key(2), "newPosition": 2}, {"id": key(3), "newPosition": 1}],
            },
            required_inputs={f"{of}Id": key(1), "queue": [{"id": key(2), "newPosition": 1}]},
            sent=f"POST /circulation/requests/queue/{of}/{key(1)}/reorder",
            body={"reorderedQueue": [{"id": key(2), "newPosition": 2}, {"id": key(3), "newPosition": 1}]},
            keys={f"{of}Id": key(1)},
            verify=f"requestQueue({of}Id:) {{ nodes {{ id position }} }}",
            status=200,
            response={
                "requests": [{"id": key(2), "position": 2}, {"id": key(3), "position": 1}],
                "totalRecords": 2,
            },
            result="QueueReordered",
            selection="queue { totalCount nodes { id position } }",
            shown={
                "queue": {
                    "totalCount": 2,
                    "nodes": [{"id": key(3), "position": 1}, {"id": key(2), "position": 2}],
                }
            },
            upstream="folio",
        )
        for of in ("instance", "item")
    ),
    MutationCase(
        name="addLoanInfo",
        inputs={"loanId": key(1), "action": "STAFF_INFO_ADDED", "comment": "Ruft\nan"},
        required_inputs={"loanId": key(1), "action": "PATRON_INFO_ADDED", "comment": "x"},
        sent=f"POST /circulation/loans/{key(1)}/add-info",
        body={"action": "staffInfoAdded", "actionComment": "Ruft\nan"},
        keys={"loanId": key(1)},
        verify="loan(id:) { action actionComment }",
        result="LoanInfoAdded",
        upstream="folio",
        **LOAN_LINK,
    ),
    MutationCase(
        name="endPatronActionSession",
        inputs={
            "endSessions": [
                {"patronId": key(1), "actionType": "CHECK_IN"},
                {"patronId": key(2), "actionType": "CHECK_OUT"},
            ]
        },
        required_inputs={"endSessions": [{"patronId": key(1), "actionType": "CHECK_IN"}]},
        sent="POST /circulation/end-patron-action-session",
        body={
            "endSessions": [
                {"patronId": key(1), "actionType": "Check-in"},
                {"patronId": key(2), "actionType": "Check-out"},
            ]
        },
        keys={"patronIds": f"{key(1)}, {key(2)}"},
        verify="no query shows it; a session that has ended cannot end again, so repeating does no harm",
        result="PatronActionSessionEnded",
        selection="ended",
        shown={"ended": True},
        upstream="folio",
    ),
    MutationCase(
        name="recordPrintEvents",
        inputs={
            "requestIds": [key(1), key(2)],
            "requesterId": key(3),
            "requesterName": "Abebe, Desta",
            "printEventDate": "2026-11-21T10:00:00+01:00",
        },
        required_inputs={"requestIds": [key(1)], "requesterId": key(3), "requesterName": "Abebe, Desta"},
        sent="POST /circulation/print-events-entry",
        body={
            "requestIds": [key(1), key(2)],
            "requesterId": key(3),
            "requesterName": "Abebe, Desta",
            "printEventDate": "2026-11-21T09:00:00.000Z",
        },
        keys={"requestIds": f"{key(1)}, {key(2)}"},
        verify="requests(filter: { id: }) { nodes { id printDetails { printCount printEventDate } } }",
        status=201,
        response={"requestIds": [key(1), key(2)]},
        result="PrintEventsRecorded",
        selection="recorded",
        shown={"recorded": True},
        upstream="folio",
        now="printEventDate",
    ),
]
"""One entry per way to act: two ways to renew, two queues to reorder."""
