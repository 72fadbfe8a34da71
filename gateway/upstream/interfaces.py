"""The interfaces of FOLIO that are asked, and the permission that each question and act needs.

Ids, versions, paths and permissions are those of the module descriptors of mod-circulation-bff,
mod-circulation, mod-circulation-storage, mod-users, mod-inventory, mod-inventory-storage, mod-feesfines,
mod-patron-blocks, mod-tags, mod-users-bl and mod-users-keycloak.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Method = Literal["GET", "POST", "PUT"]


@dataclass(frozen=True, slots=True)
class Route:
    """One question (GET) or act. `permission` is what FOLIO asks of the user; None where it asks nothing."""

    method: Method
    path: str
    permission: str | None


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of FOLIO: its id, and the versions that serve, as descriptors write them.

    Several versions stand side by side, with blanks between them; a module serves from its minor version on.
    A tenant may lack an interface that is not `required`: its fields answer UPSTREAM_BAD_RESPONSE then.
    """

    id: str
    version: str
    routes: tuple[Route, ...]
    required: bool = False


def read(path: str, permission: str | None) -> Route:
    return Route("GET", path, permission)


def done(path: str, permission: str) -> Route:
    return Route("POST", path, permission)


INTERFACES = (
    Interface(
        "circulation-bff-loans",
        "1.6",
        (
            read("/circulation-bff/loans", "circulation-bff.loans.collection.get"),
            read("/circulation-bff/loans/{loanId}", "circulation-bff.loans.item.get"),
            done(
                "/circulation-bff/loans/check-out-by-barcode",
                "circulation-bff.loans.check-out-by-barcode.execute",
            ),
            done(
                "/circulation-bff/loans/check-in-by-barcode",
                "circulation-bff.loans.check-in-by-barcode.execute",
            ),
            done(
                "/circulation-bff/loans/{loanId}/declare-item-lost",
                "circulation-bff.loans.declare-item-lost.execute",
            ),
            done(
                "/circulation-bff/loans/{loanId}/claim-item-returned",
                "circulation-bff.loans.claim-item-returned.execute",
            ),
            done(
                "/circulation-bff/loans/{loanId}/declare-claimed-returned-item-as-missing",
                "circulation-bff.loans.declare-claimed-returned-item-as-missing.execute",
            ),
        ),
        required=True,
    ),
    Interface(
        "circulation-bff-requests",
        "1.4",
        (
            read("/circulation-bff/requests", "circulation-bff.requests.collection.get"),
            read(
                "/circulation-bff/requests/allowed-service-points",
                "circulation-bff.requests.allowed-service-points.get",
            ),
            read(
                "/circulation-bff/requests/search-instances", "circulation-bff.requests.search-instances.get"
            ),
            done("/circulation-bff/requests", "circulation-bff.requests.post"),
            done(
                "/circulation-bff/mediated-requests/confirm",
                "circulation-bff.confirm-mediated-request.execute",
            ),
        ),
        required=True,
    ),
    Interface(
        "circulation-bff-pick-slips",
        "1.0",
        (read("/circulation-bff/pick-slips/{servicePointId}", "circulation-bff.pick-slips.collection.get"),),
        required=True,
    ),
    Interface(
        "circulation-bff-search-slips",
        "1.0",
        (
            read(
                "/circulation-bff/search-slips/{servicePointId}",
                "circulation-bff.search-slips.collection.get",
            ),
        ),
        required=True,
    ),
    Interface(
        "circulation-bff-users",
        "1.0",
        (
            read(
                "/circulation-bff/external-users/{externalUserId}/tenant/{tenantId}",
                "circulation-bff.external-users.collection.get",
            ),
        ),
        required=True,
    ),
    Interface(
        "circulation-bff-requests-batch",
        "1.0",
        (
            read("/circulation-bff/batch-requests", "circulation-bff.batch-request.collection.get"),
            read("/circulation-bff/batch-requests/{batchId}", "circulation-bff.batch-request.item.get"),
            read(
                "/circulation-bff/batch-requests/{batchId}/details",
                "circulation-bff.batch-request.details.collection.get",
            ),
            done("/circulation-bff/batch-requests", "circulation-bff.batch-requests.item.post"),
        ),
    ),
    Interface(
        "circulation-bff-inventory",
        "1.0",
        (read("/circulation-bff/inventory/items", "circulation-bff.inventory.items.collection.get"),),
    ),
    Interface(
        "circulation-bff-ecs-request-external",
        "1.1",
        (
            done(
                "/circulation-bff/create-ecs-request-external",
                "circulation-bff.ecs-request-external.item.post",
            ),
        ),
    ),
    Interface(
        "circulation",
        "14.4",
        (
            read("/circulation/loans", "circulation.loans.collection.get"),
            read("/circulation/requests", "circulation.requests.collection.get"),
            read("/circulation/requests/{id}", "circulation.requests.item.get"),
            read(
                "/circulation/requests/queue/instance/{id}",
                "circulation.requests.queue-instance.collection.get",
            ),
            read("/circulation/requests/queue/item/{id}", "circulation.requests.queue-item.collection.get"),
            done("/circulation/renew-by-barcode", "circulation.renew-by-barcode.post"),
            done("/circulation/renew-by-id", "circulation.renew-by-id.post"),
            Route("PUT", "/circulation/requests/{id}", "circulation.requests.item.put"),
            done(
                "/circulation/requests/queue/instance/{id}/reorder",
                "circulation.requests.queue.instance-reorder.collection.post",
            ),
            done(
                "/circulation/requests/queue/item/{id}/reorder",
                "circulation.requests.queue.item-reorder.collection.post",
            ),
        ),
        required=True,
    ),
    Interface(
        "circulation-settings",
        "1.0",
        (read("/circulation/settings", "circulation.settings.collection.get"),),
    ),
    Interface(
        "request-move",
        "0.7",
        (done("/circulation/requests/{id}/move", "circulation.requests.item.move.post"),),
    ),
    Interface(
        "change-due-date",
        "0.1",
        (done("/circulation/loans/{id}/change-due-date", "circulation.loans.change-due-date.post"),),
    ),
    Interface(
        "add-info",
        "0.1",
        (done("/circulation/loans/{id}/add-info", "circulation.loans.add-info.post"),),
    ),
    Interface(
        "patron-action-session",
        "0.2",
        (done("/circulation/end-patron-action-session", "circulation.end-patron-action-session.post"),),
    ),
    Interface(
        "print-events",
        "1.0",
        (done("/circulation/print-events-entry", "circulation.print-events-entry.item.post"),),
    ),
    Interface(
        "users",
        "16.0",
        (
            read("/users", "users.collection.get"),
            read("/groups", "usergroups.collection.get"),
            read("/proxiesfor", "proxiesfor.collection.get"),
            read("/addresstypes", "addresstypes.collection.get"),
            read("/departments", "departments.collection.get"),
        ),
        required=True,
    ),
    Interface(
        "service-points",
        "3.3",
        (read("/service-points", "inventory-storage.service-points.collection.get"),),
        required=True,
    ),
    Interface(
        "inventory",
        "14.0",
        (
            read("/inventory/instances", "inventory.instances.collection.get"),
            read("/inventory/items", "inventory.items.collection.get"),
        ),
        required=True,
    ),
    Interface(
        "holdings-storage",
        "5.0 6.0 7.0 8.0",
        (read("/holdings-storage/holdings", "inventory-storage.holdings.collection.get"),),
    ),
    Interface(
        "locations",
        "3.0",
        (read("/locations", "inventory-storage.locations.collection.get"),),
    ),
    Interface(
        "location-units",
        "2.0",
        (
            read(
                "/location-units/institutions",
                "inventory-storage.location-units.institutions.collection.get",
            ),
            read("/location-units/campuses", "inventory-storage.location-units.campuses.collection.get"),
            read("/location-units/libraries", "inventory-storage.location-units.libraries.collection.get"),
        ),
    ),
    Interface(
        "material-types",
        "2.0",
        (read("/material-types", "inventory-storage.material-types.collection.get"),),
    ),
    Interface(
        "loan-types",
        "2.2",
        (read("/loan-types", "inventory-storage.loan-types.collection.get"),),
    ),
    Interface(
        "loan-storage",
        "7.0",
        (read("/loan-storage/loan-history", "circulation-storage.loans-history.collection.get"),),
    ),
    Interface(
        "loan-policy-storage",
        "2.0",
        (read("/loan-policy-storage/loan-policies", "circulation-storage.loan-policies.collection.get"),),
    ),
    Interface(
        "cancellation-reason-storage",
        "1.1",
        (
            read(
                "/cancellation-reason-storage/cancellation-reasons",
                "circulation-storage.cancellation-reasons.collection.get",
            ),
        ),
    ),
    Interface(
        "staff-slips-storage",
        "1.0",
        (read("/staff-slips-storage/staff-slips", "circulation-storage.staff-slips.collection.get"),),
    ),
    Interface(
        "request-preference-storage",
        "2.0",
        (
            read(
                "/request-preference-storage/request-preference",
                "circulation-storage.request-preferences.collection.get",
            ),
        ),
    ),
    Interface(
        "feesfines",
        "17.0 18.0 19.0",
        (
            read("/accounts", "accounts.collection.get"),
            read("/manualblocks", "manualblocks.collection.get"),
            read("/overdue-fines-policies", "overdue-fines-policies.collection.get"),
            read("/lost-item-fees-policies", "lost-item-fees-policies.collection.get"),
        ),
    ),
    Interface(
        "automated-patron-blocks",
        "0.1",
        (read("/automated-patron-blocks/{userId}", "patron-blocks.automated-patron-blocks.collection.get"),),
    ),
    Interface("tags", "1.0", (read("/tags", "tags.collection.get"),)),
    Interface("users-bl", "6.0", (read("/bl-users/_self", None),)),
    Interface("users-keycloak", "1.0", (read("/users-keycloak/_self", None),)),
)

OVERRIDES = {
    "patronBlock": "circulation.override-patron-block.post",
    "itemLimitBlock": "circulation.override-item-limit-block.post",
    "itemNotLoanableBlock": "circulation.override-item-not-loanable-block.post",
    "renewalBlock": "circulation.override-renewal-block.post",
}
"""The blocks that an act may lift, by their names in `overrideBlocks`, and the permission for each."""


def routes() -> Iterator[tuple[Interface, Route]]:
    """Every question and act, with the interface that it belongs to."""
    for interface in INTERFACES:
        for route in interface.routes:
            yield interface, route


def route(method: Method, path: str) -> Route:
    """The question or act with this path, as it is written above. Raises KeyError where there is none."""
    return _BY_PATH[method, path]


_BY_PATH = {(each.method, each.path): each for _, each in routes()}
