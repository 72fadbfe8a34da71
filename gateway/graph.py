"""Query and Mutation joined from their parts; the schema."""

from __future__ import annotations

import strawberry
from graphql import GraphQLDeferDirective
from strawberry.schema.config import StrawberryConfig

from gateway.fields.inputs import convert_once
from gateway.fields.mutation import OutcomeUnknownRemembered, RefusedAsData
from gateway.fields.scalars import SCALARS
from gateway.mutations.add_loan_info import AddLoanInfo
from gateway.mutations.cancel_request import CancelRequest
from gateway.mutations.change_due_date import ChangeDueDate
from gateway.mutations.check_in import CheckIn
from gateway.mutations.check_out import CheckOut
from gateway.mutations.claim_item_returned import ClaimItemReturned
from gateway.mutations.confirm_mediated_request import ConfirmMediatedRequest
from gateway.mutations.create_batch_request import CreateBatchRequest
from gateway.mutations.create_ecs_request_external import CreateEcsRequestExternal
from gateway.mutations.create_request import CreateRequest
from gateway.mutations.declare_claimed_returned_item_as_missing import DeclareClaimedReturnedItemAsMissing
from gateway.mutations.declare_item_lost import DeclareItemLost
from gateway.mutations.end_patron_action_session import EndPatronActionSession
from gateway.mutations.lock_object import LockObject
from gateway.mutations.move_request import MoveRequest
from gateway.mutations.record_print_events import RecordPrintEvents
from gateway.mutations.release_my_locks import ReleaseMyLocks
from gateway.mutations.renew import Renew
from gateway.mutations.reorder_queue import ReorderQueue
from gateway.mutations.unlock_object import UnlockObject
from gateway.schema.account import AccountQuery
from gateway.schema.allowed_service_points import AllowedServicePointsQuery
from gateway.schema.batch_request import BatchRequestQuery
from gateway.schema.cancellation_reason import CancellationReasonQuery
from gateway.schema.circulation_setting import CirculationSettingQuery
from gateway.schema.holdings import HoldingsQuery
from gateway.schema.instance import InstanceQuery
from gateway.schema.item import ItemQuery
from gateway.schema.loan import LoanQuery
from gateway.schema.location import LocationQuery
from gateway.schema.object_lock import ObjectLockQuery
from gateway.schema.policy import PolicyQuery
from gateway.schema.reference import ReferenceQuery
from gateway.schema.request import RequestQuery
from gateway.schema.search_instance import SearchInstanceQuery
from gateway.schema.service_point import ServicePointQuery
from gateway.schema.staff_slip import StaffSlipQuery
from gateway.schema.staff_slip_template import StaffSlipTemplateQuery
from gateway.schema.user import UserQuery


@strawberry.type(description="What can be asked. Asking changes nothing.")
class Query(
    LoanQuery,
    RequestQuery,
    AllowedServicePointsQuery,
    BatchRequestQuery,
    StaffSlipQuery,
    InstanceQuery,
    SearchInstanceQuery,
    HoldingsQuery,
    ItemQuery,
    UserQuery,
    ServicePointQuery,
    LocationQuery,
    AccountQuery,
    CancellationReasonQuery,
    CirculationSettingQuery,
    PolicyQuery,
    ReferenceQuery,
    StaffSlipTemplateQuery,
    ObjectLockQuery,
):
    pass


@strawberry.type(
    description="What the desk does. Each act is sent once; several in one operation run in order, and after "
    "one whose outcome is unknown the rest are not attempted."
)
class Mutation(
    CheckOut,
    CheckIn,
    Renew,
    ChangeDueDate,
    DeclareItemLost,
    ClaimItemReturned,
    DeclareClaimedReturnedItemAsMissing,
    AddLoanInfo,
    EndPatronActionSession,
    CreateRequest,
    CreateEcsRequestExternal,
    ConfirmMediatedRequest,
    CreateBatchRequest,
    CancelRequest,
    MoveRequest,
    ReorderQueue,
    RecordPrintEvents,
    LockObject,
    UnlockObject,
    ReleaseMyLocks,
):
    pass


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(scalar_map=SCALARS),
    exception_handlers=[RefusedAsData(), OutcomeUnknownRemembered()],
)
convert_once(schema)
# Not by Strawberry's switch for what is experimental: it would bring @stream, on which graphql-core can hang.
schema._schema.directives = (*schema._schema.directives, GraphQLDeferDirective)
