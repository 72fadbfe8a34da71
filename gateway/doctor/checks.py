"""One cheap question for each path that the gateway reads, and what each act needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from gateway.upstream import cql
from gateway.upstream.collection import Collection
from gateway.upstream.interfaces import OVERRIDES, Method, route, routes
from gateway.upstream.services import Upstream

Ask = Callable[[Upstream], Awaitable[object]]

NOBODY = "00000000-0000-4000-8000-000000000000"  # an id that no record has
EVERYTHING = str(cql.EVERYTHING)  # the BFF wants a query for its loans


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question whose answer tells whether a path is there and open to this user.

    `may_be_refused`: it is about records that do not exist, and a 422 that says so is an answer.
    """

    service: str
    path: str
    ask: Ask
    permission: str | None = None
    required: bool = True
    may_be_refused: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """An act of the graph, or one of its ways, and FOLIO's permissions for it; None: it is not FOLIO's."""

    name: str
    permissions: tuple[str, ...] | None


def one_of(collection: Callable[[Upstream], Collection]) -> Ask:
    """Ask for one record without having the others counted."""

    async def ask(upstream: Upstream) -> object:
        return await collection(upstream)(EVERYTHING, limit=1)

    return ask


FOLIO: Mapping[str, Ask] = {
    "/circulation-bff/loans": one_of(lambda upstream: upstream.circulation_bff.loans),
    "/circulation-bff/loans/{loanId}": lambda upstream: upstream.circulation_bff.loan(NOBODY),
    "/circulation-bff/requests": one_of(lambda upstream: upstream.circulation_bff.requests),
    "/circulation-bff/requests/allowed-service-points": (
        lambda upstream: upstream.circulation_bff.allowed_service_points(
            {"operation": "create", "patronGroupId": NOBODY, "instanceId": NOBODY}
        )
    ),
    "/circulation-bff/requests/search-instances": (
        lambda upstream: upstream.circulation_bff.search_instance(cql.equal("id", NOBODY))
    ),
    "/circulation-bff/pick-slips/{servicePointId}": (
        lambda upstream: upstream.circulation_bff.pick_slips(NOBODY)
    ),
    "/circulation-bff/search-slips/{servicePointId}": (
        lambda upstream: upstream.circulation_bff.search_slips(NOBODY)
    ),
    "/circulation-bff/batch-requests": one_of(lambda upstream: upstream.circulation_bff.batch_requests),
    "/circulation-bff/batch-requests/{batchId}": (
        lambda upstream: upstream.circulation_bff.batch_request(NOBODY)
    ),
    "/circulation-bff/inventory/items": lambda upstream: upstream.circulation_bff.item_by_barcode(NOBODY),
    "/circulation/loans": one_of(lambda upstream: upstream.circulation.loans),
    "/circulation/requests": one_of(lambda upstream: upstream.circulation.requests),
    "/circulation/requests/{id}": lambda upstream: upstream.circulation.request(NOBODY),
    "/circulation/requests/queue/instance/{id}": (
        lambda upstream: upstream.circulation.queue_of_instance(NOBODY)
    ),
    "/circulation/requests/queue/item/{id}": lambda upstream: upstream.circulation.queue_of_item(NOBODY),
    "/circulation/settings": one_of(lambda upstream: upstream.circulation.settings),
    "/users": one_of(lambda upstream: upstream.users.users),
    "/groups": one_of(lambda upstream: upstream.users.patron_groups),
    "/proxiesfor": one_of(lambda upstream: upstream.users.proxies),
    "/addresstypes": one_of(lambda upstream: upstream.users.address_types),
    "/departments": one_of(lambda upstream: upstream.users.departments),
    "/service-points": one_of(lambda upstream: upstream.inventory.service_points),
    "/inventory/instances": one_of(lambda upstream: upstream.inventory.instances),
    "/inventory/items": one_of(lambda upstream: upstream.inventory.items),
    "/holdings-storage/holdings": one_of(lambda upstream: upstream.inventory.holdings),
    "/locations": one_of(lambda upstream: upstream.inventory.locations),
    "/location-units/institutions": one_of(lambda upstream: upstream.inventory.institutions),
    "/location-units/campuses": one_of(lambda upstream: upstream.inventory.campuses),
    "/location-units/libraries": one_of(lambda upstream: upstream.inventory.libraries),
    "/material-types": one_of(lambda upstream: upstream.inventory.material_types),
    "/loan-types": one_of(lambda upstream: upstream.inventory.loan_types),
    "/loan-storage/loan-history": one_of(lambda upstream: upstream.circulation_storage.loan_history),
    "/cancellation-reason-storage/cancellation-reasons": (
        one_of(lambda upstream: upstream.circulation_storage.cancellation_reasons)
    ),
    "/staff-slips-storage/staff-slips": one_of(lambda upstream: upstream.circulation_storage.staff_slips),
    "/request-preference-storage/request-preference": (
        one_of(lambda upstream: upstream.circulation_storage.request_preferences)
    ),
    "/loan-policy-storage/loan-policies": one_of(lambda upstream: upstream.policies.loan_policies),
    "/overdue-fines-policies": one_of(lambda upstream: upstream.policies.overdue_fine_policies),
    "/lost-item-fees-policies": one_of(lambda upstream: upstream.policies.lost_item_fee_policies),
    "/accounts": one_of(lambda upstream: upstream.fees.accounts),
    "/manualblocks": one_of(lambda upstream: upstream.fees.manual_blocks),
    "/automated-patron-blocks/{userId}": (lambda upstream: upstream.patron_blocks.automated_blocks(NOBODY)),
    "/tags": one_of(lambda upstream: upstream.tags.tags),
}
NOT_ASKED = frozenset(
    {
        "/circulation-bff/batch-requests/{batchId}/details",  # its 404 may be about the batch
        "/bl-users/_self",  # these two tell what the acts need
        "/users-keycloak/_self",
    }
)
OF_RECORDS_THAT_ARE_NOT_THERE = frozenset({"/circulation-bff/requests/allowed-service-points"})
OBJECT_LOCKS = Question(
    service="polaris", path="/objectlocks", ask=lambda upstream: upstream.polaris.locks(everyones=False)
)


