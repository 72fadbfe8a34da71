"""Refusals that circulation sends after it has written: those of the fees, and of the rest of a queue.

Circulation stores loan and item, or the request, before it settles fees or moves the other requests up, and
its response is then the refusal of that later step. So these do not prove that nothing was written.
"""

from __future__ import annotations

from gateway.errors import Parameter
from gateway.upstream.error_bodies import read_reasons
from gateway.upstream.record_types import decode_object

_OF_FEES = (  # mod-circulation, LostItemFeeRefundService and LostItemFeeChargingService
    "Item is lost however there is no aged to lost nor declared lost loan found",
    "Last loan for lost item is neither aged to lost nor declared lost",
    "Expected automated fee of type ",
)
_NO_SERVICE_POINT = Parameter(key="servicePointId", value="null")
_OF_QUEUE = "Cannot have more than one request with the same position in the queue"


def is_of_fees(body: bytes) -> bool:
    """Return True if a 422 is about the fees of a loan that was written: circulation's, or one it relays.

    mod-feesfines alone has `errorMessage` (actionFailureResponse.json), and refuses a refund without the
    service point that a renewal need not have (defaultActionRequest.json; RenewalResource, FeeFineService).
    """
    if "errorMessage" in (decode_object(body) or {}):
        return True
    return any(
        reason.message.startswith(_OF_FEES)
        or (".constraints." in (reason.code or "") and reason.parameters[:1] == [_NO_SERVICE_POINT])
        for reason in read_reasons(body)
    )


def is_of_queue(body: bytes) -> bool:
    """Return True if a 422 is about the positions of the other requests in a queue.

    A cancelled request has no position, so it is none of those (mod-circulation, UpdateRequestService).
    """
    return any(reason.message.startswith(_OF_QUEUE) for reason in read_reasons(body))
