"""Mutations whose unknown outcome is looked up: inputs that the library accepts, and what a look-up reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.sandbox.polaris.locks import Lock
from tests.gateway_under_test import Gateway
from tests.mutations.mutation_cases import key
from tests.mutations.seeded import (
    CLAIMED_RETURNED_ITEM,
    ITEM,
    LENT_ITEM,
    PATRON,
    PROXY,
    SPONSOR,
    record,
    service_point,
)

Json = Any  # inputs and responses are JSON

LENT_TWICE = "2000000032"  # two wait for it
WAITED_FOR = "2000000037"  # any desk may be its pickup service point
HELD, SHELVED = "2000000038", "2000000198"  # two copies of one title
PAGED = "2000000231"

ITEMS = "GET /inventory/items"
LOANS = "GET /circulation/loans"
REQUESTS = "GET /circulation/requests"
MEDIATED = "GET /requests-mediated/mediated-requests"
LOCKS = "/Polaris.ApplicationServices/api/v1/eng/20/polaris/3/7/objectlocks"

LOAN = """loan {
    id loanDate dueDate returnDate action actionComment renewalCount status { name } declaredLostDate
    claimedReturnedDate borrower { id barcode personal { lastName firstName } } proxy { id }
    item { id barcode title status { name date } effectiveLocation { name } materialType { name } }
    loanItem { title callNumber copyNumber primaryContributor contributors { name } editions }
    checkoutServicePoint { id name } checkinServicePoint { id name } loanPolicy { id name }
    patronGroupAtCheckout { id group } feesAndFines { amountRemainingToPay } forUseAtLocation { status }
    metadata { createdDate updatedDate }
}"""
REQUEST = """request {
    id requestDate requestType requestLevel status position patronComments fulfillmentPreference
    cancelledDate cancellationReason { id } cancellationAdditionalInformation
    requester { id barcode personal { lastName } } proxy { id } pickupServicePoint { id name }
    item { id barcode } instance { id title } metadata { createdDate updatedDate }
}"""
MEDIATED_REQUEST = """mediatedRequest {
    id requestDate requestType requestLevel status mediatedRequestStatus mediatedRequestStep position
    patronComments requester { id barcode } item { id barcode } confirmedRequest { id }
    metadata { createdDate }
}"""
ACCOUNT = "id remaining status { name } paymentStatus { name } metadata { createdDate updatedDate }"
ACTIONS = "actions { id typeAction amountAction balance paymentMethod comments source createdAt { id } }"
SETTLEMENTS = {
    "pay": "Paid",
    "waive": "Waived",
    "transfer": "Transferred",
    "refund": "Refunded",
    "cancel": "Cancelled",
}
SELECTIONS = {
    **{
        f"{verb}FeeFine": f"FeeFine{past} {{ amount remainingAmount account {{ {ACCOUNT} }} {ACTIONS} }}"
        for verb, past in SETTLEMENTS.items()
    },
    **{
        f"{verb}FeeFines": f"FeeFines{past} {{ amount accounts {{ {ACCOUNT} }} {ACTIONS} }}"
        for verb, past in SETTLEMENTS.items()
    },
    "chargeFeeFine": f"FeeFineCharged {{ account {{ {ACCOUNT} title dueDate contributors {{ name }} }} "
    f"action {{ typeAction amountAction comments dateAction }} }}",
    "createManualBlock": "ManualBlockCreated { manualBlock { id desc borrowing expirationDate } }",
    "updateManualBlock": "ManualBlockUpdated { manualBlock { id desc borrowing expirationDate } }",
    "deleteManualBlock": "ManualBlockDeleted { id }",
    "checkOut": f"CheckedOut {{ {LOAN} }}",
    "checkIn": f"""CheckedIn {{ {LOAN} inHouseUse
        item {{ id barcode title status {{ name date }} effectiveLocation {{ name }}
            inTransitDestinationServicePoint {{ id name }} instance {{ id title }} }}
        loanItem {{ id title callNumber copyNumber status {{ name }} location {{ name }}
            materialType {{ name }} contributors {{ name }} enumeration chronology volume
            callNumberComponents {{ callNumber prefix suffix }} instance {{ id title }} holdings {{ id }} }}
        staffSlipContext {{ item {{ title }} }} }}""",
    "renew": f"Renewed {{ {LOAN} }}",
    "holdForUseAtLocation": f"HeldForUseAtLocation {{ {LOAN} }}",
    "pickUpForUseAtLocation": f"PickedUpForUseAtLocation {{ {LOAN} }}",
    "changeDueDate": f"DueDateChanged {{ {LOAN} }}",
    "addLoanInfo": f"LoanInfoAdded {{ {LOAN} }}",
    "declareItemLost": f"ItemDeclaredLost {{ {LOAN} }}",
    "claimItemReturned": f"ItemClaimedReturned {{ {LOAN} }}",
    "declareClaimedReturnedItemAsMissing": f"ItemDeclaredMissing {{ {LOAN} }}",
    "createRequest": f"RequestCreated {{ {REQUEST} }}",
    "createEcsRequestExternal": f"RequestCreated {{ {REQUEST} }} "
    f"... on MediatedRequestCreated {{ {MEDIATED_REQUEST} }}",
    "confirmMediatedRequest": f"MediatedRequestConfirmed {{ {MEDIATED_REQUEST} }}",
    "createBatchRequest": "BatchRequestCreated { batchRequest { id requestDate patronComments "
    "mediatedRequestStatus requester { id } metadata { createdDate } } }",
    "updateRequest": f"RequestUpdated {{ {REQUEST} }}",
    "cancelRequest": f"RequestCancelled {{ {REQUEST} }}",
    "moveRequest": f"RequestMoved {{ {REQUEST} }}",
    "reorderQueue": "QueueReordered { queue { totalCount nodes { id position requestType } } }",
    "lockObject": "ObjectLocked { existingLock lock { id objectType objectId polarisUserId lockDate } }",
    "unlockObject": "ObjectUnlocked { objectId }",
    "releaseMyLocks": "MyLocksReleased { released }",
    "recordPrintEvents": "PrintEventsRecorded { recorded }",
    "endPatronActionSession": "PatronActionSessionEnded { ended }",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpCase:
    """A mutation whose response is lost.

    `prepare` makes the library ready for it and returns the input. `reads` are those of the look-up that
    finds the proof, `reads_in_vain` those of one that finds none. `seen` is shown if an equal write was
    applied before, `seen_in_vain` if none was. `unlike` are members of the result that a record cannot show,
    by their paths, and `writes` the number of writes. `has_body` is false if the success is a status alone,
    so that a truncated body is none, and `empty_is_success` true if it is an empty 200.
    """

    name: str
    prepare: Callable[[Gateway], Json]
    sent: str
    label: str = ""
    reads: tuple[str, ...] = ()
    reads_in_vain: tuple[str, ...] = ()
    seen: str = ""
    seen_in_vain: str = ""
    unlike: tuple[str, ...] = ()
    writes: int = 1
    has_proof: bool = True
    has_body: bool = True
    empty_is_success: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.label}".strip()

    @property
    def method(self) -> str:
        return self.sent.split()[0]

    @property
    def path(self) -> str:
        """The constant beginning of the path."""
        return self.sent.split()[1].split("{")[0]

    @property
    def document(self) -> str:
        return self._document(f"... on {SELECTIONS[self.name]}")

    @property
    def short_document(self) -> str:
        return self._document("")

    def _document(self, selection: str) -> str:
        pascal = self.name[0].upper() + self.name[1:]
        return (
            f"mutation($input: {pascal}Input!) {{ {self.name}(input: $input) {{ __typename {selection} "
            "... on Refusal { reasons { code message } } } }"
        )


def loan_of(gateway: Gateway, barcode: str = LENT_ITEM) -> Json:
    item = record(gateway.library.item_by_barcode(barcode))
    return record(gateway.library.open_loan_of_item(item["id"]))


def loan_input(barcode: str = LENT_ITEM, **more: Json) -> Callable[[Gateway], Json]:
    return lambda gateway: {"loanId": loan_of(gateway, barcode)["id"], **more}


def check_out_input(gateway: Gateway, user: str = PATRON, **more: Json) -> Json:
    point = service_point(gateway.library)
    return {"itemBarcode": ITEM, "userBarcode": user, "servicePointId": point, **more}


def check_in_input(barcode: str) -> Callable[[Gateway], Json]:
    return lambda gateway: {"itemBarcode": barcode, "servicePointId": service_point(gateway.library)}


def renew_input(by: str) -> Callable[[Gateway], Json]:
    def prepare(gateway: Gateway) -> Json:
        loan = loan_of(gateway)
        loan["dueDate"], loan["renewalCount"] = gateway.library.now(), 0
        if by == "id":
            return {"itemId": loan["itemId"], "userId": loan["userId"]}
        return {"itemBarcode": LENT_ITEM, "userBarcode": gateway.library.users[loan["userId"]]["barcode"]}

    return prepare


def use_at_location_input(gateway: Gateway) -> Json:
    """Return the input for the loan for use at the location, which is on the hold shelf."""
    loan = next(each for each in gateway.library.loans.values() if "forUseAtLocation" in each)
    return {"itemBarcode": gateway.library.items[loan["itemId"]]["barcode"]}


def pick_up_input(gateway: Gateway) -> Json:
    inputs = use_at_location_input(gateway)
    borrower = loan_of(gateway, inputs["itemBarcode"])["userId"]
    return {**inputs, "userBarcode": gateway.library.users[borrower]["barcode"]}


def declare_lost_input(gateway: Gateway) -> Json:
    return loan_input(comment="Ins Wasser", servicePointId=service_point(gateway.library))(gateway)


def request_input(gateway: Gateway, **more: Json) -> Json:
    library = gateway.library
    item = record(library.item_by_barcode(ITEM))
    return {
        "requesterId": record(library.user_by_barcode(PATRON))["id"],
        "instanceId": library.holdings[item["holdingsRecordId"]]["instanceId"],
        "holdingsRecordId": item["holdingsRecordId"],
        "itemId": item["id"],
        "requestType": "PAGE",
        "requestLevel": "ITEM",
        "fulfillmentPreference": "HOLD_SHELF",
        "pickupServicePointId": service_point(library),
        "patronComments": "Bitte rasch",
        **more,
    }


def ecs_input(gateway: Gateway, *, secure: bool = False) -> Json:
    gateway.library.secure = secure
    inputs = request_input(gateway)
    return {name: value for name, value in inputs.items() if name != "requestType"}


def stored_mediated_request(gateway: Gateway) -> Json:
    """Return the input for a mediated request that waits for its confirmation."""
    library = gateway.library
    inputs = request_input(gateway, requestDate="2026-11-21T10:00:00Z")
    past = {"createdDate": "2026-11-21T10:00:00.000+00:00", "updatedDate": "2026-11-21T10:00:00.000+00:00"}
    library.mediated_requests[key(1)] = {
        **inputs,
        "id": key(1),
        "requestType": "Page",
        "requestLevel": "Item",
        "fulfillmentPreference": "Hold Shelf",
        "mediatedWorkflow": "Private request",
        "status": "New - Awaiting confirmation",
        "mediatedRequestStatus": "New",
        "mediatedRequestStep": "Awaiting confirmation",
        "metadata": past,
    }
    return {**inputs, "id": key(1)}


def batch_input(gateway: Gateway) -> Json:
    library = gateway.library
    rows = [
        {
            "itemId": record(library.item_by_barcode(item))["id"],
            "pickupServicePointId": service_point(library),
        }
        for item in (ITEM, "2000000002")
    ]
    requester = record(library.user_by_barcode(PATRON))["id"]
    return {"requesterId": requester, "itemRequests": rows, "patronComments": "Alle"}


def queue_of(gateway: Gateway, barcode: str) -> list[Json]:
    """Return the open requests for an item, in order."""
    item = record(gateway.library.item_by_barcode(barcode))
    requests = [each for each in gateway.library.requests.values() if each.get("itemId") == item["id"]]
    return sorted((each for each in requests if "position" in each), key=lambda each: int(each["position"]))


def cancel_input(gateway: Gateway) -> Json:
    return {
        "requestId": queue_of(gateway, LENT_TWICE)[0]["id"],
        "cancellationReasonId": next(iter(gateway.library.cancellation_reasons)),
        "cancelledByUserId": record(gateway.library.user_by_barcode(PATRON))["id"],
        "cancellationAdditionalInformation": "Doppelt",
    }


def update_input(gateway: Gateway) -> Json:
    request = queue_of(gateway, WAITED_FOR)[0]
    return {
        "requestId": request["id"],
        "unchangedSince": "2099-01-01T00:00:00Z",
        "requestExpirationDate": "2027-01-01T10:00:00+01:00",
        "holdShelfExpirationDate": None,
        "pickupServicePointId": service_point(gateway.library),
        "tags": ["selten"],
    }


def move_input(gateway: Gateway) -> Json:
    (hold,) = queue_of(gateway, HELD)
    copy = record(gateway.library.item_by_barcode(SHELVED))
    return {"requestId": hold["id"], "destinationItemId": copy["id"], "requestType": "PAGE"}


def reorder_input(of: str) -> Callable[[Gateway], Json]:
    def prepare(gateway: Gateway) -> Json:
        first, second = queue_of(gateway, LENT_TWICE)
        places = [
            {"id": each["id"], "newPosition": place} for place, each in enumerate((second, first), start=1)
        ]
        return {of: first[of], "queue": places}

    return prepare


def print_input(gateway: Gateway) -> Json:
    (request,) = queue_of(gateway, PAGED)
    staff = record(gateway.library.user_by_barcode(PATRON))["id"]
    return {"requestIds": [request["id"]], "requesterId": staff, "requesterName": "Abebe, Desta"}


def session_input(gateway: Gateway) -> Json:
    patron = record(gateway.library.user_by_barcode(PATRON))["id"]
    return {"endSessions": [{"patronId": patron, "actionType": "CHECK_OUT"}]}


def lock_input(gateway: Gateway) -> Json:
    return {"objectType": "PATRON", "objectId": 482}


def held_lock_input(gateway: Gateway) -> Json:
    locks = gateway.sandbox.locks
    locks.locks[27, 482] = Lock(
        object_type=27,
        object_id=482,
        staff=locks.authenticator.get_staff("head"),
        workstation=7,
        since=locks.clock.now(),
        session="",
    )
    return lock_input(gateway)


LOAN_ACTION: Json = {"reads": (LOANS,), "reads_in_vain": (LOANS,), "has_body": False}
BFF_LOAN = "POST /circulation-bff/loans/{id}"
UNCHANGED_LOAN = "The loan was last written before this write was sent."
NOT_CREATED = "No request was created after this write was sent with the values that were sent."
NO_MEDIATED = NOT_CREATED.replace("request", "mediated request")
NEW_REQUEST: Json = {
    "sent": "POST /circulation-bff/requests",
    "reads": (REQUESTS,),
    "reads_in_vain": (REQUESTS, REQUESTS),
    "seen_in_vain": NOT_CREATED,
}
# The confirmation follows the saving, of which the BFF returns the result.
SAVED = tuple(
    f"mediatedRequest.{name}"
    for name in ("status", "mediatedRequestStatus", "mediatedRequestStep", "position")
)


def settlement_input(verb: str, *, several: bool) -> Callable[[Gateway], Json]:
    def prepare(gateway: Gateway) -> Json:
        accounts = [
            each["id"] for each in gateway.library.accounts.values() if each["status"]["name"] == "Open"
        ]
        inputs = {
            "userName": "Desk, Dana",
            "servicePointId": service_point(gateway.library),
            "notifyPatron": False,
            "comments": "STAFF : x",
            **({"accountIds": accounts[:2]} if several else {"accountId": accounts[0]}),
        }
        if verb == "cancel":
            return inputs
        information = {} if verb == "refund" else {"transactionInfo": "no. 7"}
        return inputs | information | {"amount": "2.5", "paymentMethod": "Cash"}

    return prepare


def charge_input(gateway: Gateway) -> Json:
    kind = next(each for each in gateway.library.fee_fine_types.values() if not each["automatic"])
    return {
        "id": key(1),
        "userId": record(gateway.library.user_by_barcode(PATRON))["id"],
        "feeFineId": kind["id"],
        "feeFineType": kind["feeFineType"],
        "ownerId": kind["ownerId"],
        "feeFineOwner": "Main circulation",
        "amount": "0.30",
        "title": "Über die Dinge",
        "dueDate": "2026-11-01T00:00:00+01:00",
        "contributors": [{"name": "Lovelace, Ada"}],
        "comments": "STAFF : x",
        "userName": "Desk, Dana",
        "servicePointId": service_point(gateway.library),
        "notifyPatron": False,
    }


def block_input(gateway: Gateway) -> Json:
    return {
        "id": key(1),
        "userId": record(gateway.library.user_by_barcode(PATRON))["id"],
        "desc": "Karte verloren",
        "borrowing": True,
        "expirationDate": "2030-01-01T00:00:00+01:00",
    }


def changed_block_input(gateway: Gateway) -> Json:
    block = next(iter(gateway.library.manual_blocks.values()))
    return {"manualBlockId": block["id"], "desc": "Karte gefunden", "expirationDate": None}


NO_ACTION = "No such action was added to the history after this write was sent."
HISTORY = ("GET /feefineactions",)
FEE_FINE_CASES = [
    *(
        LookUpCase(
            name=f"{verb}FeeFine{'s' * several}",
            prepare=settlement_input(verb, several=several),
            sent=f"POST /accounts-bulk/{verb}" if several else f"POST /accounts/{{id}}/{verb}",
            reads=(*HISTORY, "GET /accounts"),
            reads_in_vain=HISTORY,
            seen=NO_ACTION,
            seen_in_vain=NO_ACTION,
        )
        for verb in SETTLEMENTS
        for several in (False, True)
    ),
    LookUpCase(
        name="chargeFeeFine",
        prepare=charge_input,
        sent="POST /accounts",
        reads=("GET /accounts", "POST /feefineactions"),
        reads_in_vain=("GET /accounts",),
        seen="The account was created before this write was sent.",
        seen_in_vain="The account does not exist.",
        writes=2,
    ),
    LookUpCase(
        name="createManualBlock",
        prepare=block_input,
        sent="POST /manualblocks",
        reads=("GET /manualblocks/{id}",),
        reads_in_vain=("GET /manualblocks/{id}",),
        seen="The block was created before this write was sent.",
        seen_in_vain="The block does not exist.",
    ),
    LookUpCase(
        name="updateManualBlock",
        prepare=changed_block_input,
        sent="PUT /manualblocks/{id}",
        reads=("GET /manualblocks/{id}",),
        reads_in_vain=("GET /manualblocks/{id}",),
        seen="The block was last written before this write was sent.",
        seen_in_vain="The block was last written before this write was sent.",
        has_body=False,
    ),
    LookUpCase(
        name="deleteManualBlock",
        prepare=lambda gateway: {"manualBlockId": next(iter(gateway.library.manual_blocks))},
        sent="DELETE /manualblocks/{id}",
        reads_in_vain=("GET /manualblocks/{id}",),
        seen="The block does not exist.",
        seen_in_vain="The block exists.",
        has_proof=False,
        has_body=False,
    ),
]

LOOK_UP_CASES = [
    *FEE_FINE_CASES,
    LookUpCase(
        name="checkOut",
        prepare=check_out_input,
        sent="POST /circulation-bff/loans/check-out-by-barcode",
        reads=(ITEMS, LOANS),
        reads_in_vain=(ITEMS, LOANS),
        seen="The open loan of the item was created before this write was sent.",
        seen_in_vain="The open loan of the item does not exist.",
    ),
    LookUpCase(
        name="checkOut",
        label="by a proxy",
        prepare=lambda gateway: check_out_input(
            gateway, SPONSOR, proxyUserBarcode=PROXY, loanDate="2026-11-21T10:00:00+01:00"
        ),
        sent="POST /circulation-bff/loans/check-out-by-barcode",
        reads=(ITEMS, "GET /users", LOANS),
        reads_in_vain=(ITEMS, "GET /users", LOANS),
        seen="The open loan of the item was created before this write was sent.",
        seen_in_vain="The open loan of the item does not exist.",
    ),
    LookUpCase(
        name="checkIn",
        prepare=check_in_input(LENT_ITEM),
        sent="POST /circulation-bff/loans/check-in-by-barcode",
        reads=(ITEMS, LOANS),
        reads_in_vain=(ITEMS, LOANS),
        seen="The item was last written before this write was sent.",
        seen_in_vain="The item was last written before this write was sent.",
        unlike=("staffSlipContext",),
    ),
    LookUpCase(
        name="checkIn",
        label="of an item that is not on loan",
        prepare=check_in_input(ITEM),
        sent="POST /circulation-bff/loans/check-in-by-barcode",
        reads=(ITEMS, LOANS, "GET /holdings-storage/holdings"),
        reads_in_vain=(ITEMS, LOANS),
        seen="The item was last written before this write was sent.",
        seen_in_vain="The item was last written before this write was sent.",
        unlike=("staffSlipContext",),
    ),
    *(
        LookUpCase(
            name="renew",
            label=f"by {by}",
            prepare=renew_input(by),
            sent=f"POST /circulation/renew-by-{by}",
            reads=(ITEMS, LOANS) if by == "barcode" else (LOANS,),
            reads_in_vain=(ITEMS, LOANS) if by == "barcode" else (LOANS,),
            seen="The open loan of the item was last written before this write was sent.",
            seen_in_vain="The open loan of the item was last written before this write was sent.",
        )
        for by in ("barcode", "id")
    ),
    *(
        LookUpCase(
            name=name,
            prepare=prepare,
            sent=f"POST /circulation/{route}-by-barcode-for-use-at-location",
            reads=(ITEMS, LOANS),
            reads_in_vain=(ITEMS, LOANS),
            seen="The open loan of the item was last written before this write was sent.",
            seen_in_vain="The open loan of the item was last written before this write was sent.",
        )
        for name, route, prepare in (
            ("holdForUseAtLocation", "hold", use_at_location_input),
            ("pickUpForUseAtLocation", "pickup", pick_up_input),
        )
    ),
    LookUpCase(
        name="changeDueDate",
        prepare=loan_input(dueDate="2027-03-01T23:59:59+01:00"),
        sent="POST /circulation/loans/{id}/change-due-date",
        seen=UNCHANGED_LOAN,
        seen_in_vain=UNCHANGED_LOAN,
        **LOAN_ACTION,
    ),
    LookUpCase(
        name="addLoanInfo",
        prepare=loan_input(action="STAFF_INFO_ADDED", comment="Ruft\nan"),
        sent="POST /circulation/loans/{id}/add-info",
        seen=UNCHANGED_LOAN,
        seen_in_vain=UNCHANGED_LOAN,
        **LOAN_ACTION,
    ),
    LookUpCase(
        name="declareItemLost",
        prepare=declare_lost_input,
        sent=f"{BFF_LOAN}/declare-item-lost",
        seen=UNCHANGED_LOAN,
        seen_in_vain=UNCHANGED_LOAN,
        **LOAN_ACTION,
    ),
    LookUpCase(
        name="claimItemReturned",
        prepare=loan_input(comment="Gestern"),
        sent=f"{BFF_LOAN}/claim-item-returned",
        seen=UNCHANGED_LOAN,
        seen_in_vain=UNCHANGED_LOAN,
        **LOAN_ACTION,
    ),
    LookUpCase(
        name="declareClaimedReturnedItemAsMissing",
        prepare=loan_input(CLAIMED_RETURNED_ITEM, comment="Nirgends"),
        sent=f"{BFF_LOAN}/declare-claimed-returned-item-as-missing",
        seen=UNCHANGED_LOAN,
        seen_in_vain=UNCHANGED_LOAN,
        **LOAN_ACTION,
    ),
    LookUpCase(name="createRequest", prepare=request_input, seen=NOT_CREATED, **NEW_REQUEST),
    LookUpCase(
        name="createRequest",
        label="with an id",
        prepare=lambda gateway: request_input(gateway, id=key(1)),
        seen="The request was created before this write was sent.",
        **NEW_REQUEST,
    ),
    LookUpCase(
        name="createEcsRequestExternal",
        prepare=ecs_input,
        sent="POST /circulation-bff/create-ecs-request-external",
        reads=(REQUESTS,),
        reads_in_vain=(REQUESTS, MEDIATED),
        seen=NO_MEDIATED,
        seen_in_vain=NO_MEDIATED,
    ),
    LookUpCase(
        name="createEcsRequestExternal",
        label="in a secure tenant",
        prepare=lambda gateway: ecs_input(gateway, secure=True),
        sent="POST /circulation-bff/create-ecs-request-external",
        reads=(REQUESTS, MEDIATED),
        reads_in_vain=(REQUESTS, MEDIATED),
        seen=NO_MEDIATED,
        seen_in_vain=NO_MEDIATED,
    ),
    LookUpCase(
        name="confirmMediatedRequest",
        prepare=request_input,
        sent="POST /circulation-bff/mediated-requests/confirm",
        reads=(MEDIATED,),
        reads_in_vain=(MEDIATED,),
        seen=NO_MEDIATED,
        seen_in_vain=NO_MEDIATED,
        unlike=SAVED,
    ),
    LookUpCase(
        name="confirmMediatedRequest",
        label="with an id",
        prepare=stored_mediated_request,
        sent="POST /circulation-bff/mediated-requests/confirm",
        reads=(MEDIATED,),
        reads_in_vain=(MEDIATED,),
        seen="The mediated request was last written before this write was sent.",
        seen_in_vain="The mediated request was last written before this write was sent.",
        unlike=SAVED,
    ),
    LookUpCase(
        name="createBatchRequest",
        prepare=batch_input,
        sent="POST /circulation-bff/batch-requests",
        reads=(
            "GET /circulation-bff/batch-requests/{id}",
            "GET /circulation-bff/batch-requests/{id}/details",
        ),
        reads_in_vain=("GET /circulation-bff/batch-requests/{id}",),
        seen="The batch does not exist.",
        seen_in_vain="The batch does not exist.",
        unlike=("batchRequest.mediatedRequestStatus",),  # which is in progress by then
    ),
    LookUpCase(
        name="cancelRequest",
        prepare=cancel_input,
        sent="PUT /circulation/requests/{id}",
        reads=(REQUESTS,),
        reads_in_vain=(REQUESTS,),
        seen="The request was last written before this write was sent.",
        seen_in_vain="The request was last written before this write was sent.",
        has_body=False,
    ),
    LookUpCase(
        name="updateRequest",
        prepare=update_input,
        sent="PUT /circulation/requests/{id}",
        reads=(REQUESTS,),
        reads_in_vain=(REQUESTS,),
        seen="The request was last written before this write was sent.",
        seen_in_vain="The request was last written before this write was sent.",
        has_body=False,
    ),
    LookUpCase(
        name="moveRequest",
        prepare=move_input,
        sent="POST /circulation/requests/{id}/move",
        reads=(REQUESTS,),
        reads_in_vain=(REQUESTS,),
        unlike=("request.metadata.updatedDate",),  # the response has the former one
        seen="The request was last written before this write was sent.",
        seen_in_vain="The request was last written before this write was sent.",
    ),
    *(
        LookUpCase(
            name="reorderQueue",
            label=of,
            prepare=reorder_input(f"{of}Id"),
            sent=f"POST /circulation/requests/queue/{of}/{{id}}/reorder",
            reads=(f"GET /circulation/requests/queue/{of}/{{id}}",),
            reads_in_vain=(f"GET /circulation/requests/queue/{of}/{{id}}",),
            seen="The queue has this order, but no request of it was written after this write was sent.",
            seen_in_vain="The queue has another order, or other requests.",
        )
        for of in ("instance", "item")
    ),
    LookUpCase(
        name="lockObject",
        prepare=lock_input,
        sent=f"POST {LOCKS}",
        reads=(f"GET {LOCKS}",),
        reads_in_vain=(f"GET {LOCKS}",),
        seen="The caller holds the lock since {date}.",
        seen_in_vain="The caller does not hold the lock.",
    ),
    LookUpCase(
        name="unlockObject",
        prepare=held_lock_input,
        sent=f"DELETE {LOCKS}/27/482",
        reads_in_vain=(f"GET {LOCKS}/27/482",),
        seen="The object is not locked.",
        seen_in_vain="The object is locked at workstation WS-007 since {date}.",
        has_proof=False,
        has_body=False,
        empty_is_success=True,
    ),
    LookUpCase(
        name="releaseMyLocks",
        prepare=lambda gateway: {"confirm": True},
        sent=f"DELETE {LOCKS}",
        reads_in_vain=(f"GET {LOCKS}",),
        seen="The caller holds 0 locks.",
        seen_in_vain="The caller holds 0 locks.",
        has_proof=False,
        has_body=False,
        empty_is_success=True,
    ),
    LookUpCase(
        name="recordPrintEvents",
        prepare=print_input,
        sent="POST /circulation/print-events-entry",
        reads_in_vain=(REQUESTS,),
        seen="The last printing of 0 of 1 requests has this date.",
        seen_in_vain="The last printing of 0 of 1 requests has this date.",
        has_proof=False,
        has_body=False,
    ),
    LookUpCase(
        name="endPatronActionSession",
        prepare=session_input,
        sent="POST /circulation/end-patron-action-session",
        has_proof=False,
        has_body=False,
    ),
]
"""One case for each way to send each mutation."""
