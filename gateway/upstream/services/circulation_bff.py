"""The circulation BFF (mod-circulation-bff): loans, requests, titles to request, and writes at the desk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from gateway.upstream import cql
from gateway.upstream.caller import Service, keys_in
from gateway.upstream.collection import BoundCollection, Collection, Page, PageArguments
from gateway.upstream.late_refusals import is_after_loan, is_after_request, is_no_integration_error
from gateway.upstream.record_types import FROM_CIRCULATION, Record, records_of
from gateway.upstream.routes import Interface, Route
from gateway.upstream.statuses import Write

# The versions from which on there are check-out and check-in, and new requests. The lists came with 1.3 and
# 1.4, and are read from circulation before that; what else came later fails as not served.
LOANS = Interface("circulation-bff-loans", "1.2", required=True)
REQUESTS = Interface("circulation-bff-requests", "1.1", required=True)
BATCH_REQUESTS = Interface("circulation-bff-requests-batch", "1.0")

_CHECKED_IN = {"item": dict, "loan": dict, "staffSlipContext": dict}


BATCH = "batchRequestInfo"
MAX_BATCHES = 10  # the default limit of mod-requests-mediated
IDS_IN_CALL = 40  # whose query has 2 kB


async def _complete_batches(collection: BoundCollection, page: Page, arguments: PageArguments) -> Page:
    """Read requests again of which the BFF may have left out the batch.

    It reads the batches of 20 requests of a page at a time, in an order of its own and without a limit, and
    gets those of ten at most (CirculationBffServiceImpl.getBatchRequestDetailsByRequestIds,
    `trait_pageable_limit` of mod-requests-mediated). If it gets fewer than ten for a page, it got all. What
    is read again is itself such a page, with ten batches less.
    """
    records, decoder = page.records, arguments.decoder
    if decoder is not None and BATCH not in decoder.members.of:
        return page
    unsure = [each for each in records if each.get(BATCH) is None]
    if not MAX_BATCHES < len(records) <= arguments.limit or len(records) - len(unsure) < MAX_BATCHES:
        return page
    ids = [key for each in unsure if (key := _id_of(each)) is not None]
    chunks = (ids[start : start + IDS_IN_CALL] for start in range(0, len(ids), IDS_IN_CALL))
    pages = await asyncio.gather(
        *(
            collection.read(cql.query_of_ids("id", chunk), PageArguments(len(chunk), 0, False, decoder))
            for chunk in chunks
        )
    )
    again = {_id_of(each): each for part in pages for each in part.records}
    return Page(
        [each if (key := _id_of(each)) is None else again.get(key, each) for each in records], page.total
    )


def _id_of(request: Any) -> str | None:  # Any: a record, or a Struct of members of one
    key = request.get("id")
    return key if type(key) is str else None


class CirculationBff(Service):
    """The interfaces of mod-circulation-bff."""

    upstream: ClassVar[str] = "bff"

    loans = Collection(
        Route("GET", "/circulation-bff/loans", LOANS, "circulation-bff.loans.collection.get"), "loans"
    )
    requests = Collection(
        Route("GET", "/circulation-bff/requests", REQUESTS, "circulation-bff.requests.collection.get"),
        "requests",
        complete=_complete_batches,
    )

    loan_route = Route("GET", "/circulation-bff/loans/{loanId}", LOANS, "circulation-bff.loans.item.get")

    async def loan(self, loan_id: str) -> Record | None:
        return await self._client.read_record(self.loan_route, loan_id)

    search_instance_route = Route(
        "GET",
        "/circulation-bff/requests/search-instances",
        REQUESTS,
        "circulation-bff.requests.search-instances.get",
    )

    async def search_instance(self, query: cql.Cql) -> Record | None:
        """Return the first match with its items and holdings, or None; upstream sends `{}` for none."""
        record = await self._client.read_object(self.search_instance_route, {"query": str(query)})
        return record or None

    allowed_service_points_route = Route(
        "GET",
        "/circulation-bff/requests/allowed-service-points",
        REQUESTS,
        "circulation-bff.requests.allowed-service-points.get",
    )

    async def allowed_service_points(self, query: Mapping[str, str]) -> Record:
        """Return the pickup service points of a request by its type.

        `query` is one of the combinations of parameters that upstream accepts.
        """
        return await self._client.read_object(self.allowed_service_points_route, query)

    pick_slips_route = Route(
        "GET",
        "/circulation-bff/pick-slips/{servicePointId}",
        Interface("circulation-bff-pick-slips", "1.0"),
        "circulation-bff.pick-slips.collection.get",
    )

    async def pick_slips(self, service_point_id: str) -> list[Record]:
        """Return all pick slips of a service point; mod-circulation stops at 2500 requests."""
        return await self._client.read_list(self.pick_slips_route, "pickSlips", service_point_id)

    search_slips_route = Route(
        "GET",
        "/circulation-bff/search-slips/{servicePointId}",
        Interface("circulation-bff-search-slips", "1.0"),
        "circulation-bff.search-slips.collection.get",
    )

    async def search_slips(self, service_point_id: str) -> list[Record]:
        """Return all search slips of a service point."""
        return await self._client.read_list(self.search_slips_route, "searchSlips", service_point_id)

    external_users_route = Route(
        "GET",
        "/circulation-bff/external-users/{externalUserId}/tenant/{tenantId}",
        Interface("circulation-bff-users", "1.0"),
        "circulation-bff.external-users.collection.get",
    )

    async def external_users(self, external_user_id: str, tenant_id: str) -> list[Record]:
        """Return users of a tenant by their key in another system.

        The BFF puts the key unquoted into a query that it runs as system user (mod-circulation-bff,
        UsersServiceImpl): the caller of this method must have validated both.
        """
        return await self._client.read_list(self.external_users_route, "users", external_user_id, tenant_id)

    batch_requests = Collection(
        Route(
            "GET",
            "/circulation-bff/batch-requests",
            BATCH_REQUESTS,
            "circulation-bff.batch-request.collection.get",
        ),
        "mediatedBatchRequests",
        forwards_total=True,
        min_limit=1,  # mod-requests-mediated fails on zero (folio-spring-support, OffsetRequest)
    )

    batch_request_route = Route(
        "GET",
        "/circulation-bff/batch-requests/{batchId}",
        BATCH_REQUESTS,
        "circulation-bff.batch-request.item.get",
    )

    async def batch_request(self, batch_id: str) -> Record | None:
        return await self._client.read_record(self.batch_request_route, batch_id)

    batch_request_details_route = Route(
        "GET",
        "/circulation-bff/batch-requests/{batchId}/details",
        BATCH_REQUESTS,
        "circulation-bff.batch-request.details.collection.get",
    )

    def batch_request_details(self, batch_id: str) -> BoundCollection:
        """Return the collection of the items of a batch request."""
        route = self.batch_request_details_route
        details = Collection(
            route, "mediatedBatchRequestDetails", tie_break=None, forwards_total=True, min_limit=1
        )
        return details.bind(self._client, batch_id)

    item_by_barcode_route = Route(
        "GET",
        "/circulation-bff/inventory/items",
        Interface("circulation-bff-inventory", "1.0"),
        "circulation-bff.inventory.items.collection.get",
    )

    async def item_by_barcode(self, barcode: str) -> Record | None:
        """Return the item of the consortium with this barcode, from the library that owns it.

        The BFF extracts the barcode from the query by cutting off `barcode==`, quotes and blanks, so a
        barcode that contains them cannot be requested (mod-circulation-bff).
        """
        query = {"query": f"barcode=={barcode}", "limit": "1"}
        items = records_of((await self._client.read_object(self.item_by_barcode_route, query)).get("items"))
        if items is None:
            raise self._client.bad_shape()
        return items[0] if items else None

    check_out_route = Route(
        "POST",
        "/circulation-bff/loans/check-out-by-barcode",
        LOANS,
        "circulation-bff.loans.check-out-by-barcode.execute",
    )

    async def check_out(self, body: Record) -> Record:
        """Lend one item to one patron. Sent once; a repeated check-out is rejected by the library.

        Raises `Refused` with the library's reasons, and `OutcomeUnknown` without a conclusive response.
        """
        write = Write(
            operation="checkOut",
            keys={name: body[name] for name in ("itemBarcode", "userBarcode", "servicePointId")},
            verify="item(barcode:) { openLoan { borrower { barcode } } }",
        )
        # Unlike the BFF's lists, its responses at the desk drop no member of circulation's loan.
        return await self._client.write_for_record(write, self.check_out_route, body, mark=FROM_CIRCULATION)

    check_in_route = Route(
        "POST",
        "/circulation-bff/loans/check-in-by-barcode",
        LOANS,
        "circulation-bff.loans.check-in-by-barcode.execute",
    )

    async def check_in(self, body: Record) -> Record:
        """Check one item in. Sent once; a repeated check-in counts as in-house use.

        Raises as `check_out`. A 400, 403, 404 or 429 that is not certainly about this route is
        `OutcomeUnknown` too, because the BFF checks in first and reads afterwards. No member of the response
        is guaranteed, but without all three of them it is no response to a check-in (mod-circulation-bff,
        CheckInResponse).
        """
        write = Write(
            operation="checkIn",
            keys={name: body[name] for name in ("itemBarcode", "servicePointId")},
            verify="item(barcode:) { status { name date } lastCheckIn { dateTime servicePoint { id } } }",
            reads_afterwards=True,
            is_late=is_after_loan,
        )
        result = await self._client.write_for_record(write, self.check_in_route, body, proof=_CHECKED_IN)
        if type(result.get("loan")) is dict:
            result["loan"][FROM_CIRCULATION] = True
        return result

    create_request_route = Route(
        "POST", "/circulation-bff/requests", REQUESTS, "circulation-bff.requests.post"
    )

    async def create_request(self, body: Record) -> Record:
        """Request an item or a title for a patron. Sent once.

        Raises as `check_in`: in a consortium the BFF creates first and reads afterwards
        (mod-circulation-bff, CirculationBffServiceImpl.createRequest).
        """
        write = Write(
            operation="createRequest",
            keys=keys_in(body, "id", "requesterId", "instanceId", "itemId"),
            verify="requests(filter: { requesterId: instanceId: }) { nodes { id requestDate status } }",
            reads_afterwards=True,
            is_late=is_after_request,
        )
        return await self._client.write_for_record(write, self.create_request_route, body)

    create_ecs_request_external_route = Route(
        "POST",
        "/circulation-bff/create-ecs-request-external",
        Interface("circulation-bff-ecs-request-external", "1.1"),
        "circulation-bff.ecs-request-external.item.post",
    )

    async def create_ecs_request_external(self, body: Record) -> Record:
        """Create a request across a consortium; return a mediated request or a request. Sent once.

        Raises as `create_request`, for the same reason (mod-circulation-bff, EcsRequestExternalServiceImpl).
        """
        write = Write(
            operation="createEcsRequestExternal",
            keys=keys_in(body, "id", "requesterId", "instanceId", "itemId"),
            verify="requests(filter: { requesterId: }) { nodes { id requestDate status } }",
            reads_afterwards=True,
        )
        return await self._client.write_for_record(write, self.create_ecs_request_external_route, body)

    confirm_mediated_request_route = Route(
        "POST",
        "/circulation-bff/mediated-requests/confirm",
        REQUESTS,
        "circulation-bff.confirm-mediated-request.execute",
    )

    async def confirm_mediated_request(self, body: Record) -> Record:
        """Save a mediated request and confirm it. Sent once; the BFF writes twice.

        With an id the BFF replaces the record, without one it creates it, and then confirms it
        (mod-circulation-bff, CirculationBffController.saveAndConfirmMediatedRequest). Raises as `check_in`
        for a new one, which may have been created although the confirmation was rejected. A 404 of another
        service may be about the request that the confirmation has created (mod-requests-mediated,
        MediatedRequestActionsServiceImpl.createEcsTlr, ApiExceptionHandler).
        """
        write = Write(
            operation="confirmMediatedRequest",
            keys=keys_in(body, "id", "requesterId", "instanceId", "itemId"),
            verify="requests(filter: { requesterId: instanceId: }) { nodes { id requestDate status } }",
            reads_afterwards="id" not in body,
            is_own_404=is_no_integration_error,
        )
        return await self._client.write_for_record(write, self.confirm_mediated_request_route, body)

    create_batch_request_route = Route(
        "POST",
        "/circulation-bff/batch-requests",
        BATCH_REQUESTS,
        "circulation-bff.batch-requests.item.post",
    )

    async def create_batch_request(self, body: Record) -> Record:
        """Request many items at once. Sent once; the individual requests are created later.

        Raises as `check_out` (mod-circulation-bff, POST /batch-requests).
        """
        write = Write(
            operation="createBatchRequest",
            keys=keys_in(body, "batchId", "requesterId"),
            verify="batchRequest(id:) { requestDate mediatedRequestStatus }",
        )
        return await self._client.write_for_record(
            write, self.create_batch_request_route, body, proof={"batchId": str}
        )

    declare_item_lost_route = Route(
        "POST",
        "/circulation-bff/loans/{loanId}/declare-item-lost",
        LOANS,
        "circulation-bff.loans.declare-item-lost.execute",
    )

    async def declare_item_lost(self, loan_id: str, body: Record) -> None:
        """Declare the item of a loan lost. Sent once; a second time is rejected by the library.

        Raises as `check_out` (mod-circulation-bff, POST /loans/{loanId}/declare-item-lost).
        """
        await self._write_to_loan("declareItemLost", self.declare_item_lost_route, loan_id, body)

    claim_item_returned_route = Route(
        "POST",
        "/circulation-bff/loans/{loanId}/claim-item-returned",
        LOANS,
        "circulation-bff.loans.claim-item-returned.execute",
    )

    async def claim_item_returned(self, loan_id: str, body: Record) -> None:
        """Record that the patron claims to have returned the item. Sent once.

        Raises as `check_out` (mod-circulation-bff, POST /loans/{loanId}/claim-item-returned).
        """
        await self._write_to_loan("claimItemReturned", self.claim_item_returned_route, loan_id, body)

    declare_claimed_returned_item_as_missing_route = Route(
        "POST",
        "/circulation-bff/loans/{loanId}/declare-claimed-returned-item-as-missing",
        LOANS,
        "circulation-bff.loans.declare-claimed-returned-item-as-missing.execute",
    )

    async def declare_claimed_returned_item_as_missing(self, loan_id: str, body: Record) -> None:
        """Declare an item missing that the patron claims to have returned. Sent once.

        Raises as `check_out`. The BFF turns every failure into a 422 with one code, so the library's own
        reasons are lost (mod-circulation-bff, DeclareClaimedReturnedItemAsMissingServiceImpl).
        """
        route = self.declare_claimed_returned_item_as_missing_route
        await self._write_to_loan("declareClaimedReturnedItemAsMissing", route, loan_id, body)

    async def _write_to_loan(self, operation: str, route: Route, loan_id: str, body: Record) -> None:
        write = Write(
            operation=operation,
            keys={"loanId": loan_id},
            verify="loan(id:) { action actionComment status { name } item { status { name date } } }",
            is_late=is_after_loan,
        )
        await self._client.write_without_record(write, route, body, loan_id)
