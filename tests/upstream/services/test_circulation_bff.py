"""The responses of the BFF that prove a write."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from gateway import errors
from gateway.identity import Caller
from gateway.settings import Settings
from gateway.upstream.services import Services
from gateway.upstream.services.circulation_bff import CirculationBff

pytestmark = pytest.mark.anyio

CHECK_IN = {
    "itemBarcode": "653285216743",
    "servicePointId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "checkInDate": "2026-01-02T03:04:05Z",
}
CHECK_OUT = {**CHECK_IN, "userBarcode": "540001"}


class Desk:
    """The BFF behind a function, which responds to every write with 200 and one body."""

    def __init__(self, content: Any) -> None:  # Any: JSON
        self.requests: list[httpx.Request] = []

        def respond(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return httpx.Response(200, content=msgspec.json.encode(content))

        services = Services(Settings(okapi_url="http://okapi"), lambda limits: httpx.MockTransport(respond))
        self.bff: CirculationBff = services.for_caller(
            Caller(tenant="diku", request_id="1/x")
        ).circulation_bff


@pytest.mark.parametrize(
    "content",
    [
        {"item": {"barcode": "653285216743"}},
        {"item": {"barcode": "653285216743"}, "loan": None},
        {"item": None, "staffSlipContext": {"item": {"title": "Maps"}}},
        {"loan": {"id": "a"}, "more": 1},
    ],
    ids=str,
)
async def test_a_check_in_is_proved_by_its_response(content: Any) -> None:
    """The item, its slip or the loan that ended: each is nullable, and any of them proves it."""
    desk = Desk(content)

    assert (await desk.bff.check_in(CHECK_IN)).keys() == content.keys()
    assert len(desk.requests) == 1


@pytest.mark.parametrize(
    "content",
    [
        {"status": "ok"},
        {"errors": [], "total_records": 0},
        {"item": None, "loan": None},
        {"item": {}},
        {"item": "653285216743", "loan": ["a"], "staffSlipContext": True},
        {"inHouseUse": True},
    ],
    ids=str,
)
async def test_a_check_in_is_not_proved_by_any_object(content: Any) -> None:
    """JSON of another service leaves the outcome unknown, so it has to be verified."""
    desk = Desk(content)

    with pytest.raises(errors.OutcomeUnknown) as caught:
        await desk.bff.check_in(CHECK_IN)

    assert caught.value.details["keys"] == {
        "itemBarcode": "653285216743",
        "servicePointId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    }
    assert caught.value.details["verify"].startswith("item(barcode:) { status { name date } lastCheckIn")
    assert [each.method for each in desk.requests] == ["POST"]


@pytest.mark.parametrize(
    "content", [{"status": "ok"}, {"id": None}, {"id": ""}, {"id": 7}, {"id": {}}], ids=str
)
async def test_a_loan_without_an_id_is_no_loan(content: Any) -> None:
    """A check-out is proved by the id of the loan, which is text."""
    desk = Desk(content)

    with pytest.raises(errors.OutcomeUnknown):
        await desk.bff.check_out(CHECK_OUT)
    assert [each.method for each in desk.requests] == ["POST"]
