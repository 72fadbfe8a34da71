"""Connections to Kafka with TLS and SASL, and the lines in the log if something about them is wrong."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from gateway.live.changes import Changes, Watch
from gateway.live.kafka import KafkaSource
from gateway.settings import KafkaSettings
from gateway.settings_group import Secret
from tests.live.kafka_proxy import ScramServer, secure_proxy
from tests.live.kafka_server import KafkaServer, kafka_server, loan_event, modules
from tests.store_server import PATIENCE, free_port

pytestmark = pytest.mark.anyio

TOPIC = "folio.college.circulation.loan"
USER, PASSWORD = "gateway", "a secret"
SASL: dict[str, Any] = {"kafka_sasl_username": USER, "kafka_sasl_password": Secret(PASSWORD)}


@pytest.fixture(name="port", scope="module")
def _port() -> int:
    """The port of the proxy, to which the broker sends its clients."""
    return free_port()


@pytest.fixture(name="server", scope="module")
def _server(port: int) -> Iterator[KafkaServer]:
    with kafka_server(advertised_port=port) as server:
        yield server


@pytest.fixture(name="authority", scope="module")
def _authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(name="tls", scope="module")
def _tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    return context


def trust(authority: trustme.CA, folder: Path) -> Path:
    path = folder / "trusted.pem"
    authority.cert_pem.write_to_path(path)
    return path


@asynccontextmanager
async def source(port: int, **settings: Any) -> AsyncIterator[Changes]:
    changes = Changes()
    opened = KafkaSource(KafkaSettings(kafka_url=f"127.0.0.1:{port}", **settings), changes)
    opened.start()
    try:
        yield changes
    finally:
        await opened.aclose()


async def received(port: int, id: str, options: dict[str, Any], **settings: Any) -> str:
    """Send an event of a loan, with these options of the client, and return the id that a source has read."""
    async with asyncio.timeout(PATIENCE), modules(f"127.0.0.1:{port}", **options) as folio:
        await folio.create(TOPIC)
        async with source(port, **settings) as changes:
            # Before the source has connected, which it signals with a resync.
            stream = changes.watch("college", Watch("loan", "userId", "u1"))
            assert (await anext(stream)).kind == "resync"
            await folio.send(TOPIC, loan_event("college", id, "u1"))
            return (await anext(stream)).id


async def reason(port: int, caplog: pytest.LogCaptureFixture, **settings: Any) -> str:
    """Return the line of the log about a source that cannot connect."""
    caplog.clear()
    async with source(port, **settings), asyncio.timeout(PATIENCE):
        while not caplog.records:  # noqa: ASYNC110 - the log has no event
            await asyncio.sleep(0.01)
    (line,) = (each.getMessage() for each in caplog.records)
    return line.removeprefix("Kafka is unavailable: ")


async def test_tls_with_a_certificate_of_the_client(
    server: KafkaServer, port: int, authority: trustme.CA, tmp_path: Path
) -> None:
    """The broker's certificate is verified, and the client shows its own, whose key may have a password."""
    trusted = trust(authority, tmp_path)
    client = authority.issue_cert("gateway.example.org")
    own = tmp_path / "own.pem"
    client.private_key_and_cert_chain_pem.write_to_path(own)
    mutual = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(mutual)
    authority.configure_trust(mutual)
    mutual.verify_mode = ssl.CERT_REQUIRED
    context = ssl.create_default_context(cafile=trusted)
    client.configure_cert(context)

    async with secure_proxy(server.port, port, tls=mutual):
        id = await received(
            port,
            "l1",
            {"security_protocol": "SSL", "ssl_context": context},
            kafka_security_protocol="SSL",
            kafka_ssl_truststore_location=trusted,
            kafka_ssl_keystore_location=own,
        )

    assert id == "l1"


