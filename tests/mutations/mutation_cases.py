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
    added: tuple[str, ...] = ()  # the members of the body that have a value unless they are given
    null_removes: bool = False  # an absent field keeps its value
    generated: str | None = None  # the member of the body that is a new id unless it is given

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

BLOCK: Json = {
    "id": key(1),
    "userId": key(2),
    "desc": "Karte verloren",
    "type": "Manual",
    "code": "CARD",
    "borrowing": True,
    "expirationDate": "2026-12-24T00:00:00.000+00:00",
    "ofTomorrow": {"a": [1, None]},
}
BLOCK_CHANGES: Json = {
    "desc": "Karte\ngefunden",
    "borrowing": False,
    "renewals": True,
    "requests": True,
    "staffInformation": "Ausweis zeigen lassen",
    "patronMessage": "Bitte zur Theke",
    "code": "FOUND",
}

AT_LOCATION: Json = {  # a loan as storage has it
    "id": key(1),
    "userId": key(2),
    "itemId": key(3),
    "status": {"name": "Open"},
    "action": "heldForUseAtLocation",
    "loanDate": "2026-11-21T10:00:00.000+00:00",
    "dueDate": "2026-11-22T22:59:59.000+00:00",
    "forUseAtLocation": {"status": "Held", "statusDate": "2026-11-21T12:00:00.123456Z"},
}
AT_LOCATION_SELECTION = (
    "loan { id status { name } action loanDate dueDate renewalCount "
    "forUseAtLocation { status statusText statusDate holdShelfExpirationDate } }"
)
AT_LOCATION_SHOWN: Json = {
    "loan": {
        "id": key(1),
        "status": {"name": "OPEN"},
        "action": "heldForUseAtLocation",
        "loanDate": "2026-11-21T10:00:00.000Z",
        "dueDate": "2026-11-22T22:59:59.000Z",
        "renewalCount": None,
        "forUseAtLocation": {
            "status": "HELD",
            "statusText": "Held",
            "statusDate": "2026-11-21T12:00:00.123456Z",
            "holdShelfExpirationDate": None,
        },
    }
}
AT_DESK: Json = {"userName": "Desk, Dana", "servicePointId": key(3), "notifyPatron": False}
SETTLED: Json = AT_DESK | {
    "amount": "10.50",
    "paymentMethod": "Cash",
    "comments": "STAFF : zwei\n PATRON : Scheine",
}
VERIFY_ACCOUNT = (
    "account(id:) { remaining paymentStatus { name } "
    "actions { nodes { typeAction amountAction dateAction source } } }"
)
VERIFY_ACCOUNTS = (
    "accounts(filter: { id: }) { nodes { id remaining paymentStatus { name } "
    "actions { nodes { typeAction amountAction dateAction source } } } }"
)
# The verb, the success, and the fields of the input besides those of each settlement.
SETTLEMENTS: dict[str, tuple[str, Json]] = {
    "pay": ("Paid", {"transactionInfo": "check 7"}),
    "waive": ("Waived", {"transactionInfo": "form 7"}),
    "transfer": ("Transferred", {"transactionInfo": "batch 7"}),
    "refund": ("Refunded", {}),
}
ACTED: Json = {"amount": "10.50", "feefineactions": [{"id": key(9), "amountAction": 10.5}]}
ACTIONS_SHOWN: Json = [{"id": key(9), "amountAction": 10.5}]


def on_account(verb: str, past: str, inputs: Json, required: Json, sent: Json) -> MutationCase:
    """Return the case of an action on one account."""
    return MutationCase(
        name=f"{verb}FeeFine",
        inputs=inputs | {"accountId": key(1)},
        required_inputs=required | {"accountId": key(1)},
        sent=f"POST /accounts/{key(1)}/{verb}",
        body=sent,
        keys={"accountId": key(1)},
        verify=VERIFY_ACCOUNT,
        status=201,
        response=ACTED | {"accountId": key(1), "remainingAmount": "2.00"},
        result=f"FeeFine{past}",
        selection="amount remainingAmount account { id } actions { id amountAction }",
        shown={
            "amount": "10.50",
            "remainingAmount": "2.00",
            "account": {"id": key(1)},
            "actions": ACTIONS_SHOWN,
        },
        upstream="folio",
    )


