"""Circulation (mod-circulation), for everything that the BFF does not serve or drops from its responses."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from gateway import errors
from gateway.upstream.caller import Service, keys_in
from gateway.upstream.collection import Collection
from gateway.upstream.late_refusals import is_after_loan, is_after_request
from gateway.upstream.record_types import (
    FROM_CIRCULATION,
    INVALID,
    Record,
    decode_object,
    mark_from_circulation,
    rows_of,
)
from gateway.upstream.routes import Interface, Route
from gateway.upstream.statuses import Write, not_served
from gateway.upstream.transport.exchange import UpstreamResponse

CIRCULATION = Interface("circulation", "14.4", required=True)

OVERRIDE_PERMISSIONS = {
    "patronBlock": "circulation.override-patron-block.post",
    "itemLimitBlock": "circulation.override-item-limit-block.post",
    "itemNotLoanableBlock": "circulation.override-item-not-loanable-block.post",
    "renewalBlock": "circulation.override-renewal-block.post",
}
"""The permission to lift each block that a write may override, by the block's name in `overrideBlocks`."""

_VERIFY_USE_AT_LOCATION = "item(barcode:) { openLoan { action forUseAtLocation { status statusDate } } }"

_NOT_FOR_USE_AT_LOCATION = (  # mod-circulation, HoldByBarcodeRequest and PickupByBarcodeResource
    "No open loan found for ",
    "The loan is open but is not for use at location",
    "For-use-at-location is not enabled for this tenant",
)


