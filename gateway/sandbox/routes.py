"""The routes of FOLIO, each with the permission it requires."""

from __future__ import annotations

from gateway.sandbox.collections import (
    accounts,
    bound_with,
    circulation_settings,
    instance_search,
    instances,
    items,
    loans,
    locations,
    patron_blocks,
    reference,
    requests,
    users,
)
from gateway.sandbox.collections.collection import Collection
from gateway.sandbox.collections.endpoints import list_endpoint, record_endpoint
from gateway.sandbox.collections.loan_history import LOAN_HISTORY
from gateway.sandbox.desk import loan_actions, patron_session, print_events, renewal, slip_lists
from gateway.sandbox.desk.check_in import bff_check_in, circulation_check_in
from gateway.sandbox.desk.check_out import bff_check_out, check_out_dry_run, circulation_check_out
from gateway.sandbox.http.permissions import OVERRIDE_PERMISSIONS
from gateway.sandbox.http.request import Endpoint
from gateway.sandbox.http.route import ServedRoute, get_route, post_route
from gateway.sandbox.requests import batch_requests, request_queue
from gateway.sandbox.requests.allowed_service_points import (
    bff_allowed_service_points,
    circulation_allowed_service_points,
)
from gateway.sandbox.requests.create_request import bff_create_request, circulation_create_request
from gateway.sandbox.requests.ecs_request_external import create_ecs_request_external
from gateway.sandbox.requests.mediated_requests import confirm_mediated_request
from gateway.sandbox.requests.move_request import move_request
from gateway.sandbox.requests.reorder_queue import reorder_instance_queue, reorder_item_queue
from gateway.sandbox.requests.update_request import update_request

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
BFF = "/circulation-bff"


def collection_routes(path: str, permission: str, collection: Collection) -> list[ServedRoute]:
    """Return the routes of a collection and of its records, each with its permission."""
    return [
        ServedRoute("GET", path, f"{permission}.collection.get", list_endpoint(collection)),
        ServedRoute("GET", path + "/{id}", f"{permission}.item.get", record_endpoint(collection)),
    ]


def loan_write_routes(name: str, bff: Endpoint, circulation: Endpoint) -> list[ServedRoute]:
    """Return the routes of a write on one loan, at the BFF and at mod-circulation."""
    return [
        post_route(f"{BFF}/loans/{{id}}/{name}", f"circulation-bff.loans.{name}.execute", bff),
        post_route(f"/circulation/loans/{{id}}/{name}", f"circulation.loans.{name}.post", circulation),
    ]


def slip_routes(name: str, endpoint: Endpoint) -> list[ServedRoute]:
    point = "{service_point_id}"
    return [
        get_route(f"{BFF}/{name}/{point}", f"circulation-bff.{name}.collection.get", endpoint),
        get_route(f"/circulation/{name}/{point}", f"circulation.{name}.get", endpoint),
    ]


STORAGE = "inventory-storage"
UNITS = f"{STORAGE}.location-units"
POINTS = f"{STORAGE}.service-points"
CIRCULATION = "circulation-storage"

# Before the requests by id, whose path pattern matches these too.
REQUEST_ROUTES: list[ServedRoute] = [
    get_route(
        f"{BFF}/requests/allowed-service-points",
        "circulation-bff.requests.allowed-service-points.get",
        bff_allowed_service_points,
    ),
    get_route(
        "/circulation/requests/allowed-service-points",
        "circulation.requests.allowed-service-points.get",
        circulation_allowed_service_points,
    ),
    post_route(f"{BFF}/requests", "circulation-bff.requests.post", bff_create_request),
    post_route("/circulation/requests", "circulation.requests.item.post", circulation_create_request),
    ServedRoute("PUT", "/circulation/requests/{id}", "circulation.requests.item.put", update_request),
    post_route("/circulation/requests/{id}/move", "circulation.requests.item.move.post", move_request),
    post_route(
        "/circulation/requests/queue/instance/{id}/reorder",
        "circulation.requests.queue.instance-reorder.collection.post",
        reorder_instance_queue,
    ),
    post_route(
        "/circulation/requests/queue/item/{id}/reorder",
        "circulation.requests.queue.item-reorder.collection.post",
        reorder_item_queue,
    ),
    post_route(
        f"{BFF}/mediated-requests/confirm",
        "circulation-bff.confirm-mediated-request.execute",
        confirm_mediated_request,
    ),
    post_route(
        f"{BFF}/batch-requests",
        "circulation-bff.batch-requests.item.post",
        batch_requests.create_batch_request,
    ),
    get_route(
        f"{BFF}/batch-requests",
        "circulation-bff.batch-request.collection.get",
        batch_requests.read_batch_requests,
    ),
    get_route(
        f"{BFF}/batch-requests/{{id}}",
        "circulation-bff.batch-request.item.get",
        batch_requests.read_batch_request,
    ),
    get_route(
        f"{BFF}/batch-requests/{{id}}/details",
        "circulation-bff.batch-request.details.collection.get",
        batch_requests.read_batch_details,
    ),
    post_route(
        f"{BFF}/create-ecs-request-external",
        "circulation-bff.ecs-request-external.item.post",
        create_ecs_request_external,
    ),
]

