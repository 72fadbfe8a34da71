"""A proxy before a broker that has neither: TLS, and the SASL mechanisms PLAIN and SCRAM (RFC 5802)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SASL_HANDSHAKE = 17
SASL_AUTHENTICATE = 36
UNSUPPORTED_MECHANISM = 33
AUTHENTICATION_FAILED = 58
ITERATIONS = 4096


class ScramServer:
    """The server of one SCRAM authentication, which never receives the password."""

    def __init__(
        self,
        algorithm: str,
        credentials: tuple[str, str],
        *,
        salt: bytes | None = None,
        nonce: str | None = None,
    ) -> None:
        """`algorithm` is a name of `hashlib`; salt and nonce are random unless they are given."""
        self._algorithm = algorithm
        self._user, password = credentials
        self._salt = salt or secrets.token_bytes(16)
        self._nonce = nonce or secrets.token_hex(16)
        self._salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), self._salt, ITERATIONS)
        self._messages: list[str] = []

    def challenge(self, client_first: str) -> str | None:
        """Return the response to the first message of a client; None for another user."""
        _, _, bare = client_first.split(",", 2)
        fields = dict(each.split("=", 1) for each in bare.split(","))
        self._nonce = fields["r"] + self._nonce
        server_first = f"r={self._nonce},s={base64.b64encode(self._salt).decode()},i={ITERATIONS}"
        self._messages = [bare, server_first]
        return server_first if fields["n"] == self._user else None

    def verify(self, client_final: str) -> str | None:
        """Return the response to the last message of a client; None if it does not know the password."""
        unproven, _, proof = client_final.rpartition(",p=")
        message = ",".join((*self._messages, unproven)).encode()
        key = self._hmac(self._salted, b"Client Key")
        signature = self._hmac(hashlib.new(self._algorithm, key).digest(), message)
        expected = bytes(one ^ other for one, other in zip(key, signature, strict=True))
        if base64.b64decode(proof) != expected or f"c=biws,r={self._nonce}" != unproven:
            return None
        own = self._hmac(self._hmac(self._salted, b"Server Key"), message)
        return f"v={base64.b64encode(own).decode()}"

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.new(key, message, self._algorithm).digest()


class Sasl:
    """The authentication of one connection."""

    def __init__(self, credentials: tuple[str, str]) -> None:
        self.mechanism = ""
        self._credentials = credentials
        self._scram: ScramServer | None = None

    def respond(self, message: str) -> str | None:
        """Return the response to the next message of a client; None if it is refused."""
        if self.mechanism == "PLAIN":
            _, *sent = message.split("\0")  # before them, the identity to act as
            return "" if tuple(sent) == self._credentials else None
        if self._scram is None:
            algorithm = self.mechanism.removeprefix("SCRAM-").replace("-", "").lower()
            self._scram = ScramServer(algorithm, self._credentials)
            return self._scram.challenge(message)
        return self._scram.verify(message)


class Proxy:
    """It forwards connections to a broker, authenticated ones only if `credentials` are given."""

    def __init__(self, port: int, credentials: tuple[str, str] | None, mechanisms: tuple[str, ...]) -> None:
        self.port = port  # of the broker
        self.messages: list[str] = []  # of clients that authenticated themselves
        self.connections: list[asyncio.StreamWriter] = []
        self._expected = credentials
        self._mechanisms = mechanisms

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection until one of the two sides closes it."""
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.connections += (writer, broker_writer)
        responses = asyncio.create_task(_forward(broker_reader, writer))
        sasl = None if self._expected is None else Sasl(self._expected)
        try:
            while True:
                await self._request(reader, writer, broker_writer, sasl)
        except (asyncio.IncompleteReadError, ConnectionError):
            responses.cancel()
            writer.close()
            broker_writer.close()

    async def _request(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        broker: asyncio.StreamWriter,
        sasl: Sasl | None,
    ) -> None:
        size = await reader.readexactly(4)
        request = await reader.readexactly(struct.unpack(">i", size)[0])
        key, version, correlation, name_length = struct.unpack_from(">hhih", request)
        body = request[10 + max(0, name_length) :]
        if sasl is not None and key == SASL_HANDSHAKE:
            sasl.mechanism = body[2:].decode()
            listed = b"".join(struct.pack(">h", len(each)) + each.encode() for each in self._mechanisms)
            error = 0 if sasl.mechanism in self._mechanisms else UNSUPPORTED_MECHANISM
            _respond(writer, correlation, struct.pack(">hi", error, len(self._mechanisms)) + listed)
        elif sasl is not None and key == SASL_AUTHENTICATE:
            message = body[4:].decode()
            self.messages.append(message)
            response = sasl.respond(message)
            content = (response or "").encode()
            lifetime = struct.pack(">q", 0) if version > 0 else b""
            head = struct.pack(">hhi", AUTHENTICATION_FAILED if response is None else 0, -1, len(content))
            _respond(writer, correlation, head + content + lifetime)
        else:
            broker.write(size + request)


def _respond(writer: asyncio.StreamWriter, correlation: int, body: bytes) -> None:
    writer.write(struct.pack(">ii", 4 + len(body), correlation) + body)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
    writer.close()


@asynccontextmanager
async def secure_proxy(
    broker_port: int,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    credentials: tuple[str, str] | None = None,
    mechanisms: tuple[str, ...] = ("PLAIN",),
) -> AsyncIterator[Proxy]:
    """Run a proxy on `port`, which the broker advertises, until the end of the block."""
    proxy = Proxy(broker_port, credentials, mechanisms)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", port, ssl=tls)
    try:
        yield proxy
    finally:
        server.close()
        for each in proxy.connections:
            each.transport.abort()
        await asyncio.sleep(0.01)