async def test_sasl_over_tls(
    server: KafkaServer, port: int, authority: trustme.CA, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    """User name and password are sent on each connection."""
    trusted = trust(authority, tmp_path)
    options = {
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=trusted),
        "sasl_plain_username": USER,
        "sasl_plain_password": PASSWORD,
    }
    async with secure_proxy(server.port, port, tls=tls, credentials=(USER, PASSWORD)) as proxy:
        id = await received(
            port,
            "l2",
            options,
            kafka_security_protocol="sasl_ssl",
            kafka_ssl_truststore_location=trusted,
            **SASL,
        )

    assert id == "l2"
    assert {each.partition("\0")[2] for each in proxy.messages} == {f"{USER}\0{PASSWORD}"}


def test_the_server_of_these_tests() -> None:
    """It has the example of RFC 7677, section 3."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    server = ScramServer("sha256", ("user", "pencil"), salt=salt, nonce="%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"

    first = server.challenge("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
    last = server.verify(f"c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")

    assert first == f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert last == "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@pytest.mark.parametrize("mechanism", ["scram-sha-256", "scram-sha-512"])
async def test_scram(
    server: KafkaServer, port: int, caplog: pytest.LogCaptureFixture, mechanism: str
) -> None:
    """The password is proved and not sent; a wrong one has its line in the log."""
    options = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": mechanism.upper(),
        "sasl_plain_username": USER,
        "sasl_plain_password": PASSWORD,
    }
    settings = {"kafka_security_protocol": "sasl_plaintext", "kafka_sasl_mechanism": mechanism}
    mechanisms = (mechanism.upper(),)
    async with secure_proxy(server.port, port, credentials=(USER, PASSWORD), mechanisms=mechanisms) as proxy:
        id = await received(port, mechanism, options, **settings, **SASL)
    async with secure_proxy(server.port, port, credentials=(USER, "another"), mechanisms=mechanisms):
        line = await reason(port, caplog, **settings, **SASL)

    assert id == mechanism
    assert {each.partition(",r=")[0] for each in proxy.messages} == {f"n,,n={USER}", "c=biws"}
    assert not any(PASSWORD in each for each in proxy.messages)
    assert line == "KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is wrong"


async def test_a_certificate_that_is_not_trusted(
    server: KafkaServer, port: int, tls: ssl.SSLContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so once, and that TLS is missing if it is."""
    other = trust(trustme.CA(), tmp_path)
    async with secure_proxy(server.port, port, tls=tls):
        untrusted = await reason(
            port, caplog, kafka_security_protocol="ssl", kafka_ssl_truststore_location=other
        )
        plain = await reason(port, caplog)

    assert untrusted == (
        "the certificate of the broker is not trusted: self-signed certificate in certificate chain"
    )
    assert plain == "the connection was closed; KAFKA_SECURITY_PROTOCOL may be another"


async def test_a_wrong_password(server: KafkaServer, port: int, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the settings, and neither the user nor the password."""
    async with secure_proxy(server.port, port, credentials=(USER, "another")):
        line = await reason(port, caplog, kafka_security_protocol="sasl_plaintext", **SASL)
        mechanism = await reason(
            port,
            caplog,
            kafka_security_protocol="sasl_plaintext",
            kafka_sasl_mechanism="scram-sha-512",
            **SASL,
        )

    assert line == "KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is wrong"
    assert mechanism == "the broker does not support KAFKA_SASL_MECHANISM"


async def test_wrong_addresses_and_files(
    authority: trustme.CA, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each has a line of its own."""
    own, damaged = tmp_path / "own.pem", tmp_path / "damaged.pem"
    authority.issue_cert("gateway.example.org").cert_chain_pems[0].write_to_path(own)
    damaged.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")

    refused = await reason(free_port(), caplog)
    no_key = await reason(free_port(), caplog, kafka_security_protocol="ssl", kafka_ssl_keystore_location=own)
    no_certificate = await reason(
        free_port(), caplog, kafka_security_protocol="ssl", kafka_ssl_truststore_location=damaged
    )

    assert refused == "the connection is refused"
    assert no_key == (
        "KAFKA_SSL_KEYSTORE_LOCATION has no certificate with its private key,"
        " or KAFKA_SSL_KEYSTORE_PASSWORD is not its password"
    )
    assert no_certificate == "KAFKA_SSL_TRUSTSTORE_LOCATION has no certificate that can be read"
