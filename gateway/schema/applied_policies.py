"""The policies that the circulation rules determine, and the rules that match."""

from typing import TYPE_CHECKING, Annotated, cast

import strawberry
from graphql import FieldNode

from gateway.context import Context, Info
from gateway.fields import arguments
from gateway.fields.arguments import Key
from gateway.fields.base import Arguments, Cost, Declared, Json, Levels, Load, Selected
from gateway.fields.link import LoadedField, id_in, link
from gateway.fields.record import field, is_list, is_missing, record_of
from gateway.fields.root import query
from gateway.loaders.circulation_rules import AppliedTo, DeterminedBy, RuleRead
from gateway.loaders.loader_set import Calls
from gateway.schema.patron_notice_policy import PatronNoticePolicy
from gateway.schema.policy import LoanPolicy, LostItemFeePolicy, OverdueFinePolicy
from gateway.schema.reference import LoanType, MaterialType
from gateway.schema.request_policy import RequestPolicy
from gateway.upstream.record_types import dig
from gateway.upstream.services import ListsFrom

if TYPE_CHECKING:
    from gateway.schema.location import Location
    from gateway.schema.user import PatronGroup


class Determined(LoadedField):
    """The result of the circulation rules for the ids in the parent: a record, or a list of them."""

    loader = "circulation_rules"
    key_paths = (("materialTypeId",), ("loanTypeId",), ("patronGroupId",), ("locationId",))
    read: RuleRead

    @property
    def semantic_non_null(self) -> Levels:
        return (0, 1) if is_list(self.type) else (0,)

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        record = record_of(source, self)
        key = tuple(record.get(name) for (name,) in self.key_paths)
        return self.load(info.context, arguments, Selected()).one(key)

    def load(self, context: Context, arguments: Json, selected: Selected) -> Load:
        return Load(context.loaders.circulation_rules, lambda ids: DeterminedBy(self.read, *ids))

    def upstream_calls(self, selected: Selected, node: FieldNode, lists_from: ListsFrom) -> Calls:
        return ((f"circulation_rules.{self.read}",),)

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        return Cost(1, batched=False, rows=rows)


PATRON = {
    "userId": Key(strawberry.ID, "The id of the patron, a UUID."),
    "userBarcode": Key(str, "The patron's library card number, such as `1000000001`."),
    "patronGroupId": Key(strawberry.ID, "The id of the patron's group, which costs no call."),
}


class AppliedPoliciesOf(LoadedField):
    """The policies for an item and a patron.

    The ids are those that mod-circulation takes of an item (RulesExecutionParameters.forItem, ItemMapper).
    """

    loader = "applied_policies"
    key_paths = (
        ("materialType", "id"),
        ("temporaryLoanType", "id"),
        ("permanentLoanType", "id"),
        ("effectiveLocation", "id"),
    )

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        record = record_of(source, self)
        if is_missing(record, None):
            return None
        load = self.load(info.context, self.parse(arguments, Selected()), Selected())
        return load.one(tuple(dig(record, path) for path in self.key_paths))

    def parse(self, given: Arguments, selected: Selected) -> tuple[str, str]:
        return arguments.given_key(given, PATRON)

    def load(self, context: Context, patron: tuple[str, str], selected: Selected) -> Load:
        def key(read: tuple[Json, Json, Json, Json]) -> AppliedTo | None:
            material, temporary, permanent, location = (id_in(self, each) for each in read)
            loan = temporary or permanent
            if material is None or loan is None or location is None:
                return None
            return AppliedTo(material, loan, location, *patron)

        return Load(context.loaders.applied_policies, key)

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        given = {each.name.value for each in node.arguments or ()}
        return Cost(0 if given == {"patronGroupId"} else 1, rows=rows)


def applied_to(description: str) -> Declared:
    """Declare the policies for the item that a record is."""
    declared = AppliedPoliciesOf(description=description)
    declared.arguments = arguments.key_arguments(PATRON)
    return declared


def _determined(description: str, read: RuleRead) -> Declared:
    declared = Determined(description=f"{description} One upstream call.")
    declared.read = read
    return declared


@strawberry.type(
    description="The conditions of the rule that applies. A rule has a policy of each kind, so that they are "
    "those of the other policies too."
)
class AppliedRuleConditions:
    material_type_match: bool | None = field("True if the rule is about the material type.")
    loan_type_match: bool | None = field("True if the rule is about the loan type.")
    patron_group_match: bool | None = field("True if the rule is about the patron group.")


@strawberry.type(description="The loan policy that applies.")
class AppliedLoanPolicy:
    policy: LoanPolicy | None = link(
        "The policy. Its id costs no further upstream call.", loader="loan_policy", key="loanPolicyId"
    )
    applied_rule_conditions: AppliedRuleConditions | None = field(
        "The conditions of the rule that determined it."
    )


@strawberry.type(description="The request policy that applies.")
class AppliedRequestPolicy:
    policy: RequestPolicy | None = link(
        "The policy. Its id costs no further upstream call.", loader="request_policy", key="requestPolicyId"
    )


@strawberry.type(description="The overdue fine policy that applies.")
class AppliedOverdueFinePolicy:
    policy: OverdueFinePolicy | None = link(
        "The policy. Its id costs no further upstream call.",
        loader="overdue_fine_policy",
        key="overdueFinePolicyId",
    )


