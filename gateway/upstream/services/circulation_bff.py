"""The circulation BFF (mod-circulation-bff): loans, requests, titles to request, and the desk's acts."""

from __future__ import annotations

from collections.abc import Mapping

from propcache.api import cached_property

from gateway.upstream import cql
from gateway.upstream.caller import CallerClient
from gateway.upstream.collection import Collection
from gateway.upstream.request_target import segment
from gateway.upstream.response import Record
from gateway.upstream.services.circulation import own
from gateway.upstream.write import Write, keys_in

_PATH = "/circulation-bff"
_CHECKED_IN = {"item": dict, "loan": dict, "staffSlipContext": dict}


class CirculationBff:
    """One method per question or act; all of them in one caller's name."""

    def __init__(self, client: CallerClient) -> None:
        self._client = client

    @cached_property
    def loans(self) -> Collection:
        return Collection(self._client, f"{_PATH}/loans", "loans")

    @cached_property
    def requests(self) -> Collection:
        return Collection(self._client, f"{_PATH}/requests", "requests")

    async def loan(self, loan_id: str) -> Record | None:
        return await self._client.one(f"{_PATH}/loans/{segment(loan_id)}")

    async def search_instance(self, query: cql.Cql) -> Record | None:
        """The first instance that matches, with its items and holdings; upstream says `{}` for none."""
        found = await self._client.question(f"{_PATH}/requests/search-instances", {"query": str(query)})
        return found or None

    async def allowed_service_points(self, query: Mapping[str, str]) -> Record:
        """Where a request may be picked up, by its kind. `query` is one of upstream's valid combinations."""
        return await self._client.question(f"{_PATH}/requests/allowed-service-points", query)

    async def pick_slips(self, service_point_id: str) -> list[Record]:
        """All slips of a service point; mod-circulation stops at 2500 requests."""
        return await self._client.list_of(f"{_PATH}/pick-slips/{segment(service_point_id)}", "pickSlips")

    async def search_slips(self, service_point_id: str) -> list[Record]:
        """All search slips of a service point."""
        return await self._client.list_of(f"{_PATH}/search-slips/{segment(service_point_id)}", "searchSlips")

    async def item_by_barcode(self, barcode: str) -> Record | None:
        """The item of the consortium with this barcode, from the library that owns it.

        The BFF takes the barcode out of the query by cutting off `barcode==`, quotes and blanks, so one that
        holds them cannot be asked for (mod-circulation-bff).
        """
        path = f"{_PATH}/inventory/items"
        body = await self._client.question(path, {"query": f"barcode=={barcode}", "limit": "1"})
        items = body.get("items")
        if not isinstance(items, list) or any(type(item) is not dict for item in items):
            raise self._client.bad_shape()
        return items[0] if items else None

    async def external_users(self, external_user_id: str, tenant_id: str) -> list[Record]:
        """Users of a tenant by their key in another system.

        The BFF puts the key unquoted into a query that it runs as system user (mod-circulation-bff,
        UsersServiceImpl): whoever calls this has checked both.
        """
        path = f"{_PATH}/external-users/{segment(external_user_id)}/tenant/{segment(tenant_id)}"
        return await self._client.list_of(path, "users")

    @cached_property
    def batch_requests(self) -> Collection:
        path = f"{_PATH}/batch-requests"
        return Collection(self._client, path, "mediatedBatchRequests", tie_break="batchId")

    async def batch_request(self, batch_id: str) -> Record | None:
        return await self._client.one(f"{_PATH}/batch-requests/{segment(batch_id)}")

    def batch_request_details(self, batch_id: str) -> Collection:
        path = f"{_PATH}/batch-requests/{segment(batch_id)}/details"
        return Collection(self._client, path, "mediatedBatchRequestDetails")

    async def check_out(self, body: Record) -> Record:
        """Lend one item to one patron. Sent once; a repeated check-out is refused by the library.

        Raises `Refused` with the library's reasons and `OutcomeUnknown` where no clear answer came.
        """
        act = Write(
            operation="checkOut",
            keys={name: body[name] for name in ("itemBarcode", "userBarcode", "servicePointId")},
            verify="item(barcode:) { openLoan { borrower { barcode } } }",
        )
        path = f"{_PATH}/loans/check-out-by-barcode"
        # Unlike the BFF's lists, its answers at the desk are open objects: circulation's loan comes whole.
        return own(await self._client.write_for_record(act, path, body))

    async def check_in(self, body: Record) -> Record:
        """Take one item back. Sent once; a repeated check-in counts as use in the house.

        Raises as `check_out`; a 403 or 404 is `OutcomeUnknown` too, because the BFF checks in first and looks
        up afterwards. No member of the answer is promised, but without all three of them it is no answer to
        a check-in (mod-circulation-bff, CheckInResponse).
        """
        act = Write(
            operation="checkIn",
            keys={name: body[name] for name in ("itemBarcode", "servicePointId")},
            verify="item(barcode:) { status { name date } lastCheckIn { dateTime servicePoint { id } } }",
            looks_up_afterwards=True,
        )
        path = f"{_PATH}/loans/check-in-by-barcode"
        answer = await self._client.write_for_record(act, path, body, proof=_CHECKED_IN)
        if type(answer.get("loan")) is dict:
            own(answer["loan"])
        return answer

    async def create_request(self, body: Record) -> Record:
        """Request an item or a title for a patron. Sent once.

        Raises as `check_in`: in a consortium the BFF creates first and looks up afterwards
        (mod-circulation-bff, CirculationBffServiceImpl.createRequest).
        """
        act = Write(
            operation="createRequest",
            keys=keys_in(body, "id", "requesterId", "instanceId", "itemId"),
            verify="requests(filter: { requesterId: instanceId: }) { nodes { id requestDate status } }",
            looks_up_afterwards=True,
        )
        return await self._client.write_for_record(act, f"{_PATH}/requests", body)

    async def create_ecs_request_external(self, body: Record) -> Record:
        """Request across a consortium. Sent once; a mediated request or a request comes back.

        Raises as `create_request`, for the same reason (mod-circulation-bff, EcsRequestExternalServiceImpl).
        """
        act = Write(
            operation="createEcsRequestExternal",
            keys=keys_in(body, "id", "requesterId", "instanceId", "itemId"),
            verify="requests(filter: { requesterId: }) { nodes { id requestDate status } }",
            looks_up_afterwards=True,
        )
        path = f"{_PATH}/create-ecs-request-external"
        return await self._client.write_for_record(act, path, body)

    async def confirm_mediated_request(self, body: Record) -> Record:
        """Save a mediated request and confirm it. Sent once; the BFF writes twice.

        With an id the BFF replaces the record, without one it makes it, and confirms then
        (mod-circulation-bff, CirculationBffController.saveAndConfirmMediatedRequest). Raises as `check_in`
        for a new one, which may be there although a 403 or 404 came back.
        """
        act = Write(
            operation="confirmMediatedRequest",
            keys=keys_in(body, "id", "requesterId", "instanceId", "itemId"),
            verify="requests(filter: { requesterId: instanceId: }) { nodes { id requestDate status } }",
            looks_up_afterwards="id" not in body,
        )
        path = f"{_PATH}/mediated-requests/confirm"
        return await self._client.write_for_record(act, path, body)

    async def create_batch_request(self, body: Record) -> Record:
        """Request many items at once. Sent once; the requests themselves are made later.

        Raises as `check_out` (mod-circulation-bff, POST /batch-requests).
        """
        act = Write(
            operation="createBatchRequest",
            keys=keys_in(body, "batchId", "requesterId"),
            verify="batchRequests(filter: { requesterId: }) { nodes { id requestDate } }",
        )
        return await self._client.write_for_record(
            act, f"{_PATH}/batch-requests", body, proof={"batchId": str}
        )

    async def declare_item_lost(self, loan_id: str, body: Record) -> None:
        """Declare the item of a loan lost. Sent once; a second time is refused by the library.

        Raises as `check_out` (mod-circulation-bff, POST /loans/{loanId}/declare-item-lost).
        """
        await self._about_loan("declareItemLost", loan_id, "declare-item-lost", body)

    async def claim_item_returned(self, loan_id: str, body: Record) -> None:
        """Note that the patron says to have returned the item. Sent once.

        Raises as `check_out` (mod-circulation-bff, POST /loans/{loanId}/claim-item-returned).
        """
        await self._about_loan("claimItemReturned", loan_id, "claim-item-returned", body)

    async def declare_claimed_returned_item_as_missing(self, loan_id: str, body: Record) -> None:
        """Give up an item that the patron says to have returned. Sent once.

        Raises as `check_out`. The BFF turns every failure into a 422 with one code, so the library's own
        reasons are lost (mod-circulation-bff, DeclareClaimedReturnedItemAsMissingServiceImpl).
        """
        path = "declare-claimed-returned-item-as-missing"
        await self._about_loan("declareClaimedReturnedItemAsMissing", loan_id, path, body)

    async def _about_loan(self, operation: str, loan_id: str, path: str, body: Record) -> None:
        act = Write(
            operation=operation,
            keys={"loanId": loan_id},
            verify="loan(id:) { action actionComment status { name } item { status { name date } } }",
        )
        path = f"{_PATH}/loans/{segment(loan_id)}/{path}"
        await self._client.write_without_record(act, "POST", path, body)
