"""Query and Mutation joined from their parts; the schema."""

from __future__ import annotations

import strawberry
from strawberry.schema.config import StrawberryConfig

from gateway.mutations.acting import RefusedAsData
from gateway.mutations.check_in import CheckIn
from gateway.mutations.check_out import CheckOut
from gateway.mutations.lock_object import LockObject
from gateway.mutations.release_my_locks import ReleaseMyLocks
from gateway.mutations.unlock_object import UnlockObject
from gateway.schema.allowed_service_points import AllowedServicePointsQuery
from gateway.schema.batch_request import BatchRequestQuery
from gateway.schema.holdings import HoldingsQuery
from gateway.schema.instance import InstanceQuery
from gateway.schema.item import ItemQuery
from gateway.schema.loan import LoanQuery
from gateway.schema.location import LocationQuery
from gateway.schema.object_lock import ObjectLockQuery
from gateway.schema.request import RequestQuery
from gateway.schema.scalars import SCALARS
from gateway.schema.search_instance import SearchInstanceQuery
from gateway.schema.service_point import ServicePointQuery
from gateway.schema.staff_slip import StaffSlipQuery
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
    ObjectLockQuery,
):
    pass


@strawberry.type(
    description="What the desk does. Each act is sent once; several in one operation run in order."
)
class Mutation(CheckOut, CheckIn, LockObject, UnlockObject, ReleaseMyLocks):
    pass


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(scalar_map=SCALARS),
    exception_handlers=[RefusedAsData()],
)