class Circulation(Service):
    """The interfaces of mod-circulation."""

    requests = Collection(
        Route("GET", "/circulation/requests", CIRCULATION, "circulation.requests.collection.get"),
        "requests",
        mark=FROM_CIRCULATION,
    )
    """Requests with members that the BFF's list drops: `loan.dueDate`, `printDetails`, `itemLocationCode`."""

    loans = Collection(
        Route("GET", "/circulation/loans", CIRCULATION, "circulation.loans.collection.get"),
        "loans",
        mark=FROM_CIRCULATION,
    )
    """Loans with members that the BFF drops: `forUseAtLocation`, `reminders`, `claimedReturnedDate`."""

    settings = Collection(
        Route(
            "GET",
            "/circulation/settings",
            Interface("circulation-settings", "1.0"),
            "circulation.settings.collection.get",
        ),
        "circulationSettings",
    )

    request_route = Route("GET", "/circulation/requests/{id}", CIRCULATION, "circulation.requests.item.get")

    async def request(self, request_id: str) -> Record | None:
        return await self._client.read_record(self.request_route, request_id)

    allowed_service_points_route = Route(
        "GET",
        "/circulation/requests/allowed-service-points",
        CIRCULATION,
        "circulation.requests.allowed-service-points.get",
    )

    async def allowed_service_points(self, query: Mapping[str, str]) -> Record:
        """Return the pickup service points of a request by its type, also to move it to another item.

        The BFF routes requests of a consortium, and knows no moves; circulation knows its own library alone.
        """
        return await self._client.read_object(self.allowed_service_points_route, query)

    queue_of_instance_route = Route(
        "GET",
        "/circulation/requests/queue/instance/{id}",
        CIRCULATION,
        "circulation.requests.queue-instance.collection.get",
    )

    async def queue_of_instance(self, instance_id: str) -> list[Record]:
        """Return the open requests for a title in the order of the queue; upstream stops at 1000."""
        return await self._queue(self.queue_of_instance_route, instance_id)

    queue_of_item_route = Route(
        "GET",
        "/circulation/requests/queue/item/{id}",
        CIRCULATION,
        "circulation.requests.queue-item.collection.get",
    )

    async def queue_of_item(self, item_id: str) -> list[Record]:
        """Return the open requests for an item in the order of the queue; upstream stops at 1000."""
        return await self._queue(self.queue_of_item_route, item_id)

    async def _queue(self, route: Route, key: str) -> list[Record]:
        return mark_from_circulation(await self._client.read_list(route, "requests", key))

    check_out_dry_run_route = Route(
        "POST",
        "/circulation/check-out-by-barcode-dry-run",
        CIRCULATION,
        "circulation.check-out-by-barcode-dry-run.post",
        reads=True,
        since="14.6",  # mod-circulation 24.4.0 (CIRC-2266); overrides are read since 24.5.0 (CIRC-2425)
    )

    async def check_out_dry_run(self, body: Record) -> Record:
        """Return the ids of the policies that a check-out would have: upstream stops before it writes.

        Raises `Refused` with the reasons for which a check-out would be refused (mod-circulation,
        CheckOutByBarcodeDryRunResource).
        """
        try:
            policies = await self._client.read_by_post(self.check_out_dry_run_route, body)
        except errors.UpstreamRejected as problem:
            if problem.status != 422:  # such as Okapi's 400 for a tenant that does not exist
                raise
            raise errors.Refused(
                problem.message, upstream=problem.upstream, status=problem.status, reasons=problem.reasons
            ) from None
        if policies is None:
            raise not_served(self._client.name, 404)
        if type(policies.get("loanPolicyId")) is not str:
            raise self._client.bad_shape()
        return policies

    renew_by_barcode_route = Route(
        "POST", "/circulation/renew-by-barcode", CIRCULATION, "circulation.renew-by-barcode.post"
    )

    async def renew_by_barcode(self, body: Record) -> Record:
        """Renew the loan of an item to a patron, both identified by barcode. Sent once.

        Raises `Refused` with the library's reasons, and `OutcomeUnknown` without a conclusive response
        (mod-circulation, RenewByBarcodeResource).
        """
        write = Write(
            operation="renew",
            keys=keys_in(body, "itemBarcode", "userBarcode"),
            verify="item(barcode:) { openLoan { dueDate renewalCount action } }",
            is_late=is_after_loan,
        )
        return await self._client.write_for_record(
            write, self.renew_by_barcode_route, body, mark=FROM_CIRCULATION
        )

    renew_by_id_route = Route("POST", "/circulation/renew-by-id", CIRCULATION, "circulation.renew-by-id.post")

    async def renew_by_id(self, body: Record) -> Record:
        """Renew the loan of an item to a patron, both identified by id. Sent once; raises as by barcode.

        Overrides are read by the code that both ways share (mod-circulation, RenewalResource).
        """
        write = Write(
            operation="renew",
            keys=keys_in(body, "itemId", "userId"),
            verify="item(id:) { openLoan { dueDate renewalCount action } }",
            is_late=is_after_loan,
        )
        return await self._client.write_for_record(write, self.renew_by_id_route, body, mark=FROM_CIRCULATION)

    hold_for_use_at_location_route = Route(
        "POST",
        "/circulation/hold-by-barcode-for-use-at-location",
        CIRCULATION,
        "circulation.hold-by-barcode-for-use-at-location.post",
        since="14.7",  # mod-circulation 24.5.0 (CIRC-2308)
    )

    async def hold_for_use_at_location(self, body: Record) -> Record:
        """Put an item for use at the location on the hold shelf. Sent once; raises as `renew_by_barcode`.

        Returns the loan as storage has it, without what circulation adds to it, and with the metadata of the
        former change (mod-circulation, HoldByBarcodeResource).
        """
        write = Write(
            operation="holdForUseAtLocation",
            keys=keys_in(body, "itemBarcode"),
            verify=_VERIFY_USE_AT_LOCATION,
            own_texts=_NOT_FOR_USE_AT_LOCATION,
        )
        return await self._client.write_and_decode(
            write, self.hold_for_use_at_location_route, body, decode=_held_loan
        )

    pick_up_for_use_at_location_route = Route(
        "POST",
        "/circulation/pickup-by-barcode-for-use-at-location",
        CIRCULATION,
        "circulation.pickup-by-barcode-for-use-at-location.post",
        since="14.7",
    )

    async def pick_up_for_use_at_location(self, body: Record) -> Record:
        """Hand an item from the hold shelf to its patron. Sent once; returns and raises as the hold.

        (mod-circulation, PickupByBarcodeResource)
        """
        write = Write(
            operation="pickUpForUseAtLocation",
            keys=keys_in(body, "itemBarcode", "userBarcode"),
            verify=_VERIFY_USE_AT_LOCATION,
            own_texts=_NOT_FOR_USE_AT_LOCATION,
        )
        return await self._client.write_for_record(
            write, self.pick_up_for_use_at_location_route, body, mark=FROM_CIRCULATION
        )

    cancel_request_route = Route(
        "PUT", "/circulation/requests/{id}", CIRCULATION, "circulation.requests.item.put"
    )

    async def cancel_request(self, request_id: str, record: Record) -> None:
        """Replace a request by its complete cancelled form. Sent once; raises as `renew_by_barcode`.

        Circulation has no other way to cancel (mod-circulation, RequestCollectionResource.replace).
        """
        write = Write(
            operation="cancelRequest",
            keys={"requestId": request_id},
            verify="request(id:) { status cancelledDate }",
            is_late=is_after_request,
        )
        await self._client.replace_record(write, self.cancel_request_route, record, request_id)

    update_request_route = cancel_request_route

    async def update_request(self, request_id: str, record: Record) -> None:
        """Replace a request by its complete new form. Sent once; raises as `renew_by_barcode`.

        Neither circulation nor its storage compares versions: the last write wins. The comments of the patron
        must be those it has (mod-circulation, UpdateRequestService).
        """
        write = Write(
            operation="updateRequest",
            keys={"requestId": request_id},
            verify="request(id:) { fulfillmentPreference pickupServicePoint { id } requestExpirationDate "
            "metadata { updatedDate } }",
        )
        await self._client.replace_record(write, self.update_request_route, record, request_id)

    reorder_queue_of_instance_route = Route(
        "POST",
        "/circulation/requests/queue/instance/{id}/reorder",
        CIRCULATION,
        "circulation.requests.queue.instance-reorder.collection.post",
    )

    async def reorder_queue_of_instance(self, instance_id: str, body: Record) -> list[Record]:
        """Reorder the queue for a title and return it in that order. Sent once.

        Raises as `renew_by_barcode`; an incomplete queue is rejected (mod-circulation, RequestQueueResource).
        """
        return await self._reorder(self.reorder_queue_of_instance_route, "instanceId", instance_id, body)

    reorder_queue_of_item_route = Route(
        "POST",
        "/circulation/requests/queue/item/{id}/reorder",
        CIRCULATION,
        "circulation.requests.queue.item-reorder.collection.post",
    )

    async def reorder_queue_of_item(self, item_id: str, body: Record) -> list[Record]:
        """Reorder the queue for an item, as that for a title."""
        return await self._reorder(self.reorder_queue_of_item_route, "itemId", item_id, body)

    async def _reorder(self, route: Route, name: str, key: str, body: Record) -> list[Record]:
        write = Write(
            operation="reorderQueue",
            keys={name: key},
            verify=f"requestQueue({name}:) {{ nodes {{ id position }} }}",
        )
        requests = await self._client.write_and_decode(write, route, body, key, decode=_queue)
        return sorted(mark_from_circulation(requests), key=_position)

    move_request_route = Route(
        "POST",
        "/circulation/requests/{id}/move",
        Interface("request-move", "0.7"),
        "circulation.requests.item.move.post",
    )

    async def move_request(self, request_id: str, body: Record) -> Record:
        """Move a request to another item of its title. Sent once; raises as `renew_by_barcode`.

        (mod-circulation, RequestCollectionResource.move)
        """
        write = Write(
            operation="moveRequest",
            keys={"requestId": request_id, **keys_in(body, "destinationItemId")},
            verify="request(id:) { item { id } position requestType }",
            is_late=is_after_request,
        )
        return await self._client.write_for_record(
            write, self.move_request_route, body, request_id, mark=FROM_CIRCULATION
        )

    change_due_date_route = Route(
        "POST",
        "/circulation/loans/{id}/change-due-date",
        Interface("change-due-date", "0.1"),
        "circulation.loans.change-due-date.post",
    )

    async def change_due_date(self, loan_id: str, body: Record) -> None:
        """Change the due date of a loan. Sent once; raises as `renew_by_barcode` (ChangeDueDateResource)."""
        write = Write(
            operation="changeDueDate",
            keys={"loanId": loan_id},
            verify="loan(id:) { dueDate metadata { updatedDate } }",
        )
        await self._client.write_without_record(write, self.change_due_date_route, body, loan_id)

    add_loan_info_route = Route(
        "POST",
        "/circulation/loans/{id}/add-info",
        Interface("add-info", "0.1"),
        "circulation.loans.add-info.post",
    )

    async def add_loan_info(self, loan_id: str, body: Record) -> None:
        """Add information to a loan. Sent once; raises as `renew_by_barcode` (AddInfoResource)."""
        write = Write(
            operation="addLoanInfo",
            keys={"loanId": loan_id},
            verify="loan(id:) { action actionComment }",
        )
        await self._client.write_without_record(write, self.add_loan_info_route, body, loan_id)

    end_patron_action_session_route = Route(
        "POST",
        "/circulation/end-patron-action-session",
        Interface("patron-action-session", "0.2"),
        "circulation.end-patron-action-session.post",
    )

    async def end_patron_action_session(self, body: Record) -> None:
        """End sessions at the desk, so that their notices are sent. Sent once; raises as `renew_by_barcode`.

        Circulation responds after the first session of several; the result of the others is not reported
        (mod-circulation, EndPatronActionSessionResource).
        """
        write = Write(
            operation="endPatronActionSession",
            keys={"patronIds": ", ".join(each["patronId"] for each in body["endSessions"])},
            verify="no query shows it; a session that has ended cannot end again, so repeating does no harm",
        )
        await self._client.write_without_record(write, self.end_patron_action_session_route, body)

    record_print_events_route = Route(
        "POST",
        "/circulation/print-events-entry",
        Interface("print-events", "1.0"),
        "circulation.print-events-entry.item.post",
    )

    async def record_print_events(self, body: Record) -> None:
        """Record that slips of requests were printed. Sent once; raises as `renew_by_barcode`.

        A repeated one counts as printed again (mod-circulation, PrintEventsResource).
        """
        write = Write(
            operation="recordPrintEvents",
            keys={"requestIds": ", ".join(body["requestIds"])},
            verify="requests(filter: { id: }) { nodes { id printDetails { printCount printEventDate } } }",
        )
        await self._client.write_without_record(write, self.record_print_events_route, body)


def _held_loan(response: UpstreamResponse) -> Record | None:
    loan = (decode_object(response.body) or {}).get("loan")
    if type(loan) is not dict or type(loan.get("id")) is not str or not loan["id"]:
        return None
    return {**loan, FROM_CIRCULATION: True}


def _queue(response: UpstreamResponse) -> list[Record] | None:
    records = rows_of((decode_object(response.body) or {}).get("requests"))
    return None if records and all(INVALID in each for each in records) else records


def _position(request: Record) -> int:
    """Those without a position are the first, and elements that are no objects the last."""
    position = request.get("position")
    return sys.maxsize if INVALID in request else position if type(position) is int else 0
