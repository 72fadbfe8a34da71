"""The results of the circulation rules for a material type, loan type, patron group and location."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from propcache.api import cached_property

from gateway.loaders.loader import Loader, by_name, one_by_one
from gateway.loaders.loader_set import LoaderSet, RecordLoader, calls
from gateway.loaders.user import USERS
from gateway.upstream.record_types import Record

RuleRead: TypeAlias = Literal[
    "loan_policy",
    "loan_policy_matches",
    "request_policy",
    "request_policy_matches",
    "overdue_fine_policy",
    "overdue_fine_policy_matches",
    "lost_item_policy",
    "lost_item_policy_matches",
    "notice_policy",
    "notice_policy_matches",
]
"""A method of the service."""


class DeterminedBy(NamedTuple):
    """A read of the circulation rules, and the ids that it is for."""

    read: RuleRead
    material_type_id: str
    loan_type_id: str
    patron_group_id: str
    location_id: str

    @property
    def query(self) -> Mapping[str, str]:
        return {
            "item_type_id": self.material_type_id,
            "loan_type_id": self.loan_type_id,
            "patron_type_id": self.patron_group_id,
            "location_id": self.location_id,
        }


class AppliedTo(NamedTuple):
    """The ids of an item that the rules depend on, and the patron: `patron_by` is the name of an argument."""

    material_type_id: str
    loan_type_id: str
    location_id: str
    patron_by: str
    patron: str


class CirculationRuleLoaders(LoaderSet):
    # Not those that operations select users of: a plan decides what these decode of a user.
    patron = RecordLoader(USERS)
    patron_by_barcode = RecordLoader(USERS, index="barcode", create=by_name)

    @cached_property
    def circulation_rules(self) -> Loader[DeterminedBy, Any]:
        """Upstream serves one kind of policy for one combination per call. Any: a record, or a list."""

        async def fetch(key: DeterminedBy) -> Any:
            read: Callable[[Mapping[str, str]], Awaitable[Any]]
            read = getattr(self.upstream.circulation_rules, key.read)
            return await read(key.query)

        return one_by_one(fetch, self.upstream.operation, cache_key=lambda key: key)

    @cached_property
    @calls("users.users")
    def applied_policies(self) -> Loader[AppliedTo, Record | None]:
        """The ids that the rules depend on; None for an unknown user, or one without a patron group."""

        async def find_ids(key: AppliedTo) -> Record | None:
            group: Any = key.patron  # of a record
            if key.patron_by != "patronGroupId":
                loader = self.patron if key.patron_by == "userId" else self.patron_by_barcode
                user = await loader.load(key.patron)
                group = None if user is None else user.get("patronGroup")
            return group and {
                "materialTypeId": key.material_type_id,
                "loanTypeId": key.loan_type_id,
                "patronGroupId": group,
                "locationId": key.location_id,
            }

        return one_by_one(find_ids, self.upstream.operation, cache_key=lambda key: key)
