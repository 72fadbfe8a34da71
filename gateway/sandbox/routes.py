"""The routes of FOLIO, each with the permission it requires."""

from __future__ import annotations

from gateway.sandbox.collections import (
    accounts,
    bound_with,
    calendars,
    circulation_log,
    circulation_rules,
    circulation_settings,
    fee_fine_reference,
    instance_search,
    instances,
    items,
    loans,
    locations,
    notes,
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
from gateway.sandbox.desk.hold_shelf_clearance import read_hold_shelf_clearance
from gateway.sandbox.desk.items_in_transit import read_items_in_transit
from gateway.sandbox.desk.use_at_location import hold_for_use_at_location, pick_up_for_use_at_location
from gateway.sandbox.fees import actions as fee_fine_actions
from gateway.sandbox.fees import charges, manual_blocks
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
from gateway.sandbox.requests.mediated_requests import (
    confirm_mediated_request,
    read_mediated_request,
    read_mediated_requests,
)
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


def location_routes(path: str, permission: str, collection: Collection) -> list[ServedRoute]:
    """Return the routes of a collection with shadow records, and of its records."""
    parameter = "includeShadowLocations" if path == "/locations" else "includeShadow"
    records = locations.list_with_shadows(collection, parameter)
    return [
        get_route(path, f"{permission}.collection.get", records),
        get_route(path + "/{id}", f"{permission}.item.get", record_endpoint(collection)),
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


def account_action_routes(action: str, endpoint: Endpoint, check: Endpoint | None) -> list[ServedRoute]:
    """Return the routes of an action on one account and on many, and of its check if it has one."""
    routes = []
    for path, name in (("/accounts/{id}", "accounts"), ("/accounts-bulk", "accounts-bulk")):
        routes.append(post_route(f"{path}/{action}", f"feesfines.{name}.{action}.post", endpoint))
        if check is not None:
            routes.append(
                post_route(f"{path}/check-{action}", f"feesfines.{name}.check-{action}.post", check)
            )
    return routes


def rule_routes(name: str, key: str, permission_of_all: str) -> list[ServedRoute]:
    """Return the routes of the policy that applies, and of those of all rules that match."""
    path, permission = f"/circulation/rules/{name}", f"circulation.rules.{name}.get"
    return [
        get_route(path, permission, circulation_rules.policy_endpoint(key)),
        get_route(f"{path}-all", permission_of_all, circulation_rules.matches_endpoint(key)),
    ]


STORAGE = "inventory-storage"
UNITS = f"{STORAGE}.location-units"
POINTS = f"{STORAGE}.service-points"
CIRCULATION = "circulation-storage"
CALENDARS = "calendar.endpoint.calendars"

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
    get_route(
        "/requests-mediated/mediated-requests",
        "requests-mediated.mediated-request.collection.get",
        read_mediated_requests,
    ),
    get_route(
        "/requests-mediated/mediated-requests/{id}",
        "requests-mediated.mediated-request.item.get",
        read_mediated_request,
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
    post_route("/manualblocks", "manualblocks.item.post", manual_blocks.create_manual_block),
    ServedRoute("PUT", "/manualblocks/{id}", "manualblocks.item.put", manual_blocks.update_manual_block),
    ServedRoute(
        "DELETE", "/manualblocks/{id}", "manualblocks.item.delete", manual_blocks.delete_manual_block
    ),
    get_route(
        "/automated-patron-blocks/{user_id}",
        "patron-blocks.automated-patron-blocks.collection.get",
        patron_blocks.read_automated_blocks,
    ),
    # notes
    get_route(
        "/note-links/domain/{domain}/type/{object_type}/id/{object_id}",
        "note.links.collection.get",
        notes.read_notes_of_record,
    ),
    get_route("/notes/{id}", "notes.item.get", notes.read_note),
    get_route("/note-types", "note.types.collection.get", notes.read_note_types),
    # places
    get_route("/service-points", f"{POINTS}.collection.get", locations.read_service_points),
    get_route("/service-points/{id}", f"{POINTS}.item.get", record_endpoint(locations.SERVICE_POINTS)),
    *location_routes("/locations", f"{STORAGE}.locations", locations.LOCATIONS),
    *location_routes("/location-units/institutions", f"{UNITS}.institutions", locations.INSTITUTIONS),
    *location_routes("/location-units/campuses", f"{UNITS}.campuses", locations.CAMPUSES),
    *location_routes("/location-units/libraries", f"{UNITS}.libraries", locations.LIBRARIES),
    get_route("/calendar/calendars", f"{CALENDARS}.get", calendars.read_calendars),
    get_route(
        "/calendar/dates/{service_point_id}/all-openings",
        f"{CALENDARS}.allOpenings.get",
        calendars.read_openings,
    ),
    get_route(
        "/calendar/dates/{service_point_id}/surrounding-openings",
        f"{CALENDARS}.surroundingOpenings.get",
        calendars.read_surrounding_openings,
    ),
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
        "/circulation/hold-by-barcode-for-use-at-location",
        "circulation.hold-by-barcode-for-use-at-location.post",
        hold_for_use_at_location,
    ),
    post_route(
        "/circulation/pickup-by-barcode-for-use-at-location",
        "circulation.pickup-by-barcode-for-use-at-location.post",
        pick_up_for_use_at_location,
    ),
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
        "/circulation/requests-reports/hold-shelf-clearance/{service_point_id}",
        "circulation.requests.hold-shelf-clearance-report.get",
        read_hold_shelf_clearance,
    ),
    get_route(
        "/inventory-reports/items-in-transit",
        "circulation.inventory.items-in-transit-report.get",
        read_items_in_transit,
    ),
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
    post_route("/accounts", "accounts.item.post", charges.create_account),
    post_route("/feefineactions", "feefineactions.item.post", charges.create_action),
    *(
        route
        for action in ("pay", "waive", "transfer", "refund")
        for route in account_action_routes(
            action, fee_fine_actions.action_endpoint(action), fee_fine_actions.check_endpoint(action)
        )
    ),
    *account_action_routes("cancel", fee_fine_actions.cancel_accounts, None),
    *collection_routes("/feefineactions", "feefineactions", accounts.FEE_FINE_ACTIONS),
    *collection_routes("/owners", "owners", fee_fine_reference.OWNERS),
    *collection_routes("/feefines", "feefines", fee_fine_reference.TYPES),
    *collection_routes("/payments", "payments", fee_fine_reference.PAYMENT_METHODS),
    *collection_routes("/waives", "waives", fee_fine_reference.WAIVE_REASONS),
    *collection_routes("/transfers", "transfers", fee_fine_reference.TRANSFER_ACCOUNTS),
    *collection_routes("/refunds", "refunds", fee_fine_reference.REFUND_REASONS),
    *collection_routes(
        "/patron-block-conditions",
        "patron-blocks.patron-block-conditions",
        patron_blocks.BLOCK_CONDITIONS,
    ),
    *collection_routes(
        "/patron-block-limits", "patron-blocks.patron-block-limits", patron_blocks.BLOCK_LIMITS
    ),
    *collection_routes("/overdue-fines-policies", "overdue-fines-policies", reference.OVERDUE_FINE_POLICIES),
    *collection_routes(
        "/lost-item-fees-policies", "lost-item-fees-policies", reference.LOST_ITEM_FEE_POLICIES
    ),
    get_route(
        "/audit-data/circulation/logs",
        "circulation-logs.collection.get",
        circulation_log.read_circulation_log,
    ),
    *collection_routes(
        "/request-policy-storage/request-policies",
        f"{CIRCULATION}.request-policies",
        circulation_rules.REQUEST_POLICIES,
    ),
    *collection_routes(
        "/patron-notice-policy-storage/patron-notice-policies",
        f"{CIRCULATION}.patron-notice-policies",
        circulation_rules.NOTICE_POLICIES,
    ),
    *rule_routes("loan-policy", "loanPolicyId", "circulation.rules.loan-policy-all.get"),
    *rule_routes("request-policy", "requestPolicyId", "circulation.rules.request-policy-all.get"),
    *rule_routes(
        "overdue-fine-policy", "overdueFinePolicyId", "circulation.rules.overdue-fine-policy-all.get"
    ),
    *rule_routes("lost-item-policy", "lostItemPolicyId", "circulation.rules.lost-item-all.get"),
    *rule_routes("notice-policy", "noticePolicyId", "circulation.rules.notice-policy-all.get"),
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

PERMISSIONS = sorted({route.permission for route in ROUTES if route.permission} | OVERRIDE_PERMISSIONS)

ROUTES += [
    ServedRoute("GET", "/bl-users/_self", None, users.own_user_endpoint(PERMISSIONS, expands=True)),
    ServedRoute("GET", "/users-keycloak/_self", None, users.own_user_endpoint(PERMISSIONS, expands=False)),
]