def on_accounts(verb: str, past: str, inputs: Json, required: Json) -> MutationCase:
    """Return the case of an action on several accounts."""
    ids = {"accountIds": [key(1), key(2)]}
    return MutationCase(
        name=f"{verb}FeeFines",
        inputs=inputs | ids,
        required_inputs=required | ids,
        sent=f"POST /accounts-bulk/{verb}",
        body=inputs | ids,
        keys={"accountIds": f"{key(1)}, {key(2)}"},
        verify=VERIFY_ACCOUNTS,
        status=201,
        response=ACTED | ids,
        result=f"FeeFines{past}",
        selection="amount accounts { id } actions { id amountAction }",
        shown={
            "amount": "10.50",
            "accounts": [{"id": key(1)}, {"id": key(2)}],
            "actions": ACTIONS_SHOWN,
        },
        upstream="folio",
    )


FEE_FINE_CASES = [
    case
    for verb, (past, more) in SETTLEMENTS.items()
    for required in [{name: value for name, value in SETTLED.items() if name != "comments"}]
    for case in (
        on_account(verb, past, SETTLED | more, required, SETTLED | more),
        on_accounts(verb, past, SETTLED | more, required),
    )
] + [
    on_account(
        "cancel",
        "Cancelled",
        AT_DESK | {"comments": "Irrtum", "cancellationReason": "CANCELLED_ITEM_RETURNED"},
        AT_DESK,
        AT_DESK | {"comments": "Irrtum", "cancellationReason": "Cancelled item returned"},
    ),
    on_accounts("cancel", "Cancelled", AT_DESK | {"comments": "Irrtum"}, AT_DESK | {"comments": "Irrtum"}),
]

