"""The schema: Query and Mutation, joined from the fields of their modules."""

from __future__ import annotations

import strawberry
from graphql import GraphQLDeferDirective
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import create_type

from gateway.engine.core import call_mutations_directly, convert_inputs_once, core_schema
from gateway.fields.scalars import SCALARS
from gateway.mutations.add_loan_info import add_loan_info
from gateway.mutations.cancel_request import cancel_request
from gateway.mutations.change_due_date import change_due_date
from gateway.mutations.check_in import check_in
from gateway.mutations.check_out import check_out
from gateway.mutations.claim_item_returned import claim_item_returned
from gateway.mutations.confirm_mediated_request import confirm_mediated_request
from gateway.mutations.create_batch_request import create_batch_request
from gateway.mutations.create_ecs_request_external import create_ecs_request_external
from gateway.mutations.create_request import create_request
from gateway.mutations.declare_claimed_returned_item_as_missing import (
    declare_claimed_returned_item_as_missing,
)
from gateway.mutations.declare_item_lost import declare_item_lost
from gateway.mutations.end_patron_action_session import end_patron_action_session
from gateway.mutations.lock_object import lock_object
from gateway.mutations.move_request import move_request
from gateway.mutations.record_print_events import record_print_events
from gateway.mutations.release_my_locks import release_my_locks
from gateway.mutations.renew import renew
from gateway.mutations.reorder_queue import reorder_queue
from gateway.mutations.unlock_object import unlock_object
from gateway.schema import (
    account,
    allowed_service_points,
    batch_request,
    cancellation_reason,
    circulation_setting,
    holdings,
    instance,
    item,
    loan,
    location,
    object_lock,
    policy,
    reference,
    request,
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
        *allowed_service_points.QUERIES,
        *batch_request.QUERIES,
        *staff_slip.QUERIES,
        *instance.QUERIES,
        *search_instance.QUERIES,
        *holdings.QUERIES,
        *item.QUERIES,
        *user.QUERIES,
        *service_point.QUERIES,
        *location.QUERIES,
        *account.QUERIES,
        *cancellation_reason.QUERIES,
        *circulation_setting.QUERIES,
        *policy.QUERIES,
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
        change_due_date,
        declare_item_lost,
        claim_item_returned,
        declare_claimed_returned_item_as_missing,
        add_loan_info,
        end_patron_action_session,
        create_request,
        create_ecs_request_external,
        confirm_mediated_request,
        create_batch_request,
        cancel_request,
        move_request,
        reorder_queue,
        record_print_events,
        lock_object,
        unlock_object,
        release_my_locks,
    ],
    description="Mutations write data. Each write is sent once; several mutations in one operation run in "
    "order, and after one with an unknown outcome the rest are not attempted.",
)

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(scalar_map=SCALARS),
    exception_handlers=[RefusalAsResult(), UnknownOutcomeFlag()],
)
convert_inputs_once(schema)
call_mutations_directly(schema)
# Not by Strawberry's switch for what is experimental: it would bring @stream, on which graphql-core can hang.
core_schema(schema).directives = (*core_schema(schema).directives, GraphQLDeferDirective)
