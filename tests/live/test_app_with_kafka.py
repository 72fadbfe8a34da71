"""The gateway with a Kafka that is there, or is not."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import httpx
import pytest

from gateway.app import create_app
from gateway.doctor.kafka import KafkaCheck, check_kafka
from gateway.live.folio_events import TOPICS
from gateway.settings import Settings
from tests.live.kafka_server import kafka_server, modules
from tests.store_server import PATIENCE, free_port

pytestmark = pytest.mark.anyio

QUERY = {"query": "{ users(first: 1) { nodes { barcode } } }"}


async def test_an_unavailable_kafka_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """Queries are served, /metrics says that no events are read, and one line says why."""
    app = create_app(Settings(sandbox=True, kafka_url=f"127.0.0.1:{free_port()}"))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        response = await client.post("/graphql", json=QUERY)
        async with asyncio.timeout(PATIENCE):
            while not caplog.records:  # noqa: ASYNC110 - the log has no event
                await asyncio.sleep(0.01)
        metrics = (await client.get("/metrics")).text

    assert [list(node) for node in response.json()["data"]["users"]["nodes"]] == [["barcode"]]
    assert "\ngateway_kafka_available 0.0\n" in metrics
    assert [each.getMessage() for each in caplog.records if each.name == "gateway.live.kafka"] == [
        "Kafka is unavailable: the connection is refused"
    ]


async def test_events_are_read_until_the_gateway_ends() -> None:
    """The source begins and ends with the application."""
    before = asyncio.all_tasks()
    with kafka_server() as server:
        app = create_app(Settings(sandbox=True, kafka_url=server.address))
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
            asyncio.timeout(PATIENCE),
        ):
            is_available = False
            while not is_available:
                await asyncio.sleep(0.01)
                is_available = "\ngateway_kafka_available 1.0\n" in (await client.get("/metrics")).text
            assert len(asyncio.all_tasks()) > len(before)

        assert asyncio.all_tasks() == before


def test_without_kafka_its_client_is_not_imported() -> None:
    """The client takes a tenth of a second to load, and is no dependency of the gateway."""
    code = """
import sys
from gateway.app import create_app
from gateway.settings import Settings
create_app(Settings(sandbox=True))
print([name for name in sys.modules if name.startswith("aiokafka")])
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")}
    result = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, env=environment
    )

    assert result.stdout == "[]\n"


async def test_the_doctor_checks_kafka() -> None:
    """It reports the connection, and which topics the tenant lacks; without any of them it fails."""
    with kafka_server() as server:
        settings = Settings(sandbox=True, kafka_url=server.address)
        async with modules(server.address) as folio:
            none = await check_kafka(settings, "diku")
            await folio.create(
                "folio.diku.circulation.loan", "folio.ALL.inventory.item", "folio.a.users.users"
            )
            some = await check_kafka(settings, "diku")
            await folio.create(*(f"folio.b.{topic}" for topic in TOPICS))
            all = await check_kafka(settings, "b")

    assert none[0].name == "connection"
    assert none[0].value.startswith("reachable, ")
    assert none[1] == KafkaCheck(
        name="topics",
        value="0 of 8",
        is_healthy=False,
        message="none begins with folio.diku.; ENV may be another",
    )
    assert some[1] == KafkaCheck(
        name="topics",
        value="2 of 8",
        message="without events: circulation.request, circulation.request-queue-reordering,"
        " circulation.check-in, users.users, feesfines.FEE_FINE_BALANCE_CHANGED,"
        " feesfines.LOAN_RELATED_FEE_FINE_CLOSED",
    )
    assert all[1] == KafkaCheck(name="topics", value="8 of 8")


async def test_the_doctor_says_why_kafka_is_unavailable() -> None:
    """The reason is that of the log; without a configured Kafka nothing is checked."""
    settings = Settings(sandbox=True, kafka_url=f"127.0.0.1:{free_port()}")

    assert await check_kafka(Settings(sandbox=True), "diku") == ()
    assert await check_kafka(settings, "diku") == (
        KafkaCheck(
            name="connection", value="unavailable", is_healthy=False, message="the connection is refused"
        ),
    )
