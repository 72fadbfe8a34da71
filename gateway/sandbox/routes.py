"""Every FOLIO path that is served, with the permission it needs."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.sandbox import (
    account,
    batch_request,
    circulation_settings,
    external_user,
    instance,
    item,
    loan,
    loan_action,
    location,
    patron_session,
    print_event,
    reference,
    renewal,
    request,
    request_queue,
    service_point,
    slip_list,
    user,
)
from gateway.sandbox.allowed_service_points import (
    bff_allowed_service_points,
    circulation_allowed_service_points,
)
from gateway.sandbox.check_in import bff_check_in, circulation_check_in
from gateway.sandbox.check_out import bff_check_out, circulation_check_out, dry_run
from gateway.sandbox.create_request import bff_create_request, circulation_create_request
from gateway.sandbox.ecs_request_external import create_ecs_request_external
from gateway.sandbox.exchange import Endpoint
from gateway.sandbox.holdings import HOLDINGS
from gateway.sandbox.loan_history import LOAN_HISTORY
from gateway.sandbox.mediated_request import confirm_mediated_request
from gateway.sandbox.move_request import move_request
from gateway.sandbox.own_user import own_user
from gateway.sandbox.permissions import OVERRIDES
from gateway.sandbox.reorder_queue import reorder_instance_queue, reorder_item_queue
from gateway.sandbox.shelf import Shelf, collection, single
from gateway.sandbox.update_request import update_request

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
BFF = "/circulation-bff"


@dataclass(frozen=True, slots=True)
class Served:
    method: str
    path: str
    permission: str | None  # None: whoever has a token may
    endpoint: Endpoint


def read(path: str, permission: str, shelf: Shelf) -> list[Served]:
    """A collection and its single records, each with its own permission."""
    return [
        Served("GET", path, f"{permission}.collection.get", collection(shelf)),
        Served("GET", path + "/{id}", f"{permission}.item.get", single(shelf)),
    ]


def asked(path: str, permission: str, endpoint: Endpoint) -> Served:
    return Served("GET", path, permission, endpoint)


def done(path: str, permission: str, endpoint: Endpoint) -> Served:
    return Served("POST", path, permission, endpoint)


def loan_acts(name: str, bff: Endpoint, circulation: Endpoint) -> list[Served]:
    """An act on one loan, by the BFF and by mod-circulation itself."""
    return [
        done(f"{BFF}/loans/{{id}}/{name}", f"circulation-bff.loans.{name}.execute", bff),
        done(f"/circulation/loans/{{id}}/{name}", f"circulation.loans.{name}.post", circulation),
    ]


def slips(name: str, endpoint: Endpoint) -> list[Served]:
    point = "{service_point_id}"
    return [
        asked(f"{BFF}/{name}/{point}", f"circulation-bff.{name}.collection.get", endpoint),
        asked(f"/circulation/{name}/{point}", f"circulation.{name}.get", endpoint),
    ]


STORAGE = "inventory-storage"
UNITS = f"{STORAGE}.location-units"
POINTS = f"{STORAGE}.service-points"
CIRCULATION = "circulation-storage"

# Before the requests by id, whose paths would take these for ids.
REQUESTING: list[Served] = [
    asked(
        f"{BFF}/requests/allowed-service-points",
        "circulation-bff.requests.allowed-service-points.get",
        bff_allowed_service_points,
    ),
    asked(
        "/circulation/requests/allowed-service-points",
        "circulation.requests.allowed-service-points.get",
        circulation_allowed_service_points,
    ),
    done(f"{BFF}/requests", "circulation-bff.requests.post", bff_create_request),
    done("/circulation/requests", "circulation.requests.item.post", circulation_create_request),
    Served("PUT", "/circulation/requests/{id}", "circulation.requests.item.put", update_request),
    done("/circulation/requests/{id}/move", "circulation.requests.item.move.post", move_request),
    done(
        "/circulation/requests/queue/instance/{id}/reorder",
        "circulation.requests.queue.instance-reorder.collection.post",
        reorder_instance_queue,
    ),
    done(
        "/circulation/requests/queue/item/{id}/reorder",
        "circulation.requests.queue.item-reorder.collection.post",
        reorder_item_queue,
    ),
    done(
        f"{BFF}/mediated-requests/confirm",
        "circulation-bff.confirm-mediated-request.execute",
        confirm_mediated_request,
    ),
    done(
        f"{BFF}/batch-requests",
        "circulation-bff.batch-requests.item.post",
        batch_request.create_batch_request,
    ),
    asked(
        f"{BFF}/batch-requests",
        "circulation-bff.batch-request.collection.get",
        batch_request.read_batch_requests,
    ),
    asked(
        f"{BFF}/batch-requests/{{id}}",
        "circulation-bff.batch-request.item.get",
        batch_request.read_batch_request,
    ),
    asked(
        f"{BFF}/batch-requests/{{id}}/details",
        "circulation-bff.batch-request.details.collection.get",
        batch_request.read_batch_details,
    ),
    done(
        f"{BFF}/create-ecs-request-external",
        "circulation-bff.ecs-request-external.item.post",
        create_ecs_request_external,
    ),
]

ROUTES: list[Served] = [
    *REQUESTING,
    # circulation BFF
    asked(
        f"{BFF}/loans",
        "circulation-bff.loans.collection.get",
        collection(loan.BFF_LOANS, query_required=True),
    ),
    asked(f"{BFF}/loans/{{id}}", "circulation-bff.loans.item.get", single(loan.BFF_LOANS)),
    asked(f"{BFF}/requests", "circulation-bff.requests.collection.get", collection(request.BFF_REQUESTS)),
    asked(
        f"{BFF}/requests/search-instances",
        "circulation-bff.requests.search-instances.get",
        instance.search_instances,
    ),
    asked(
        f"{BFF}/inventory/items", "circulation-bff.inventory.items.collection.get", item.item_by_barcode_text
    ),
    done(
        f"{BFF}/loans/check-out-by-barcode",
        "circulation-bff.loans.check-out-by-barcode.execute",
        bff_check_out,
    ),
    done(
        f"{BFF}/loans/check-in-by-barcode", "circulation-bff.loans.check-in-by-barcode.execute", bff_check_in
    ),
    # circulation
    *read("/circulation/loans", "circulation.loans", loan.LOANS),
    *read("/circulation/requests", "circulation.requests", request.REQUESTS),
    asked(
        "/circulation/requests/queue/instance/{id}",
        "circulation.requests.queue-instance.collection.get",
        request_queue.instance_queue,
    ),
    asked(
        "/circulation/requests/queue/item/{id}",
        "circulation.requests.queue-item.collection.get",
        request_queue.item_queue,
    ),
    done("/circulation/check-out-by-barcode", "circulation.check-out-by-barcode.post", circulation_check_out),
    done("/circulation/check-in-by-barcode", "circulation.check-in-by-barcode.post", circulation_check_in),
    *read("/loan-policy-storage/loan-policies", f"{CIRCULATION}.loan-policies", reference.LOAN_POLICIES),
    *read(
        "/cancellation-reason-storage/cancellation-reasons",
        f"{CIRCULATION}.cancellation-reasons",
        reference.CANCELLATION_REASONS,
    ),
    *read("/staff-slips-storage/staff-slips", f"{CIRCULATION}.staff-slips", reference.STAFF_SLIPS),
    # users
    *read("/users", "users", user.USERS),
    *read("/groups", "usergroups", user.GROUPS),
    *read("/proxiesfor", "proxiesfor", user.PROXIES),
    *read("/addresstypes", "addresstypes", user.ADDRESS_TYPES),
    *read("/departments", "departments", user.DEPARTMENTS),
    *read("/manualblocks", "manualblocks", user.MANUAL_BLOCKS),
    asked(
        "/automated-patron-blocks/{user_id}",
        "patron-blocks.automated-patron-blocks.collection.get",
        user.automated_blocks,
    ),
    # places
    asked("/service-points", f"{POINTS}.collection.get", service_point.service_points),
    asked("/service-points/{id}", f"{POINTS}.item.get", single(service_point.SERVICE_POINTS)),
    *read("/locations", f"{STORAGE}.locations", location.LOCATIONS),
    *read("/location-units/institutions", f"{UNITS}.institutions", location.INSTITUTIONS),
    *read("/location-units/campuses", f"{UNITS}.campuses", location.CAMPUSES),
    *read("/location-units/libraries", f"{UNITS}.libraries", location.LIBRARIES),
    # inventory
    *read("/inventory/instances", "inventory.instances", instance.INSTANCES),
    *read("/inventory/items", "inventory.items", item.ITEMS),
    *read("/instance-storage/instances", f"{STORAGE}.instances", instance.STORED_INSTANCES),
    *read("/item-storage/items", f"{STORAGE}.items", item.STORED_ITEMS),
    *read("/holdings-storage/holdings", f"{STORAGE}.holdings", HOLDINGS),
    *read("/material-types", f"{STORAGE}.material-types", reference.MATERIAL_TYPES),
    *read("/loan-types", f"{STORAGE}.loan-types", reference.LOAN_TYPES),
]

# loans after check-out, what is owed, settings and slips
ROUTES += [
    *loan_acts("declare-item-lost", loan_action.declare_item_lost, loan_action.declare_item_lost),
    *loan_acts("claim-item-returned", loan_action.claim_item_returned, loan_action.claim_item_returned),
    *loan_acts(
        "declare-claimed-returned-item-as-missing",
        loan_action.bff_declare_missing,
        loan_action.declare_missing,
    ),
    done(
        "/circulation/loans/{id}/change-due-date",
        "circulation.loans.change-due-date.post",
        loan_action.change_due_date,
    ),
    done("/circulation/loans/{id}/add-info", "circulation.loans.add-info.post", loan_action.add_info),
    done("/circulation/renew-by-barcode", "circulation.renew-by-barcode.post", renewal.renew_by_barcode),
    done("/circulation/renew-by-id", "circulation.renew-by-id.post", renewal.renew_by_id),
    done(
        "/circulation/check-out-by-barcode-dry-run",
        "circulation.check-out-by-barcode-dry-run.post",
        dry_run,
    ),
    done(
        "/circulation/end-patron-action-session",
        "circulation.end-patron-action-session.post",
        patron_session.end_patron_action_session,
    ),
    done(
        "/circulation/print-events-entry",
        "circulation.print-events-entry.item.post",
        print_event.print_events,
    ),
    *slips("pick-slips", slip_list.pick_slips),
    *slips("search-slips", slip_list.search_slips),
    asked(
        f"{BFF}/external-users/{{external_user_id}}/tenant/{{tenant_id}}",
        "circulation-bff.external-users.collection.get",
        external_user.external_users,
    ),
    asked(
        "/loan-storage/loan-history", f"{CIRCULATION}.loans-history.collection.get", collection(LOAN_HISTORY)
    ),
    *read("/accounts", "accounts", account.ACCOUNTS),
    *read("/feefineactions", "feefineactions", account.FEE_FINE_ACTIONS),
    *read("/overdue-fines-policies", "overdue-fines-policies", reference.OVERDUE_FINE_POLICIES),
    *read("/lost-item-fees-policies", "lost-item-fees-policies", reference.LOST_ITEM_FEE_POLICIES),
    *read("/tags", "tags", reference.TAGS),
    *read(
        "/request-preference-storage/request-preference",
        f"{CIRCULATION}.request-preferences",
        reference.REQUEST_PREFERENCES,
    ),
    *read("/circulation/settings", "circulation.settings", circulation_settings.CIRCULATION_SETTINGS),
    asked("/tlr/settings", "tlr.settings.get", circulation_settings.tlr_settings),
]

ROUTES += [
    Served(
        "GET",
        "/bl-users/_self",
        None,
        own_user(sorted({each.permission for each in ROUTES if each.permission} | OVERRIDES)),
    ),
]
