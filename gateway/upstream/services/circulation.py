"""Circulation itself (mod-circulation), for what the BFF does not serve or drops on the way."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.upstream.caller import CallerClient
from gateway.upstream.collection import Collection
from gateway.upstream.request_target import segment
from gateway.upstream.response import Record, decoded
from gateway.upstream.write import Write, keys_in

FROM_CIRCULATION = "circulation>"  # marks what mod-circulation sent: not all that the BFF sends, and more


class Circulation:
    """One method per question or act; all of them in one caller's name."""

    def __init__(self, client: CallerClient) -> None:
        self._client = client

    @cached_property
    def requests(self) -> Collection:
        """Requests with what the BFF's list drops: `loan.dueDate`, `printDetails`, `itemLocationCode`."""
        return Collection(self._client, "/circulation/requests", "requests", mark=FROM_CIRCULATION)

    @cached_property
    def loans(self) -> Collection:
        """Loans with what the BFF's list drops: `forUseAtLocation`, `reminders`, `claimedReturnedDate`."""
        return Collection(self._client, "/circulation/loans", "loans", mark=FROM_CIRCULATION)

    @cached_property
    def settings(self) -> Collection:
        return Collection(self._client, "/circulation/settings", "circulationSettings")

    async def queue_of_instance(self, instance_id: str) -> list[Record]:
        """The open requests of a title in the order of the queue; upstream stops at 1000."""
        return await self._queue("instance", instance_id)

    async def queue_of_item(self, item_id: str) -> list[Record]:
        """The open requests of an item in the order of the queue; upstream stops at 1000."""
        return await self._queue("item", item_id)

    async def _queue(self, of: str, key: str) -> list[Record]:
        queue = await self._client.list_of(f"/circulation/requests/queue/{of}/{segment(key)}", "requests")
        return [own(request) for request in queue]

    async def request(self, request_id: str) -> Record | None:
        return await self._client.one(f"/circulation/requests/{segment(request_id)}")

    async def renew_by_barcode(self, body: Record) -> Record:
        """Renew the loan of an item to a patron, both known by their barcodes. Sent once.

        Raises `Refused` with the library's reasons and `OutcomeUnknown` where no clear answer came
        (mod-circulation, RenewByBarcodeResource).
        """
        act = Write(
            operation="renew",
            keys=keys_in(body, "itemBarcode", "userBarcode"),
            verify="item(barcode:) { openLoan { dueDate renewalCount action } }",
        )
        return own(await self._client.write_for_record(act, "/circulation/renew-by-barcode", body))

    async def renew_by_id(self, body: Record) -> Record:
        """Renew the loan of an item to a patron, both known by their ids. Sent once; raises as by barcode.

        Overrides are read by what both ways share (mod-circulation, RenewalResource).
        """
        act = Write(
            operation="renew",
            keys=keys_in(body, "itemId", "userId"),
            verify="item(id:) { openLoan { dueDate renewalCount action } }",
        )
        return own(await self._client.write_for_record(act, "/circulation/renew-by-id", body))

    async def change_due_date(self, loan_id: str, body: Record) -> None:
        """Give a loan another due date. Sent once; raises as `renew_by_barcode` (ChangeDueDateResource)."""
        act = Write(
            operation="changeDueDate", keys={"loanId": loan_id}, verify="loan(id:) { dueDate action }"
        )
        path = f"/circulation/loans/{segment(loan_id)}/change-due-date"
        await self._client.write_without_record(act, "POST", path, body)

    async def add_loan_info(self, loan_id: str, body: Record) -> None:
        """Note something on a loan. Sent once; raises as `renew_by_barcode` (AddInfoResource)."""
        act = Write(
            operation="addLoanInfo",
            keys={"loanId": loan_id},
            verify="loan(id:) { action actionComment }",
        )
        path = f"/circulation/loans/{segment(loan_id)}/add-info"
        await self._client.write_without_record(act, "POST", path, body)

    async def cancel_request(self, request_id: str, record: Record) -> None:
        """Put back a whole request that says that it is cancelled. Sent once; raises as `renew_by_barcode`.

        Circulation knows no other way to cancel (mod-circulation, RequestCollectionResource.replace).
        """
        act = Write(
            operation="cancelRequest",
            keys={"requestId": request_id},
            verify="request(id:) { status cancelledDate }",
        )
        await self._client.write_without_record(
            act, "PUT", f"/circulation/requests/{segment(request_id)}", record
        )

    async def move_request(self, request_id: str, body: Record) -> Record:
        """Move a request to another item of its title. Sent once; raises as `renew_by_barcode`.

        (mod-circulation, RequestCollectionResource.move)
        """
        act = Write(
            operation="moveRequest",
            keys={"requestId": request_id, **keys_in(body, "destinationItemId")},
            verify="request(id:) { item { id } position requestType }",
        )
        path = f"/circulation/requests/{segment(request_id)}/move"
        return own(await self._client.write_for_record(act, path, body))

    async def reorder_queue_of_instance(self, instance_id: str, body: Record) -> list[Record]:
        """Put the queue of a title into another order; it comes back in that order. Sent once.

        Raises as `renew_by_barcode`; a queue that is not the whole one is refused (mod-circulation,
        RequestQueueResource).
        """
        return await self._reorder("instance", instance_id, body)

    async def reorder_queue_of_item(self, item_id: str, body: Record) -> list[Record]:
        """Put the queue of an item into another order, as that of a title."""
        return await self._reorder("item", item_id, body)

    async def _reorder(self, of: str, key: str, body: Record) -> list[Record]:
        act = Write(
            operation="reorderQueue",
            keys={f"{of}Id": key},
            verify=f"requestQueue({of}Id:) {{ nodes {{ id position }} }}",
        )
        path = f"/circulation/requests/queue/{of}/{segment(key)}/reorder"
        answer = await self._client.act(act, "POST", path, body)
        found = decoded(answer.body)
        requests = found.get("requests") if isinstance(found, dict) else None
        if not isinstance(requests, list) or any(type(each) is not dict for each in requests):
            raise self._client.unreadable(act, answer)
        return sorted(map(own, requests), key=_position)

    async def end_patron_action_session(self, body: Record) -> None:
        """End sessions at the desk, so that their notices go out. Sent once; raises as `renew_by_barcode`.

        Circulation answers after the first session of several; what it does of the others is not told
        (mod-circulation, EndPatronActionSessionResource).
        """
        act = Write(
            operation="endPatronActionSession",
            keys={"patronIds": ", ".join(each["patronId"] for each in body["endSessions"])},
            verify="no query tells; a session that has ended cannot end again, so repeating does no harm",
        )
        await self._client.write_without_record(act, "POST", "/circulation/end-patron-action-session", body)

    async def record_print_events(self, body: Record) -> None:
        """Note that slips of requests were printed. Sent once; raises as `renew_by_barcode`.

        A repeated one counts as printed again (mod-circulation, PrintEventsResource).
        """
        act = Write(
            operation="recordPrintEvents",
            keys={"requestIds": ", ".join(body["requestIds"])},
            verify="requests(filter: { id: }) { nodes { id printDetails { printCount printEventDate } } }",
        )
        await self._client.write_without_record(act, "POST", "/circulation/print-events-entry", body)


def own(record: Record) -> Record:
    """The record, marked as one with all that circulation itself sends."""
    record[FROM_CIRCULATION] = True
    return record


def _position(request: Record) -> int:
    position = request.get("position")
    return position if type(position) is int else 0
