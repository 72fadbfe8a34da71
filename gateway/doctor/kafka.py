"""The checks of Kafka: the connection, and the topics of the tenant."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from gateway.live.folio_events import TOPICS
from gateway.live.kafka_connection import close, explain, open_consumer
from gateway.live.kafka_records import Topics
from gateway.settings import Settings

CHECK_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaCheck:
    """A property of Kafka with its value, and the consequence of a value that is not as it should be.

    `is_healthy` is false if no changes of the tenant can be seen.
    """

    name: str
    value: str
    is_healthy: bool = True
    message: str | None = None


async def check_kafka(settings: Settings, tenant: str) -> tuple[KafkaCheck, ...]:
    """Connect to Kafka and look for the topics of a tenant; unless it is configured there are no checks."""
    if not settings.kafka_servers:
        return ()
    from aiokafka.errors import KafkaError

    began = time.perf_counter()
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            names = await _topic_names(settings)
    except (KafkaError, OSError, TimeoutError) as problem:
        reason = await explain(problem, settings)
        return (KafkaCheck(name="connection", value="unavailable", is_healthy=False, message=reason),)
    milliseconds = round(1000 * (time.perf_counter() - began))
    connection = KafkaCheck(name="connection", value=f"reachable, {milliseconds} ms")
    return connection, _topics(settings, tenant, names)


async def _topic_names(settings: Settings) -> set[str]:
    consumer = open_consumer(settings)
    try:
        await consumer.start()
        names: set[str] = await consumer.topics()
        return names
    finally:
        await close(consumer)


def _topics(settings: Settings, tenant: str, names: set[str]) -> KafkaCheck:
    topics = Topics(settings.env)
    missing = [each for each in TOPICS if not topics.of_tenant(names, tenant, (each,))]
    value = f"{len(TOPICS) - len(missing)} of {len(TOPICS)}"
    if len(missing) == len(TOPICS):
        message = f"none begins with {settings.env}.{tenant}.; ENV may be another"
        return KafkaCheck(name="topics", value=value, is_healthy=False, message=message)
    # Modules create their topics when they are enabled for the tenant, and older versions have fewer.
    message = f"without events: {', '.join(missing)}"
    return KafkaCheck(name="topics", value=value, message=message if missing else None)
