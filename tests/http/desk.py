"""A schema of a few fields behind the endpoint, and two clients of it."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import httpx
import msgspec
import strawberry
from graphql import GraphQLDeferDirective
from starlette.types import Message, Scope

from gateway.engine.documents import Documents
from gateway.engine.manifests import TrustedDocuments
from gateway.engine.operations import Operations
from gateway.engine.persisted_documents import DocumentStore, PersistedDocuments
from gateway.errors import UpstreamTimeout
from gateway.http.endpoint import GraphQLEndpoint
from gateway.identity import Caller, caller_from_headers
from gateway.observability.operation import OperationRecord
from gateway.settings import DocumentSettings, DocumentsMode, LimitSettings

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
TENANT = {"X-Okapi-Tenant": "diku"}
MAX_BODY = 2000

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Visit:
    """The context of one operation."""

    caller: Caller
    operation: OperationRecord
    desk: "Desk"

    def stop_mutations(self) -> None:
        """Do nothing: there are no mutations."""

    def cancel_loading(self) -> None:
        """Do nothing: nothing is loaded."""

    def forget_records(self) -> None:
        """Do nothing: there are no loaded records."""

    async def complete_in_time(self, completion: Awaitable[T]) -> T:
        """Wait without a limit."""
        return await completion


Info: TypeAlias = strawberry.Info[Visit, Any]


@strawberry.type
class Loan:
    id: str = "1"

    @strawberry.field
    async def borrower(self, info: Info) -> str | None:
        return await info.context.desk.wait("borrower")

    @strawberry.field
    def never_null(self) -> str:
        raise UpstreamTimeout("FOLIO took too long.", upstream="users")


@strawberry.type
class Query:
    @strawberry.field
    def title(self, info: Info, barcode: str = "1") -> str:
        info.context.desk.calls.append(f"title {barcode}")
        return f"Title {barcode}"

    @strawberry.field
    async def tenant(self, info: Info) -> str:
        await asyncio.sleep(0)
        return info.context.caller.tenant

    @strawberry.field
    def tenfold(self, info: Info, number: int) -> int:
        info.context.desk.calls.append("tenfold")
        return number * 10

    @strawberry.field
    async def waiting(self, info: Info) -> str | None:
        return await info.context.desk.wait("waiting")

    @strawberry.field
    def loan(self) -> Loan | None:
        return Loan()

    @strawberry.field
    def late(self) -> str | None:
        raise UpstreamTimeout("FOLIO took too long.", upstream="users")

    @strawberry.field
    def never_null(self) -> str:
        raise UpstreamTimeout("FOLIO took too long.", upstream="users")

    @strawberry.field
    def unencodable(self) -> str:
        return "\ud800"

    @strawberry.field
    def letters(self) -> list[str]:
        return ["Ünïcödé", "\u2028", '"']


@strawberry.type
class Mutation:
    @strawberry.mutation
    def lend(self, info: Info) -> Loan | None:
        info.context.desk.calls.append("lend")
        return Loan()

    @strawberry.mutation
    async def check_out(self, info: Info, barcode: str) -> str | None:
        return await info.context.desk.wait(f"checkOut {barcode}")


SCHEMA = strawberry.Schema(Query, Mutation)
SCHEMA._schema.directives = (*SCHEMA._schema.directives, GraphQLDeferDirective)


class Desk:
    """The endpoint, the calls of its resolvers, and a gate that holds them."""

    def __init__(
        self,
        graphiql: bytes | None = None,
        introspection: bool = True,
        *,
        trusted: TrustedDocuments | None = None,
        trust: DocumentsMode = "off",
        registered: DocumentStore | None = None,
    ) -> None:
        self.calls: list[str] = []
        self.contexts = 0
        self.cancelled: list[str] = []
        self.started = asyncio.Event()
        self.gate = asyncio.Event()
        settings = DocumentSettings(
            introspection=introspection,
            documents_mode=trust,
            documents=Path(),  # any path that exists: the manifest is not read here
        )
        self.documents = Documents(SCHEMA, settings, LimitSettings(), trusted=trusted)
        self.operations = Operations(
            self.documents,
            self.new_context,
            persisted_documents=PersistedDocuments(self.documents, registered),
        )
        self.endpoint = GraphQLEndpoint(
            self.operations,
            partial(caller_from_headers, token_cookie=False),
            max_body_bytes=MAX_BODY,
            graphiql=graphiql,
        )

    def new_context(self, caller: Caller, operation: OperationRecord) -> Visit:
        self.contexts += 1
        return Visit(caller=caller, operation=operation, desk=self)

    async def wait(self, name: str) -> str:
        """Record the call when the gate opens."""
        self.started.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        self.calls.append(name)
        return name

    async def get(self, headers: dict[str, str] | None = None, **params: str) -> httpx.Response:
        return await self.request("GET", params=params, headers=TENANT | (headers or {}))

    async def post(self, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
        return await self.request("POST", json=members, headers=TENANT | (headers or {}))

    async def send(self, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        all_headers = TENANT | {"Content-Type": JSON} | (headers or {})
        return await self.request("POST", content=content, headers=all_headers)

    async def request(self, method: str, **parts: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.endpoint)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, "/graphql", **parts)

    async def raw(self, *messages: Message, **parts: Any) -> "Connection":
        connection = Connection(self, *messages, **parts)
        await connection.execute()
        return connection


class Connection:
    """An ASGI client that sends its messages, then nothing until it disconnects."""

    def __init__(
        self,
        desk: Desk,
        *messages: Message,
        method: str = "POST",
        query_string: bytes = b"",
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        self.desk = desk
        self.scope: Scope = {
            "type": "http",
            "method": method,
            "query_string": query_string,
            "headers": [(b"x-okapi-tenant", b"diku"), (b"content-type", b"application/json"), *headers],
        }
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        for message in messages:
            self.messages.put_nowait(message)
        self.tasks = asyncio.all_tasks()
        self.received = 0  # how often the endpoint called receive
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = b""

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    async def execute(self) -> None:
        await self.desk.endpoint(self.scope, self._receive, self._send)

    def disconnect(self) -> None:
        self.messages.put_nowait({"type": "http.disconnect"})

    async def left_behind(self) -> set[asyncio.Task[Any]]:
        """Return the names of the tasks that are still running after the request."""
        await asyncio.sleep(0)  # tasks cancelled last need one turn to end
        return {task for task in asyncio.all_tasks() - self.tasks if not task.done()}

    async def _receive(self) -> Message:
        self.received += 1
        return await self.messages.get()

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message["body"]


def body(query: str) -> Message:
    return {"type": "http.request", "body": msgspec.json.encode({"query": query}), "more_body": False}