ROUTES: list[ServedRoute] = [
    *REQUEST_ROUTES,
    # circulation BFF
    get_route(
        f"{BFF}/loans",
        "circulation-bff.loans.collection.get",
        list_endpoint(loans.BFF_LOANS, query_required=True),
    ),
    get_route(f"{BFF}/loans/{{id}}", "circulation-bff.loans.item.get", record_endpoint(loans.BFF_LOANS)),
    get_route(
        f"{BFF}/requests", "circulation-bff.requests.collection.get", list_endpoint(requests.BFF_REQUESTS)
    ),
    get_route(
        f"{BFF}/requests/search-instances",
        "circulation-bff.requests.search-instances.get",
        instance_search.read_search_instances,
    ),
    get_route(
        f"{BFF}/inventory/items",
        "circulation-bff.inventory.items.collection.get",
        items.read_items_by_barcode,
    ),
    post_route(
        f"{BFF}/loans/check-out-by-barcode",
        "circulation-bff.loans.check-out-by-barcode.execute",
        bff_check_out,
    ),
    post_route(
        f"{BFF}/loans/check-in-by-barcode", "circulation-bff.loans.check-in-by-barcode.execute", bff_check_in
    ),
    # circulation
    *collection_routes("/circulation/loans", "circulation.loans", loans.LOANS),
    *collection_routes("/circulation/requests", "circulation.requests", requests.REQUESTS),
    get_route(
        "/circulation/requests/queue/instance/{id}",
        "circulation.requests.queue-instance.collection.get",
        request_queue.read_instance_queue,
    ),
    get_route(
        "/circulation/requests/queue/item/{id}",
        "circulation.requests.queue-item.collection.get",
        request_queue.read_item_queue,
    ),
    post_route(
        "/circulation/check-out-by-barcode", "circulation.check-out-by-barcode.post", circulation_check_out
    ),
    post_route(
        "/circulation/check-in-by-barcode", "circulation.check-in-by-barcode.post", circulation_check_in
    ),
    *collection_routes(
        "/loan-policy-storage/loan-policies", f"{CIRCULATION}.loan-policies", reference.LOAN_POLICIES
    ),
    *collection_routes(
        "/cancellation-reason-storage/cancellation-reasons",
        f"{CIRCULATION}.cancellation-reasons",
        reference.CANCELLATION_REASONS,
    ),
    *collection_routes(
        "/staff-slips-storage/staff-slips", f"{CIRCULATION}.staff-slips", reference.STAFF_SLIPS
    ),
    # users
    *collection_routes("/users", "users", users.USERS),
    *collection_routes("/groups", "usergroups", users.GROUPS),
    *collection_routes("/proxiesfor", "proxiesfor", users.PROXIES),
    *collection_routes("/addresstypes", "addresstypes", users.ADDRESS_TYPES),
    *collection_routes("/departments", "departments", users.DEPARTMENTS),
    *collection_routes("/manualblocks", "manualblocks", patron_blocks.MANUAL_BLOCKS),
    get_route(
        "/automated-patron-blocks/{user_id}",
        "patron-blocks.automated-patron-blocks.collection.get",
        patron_blocks.read_automated_blocks,
    ),
    # places
    get_route("/service-points", f"{POINTS}.collection.get", locations.read_service_points),
    get_route("/service-points/{id}", f"{POINTS}.item.get", record_endpoint(locations.SERVICE_POINTS)),
    *collection_routes("/locations", f"{STORAGE}.locations", locations.LOCATIONS),
    *collection_routes("/location-units/institutions", f"{UNITS}.institutions", locations.INSTITUTIONS),
    *collection_routes("/location-units/campuses", f"{UNITS}.campuses", locations.CAMPUSES),
    *collection_routes("/location-units/libraries", f"{UNITS}.libraries", locations.LIBRARIES),
    # inventory
    *collection_routes("/inventory/instances", "inventory.instances", instances.INSTANCES),
    *collection_routes("/inventory/items", "inventory.items", items.ITEMS),
    get_route(
        "/inventory/items-by-holdings-id",
        "inventory.items-by-holdings-id.collection.get",
        bound_with.read_items_by_holdings_id,
    ),
    *collection_routes(
        "/inventory-storage/bound-with-parts", f"{STORAGE}.bound-with-parts", bound_with.BOUND_WITH_PARTS
    ),
    *collection_routes("/instance-storage/instances", f"{STORAGE}.instances", instances.STORED_INSTANCES),
    *collection_routes("/item-storage/items", f"{STORAGE}.items", items.STORED_ITEMS),
    *collection_routes("/holdings-storage/holdings", f"{STORAGE}.holdings", instances.HOLDINGS),
    *collection_routes("/material-types", f"{STORAGE}.material-types", reference.MATERIAL_TYPES),
    *collection_routes("/loan-types", f"{STORAGE}.loan-types", reference.LOAN_TYPES),
]

