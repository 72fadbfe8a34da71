"""Refusals that are sent after the write: of fees, of the rest of a queue, and of another library's loan.

Circulation stores loan and item, or the request, before it settles fees or numbers the queue. In a
consortium the loan is written in this library first, and then in that of the item. The response is that of
the later step, so it does not prove that nothing was written.
"""

from __future__ import annotations

from gateway.errors import Parameter
from gateway.upstream.error_bodies import read_reasons
from gateway.upstream.record_types import decode_object

_AFTER_LOAN = (
    # mod-circulation, LostItemFeeRefundService and LostItemFeeChargingService
    "Item is lost however there is no aged to lost nor declared lost loan found",
    "Last loan for lost item is neither aged to lost nor declared lost",
    "Expected automated fee of type ",
    # mod-tlr, AbstractLoanActionService; the loan that the input names is "Loan not found"
    "Open loan not found",
)
_AFTER_REQUEST = "Cannot have more than one request with the same position in the queue"
_NO_SERVICE_POINT = Parameter(key="servicePointId", value="null")


def is_after_loan(body: bytes) -> bool:
    """Return True if a 422 is about the fees of a loan that was written, or about that of another library.

    mod-feesfines alone has `errorMessage` (actionFailureResponse.json), and refuses a refund without the
    service point that a renewal need not have (defaultActionRequest.json; RenewalResource, FeeFineService).
    """
    if "errorMessage" in (decode_object(body) or {}):
        return True
    return any(
        reason.message.startswith(_AFTER_LOAN)
        or (".constraints." in (reason.code or "") and reason.parameters[:1] == [_NO_SERVICE_POINT])
        for reason in read_reasons(body)
    )


def is_after_request(body: bytes) -> bool:
    """Return True if a 422 is about the positions in a queue, after a request of it was written.

    A cancelled request has no position any more, and a new one has none yet (mod-circulation,
    UpdateRequestService, CreateRequestService). One that is moved may have been written or not: positions
    change in the one queue before, and in the other after (MoveRequestService).
    """
    return any(reason.message.startswith(_AFTER_REQUEST) for reason in read_reasons(body))


def is_no_integration_error(body: bytes) -> bool:
    """Return True unless an error body of mod-requests-mediated is about its call of another service."""
    listed = (decode_object(body) or {}).get("errors")
    return not isinstance(listed, list) or not any(
        isinstance(each, dict) and each.get("type") == "integration-error" for each in listed
    )