@strawberry.type(description="The lost item fee policy that applies.")
class AppliedLostItemPolicy:
    policy: LostItemFeePolicy | None = link(
        "The policy. Its id costs no further upstream call.",
        loader="lost_item_fee_policy",
        key="lostItemPolicyId",
    )


@strawberry.type(description="The policy for notices that applies.")
class AppliedNoticePolicy:
    policy: PatronNoticePolicy | None = link(
        "The policy. Its id costs no further upstream call.",
        loader="patron_notice_policy",
        key="noticePolicyId",
    )


def _line() -> Declared:
    return field("The line of the rule in the text of the circulation rules, from 1 on.")


@strawberry.type(description="A rule that matches, with its loan policy.")
class LoanPolicyMatch:
    circulation_rule_line: int | None = _line()
    policy: LoanPolicy | None = link(
        "The policy. Its id costs no further upstream call.", loader="loan_policy", key="loanPolicyId"
    )


@strawberry.type(description="A rule that matches, with its request policy.")
class RequestPolicyMatch:
    circulation_rule_line: int | None = _line()
    policy: RequestPolicy | None = link(
        "The policy. Its id costs no further upstream call.", loader="request_policy", key="requestPolicyId"
    )


@strawberry.type(description="A rule that matches, with its overdue fine policy.")
class OverdueFinePolicyMatch:
    circulation_rule_line: int | None = _line()
    policy: OverdueFinePolicy | None = link(
        "The policy. Its id costs no further upstream call.",
        loader="overdue_fine_policy",
        key="overduePolicyId",
    )


@strawberry.type(description="A rule that matches, with its lost item fee policy.")
class LostItemPolicyMatch:
    circulation_rule_line: int | None = _line()
    policy: LostItemFeePolicy | None = link(
        "The policy. Its id costs no further upstream call.",
        loader="lost_item_fee_policy",
        key="lostItemPolicyId",
    )


@strawberry.type(description="A rule that matches, with its policy for notices.")
class NoticePolicyMatch:
    circulation_rule_line: int | None = _line()
    policy: PatronNoticePolicy | None = link(
        "The policy. Its id costs no further upstream call.",
        loader="patron_notice_policy",
        key="noticePolicyId",
    )


MATCHES = "All rules that match: the one that applies first, the fallback last."


@strawberry.type(description="The policies that the circulation rules determine for a patron and an item.")
class AppliedPolicies:
    material_type: MaterialType | None = link(
        "The material type. Its id costs no upstream call.", loader="material_type", key="materialTypeId"
    )
    loan_type: LoanType | None = link(
        "The loan type. Its id costs no upstream call.", loader="loan_type", key="loanTypeId"
    )
    patron_group: Annotated["PatronGroup", strawberry.lazy("gateway.schema.user")] | None = link(
        "The patron group. Its id costs no upstream call.", loader="patron_group", key="patronGroupId"
    )
    location: Annotated["Location", strawberry.lazy("gateway.schema.location")] | None = link(
        "The location. Its id costs no upstream call.", loader="location", key="locationId"
    )
    loan_policy: AppliedLoanPolicy | None = _determined("The loan policy that applies.", "loan_policy")
    request_policy: AppliedRequestPolicy | None = _determined(
        "The request policy that applies.", "request_policy"
    )
    overdue_fine_policy: AppliedOverdueFinePolicy | None = _determined(
        "The overdue fine policy that applies.", "overdue_fine_policy"
    )
    lost_item_policy: AppliedLostItemPolicy | None = _determined(
        "The lost item fee policy that applies.", "lost_item_policy"
    )
    notice_policy: AppliedNoticePolicy | None = _determined(
        "The policy for notices that applies.", "notice_policy"
    )
    loan_policy_matches: list[LoanPolicyMatch | None] | None = _determined(MATCHES, "loan_policy_matches")
    request_policy_matches: list[RequestPolicyMatch | None] | None = _determined(
        MATCHES, "request_policy_matches"
    )
    overdue_fine_policy_matches: list[OverdueFinePolicyMatch | None] | None = _determined(
        MATCHES, "overdue_fine_policy_matches"
    )
    lost_item_policy_matches: list[LostItemPolicyMatch | None] | None = _determined(
        MATCHES, "lost_item_policy_matches"
    )
    notice_policy_matches: list[NoticePolicyMatch | None] | None = _determined(
        MATCHES, "notice_policy_matches"
    )


@query(
    "The policies that the circulation rules determine, and the rules that match. Ids of no record are no "
    "error: the fallback policy applies to them. One upstream call for each field that needs it, all at "
    "once.",
    calls=[],
)
async def applied_policies(
    material_type_id: Annotated[
        strawberry.ID, strawberry.argument(description="The id of the item's material type.")
    ],
    loan_type_id: Annotated[
        strawberry.ID,
        strawberry.argument(description="The id of the item's loan type, the temporary one if it has one."),
    ],
    patron_group_id: Annotated[
        strawberry.ID, strawberry.argument(description="The id of the patron's group.")
    ],
    location_id: Annotated[
        strawberry.ID, strawberry.argument(description="The id of the item's effective location.")
    ],
) -> AppliedPolicies:
    given = {
        "materialTypeId": material_type_id,
        "loanTypeId": loan_type_id,
        "patronGroupId": patron_group_id,
        "locationId": location_id,
    }
    return cast(AppliedPolicies, {name: arguments.check_uuid(each, name) for name, each in given.items()})


QUERIES = [applied_policies]
