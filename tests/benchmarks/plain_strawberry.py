"""A schema as in Strawberry's documentation: its ASGI view, dataclasses, its DataLoader, httpx with defaults.

The types are built from the JSON of upstream, each link is loaded by a loader of its request, and nothing is
tuned: no document cache, no custom executor. It has the types and members that the workloads select; the
gateway has some eight times as many. It is served like the other rows, so the server is the same. Two
differences: httpx has no timeout, since its pool would fail under load, and loaders request 75 ids a call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, NewType, TypeAlias, TypeVar

import httpx
import strawberry
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.schema.config import StrawberryConfig

from tests.benchmarks.records import Record
from tests.benchmarks.serving import serve, upstream_url

IDS_IN_CALL = 75

T = TypeVar("T")
DateTime = NewType("DateTime", datetime)


def written(date_time: datetime) -> str:
    return date_time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def date_time(text: str | None) -> DateTime | None:
    return None if text is None else DateTime(datetime.fromisoformat(text))


@strawberry.enum
class LoanStatusName(Enum):
    OPEN = "Open"
    CLOSED = "Closed"


@strawberry.enum
class ItemStatusName(Enum):
    AVAILABLE = "Available"
    CHECKED_OUT = "Checked out"


@strawberry.enum
class RequestType(Enum):
    HOLD = "Hold"
    RECALL = "Recall"
    PAGE = "Page"


@strawberry.enum
class RequestStatus(Enum):
    OPEN_NOT_YET_FILLED = "Open - Not yet filled"
    OPEN_AWAITING_PICKUP = "Open - Awaiting pickup"


@strawberry.enum
class IntervalId(Enum):
    DAYS = "Days"
    WEEKS = "Weeks"


@strawberry.type
class Named:
    name: str | None


@strawberry.type
class Personal:
    last_name: str | None
    first_name: str | None
    email: str | None


@strawberry.type
class User:
    id: strawberry.ID
    username: str | None
    barcode: str | None
    expiration_date: DateTime | None
    personal: Personal | None

    @classmethod
    def read(cls, record: Record) -> User:
        personal = record["personal"]
        return cls(
            id=strawberry.ID(record["id"]),
            username=record.get("username"),
            barcode=record.get("barcode"),
            expiration_date=date_time(record.get("expirationDate")),
            personal=Personal(
                last_name=personal.get("lastName"),
                first_name=personal.get("firstName"),
                email=personal.get("email"),
            ),
        )


@strawberry.type
class HoldShelfExpiryPeriod:
    duration: int | None
    interval_id: IntervalId | None


@strawberry.type
class ServicePoint:
    id: strawberry.ID
    name: str | None
    code: str | None
    hold_shelf_expiry_period: HoldShelfExpiryPeriod | None

    @classmethod
    def read(cls, record: Record) -> ServicePoint:
        period = record["holdShelfExpiryPeriod"]
        return cls(
            id=strawberry.ID(record["id"]),
            name=record.get("name"),
            code=record.get("code"),
            hold_shelf_expiry_period=HoldShelfExpiryPeriod(
                duration=period.get("duration"), interval_id=IntervalId(period["intervalId"])
            ),
        )


@strawberry.type
class Instance:
    id: strawberry.ID
    title: str | None
    hrid: str | None
    source: str | None

    @classmethod
    def read(cls, record: Record) -> Instance:
        return cls(
            id=strawberry.ID(record["id"]),
            title=record.get("title"),
            hrid=record.get("hrid"),
            source=record.get("source"),
        )


@strawberry.type
class ItemStatus:
    name: ItemStatusName | None
    date: DateTime | None

    @classmethod
    def read(cls, record: Record) -> ItemStatus:
        return cls(name=ItemStatusName(record["name"]), date=date_time(record.get("date")))


@strawberry.type
class Item:
    id: strawberry.ID
    hrid: str | None
    title: str | None
    barcode: str | None
    copy_number: str | None
    status: ItemStatus | None
    material_type: Named | None

    @classmethod
    def read(cls, record: Record) -> Item:
        return cls(
            id=strawberry.ID(record["id"]),
            hrid=record.get("hrid"),
            title=record.get("title"),
            barcode=record.get("barcode"),
            copy_number=record.get("copyNumber"),
            status=ItemStatus.read(record["status"]),
            material_type=Named(name=record["materialType"]["name"]),
        )


@strawberry.type
class Reference:
    """A record whose service is not called here: the loan has its id."""

    id: strawberry.ID


class Context:
    """The loaders of one request, over the client of the process."""

    def __init__(self, http: httpx.AsyncClient, request: HttpRequest | WebSocket) -> None:
        self.http = http
        self.headers = {
            "Accept": "application/json, text/plain",
            "X-Okapi-Tenant": request.headers["x-okapi-tenant"],
            "X-Okapi-Token": request.headers["x-okapi-token"],
        }
        self.users = self.loader("/users", "users", User.read)
        self.service_points = self.loader(
            "/service-points", "servicepoints", ServicePoint.read, includeRoutingServicePoints="true"
        )
        self.instances = self.loader("/inventory/instances", "instances", Instance.read)
        self.items = self.loader("/inventory/items", "items", Item.read)

    async def get(self, path: str, **parameters: str) -> Any:  # Any: JSON
        response = await self.http.get(path, params=parameters, headers=self.headers)
        response.raise_for_status()
        return response.json()

    async def post(self, path: str, body: Record) -> Any:  # Any: JSON
        response = await self.http.post(path, json=body, headers=self.headers)
        response.raise_for_status()
        return response.json()

    def loader(
        self, path: str, key: str, read: Callable[[Record], T], **parameters: str
    ) -> DataLoader[str, T | None]:
        async def load(ids: list[str]) -> list[T | None]:
            either = " or ".join(f'"{each}"' for each in ids)
            page = await self.get(path, query=f"id==({either})", limit=str(len(ids)), **parameters)
            result = {record["id"]: read(record) for record in page[key]}
            return [result.get(each) for each in ids]

        return DataLoader(load_fn=load, max_batch_size=IDS_IN_CALL)


Info: TypeAlias = strawberry.Info[Context, None]


@strawberry.type
class LoanStatus:
    name: LoanStatusName | None


@strawberry.type
class FeesAndFines:
    amount_remaining_to_pay: float | None


@strawberry.type
class Metadata:
    created_date: DateTime | None
    updated_date: DateTime | None


@strawberry.type
class LoanItem:
    id: strawberry.ID | None
    title: str | None
    barcode: str | None
    call_number: str | None
    copy_number: str | None
    instance_hrid: str | None
    primary_contributor: str | None
    volume: str | None
    material_type: Named | None
    location: Named | None
    status: ItemStatus | None

    @classmethod
    def read(cls, record: Record) -> LoanItem:
        return cls(
            id=strawberry.ID(record["id"]),
            title=record.get("title"),
            barcode=record.get("barcode"),
            call_number=record.get("callNumber"),
            copy_number=record.get("copyNumber"),
            instance_hrid=record.get("instanceHrid"),
            primary_contributor=record.get("primaryContributor"),
            volume=record.get("volume"),
            material_type=Named(name=record["materialType"]["name"]),
            location=Named(name=record["location"]["name"]),
            status=ItemStatus.read(record["status"]),
        )


@strawberry.type
class Loan:
    id: strawberry.ID
    loan_date: DateTime | None
    due_date: DateTime | None
    action: str | None
    action_comment: str | None
    renewal_count: int | None
    due_date_changed_by_recall: bool | None
    due_date_changed_by_hold: bool | None
    due_date_changed_by_near_expire_user: bool | None
    is_dcb: bool | None
    status: LoanStatus | None
    fees_and_fines: FeesAndFines | None
    metadata: Metadata | None
    loan_item: LoanItem | None
    user_id: strawberry.Private[str]
    item_id: strawberry.Private[str]
    instance_id: strawberry.Private[str]
    service_point_id: strawberry.Private[str]
    loan_policy: Reference | None
    overdue_fine_policy: Reference | None
    lost_item_policy: Reference | None
    item_effective_location_at_check_out: Reference | None

    @strawberry.field
    async def borrower(self, info: Info) -> User | None:
        return await info.context.users.load(self.user_id)

    @strawberry.field
    async def item(self, info: Info) -> Item | None:
        return await info.context.items.load(self.item_id)

    @strawberry.field
    async def checkout_service_point(self, info: Info) -> ServicePoint | None:
        return await info.context.service_points.load(self.service_point_id)

    @strawberry.field
    async def instance(self, info: Info) -> Instance | None:
        return await info.context.instances.load(self.instance_id)

    @classmethod
    def read(cls, record: Record) -> Loan:
        return cls(
            id=strawberry.ID(record["id"]),
            loan_date=date_time(record.get("loanDate")),
            due_date=date_time(record.get("dueDate")),
            action=record.get("action"),
            action_comment=record.get("actionComment"),
            renewal_count=record.get("renewalCount"),
            due_date_changed_by_recall=record.get("dueDateChangedByRecall"),
            due_date_changed_by_hold=record.get("dueDateChangedByHold"),
            due_date_changed_by_near_expire_user=record.get("dueDateChangedByNearExpireUser"),
            is_dcb=record.get("isDcb"),
            status=LoanStatus(name=LoanStatusName(record["status"]["name"])),
            fees_and_fines=FeesAndFines(
                amount_remaining_to_pay=record["feesAndFines"]["amountRemainingToPay"]
            ),
            metadata=Metadata(
                created_date=date_time(record["metadata"].get("createdDate")),
                updated_date=date_time(record["metadata"].get("updatedDate")),
            ),
            loan_item=LoanItem.read(record["item"]),
            user_id=record["userId"],
            item_id=record["itemId"],
            instance_id=record["item"]["instanceId"],
            service_point_id=record["checkoutServicePointId"],
            loan_policy=Reference(id=record["loanPolicyId"]),
            overdue_fine_policy=Reference(id=record["overdueFinePolicyId"]),
            lost_item_policy=Reference(id=record["lostItemPolicyId"]),
            item_effective_location_at_check_out=Reference(id=record["itemEffectiveLocationIdAtCheckOut"]),
        )


@strawberry.type
class Request:
    id: strawberry.ID
    request_date: DateTime | None
    request_type: RequestType | None
    status: RequestStatus | None
    position: int | None
    requester_id: strawberry.Private[str]
    proxy_id: strawberry.Private[str]
    service_point_id: strawberry.Private[str]
    instance_id: strawberry.Private[str]
    item_id: strawberry.Private[str]

    @strawberry.field
    async def requester(self, info: Info) -> User | None:
        return await info.context.users.load(self.requester_id)

    @strawberry.field
    async def proxy(self, info: Info) -> User | None:
        return await info.context.users.load(self.proxy_id)

    @strawberry.field
    async def pickup_service_point(self, info: Info) -> ServicePoint | None:
        return await info.context.service_points.load(self.service_point_id)

    @strawberry.field
    async def instance(self, info: Info) -> Instance | None:
        return await info.context.instances.load(self.instance_id)

    @strawberry.field
    async def item(self, info: Info) -> Item | None:
        return await info.context.items.load(self.item_id)

    @classmethod
    def read(cls, record: Record) -> Request:
        return cls(
            id=strawberry.ID(record["id"]),
            request_date=date_time(record.get("requestDate")),
            request_type=RequestType(record["requestType"]),
            status=RequestStatus(record["status"]),
            position=record.get("position"),
            requester_id=record["requesterId"],
            proxy_id=record["proxyUserId"],
            service_point_id=record["pickupServicePointId"],
            instance_id=record["instanceId"],
            item_id=record["itemId"],
        )


@strawberry.type
class LoanConnection:
    nodes: list[Loan]


@strawberry.type
class RequestConnection:
    nodes: list[Request]


@strawberry.type
class Query:
    @strawberry.field
    async def loan(self, info: Info, id: strawberry.ID) -> Loan | None:
        page = await info.context.get("/circulation-bff/loans", query=f'id=="{id}"', limit="1")
        return Loan.read(page["loans"][0]) if page["loans"] else None

    @strawberry.field
    async def loans(self, info: Info, first: int = 10) -> LoanConnection:
        query = "cql.allRecords=1 sortby loanDate/sort.descending id"
        page = await info.context.get("/circulation-bff/loans", query=query, limit=str(first))
        return LoanConnection(nodes=[Loan.read(each) for each in page["loans"]])

    @strawberry.field
    async def requests(self, info: Info, first: int = 10) -> RequestConnection:
        query = "cql.allRecords=1 sortby requestDate id"
        page = await info.context.get("/circulation-bff/requests", query=query, limit=str(first))
        return RequestConnection(nodes=[Request.read(each) for each in page["requests"]])


@strawberry.input
class CheckOutInput:
    item_barcode: str
    user_barcode: str
    service_point_id: strawberry.ID


@strawberry.type
class CheckedOut:
    loan: Loan


@strawberry.type
class Refusal:
    message: str


CheckOutResult = Annotated[CheckedOut | Refusal, strawberry.union("CheckOutResult")]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def check_out(self, info: Info, input: CheckOutInput) -> CheckOutResult:
        body = {
            "itemBarcode": input.item_barcode,
            "userBarcode": input.user_barcode,
            "servicePointId": input.service_point_id,
        }
        try:
            loan = await info.context.post("/circulation-bff/loans/check-out-by-barcode", body)
        except httpx.HTTPStatusError as error:
            return Refusal(message=error.response.text)
        return CheckedOut(loan=Loan.read(loan))


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(
        scalar_map={DateTime: strawberry.scalar(name="DateTime", serialize=written, parse_value=date_time)}
    ),
)


class View(GraphQL[Context, None]):
    """Strawberry's view with a custom context, as in its documentation."""

    http: httpx.AsyncClient

    async def get_context(self, request: HttpRequest | WebSocket, response: Response | WebSocket) -> Context:
        return Context(self.http, request)


def create_app(upstream: str) -> Starlette:
    view = View(schema)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=upstream, timeout=None) as view.http:  # noqa: S113 - see above
            yield

    return Starlette(routes=[Route("/graphql", view)], lifespan=lifespan)


if __name__ == "__main__":
    serve(create_app(upstream_url()))