MUTATION_CASES = [
    *FEE_FINE_CASES,
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
        generated="id",
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
        generated="batchId",
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
        verify="batchRequest(id:) { requestDate mediatedRequestStatus }",
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
        verify="loan(id:) { dueDate metadata { updatedDate } }",
        result="DueDateChanged",
        upstream="folio",
        **LOAN_LINK,
    ),
    MutationCase(
        name="holdForUseAtLocation",
        inputs={"itemBarcode": 'shelf/7 & "more"'},
        required_inputs={"itemBarcode": 'shelf/7 & "more"'},
        sent="POST /circulation/hold-by-barcode-for-use-at-location",
        body={"itemBarcode": 'shelf/7 & "more"'},
        keys={"itemBarcode": 'shelf/7 & "more"'},
        verify="item(barcode:) { openLoan { action forUseAtLocation { status statusDate } } }",
        status=200,
        response={"loan": AT_LOCATION | {"item": {"barcode": 'shelf/7 & "more"'}}},
        result="HeldForUseAtLocation",
        selection=AT_LOCATION_SELECTION,
        shown=AT_LOCATION_SHOWN,
        upstream="folio",
    ),
    MutationCase(
        name="pickUpForUseAtLocation",
        inputs={"itemBarcode": 'shelf/7 & "more"', "userBarcode": "1000000001"},
        required_inputs={"itemBarcode": 'shelf/7 & "more"', "userBarcode": "1000000001"},
        sent="POST /circulation/pickup-by-barcode-for-use-at-location",
        body={"itemBarcode": 'shelf/7 & "more"', "userBarcode": "1000000001"},
        keys={"itemBarcode": 'shelf/7 & "more"', "userBarcode": "1000000001"},
        verify="item(barcode:) { openLoan { action forUseAtLocation { status statusDate } } }",
        status=200,
        response=AT_LOCATION,
        result="PickedUpForUseAtLocation",
        selection=AT_LOCATION_SELECTION,
        shown=AT_LOCATION_SHOWN,
        upstream="folio",
    ),
    MutationCase(
        name="updateRequest",
        inputs={
            "requestId": key(1),
            "unchangedSince": "2026-11-21T11:00:00+01:00",
            "fulfillmentPreference": "DELIVERY",
            "pickupServicePointId": key(3),
            "deliveryAddressTypeId": key(4),
            "requestExpirationDate": "2027-01-01T00:00:00+01:00",
            "holdShelfExpirationDate": "2026-12-24T00:00:00Z",
            "tags": ["selten", "Über"],
        },
        required_inputs={"requestId": key(1)},
        sent=f"PUT /circulation/requests/{key(1)}",
        body=KEPT
        | {
            "metadata": {"updatedDate": "2026-11-21T10:00:00.000+00:00"},
            "fulfillmentPreference": "Delivery",
            "pickupServicePointId": key(3),
            "deliveryAddressTypeId": key(4),
            "requestExpirationDate": "2026-12-31T23:00:00.000Z",
            "holdShelfExpirationDate": "2026-12-24T00:00:00.000Z",
            "tags": {"tagList": ["selten", "Über"]},
        },
        keys={"requestId": key(1)},
        verify="request(id:) { fulfillmentPreference pickupServicePoint { id } requestExpirationDate "
        "metadata { updatedDate } }",
        result="RequestUpdated",
        selection="request { id }",
        shown={"request": {"id": key(1)}},
        upstream="folio",
        before=KEPT | {"metadata": {"updatedDate": "2026-11-21T10:00:00.000+00:00"}},
        null_removes=True,
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
    MutationCase(
        name="createManualBlock",
        inputs=BLOCK_CHANGES
        | {"id": key(1), "userId": key(2), "type": "Other", "expirationDate": "2027-01-01T00:00:00+01:00"},
        required_inputs={"userId": key(2), "desc": "Karte verloren"},
        sent="POST /manualblocks",
        body=BLOCK_CHANGES
        | {"id": key(1), "userId": key(2), "type": "Other", "expirationDate": "2026-12-31T23:00:00.000Z"},
        keys={"id": key(1), "userId": key(2)},
        verify="user(id:) { manualBlocks { nodes { id desc metadata { createdDate } } } }",
        status=201,
        response=BLOCK,
        result="ManualBlockCreated",
        selection="manualBlock { id desc borrowing user { id } }",
        shown={
            "manualBlock": {
                "id": key(1),
                "desc": "Karte verloren",
                "borrowing": True,
                "user": {"id": key(2)},
            }
        },
        upstream="folio",
        added=("id", "type"),
    ),
    MutationCase(
        name="updateManualBlock",
        inputs=BLOCK_CHANGES | {"manualBlockId": key(1), "expirationDate": "2027-01-01T00:00:00+01:00"},
        required_inputs={"manualBlockId": key(1)},
        sent=f"PUT /manualblocks/{key(1)}",
        body=BLOCK | BLOCK_CHANGES | {"expirationDate": "2026-12-31T23:00:00.000Z"},
        keys={"manualBlockId": key(1)},
        verify="manualBlock(id:) { desc metadata { updatedDate } }",
        result="ManualBlockUpdated",
        selection="manualBlock { id }",
        shown={"manualBlock": {"id": key(1)}},
        upstream="folio",
        before=BLOCK,
        null_removes=True,
    ),
    MutationCase(
        name="deleteManualBlock",
        inputs={"manualBlockId": key(1)},
        required_inputs={"manualBlockId": key(1)},
        sent=f"DELETE /manualblocks/{key(1)}",
        body=None,
        keys={"manualBlockId": key(1)},
        verify="manualBlock(id:) { id }",
        result="ManualBlockDeleted",
        selection="id",
        shown={"id": key(1)},
        upstream="folio",
    ),
]
"""One entry per way to act: two ways to renew, two queues to reorder."""
