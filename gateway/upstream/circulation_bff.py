"""The circulation BFF (mod-circulation-bff): loans, requests, titles to request, and the desk's acts."""

from __future__ import annotations

from functools import cached_property

from gateway.upstream import cql
from gateway.upstream.client import Act, CallerClient, Collection, Record, segment

_PATH = "/circulation-bff"


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

    async def check_out(self, body: Record) -> Record:
        """Lend one item to one patron. Sent once; a repeated check-out is refused by the library.

        Raises `Refused` with the library's reasons and `OutcomeUnknown` where no clear answer came.
        """
        act = Act(
            operation="checkOut",
            keys={name: body[name] for name in ("itemBarcode", "userBarcode", "servicePointId")},
            verify="item(barcode:) { openLoan { borrower { barcode } } }",
        )
        return await self._client.act_for_record(act, f"{_PATH}/loans/check-out-by-barcode", body)

    async def check_in(self, body: Record) -> Record:
        """Take one item back. Sent once; a repeated check-in counts as use in the house.

        Raises as `check_out`; a 403 or 404 is `OutcomeUnknown` too, because the BFF checks in first and looks
        up afterwards.
        """
        act = Act(
            operation="checkIn",
            keys={name: body[name] for name in ("itemBarcode", "servicePointId")},
            verify="item(barcode:) { status { name date } lastCheckIn { dateTime servicePoint { id } } }",
            looks_up_afterwards=True,
        )
        return await self._client.act_for_record(act, f"{_PATH}/loans/check-in-by-barcode", body)