# writes on loans, accounts, settings and slips
ROUTES += [
    *loan_write_routes("declare-item-lost", loan_actions.declare_item_lost, loan_actions.declare_item_lost),
    *loan_write_routes(
        "claim-item-returned", loan_actions.claim_item_returned, loan_actions.claim_item_returned
    ),
    *loan_write_routes(
        "declare-claimed-returned-item-as-missing",
        loan_actions.bff_declare_missing,
        loan_actions.declare_missing,
    ),
    post_route(
        "/circulation/loans/{id}/change-due-date",
        "circulation.loans.change-due-date.post",
        loan_actions.change_due_date,
    ),
    post_route("/circulation/loans/{id}/add-info", "circulation.loans.add-info.post", loan_actions.add_info),
    post_route(
        "/circulation/renew-by-barcode", "circulation.renew-by-barcode.post", renewal.renew_by_barcode
    ),
    post_route("/circulation/renew-by-id", "circulation.renew-by-id.post", renewal.renew_by_id),
    post_route(
        "/circulation/check-out-by-barcode-dry-run",
        "circulation.check-out-by-barcode-dry-run.post",
        check_out_dry_run,
    ),
    post_route(
        "/circulation/end-patron-action-session",
        "circulation.end-patron-action-session.post",
        patron_session.end_patron_action_session,
    ),
    post_route(
        "/circulation/print-events-entry",
        "circulation.print-events-entry.item.post",
        print_events.create_print_events,
    ),
    *slip_routes("pick-slips", slip_lists.read_pick_slips),
    *slip_routes("search-slips", slip_lists.read_search_slips),
    get_route(
        f"{BFF}/external-users/{{external_user_id}}/tenant/{{tenant_id}}",
        "circulation-bff.external-users.collection.get",
        users.read_external_users,
    ),
    get_route(
        "/loan-storage/loan-history",
        f"{CIRCULATION}.loans-history.collection.get",
        list_endpoint(LOAN_HISTORY),
    ),
    *collection_routes("/accounts", "accounts", accounts.ACCOUNTS),
    *collection_routes("/feefineactions", "feefineactions", accounts.FEE_FINE_ACTIONS),
    *collection_routes("/overdue-fines-policies", "overdue-fines-policies", reference.OVERDUE_FINE_POLICIES),
    *collection_routes(
        "/lost-item-fees-policies", "lost-item-fees-policies", reference.LOST_ITEM_FEE_POLICIES
    ),
    *collection_routes("/tags", "tags", reference.TAGS),
    *collection_routes(
        "/request-preference-storage/request-preference",
        f"{CIRCULATION}.request-preferences",
        reference.REQUEST_PREFERENCES,
    ),
    *collection_routes(
        "/circulation/settings", "circulation.settings", circulation_settings.CIRCULATION_SETTINGS
    ),
    get_route("/tlr/settings", "tlr.settings.get", circulation_settings.read_tlr_settings),
]

ROUTES += [
    ServedRoute(
        "GET",
        "/bl-users/_self",
        None,
        users.own_user_endpoint(
            sorted({route.permission for route in ROUTES if route.permission} | OVERRIDE_PERMISSIONS)
        ),
    ),
]
