"""The graph as tests walk it: every link, the path to its parent, and a sandbox with data for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLField, GraphQLNamedType, GraphQLObjectType, get_named_type, is_leaf_type

from gateway.fields.base import Path
from gateway.fields.link import THROUGH, Link
from gateway.fields.record import RecordField
from gateway.graph import schema
from gateway.sandbox import Library, Sandbox, create_sandbox

CORE = schema._schema
Json = Any  # a response is JSON of the shape that each test expects


def definition(declared: GraphQLField) -> Any:  # Any: Strawberry puts it there untyped
    return declared.extensions.get("strawberry-definition")


def object_types() -> dict[str, GraphQLObjectType]:
    return {
        name: each
        for name, each in CORE.type_map.items()
        if isinstance(each, GraphQLObjectType) and not name.startswith("__")
    }


APPLIED = 'items(first: 20) { nodes { appliedPolicies(userBarcode: "1000000001") { %s } } }'

# Queries of records of each type that has links. `%s` is the selection of each record. If a link is
# on the way, a member that only upstream knows makes sure that the record itself is loaded.
WAYS = {
    "Loan": "loans(first: 1000) { nodes { %s } }",
    "LoanItem": "loans(first: 1000) { nodes { loanItem { %s } } }",
    "User": "users(first: 1000) { nodes { %s } }",
    "Address": "users(first: 1000) { nodes { personal { addresses { %s } } } }",
    "Metadata": "items(first: 1000) { nodes { metadata { %s } } }",
    "Request": "requests(first: 1000) { nodes { %s } }",
    "RequestItem": "requests(first: 1000) { nodes { requestItem { %s } } }",
    "DeliveryAddress": "requests(first: 1000) { nodes { deliveryAddress { %s } } }",
    "Item": "items(first: 1000) { nodes { %s } }",
    "ItemLocation": "items(first: 1000) { nodes { effectiveLocation { %s } } }",
    "CirculationNote": "items(first: 1000) { nodes { circulationNotes { %s } } }",
    "BoundWithTitle": "items(first: 1000) { nodes { boundWithTitles { %s } } }",
    "LastCheckIn": "items(first: 1000) { nodes { lastCheckIn { %s } } }",
    "ParentInstance": "instances(first: 1000) { nodes { parentInstances { %s } } }",
    "ChildInstance": "instances(first: 1000) { nodes { childInstances { %s } } }",
    "PrecedingTitle": "instances(first: 1000) { nodes { precedingTitles { %s } } }",
    "SucceedingTitle": "instances(first: 1000) { nodes { succeedingTitles { %s } } }",
    "Holdings": "instances(first: 1000) { nodes { holdings(first: 1000) { nodes { %s } } } }",
    "Location": "locations(first: 1000) { nodes { %s } }",
    "Account": "accounts(first: 1000) { nodes { %s } }",
    "ManualBlock": "users(first: 1000) { nodes { manualBlocks(first: 1000) { nodes { %s } } } }",
    "CirculationLogRecord": "circulationLog(first: 1000) { nodes { %s } }",
    "CirculationLogItem": "circulationLog(first: 1000) { nodes { items { %s } } }",
    "CirculationLogNotice": "circulationLog(first: 1000) { nodes { notice { %s } } }",
    "Note": 'user(barcode: "1000000001") { notes { nodes { %s } } }',
    "NoteLink": 'user(barcode: "1000000001") { notes { nodes { links { %s } } } }',
    "ProxyRelation": "users(first: 1000) { nodes { proxies(first: 1000) { nodes { %s } } } }",
    "RequestPreference": "users(first: 1000) { nodes { requestPreference { %s } } }",
    "LoanHistoryEntry": "loans(first: 50) { nodes { history(first: 50) { nodes { %s } } } }",
    "LoanSnapshot": 'loans(first: 120, cql: "proxyUserId=\\"\\" or checkinServicePointId=\\"\\"")'
    " { nodes { history(first: 50) { nodes { loan { %s } } } } }",
    "PrintDetails": "requests(first: 1000) { nodes { printDetails { %s } } }",
    "ServicePointStaffSlip": "servicePoints(first: 1000) { nodes { staffSlips { %s } } }",
    "Calendar": "calendars(first: 1000) { nodes { %s } }",
    "Library": "locations(first: 1000) { nodes { library { code %s } } }",
    "Campus": "locations(first: 1000) { nodes { campus { code %s } } }",
    "RequestPolicyServicePoints": "requestPolicies(first: 1000) { nodes { allowedServicePoints { %s } } }",
    "AppliedPolicies": APPLIED,
    "AppliedLoanPolicy": APPLIED % "loanPolicy { %s }",
    "AppliedRequestPolicy": APPLIED % "requestPolicy { %s }",
    "AppliedOverdueFinePolicy": APPLIED % "overdueFinePolicy { %s }",
    "AppliedLostItemPolicy": APPLIED % "lostItemPolicy { %s }",
    "AppliedNoticePolicy": APPLIED % "noticePolicy { %s }",
    "LoanPolicyMatch": APPLIED % "loanPolicyMatches { %s }",
    "RequestPolicyMatch": APPLIED % "requestPolicyMatches { %s }",
    "OverdueFinePolicyMatch": APPLIED % "overdueFinePolicyMatches { %s }",
    "LostItemPolicyMatch": APPLIED % "lostItemPolicyMatches { %s }",
    "NoticePolicyMatch": APPLIED % "noticePolicyMatches { %s }",
    "SearchInstance": "searchInstance(barcode: $barcode) { %s }",
    "SearchHoldings": "searchInstance(barcode: $barcode) { holdings { %s } }",
    "SearchItem": "searchInstance(barcode: $barcode) { items { %s } }",
}


@dataclass(frozen=True, slots=True)
class Declared:
    """A link declared in the schema."""

    parent: str
    name: str
    link: Link
    target: GraphQLObjectType

    def __str__(self) -> str:
        return f"{self.parent}.{self.name}"

    @property
    def embedded(self) -> str:
        """Return the selection of exactly the members that the parent embeds."""
        return " ".join(selected(self.target, frozenset(self.link.embedded)))

    @property
    def known_leaves(self) -> str:
        """Return the same without the links of the target."""
        return " ".join(selected(self.target, frozenset(self.link.embedded), links=False))

    @property
    def unknown(self) -> str | None:
        """Return a leaf of the target that the parent does not embed; None if it embeds all."""
        names = (
            name
            for name, each in self.target.fields.items()
            if isinstance(definition(each), RecordField)
            and is_leaf_type(get_named_type(each.type))
            and (definition(each).key,) not in self.link.embedded
        )
        return next(names, None)


def links() -> Iterator[Declared]:
    """Return every link of the schema. `Item.instance`, which has its own rules, is not plain."""
    for name, parent in object_types().items():
        for field, each in parent.fields.items():
            link = definition(each)
            if isinstance(link, Link):
                yield Declared(name, field, link, target_of(each))


def target_of(declared: GraphQLField) -> GraphQLObjectType:
    target: GraphQLNamedType = get_named_type(declared.type)
    assert isinstance(target, GraphQLObjectType)
    return target


def selected(target: GraphQLObjectType, embedded: frozenset[Path], *, links: bool = True) -> Iterator[str]:
    """Return the members of a type that read only embedded paths."""
    for name, each in target.fields.items():
        field = definition(each)
        if isinstance(field, RecordField):
            below = frozenset(path[1:] for path in embedded if path[0] == field.key and len(path) > 1)
            if below and not is_leaf_type(get_named_type(each.type)):
                yield f"{name} {{ {' '.join(selected(target_of(each), below, links=links))} }}"
            elif (field.key,) in embedded and is_leaf_type(get_named_type(each.type)):
                yield name
        elif links and isinstance(field, Link) and field.key in embedded and ("id",) in field.embedded:
            through = sorted(path[1] for path in embedded if path[0] == name + THROUGH)
            yield f"{name} {{ {' '.join(['id', *through])} }}"


def result(response: Json, name: str) -> list[Json]:
    """Return all values with this name at any depth, in the order of the response."""
    if isinstance(response, list):
        return [value for each in response for value in result(each, name)]
    if not isinstance(response, dict):
        return []
    here = [response[name]] if name in response else []
    return here + [value for key, each in response.items() if key != name for value in result(each, name)]


def flat(values: list[Json]) -> list[Json]:
    """Return the records of links, including those of lists of links."""
    return [each for value in values for each in (value if isinstance(value, list) else [value])]


def filled_sandbox() -> Sandbox:
    """Return a sandbox in which every link has a target at least once, and none a deleted one."""
    sandbox = create_sandbox()
    fill(sandbox.library("diku"))
    return sandbox


def fill(library: Library) -> None:
    """Add records that the seed lacks, and remove those that refer to deleted users and items."""
    for loan in list(library.loans.values()):
        lost_user = "userId" in loan and loan["userId"] not in library.users
        if lost_user or loan["itemId"] not in library.items:
            del library.loans[loan["id"]]
    present = set(library.loans) | set(library.users) | set(library.items)
    for record in list(library.circulation_log.values()):
        keys = {item.get(name) for item in record["items"] for name in ("loanId", "itemId")}
        if not keys | {record["linkToIds"].get("userId")} <= present | {None}:
            del library.circulation_log[record["id"]]
    instances = list(library.instances.values())
    one, other = instances[0], instances[1]
    relation = {"id": "11111111-1111-4111-8111-111111111111", "instanceRelationshipTypeId": one["id"]}
    one["parentInstances"] = [{**relation, "superInstanceId": other["id"]}]
    other["childInstances"] = [{**relation, "subInstanceId": one["id"]}]
    one["precedingTitles"] = [{"id": relation["id"], "precedingInstanceId": other["id"]}]
    other["succeedingTitles"] = [{"id": relation["id"], "succeedingInstanceId": one["id"]}]
    for note in list(library.notes.values())[:3]:
        note["links"] += [{"id": next(iter(library.requests)), "type": "request"}]
    for policy in library.request_policies.values():
        policy.setdefault("allowedServicePoints", {})["Recall"] = list(library.service_points)[:2]
    holdings = next(iter(library.holdings.values()))
    locations = list(library.locations)
    holdings["temporaryLocationId"], holdings["effectiveLocationId"] = locations[0], locations[1]
    travels_to = list(library.service_points)[1]
    for loan in list(library.loans.values())[:3]:
        library.items[loan["itemId"]]["inTransitDestinationServicePointId"] = travels_to
    item = next(each for each in library.items.values() if each.get("barcode"))
    item["inTransitDestinationServicePointId"] = travels_to


def sparse_sandbox() -> Sandbox:
    """Return the same with people without names, groups without details and items without call numbers."""
    sandbox = filled_sandbox()
    library = sandbox.library("diku")
    borrower, requester = (
        next(each[key] for each in records.values() if key in each)
        for records, key in ((library.loans, "userId"), (library.requests, "requesterId"))
    )
    for user in (borrower, requester):
        library.users[user].pop("personal")
    for group in list(library.groups.values())[:2]:
        group.pop("desc")
    for records in (library.loans, library.requests):
        item = next(each["itemId"] for each in records.values() if "itemId" in each)
        library.items[item].pop("itemLevelCallNumber", None)
        library.holdings[library.items[item]["holdingsRecordId"]].pop("callNumber", None)
    return sandbox


def barcode_of_everything(library: Library) -> str:
    """Return the barcode of an item in transit and on loan, so that all links of its title have targets."""
    lent = {loan["itemId"] for loan in library.open_loans()}
    travelling = (
        str(each["barcode"])
        for each in library.items.values()
        if each["id"] in lent and "inTransitDestinationServicePointId" in each and "barcode" in each
    )
    return next(travelling)
