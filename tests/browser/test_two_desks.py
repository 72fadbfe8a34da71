"""The story of two desks and a reader's queue page in real browsers, over Kafka."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.visitor import CHROMIUM, Visitor, execute, wait_for_metric
from tests.stories.two_desks import over_kafka, story
from tests.test_over_http import processes

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


@pytest.fixture(name="gateways")
def _gateways() -> Iterator[list[str]]:
    """Two gateways over one FOLIO, both of which read its events."""
    with ExitStack() as stack:
        settings = stack.enter_context(over_kafka())
        urls = stack.enter_context(processes(*(([], each) for each in settings)))
        for url in urls:
            wait_for_metric(url, "gateway_kafka_available 1.0")
        yield urls


def subscribe(visitor: Visitor, query: str) -> None:
    """Watch in a tab of the page, with the headers of a tenant."""
    visitor.new_tab(query)
    visitor.tool("Headers")
    visitor.type("headers", json.dumps({"X-Okapi-Tenant": "diku"}))
    visitor.page.locator(".graphiql-execute-button").click()


def test_a_check_in_changes_the_pages_of_others(
    gateways: list[str], chromium: Browser, tmp_path: Path
) -> None:
    """Each check-in at one gateway changes the desk's page and the reader's page at the other ones."""
    story_ = story()
    one, other = gateways
    with (
        Visitor.of(chromium, one, tmp_path) as desk,
        Visitor.of(chromium, other, tmp_path) as reader,
    ):
        subscribe(desk, story_.arrivals)
        subscribe(reader, story_.queue_page)
        for url in gateways:
            wait_for_metric(url, "gateway_subscriptions_open 1.0")
        for gateway, point, status in (
            (other, story_.first_desk, "OPEN_IN_TRANSIT"),
            (one, story_.second_desk, "OPEN_AWAITING_PICKUP"),
        ):
            execute(gateway, story_.check_in(point))

            for page in (desk, reader):
                page.wait_for("response.json", f'"{status}"')
            shown = json.loads(desk.text("response.json"))["data"]["requestChanged"]["request"]
            assert shown == {"id": story_.request, "status": status, "item": {"barcode": story_.barcode}}
            queue = json.loads(reader.text("response.json"))["data"]["requestQueueChanged"]["requestQueue"]
            assert {"id": story_.request, "status": status, "position": 1} in queue["nodes"]
