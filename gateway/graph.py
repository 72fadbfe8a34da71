"""The schema: Query and Mutation, joined from the fields of their modules."""

from __future__ import annotations

import strawberry
from graphql import GraphQLDeferDirective
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import create_type

from gateway.engine.core import (
    convert_inputs_once,
    core_schema,
    resolve_fields_directly,
)
from gateway.fields.scalars import SCALARS
from gateway.mutations.add_loan_info import add_loan_info
from gateway.mutations.cancel_fee_fine import cancel_fee_fine
from gateway.mutations.cancel_fee_fines import cancel_fee_fines
from gateway.mutations.cancel_request import cancel_request
from gateway.mutations.change_due_date import change_due_date
from gateway.mutations.charge_fee_fine import charge_fee_fine
from gateway.mutations.check_in import check_in
from gateway.mutations.check_out import check_out
from gateway.mutations.claim_item_returned import claim_item_returned
from gateway.mutations.confirm_mediated_request import confirm_mediated_request
from gateway.mutations.create_batch_request import create_batch_request
from gateway.mutations.create_ecs_request_external import create_ecs_request_external
from gateway.mutations.create_manual_block import create_manual_block
from gateway.mutations.create_request import create_request
from gateway.mutations.declare_claimed_returned_item_as_missing import (
    declare_claimed_returned_item_as_missing,
)
from gateway.mutations.declare_item_lost import declare_item_lost
from gateway.mutations.delete_manual_block import delete_manual_block
from gateway.mutations.end_patron_action_session import end_patron_action_session
from gateway.mutations.hold_for_use_at_location import hold_for_use_at_location
from gateway.mutations.lock_object import lock_object
from gateway.mutations.move_request import move_request
from gateway.mutations.pay_fee_fine import pay_fee_fine
from gateway.mutations.pay_fee_fines import pay_fee_fines
from gateway.mutations.pick_up_for_use_at_location import pick_up_for_use_at_location
from gateway.mutations.record_print_events import record_print_events
from gateway.mutations.refund_fee_fine import refund_fee_fine
from gateway.mutations.refund_fee_fines import refund_fee_fines
from gateway.mutations.release_my_locks import release_my_locks
from gateway.mutations.renew import renew
from gateway.mutations.renew_many import renew_many
from gateway.mutations.reorder_queue import reorder_queue
from gateway.mutations.transfer_fee_fine import transfer_fee_fine
from gateway.mutations.transfer_fee_fines import transfer_fee_fines
from gateway.mutations.unlock_object import unlock_object
from gateway.mutations.update_manual_block import update_manual_block
from gateway.mutations.update_request import update_request
from gateway.mutations.waive_fee_fine import waive_fee_fine
from gateway.mutations.waive_fee_fines import waive_fee_fines
from gateway.schema import (
    account,
    allowed_service_points,
    applied_policies,
    batch_request,
    calendar,
    cancellation_reason,
    changes,
    check_out_dry_run,
    circulation_log,
    circulation_report,
    circulation_setting,
    fee_fine_action,
    fee_fine_reference,
    fee_fine_settlement,
    holdings,
    instance,
    item,
    loan,
    location,
    note,
    object_lock,
    patron_block,
    patron_block_limit,
    patron_notice_policy,
    policy,
    reference,
    request,
    request_policy,
    search_instance,
    service_point,
    staff_slip,
    staff_slip_template,
    user,
)
from gateway.schema.refusal import RefusalAsResult, UnknownOutcomeFlag

Query = create_type(
    "Query",
    [
        *loan.QUERIES,
        *request.QUERIES,
        *check_out_dry_run.QUERIES,
        *allowed_service_points.QUERIES,
        *batch_request.QUERIES,
        *staff_slip.QUERIES,
        *circulation_report.QUERIES,
        *instance.QUERIES,
        *search_instance.QUERIES,
        *holdings.QUERIES,
        *item.QUERIES,
        *user.QUERIES,
        *service_point.QUERIES,
        *calendar.QUERIES,
        *location.QUERIES,
        *account.QUERIES,
        *fee_fine_action.QUERIES,
        *fee_fine_reference.QUERIES,
        *fee_fine_settlement.QUERIES,
        *patron_block.QUERIES,
        *patron_block_limit.QUERIES,
        *note.QUERIES,
        *circulation_log.QUERIES,
        *cancellation_reason.QUERIES,
        *circulation_setting.QUERIES,
        *policy.QUERIES,
        *request_policy.QUERIES,
        *patron_notice_policy.QUERIES,
        *applied_policies.QUERIES,
        *reference.QUERIES,
        *staff_slip_template.QUERIES,
        *object_lock.QUERIES,
    ],
    description="Queries read data and change nothing.",
)

Mutation = create_type(
    "Mutation",
    [
        check_out,
        check_in,
        renew,
        renew_many,
        change_due_date,
        declare_item_lost,
        claim_item_returned,
        declare_claimed_returned_item_as_missing,
        add_loan_info,
        hold_for_use_at_location,
        pick_up_for_use_at_location,
        end_patron_action_session,
        create_request,
        create_ecs_request_external,
        confirm_mediated_request,
        create_batch_request,
        update_request,
        cancel_request,
        move_request,
        reorder_queue,
        record_print_events,
        charge_fee_fine,
        pay_fee_fine,
        pay_fee_fines,
        waive_fee_fine,
        waive_fee_fines,
        transfer_fee_fine,
        transfer_fee_fines,
        refund_fee_fine,
        refund_fee_fines,
        cancel_fee_fine,
        cancel_fee_fines,
        create_manual_block,
        update_manual_block,
        delete_manual_block,
        lock_object,
        unlock_object,
        release_my_locks,
    ],
    description="Mutations write data. Each write is sent once; several mutations in one operation run in "
    "order, and after one with an unknown outcome the rest are not attempted.",
)

Subscription = create_type(
    "Subscription",
    [*changes.SUBSCRIPTIONS, *object_lock.SUBSCRIPTIONS],
    description="Subscriptions send a result for each change of what they watch, as server-sent events. The "
    "record is read with the token of the request each time, so that FOLIO decides what it may see.",
)

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    exception_handlers=[RefusalAsResult(), UnknownOutcomeFlag()],
)
core_schema(schema).description = (
    "The circulation of a FOLIO library as one graph: loans, requests, items, users, fees and what they lead "
    "to, and the object locks of Polaris. Lists that can grow are connections. A mutation that the library "
    "rejects returns a `Refusal`; a field that fails is null, with an error whose `extensions.code` says why."
    " Try `{ loans(first: 3) { nodes { dueDate item { title } } } }`."
)
convert_inputs_once(schema)
resolve_fields_directly(schema)
# Not by Strawberry's switch for what is experimental: it would bring @stream, on which graphql-core can hang.
core_schema(schema).directives = (*core_schema(schema).directives, GraphQLDeferDirective)