def questions(tenant: str) -> list[Question]:
    """Every question, in the order of the interfaces. A tenant may look up external users of its own."""
    asks: dict[str, Ask] = {
        **FOLIO,
        "/circulation-bff/external-users/{externalUserId}/tenant/{tenantId}": (
            lambda upstream: upstream.circulation_bff.external_users(NOBODY, tenant)
        ),
    }
    of_folio = [
        Question(
            service="bff" if asked.path.startswith("/circulation-bff/") else "folio",
            path=asked.path,
            ask=asks[asked.path],
            permission=asked.permission,
            required=interface.required,
            may_be_refused=asked.path in OF_RECORDS_THAT_ARE_NOT_THERE,
        )
        for interface, asked in routes()
        if asked.method == "GET" and asked.path not in NOT_ASKED
    ]
    return [*of_folio, OBJECT_LOCKS]


def act(name: str, *needs: tuple[Method, str]) -> Act:
    permissions = (route(method, path).permission for method, path in needs)
    return Act(name, tuple(each for each in permissions if each is not None))


_BFF_LOAN = "/circulation-bff/loans"
ACTS = (
    act("checkOut", ("POST", f"{_BFF_LOAN}/check-out-by-barcode")),
    act("checkIn", ("POST", f"{_BFF_LOAN}/check-in-by-barcode")),
    act("renew, by barcodes", ("POST", "/circulation/renew-by-barcode")),
    act("renew, by ids", ("POST", "/circulation/renew-by-id")),
    act("changeDueDate", ("POST", "/circulation/loans/{id}/change-due-date")),
    act("addLoanInfo", ("POST", "/circulation/loans/{id}/add-info")),
    act("declareItemLost", ("POST", f"{_BFF_LOAN}/{{loanId}}/declare-item-lost")),
    act("claimItemReturned", ("POST", f"{_BFF_LOAN}/{{loanId}}/claim-item-returned")),
    act(
        "declareClaimedReturnedItemAsMissing",
        ("POST", f"{_BFF_LOAN}/{{loanId}}/declare-claimed-returned-item-as-missing"),
    ),
    act("createRequest", ("POST", "/circulation-bff/requests")),
    act("cancelRequest", ("GET", "/circulation/requests/{id}"), ("PUT", "/circulation/requests/{id}")),
    act("moveRequest", ("POST", "/circulation/requests/{id}/move")),
    act("reorderQueue, of a title", ("POST", "/circulation/requests/queue/instance/{id}/reorder")),
    act("reorderQueue, of an item", ("POST", "/circulation/requests/queue/item/{id}/reorder")),
    act("createEcsRequestExternal", ("POST", "/circulation-bff/create-ecs-request-external")),
    act("confirmMediatedRequest", ("POST", "/circulation-bff/mediated-requests/confirm")),
    act("createBatchRequest", ("POST", "/circulation-bff/batch-requests")),
    act("endPatronActionSession", ("POST", "/circulation/end-patron-action-session")),
    act("recordPrintEvents", ("POST", "/circulation/print-events-entry")),
    *(Act(f"override {block}", (permission,)) for block, permission in OVERRIDES.items()),
    Act("lockObject", None),
    Act("unlockObject", None),
    Act("releaseMyLocks", None),
)
