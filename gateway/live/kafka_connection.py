"""Connections to Kafka: their options, and the reasons why one fails, in words for the operator."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from gateway.settings import KafkaSettings

REQUEST_SECONDS = 10.0  # for a connection or a request
MAX_FETCH_BYTES = 5_000_000  # in one response, and of one partition a fifth of it
FETCH_MILLISECONDS = (50, 1000)  # for which a broker may wait for an event, as the partitions are many


class UnusableFile(OSError):
    """A file of certificates or keys that OpenSSL cannot use; the message names its setting."""


def open_consumer(settings: KafkaSettings) -> Any:  # Any: aiokafka has no types
    """Return a consumer without a group, not started, whose offsets are set by its user only.

    Raises `UnusableFile` for certificates that cannot be read.
    """
    # Imported only if Kafka is configured: the client takes 100 ms to load.
    from aiokafka import AIOKafkaConsumer

    # Its lines repeat several times a second during an outage, and name hosts and users.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    return AIOKafkaConsumer(
        **_options(settings),
        bootstrap_servers=list(settings.kafka_servers),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",  # an offset that is gone is a gap, of which subscribers must hear
        fetch_max_wait_ms=FETCH_MILLISECONDS[0],
        fetch_max_bytes=MAX_FETCH_BYTES,
        max_partition_fetch_bytes=MAX_FETCH_BYTES // 5,
        metadata_max_age_ms=30_000,
    )


def assign(consumer: Any, positions: Mapping[Any, int]) -> None:
    """Let a consumer read these partitions from these offsets on, and no others.

    Each request names all partitions, which takes a hundredth of a millisecond for each (aiokafka 0.14). So a
    broker with a hundred of them may wait for 200 milliseconds before it responds that there is no event.
    Kafka responds as soon as there is one, however long it may wait.
    """
    shortest, longest = FETCH_MILLISECONDS
    consumer._fetcher._fetch_max_wait_ms = max(shortest, min(longest, 2 * len(positions)))
    consumer.assign(list(positions))
    for partition, offset in positions.items():
        consumer.seek(partition, offset)


async def close(consumer: Any) -> None:
    """Close the connections of a consumer, started or not.

    In a separate task, because aiokafka 0.14 raises the cancellation of its own tasks if a request fails at
    this moment, and then leaves its connections open.
    """
    stop = asyncio.create_task(consumer.stop())
    await asyncio.wait({stop}, timeout=REQUEST_SECONDS)
    if stop.done() and (stop.cancelled() or stop.exception() is not None):
        await consumer._client.close()


async def explain(problem: BaseException, settings: KafkaSettings) -> str:
    """Return the reason of a failure without addresses, user names and passwords.

    If the brokers could not be reached, one of them is tried again, because the client hides the reason.
    """
    from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError

    if isinstance(problem, KafkaConnectionError | KafkaTimeoutError | TimeoutError):
        problem = await _connection_problem(settings) or problem
    return _reason(problem)


async def _connection_problem(settings: KafkaSettings) -> BaseException | None:
    from aiokafka.conn import create_conn
    from aiokafka.errors import KafkaError

    host, _, port = settings.kafka_servers[0].rpartition(":")
    try:
        connection = await create_conn(host.strip("[]"), int(port), **_options(settings))
    except (OSError, TimeoutError, KafkaError) as problem:
        return problem
    connection.close()
    return None


def _reason(problem: BaseException) -> str:
    from aiokafka import errors

    if isinstance(problem, UnusableFile):
        return str(problem)
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"the certificate of the broker is not trusted: {problem.verify_message}"
    if isinstance(problem, ssl.SSLError):
        return f"TLS failed: {problem.reason or type(problem).__name__}"
    if isinstance(problem, errors.AuthenticationFailedError | errors.SaslAuthenticationFailed):
        return "KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is wrong"
    if isinstance(problem, errors.UnsupportedSaslMechanismError):
        return "the broker does not support KAFKA_SASL_MECHANISM"
    if isinstance(problem, errors.TopicAuthorizationFailedError):
        return "the user may not read the topics"
    if isinstance(problem, errors.OffsetOutOfRangeError):
        return "events that were not read are no longer in its log"
    if isinstance(problem, socket.gaierror):
        return "the name of the host is unknown"
    if isinstance(problem, ConnectionRefusedError):
        return "the connection is refused"
    if isinstance(problem, TimeoutError | errors.KafkaTimeoutError):
        return "it does not respond in time"
    if isinstance(problem, errors.KafkaConnectionError):
        return "the connection was closed; KAFKA_SECURITY_PROTOCOL may be another"
    return type(problem).__name__


def _options(settings: KafkaSettings) -> dict[str, Any]:  # Any: the arguments of aiokafka's connections
    protocol = settings.kafka_security_protocol.upper()
    options: dict[str, Any] = {
        "client_id": "circulation-gateway",
        "security_protocol": protocol,
        "request_timeout_ms": round(REQUEST_SECONDS * 1000),
    }
    if protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if protocol.startswith("SASL"):
        password = settings.kafka_sasl_password
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism.upper()
        options["sasl_plain_username"] = settings.kafka_sasl_username or ""
        options["sasl_plain_password"] = "" if password is None else password.reveal()
    return options


def _ssl_context(settings: KafkaSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ssl_truststore_location)
    except OSError as problem:  # ssl.SSLError is one, and its reason is None for a file without a certificate
        raise UnusableFile("KAFKA_SSL_TRUSTSTORE_LOCATION has no certificate that can be read") from problem
    if settings.kafka_ssl_keystore_location is not None:
        password = settings.kafka_ssl_keystore_password
        # Without a password, OpenSSL would read one from the terminal.
        text = "" if password is None else password.reveal()
        try:
            context.load_cert_chain(settings.kafka_ssl_keystore_location, password=lambda: text)
        except OSError as problem:
            raise UnusableFile(
                "KAFKA_SSL_KEYSTORE_LOCATION has no certificate with its private key,"
                " or KAFKA_SSL_KEYSTORE_PASSWORD is not its password"
            ) from problem
    return context
