"""The second baseline: msgspec Structs of only the needed members.

Undeclared members are skipped and never become objects. If a response has the members of the record,
one Struct is used for both, and values with another form in the response are changed in place. `gc=False` is
safe: no object is in a cycle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from tests.benchmarks.handwritten import (
    REQUEST_TYPES,
    AiohttpCalls,
    Endpoints,
    Incoming,
    create_app,
    date,
    enum,
)
from tests.benchmarks.serving import serve, upstream_url


class Named(Struct, gc=False):
    name: str | None = None


class Status(Struct, gc=False):
    name: str


class Personal(Struct, gc=False):
    lastName: str | None = None
    firstName: str | None = None
    email: str | None = None


class User(Struct, gc=False, kw_only=True):
    id: str
    username: str | None = None
    barcode: str | None = None
    expirationDate: str | None = None
    personal: Personal


class Period(Struct, gc=False, kw_only=True):
    duration: int | None = None
    intervalId: str


class Desk(Struct, gc=False, kw_only=True):
    id: str
    name: str | None = None
    code: str | None = None
    holdShelfExpiryPeriod: Period


class Title(Struct, gc=False):
    id: str
    title: str | None = None
    hrid: str | None = None
    source: str | None = None


class DatedStatus(Struct, gc=False):
    name: str
    date: str | None = None


class Item(Struct, gc=False, kw_only=True):
    id: str
    hrid: str | None = None
    barcode: str | None = None
    copyNumber: str | None = None
    status: DatedStatus
    materialType: Named


class Users(Struct):
    users: list[User]


class Desks(Struct):
    servicepoints: list[Desk]


class Titles(Struct):
    instances: list[Title]


class Items(Struct):
    items: list[Item]


# W1


class ScalarLoan(Struct, gc=False):
    id: str
    loanDate: str | None = None
    dueDate: str | None = None
    action: str | None = None
    renewalCount: int | None = None
    dueDateChangedByRecall: bool | None = None
    dueDateChangedByHold: bool | None = None
    isDcb: bool | None = None


class ScalarLoans(Struct):
    loans: list[ScalarLoan]


# W2


class Metadata(Struct, gc=False):
    createdDate: str | None = None
    updatedDate: str | None = None


class FeesAndFines(Struct, gc=False):
    amountRemainingToPay: float | None = None


class LoanItem(Struct, gc=False, kw_only=True):
    id: str | None = None
    title: str | None = None
    barcode: str | None = None
    callNumber: str | None = None
    copyNumber: str | None = None
    instanceHrid: str | None = None
    primaryContributor: str | None = None
    volume: str | None = None
    materialType: Named
    location: Named
    status: Status


class WideLoan(Struct, gc=False, kw_only=True):
    id: str
    loanDate: str | None = None
    dueDate: str | None = None
    action: str | None = None
    actionComment: str | None = None
    renewalCount: int | None = None
    dueDateChangedByRecall: bool | None = None
    dueDateChangedByHold: bool | None = None
    dueDateChangedByNearExpireUser: bool | None = None
    isDcb: bool | None = None
    status: Status
    feesAndFines: FeesAndFines
    metadata: Metadata
    item: LoanItem


class WideLoans(Struct):
    loans: list[WideLoan]


class WideNode(Struct, gc=False):
    id: str
    loanDate: str | None
    dueDate: str | None
    action: str | None
    actionComment: str | None
    renewalCount: int | None
    dueDateChangedByRecall: bool | None
    dueDateChangedByHold: bool | None
    dueDateChangedByNearExpireUser: bool | None
    isDcb: bool | None
    status: Status
    feesAndFines: FeesAndFines
    metadata: Metadata
    loanItem: LoanItem


# W3


class ItemWithTitle(Struct, gc=False):
    instanceId: str


class LinkedLoan(Struct, gc=False, kw_only=True):
    id: str
    dueDate: str | None = None
    loanDate: str | None = None
    renewalCount: int | None = None
    status: Status
    userId: str
    checkoutServicePointId: str
    item: ItemWithTitle


class LinkedLoans(Struct):
    loans: list[LinkedLoan]


class LoanWithLinks(Struct, gc=False):
    id: str
    dueDate: str | None
    loanDate: str | None
    renewalCount: int | None
    status: Status
    borrower: User | None
    checkoutServicePoint: Desk | None
    instance: Title | None


# W4


class LinkedRequest(Struct, gc=False, kw_only=True):
    id: str
    requestDate: str | None = None
    requestType: str
    status: str
    position: int | None = None
    requesterId: str
    proxyUserId: str
    pickupServicePointId: str
    instanceId: str
    itemId: str


class LinkedRequests(Struct):
    requests: list[LinkedRequest]


class RequestWithLinks(Struct, gc=False):
    id: str
    requestDate: str | None
    requestType: str
    status: str
    position: int | None
    requester: User | None
    proxy: User | None
    pickupServicePoint: Desk | None
    instance: Title | None
    item: Item | None


# W5


class CheckOut(Struct, gc=False):
    itemBarcode: str
    userBarcode: str
    servicePointId: str


class LentItem(Struct, gc=False):
    title: str | None = None
    barcode: str | None = None


class LentLoan(Struct, gc=False, kw_only=True):
    id: str
    loanDate: str | None = None
    dueDate: str | None = None
    status: Status
    item: LentItem


class LentNode(Struct, gc=False):
    id: str
    loanDate: str | None
    dueDate: str | None
    status: Status
    loanItem: LentItem


# W6


class CarriedBorrower(Struct, gc=False):
    barcode: str | None = None
    lastName: str | None = None
    firstName: str | None = None


class CarriedItem(Struct, gc=False, kw_only=True):
    title: str | None = None
    barcode: str | None = None
    status: Status


class CarryingLoan(Struct, gc=False, kw_only=True):
    id: str
    dueDate: str | None = None
    userId: str
    itemId: str
    checkoutServicePointId: str
    borrower: CarriedBorrower
    item: CarriedItem
    checkoutServicePoint: Named


class CarryingLoans(Struct):
    loans: list[CarryingLoan]


class PersonName(Struct, gc=False):
    lastName: str | None
    firstName: str | None


class Borrower(Struct, gc=False):
    id: str
    barcode: str | None
    personal: PersonName


class BorrowedItem(Struct, gc=False):
    id: str
    title: str | None
    barcode: str | None
    status: Status


class NamedDesk(Struct, gc=False):
    id: str
    name: str | None


class CarriedNode(Struct, gc=False):
    id: str
    dueDate: str | None
    borrower: Borrower
    item: BorrowedItem
    checkoutServicePoint: NamedDesk


# W7


class KeyedItem(Struct, gc=False, kw_only=True):
    title: str | None = None
    barcode: str | None = None
    callNumber: str | None = None
    instanceId: str


class KeyedLoan(Struct, gc=False, kw_only=True):
    id: str
    loanDate: str | None = None
    dueDate: str | None = None
    action: str | None = None
    actionComment: str | None = None
    renewalCount: int | None = None
    dueDateChangedByRecall: bool | None = None
    dueDateChangedByHold: bool | None = None
    dueDateChangedByNearExpireUser: bool | None = None
    isDcb: bool | None = None
    status: Status
    feesAndFines: FeesAndFines
    metadata: Metadata
    item: KeyedItem
    userId: str
    itemId: str
    loanPolicyId: str
    overdueFinePolicyId: str
    lostItemPolicyId: str
    itemEffectiveLocationIdAtCheckOut: str
    checkoutServicePointId: str


class KeyedLoans(Struct):
    loans: list[KeyedLoan]


class Key(Struct, gc=False):
    id: str


class NamedItem(Struct, gc=False):
    title: str | None
    barcode: str | None
    callNumber: str | None


class KeyedNode(Struct, gc=False):
    id: str
    loanDate: str | None
    dueDate: str | None
    action: str | None
    actionComment: str | None
    renewalCount: int | None
    dueDateChangedByRecall: bool | None
    dueDateChangedByHold: bool | None
    dueDateChangedByNearExpireUser: bool | None
    isDcb: bool | None
    status: Status
    feesAndFines: FeesAndFines
    metadata: Metadata
    loanItem: NamedItem
    borrower: Key
    item: Key
    instance: Key
    loanPolicy: Key
    overdueFinePolicy: Key
    lostItemPolicy: Key
    itemEffectiveLocationAtCheckOut: Key
    checkoutServicePoint: Key


_encode = msgspec.json.Encoder().encode
_users = msgspec.json.Decoder(Users).decode
_desks = msgspec.json.Decoder(Desks).decode
_titles = msgspec.json.Decoder(Titles).decode
_items = msgspec.json.Decoder(Items).decode
_scalar_loans = msgspec.json.Decoder(ScalarLoans).decode
_wide_loans = msgspec.json.Decoder(WideLoans).decode
_linked_loans = msgspec.json.Decoder(LinkedLoans).decode
_linked_requests = msgspec.json.Decoder(LinkedRequests).decode
_check_out = msgspec.json.Decoder(CheckOut).decode
_lent_loan = msgspec.json.Decoder(LentLoan).decode
_carrying_loans = msgspec.json.Decoder(CarryingLoans).decode
_keyed_loans = msgspec.json.Decoder(KeyedLoans).decode


class MsgspecEndpoints(Endpoints):
    """Structs in, Structs out."""

    async def users(self, ids: Iterable[str], request: Incoming) -> dict[str, User]:
        result = {}
        for page in await self.calls.users(ids, request):
            for user in _users(page).users:
                user.expirationDate = date(user.expirationDate)
                result[user.id] = user
        return result

    async def desks(self, ids: Iterable[str], request: Incoming) -> dict[str, Desk]:
        result = {}
        for page in await self.calls.desks(ids, request):
            for desk in _desks(page).servicepoints:
                period = desk.holdShelfExpiryPeriod
                period.intervalId = enum(period.intervalId)
                result[desk.id] = desk
        return result

    async def titles(self, ids: Iterable[str], request: Incoming) -> dict[str, Title]:
        pages = await self.calls.titles(ids, request)
        return {title.id: title for page in pages for title in _titles(page).instances}

    async def items(self, ids: Iterable[str], request: Incoming) -> dict[str, Item]:
        result = {}
        for page in await self.calls.items(ids, request):
            for item in _items(page).items:
                status = item.status
                status.name, status.date = enum(status.name), date(status.date)
                result[item.id] = item
        return result

    async def loan(self, request: Incoming) -> bytes:
        (loan,) = _scalar_loans(await self.calls.loan(request)).loans
        loan.loanDate, loan.dueDate = date(loan.loanDate), date(loan.dueDate)
        return _respond({"loan": loan})

    def listed(self, page: bytes) -> bytes:
        nodes = []
        for loan in _wide_loans(page).loans:
            status, metadata, item = loan.status, loan.metadata, loan.item
            status.name = enum(status.name)
            metadata.createdDate, metadata.updatedDate = (
                date(metadata.createdDate),
                date(metadata.updatedDate),
            )
            item.status.name = enum(item.status.name)
            nodes.append(
                WideNode(
                    loan.id,
                    date(loan.loanDate),
                    date(loan.dueDate),
                    loan.action,
                    loan.actionComment,
                    loan.renewalCount,
                    loan.dueDateChangedByRecall,
                    loan.dueDateChangedByHold,
                    loan.dueDateChangedByNearExpireUser,
                    loan.isDcb,
                    status,
                    loan.feesAndFines,
                    metadata,
                    item,
                )
            )
        return _respond({"loans": {"nodes": nodes}})

    async def loans_with_links(self, request: Incoming) -> bytes:
        loans = _linked_loans(await self.calls.loans(request)).loans
        users, desks, titles = await asyncio.gather(
            self.users([loan.userId for loan in loans], request),
            self.desks([loan.checkoutServicePointId for loan in loans], request),
            self.titles([loan.item.instanceId for loan in loans], request),
        )
        nodes = []
        for loan in loans:
            loan.status.name = enum(loan.status.name)
            nodes.append(
                LoanWithLinks(
                    loan.id,
                    date(loan.dueDate),
                    date(loan.loanDate),
                    loan.renewalCount,
                    loan.status,
                    users.get(loan.userId),
                    desks.get(loan.checkoutServicePointId),
                    titles.get(loan.item.instanceId),
                )
            )
        return _respond({"loans": {"nodes": nodes}})

    async def requests_with_links(self, request: Incoming) -> bytes:
        requests = _linked_requests(await self.calls.requests(request)).requests
        people = [person for each in requests for person in (each.requesterId, each.proxyUserId)]
        users, desks, titles, items = await asyncio.gather(
            self.users(people, request),
            self.desks([each.pickupServicePointId for each in requests], request),
            self.titles([each.instanceId for each in requests], request),
            self.items([each.itemId for each in requests], request),
        )
        nodes = [
            RequestWithLinks(
                each.id,
                date(each.requestDate),
                REQUEST_TYPES[each.requestType],
                enum(each.status),
                each.position,
                users.get(each.requesterId),
                users.get(each.proxyUserId),
                desks.get(each.pickupServicePointId),
                titles.get(each.instanceId),
                items.get(each.itemId),
            )
            for each in requests
        ]
        return _respond({"requests": {"nodes": nodes}})

    async def check_out(self, request: Incoming) -> bytes:
        body = _encode(_check_out(await request.body()))
        loan = _lent_loan(await self.calls.check_out(body, request))
        loan.status.name = enum(loan.status.name)
        node = LentNode(loan.id, date(loan.loanDate), date(loan.dueDate), loan.status, loan.item)
        return _respond({"checkOut": {"__typename": "CheckedOut", "loan": node}})

    async def loans_as_they_are(self, request: Incoming) -> bytes:
        nodes = []
        for loan in _carrying_loans(await self.calls.loans(request)).loans:
            borrower, item = loan.borrower, loan.item
            item.status.name = enum(item.status.name)
            nodes.append(
                CarriedNode(
                    loan.id,
                    date(loan.dueDate),
                    Borrower(
                        loan.userId, borrower.barcode, PersonName(borrower.lastName, borrower.firstName)
                    ),
                    BorrowedItem(loan.itemId, item.title, item.barcode, item.status),
                    NamedDesk(loan.checkoutServicePointId, loan.checkoutServicePoint.name),
                )
            )
        return _respond({"loans": {"nodes": nodes}})

    async def loans_with_keys(self, request: Incoming) -> bytes:
        nodes = []
        for loan in _keyed_loans(await self.calls.loans(request)).loans:
            status, metadata, item = loan.status, loan.metadata, loan.item
            status.name = enum(status.name)
            metadata.createdDate, metadata.updatedDate = (
                date(metadata.createdDate),
                date(metadata.updatedDate),
            )
            nodes.append(
                KeyedNode(
                    loan.id,
                    date(loan.loanDate),
                    date(loan.dueDate),
                    loan.action,
                    loan.actionComment,
                    loan.renewalCount,
                    loan.dueDateChangedByRecall,
                    loan.dueDateChangedByHold,
                    loan.dueDateChangedByNearExpireUser,
                    loan.isDcb,
                    status,
                    loan.feesAndFines,
                    metadata,
                    NamedItem(item.title, item.barcode, item.callNumber),
                    Key(loan.userId),
                    Key(loan.itemId),
                    Key(item.instanceId),
                    Key(loan.loanPolicyId),
                    Key(loan.overdueFinePolicyId),
                    Key(loan.lostItemPolicyId),
                    Key(loan.itemEffectiveLocationIdAtCheckOut),
                    Key(loan.checkoutServicePointId),
                )
            )
        return _respond({"loans": {"nodes": nodes}})


def _respond(data: dict[str, Any]) -> bytes:  # Any: any type of the encoder
    return _encode({"data": data})


if __name__ == "__main__":
    calls = AiohttpCalls(upstream_url())
    serve(create_app(calls, MsgspecEndpoints(calls)))
