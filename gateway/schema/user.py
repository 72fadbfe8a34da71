"""Users and patron groups, and the queries that start at them."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.arguments import SortDirection, condition
from gateway.fields.enums import member
from gateway.fields.link import link, links, list_link
from gateway.fields.lookup import lookup
from gateway.fields.page import Connection, FullList, connection, connection_link
from gateway.fields.record import field
from gateway.fields.root import query, root
from gateway.fields.scalars import JSON, DateTime
from gateway.loaders.loader import Slice
from gateway.loaders.loan import OPEN_LOANS
from gateway.loaders.request import OPEN_REQUESTS
from gateway.schema.account_search import LATEST_ACCOUNTS_FIRST, AccountFilter, AccountSort
from gateway.schema.loan_search import LoanFilter, LoanSort
from gateway.schema.metadata import Metadata, Tags
from gateway.schema.patron_block import (
    LATEST_BLOCKS_FIRST,
    AutomatedPatronBlock,
    ManualBlockConnection,
    ManualBlockFilter,
)
from gateway.schema.proxy import ProxyRelationConnection, ProxyRelationFilter
from gateway.schema.reference import AddressType, Department
from gateway.schema.request_preference import RequestPreference
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.account import AccountConnection
    from gateway.schema.loan import LoanConnection
    from gateway.schema.request import RequestConnection


_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_.@-]{1,100}")


@strawberry.type(description="An address of a user.")
class Address:
    id: strawberry.ID | None = field("The id of the address, where upstream keeps one.")
    country_id: str | None = field("The country code, such as `US`.")
    address_line1: str | None = field("First line.")
    address_line2: str | None = field("Second line.")
    city: str | None = field("The city.")
    region: str | None = field("State or province.")
    postal_code: str | None = field("Postal code.")
    address_type: AddressType | None = link(
        "What kind of address it is: home, work ...", loader="address_type", key="addressTypeId"
    )
    primary_address: bool | None = field("Whether mail goes here.")


@strawberry.type(description="What is known about the person. Absent for system users.")
class Personal:
    last_name: str | None = field("Family name, or the only name.")
    first_name: str | None = field("Given name.")
    middle_name: str | None = field("Middle name.")
    preferred_first_name: str | None = field("The name to call the person by.")
    pronouns: str | None = field("The person's pronouns, where the library keeps them.")
    email: str | None = field("E-mail address.")
    phone: str | None = field("Phone number, as it was typed in.")
    mobile_phone: str | None = field("Mobile phone number, as it was typed in.")
    date_of_birth: str | None = field("Date of birth, as upstream keeps it: a day or a date and time.")
    addresses: list[Address | None] | None = field("Postal addresses.")
    preferred_contact_type_id: str | None = field("How to reach the person: a code from `001` to `005`.")
    preferred_contact_type_ids: list[str | None] | None = field("How to reach the person: codes.")
    profile_picture_link: str | None = field("Where the picture is: a URL or an id.")


@strawberry.type(description="A class of patrons, which decides about loan periods and limits.")
class PatronGroup:
    id: strawberry.ID = field("The id, a UUID.")
    group: str | None = field("The name, such as `undergrad`.")
    desc: str | None = field("What the group is.")
    expiration_offset_in_days: int | None = field("How many days a new member's account lasts.")
    source: str | None = field("Where the group comes from.")
    metadata: Metadata | None = field("Who made the record and when.")
    users: UserConnection | None = connection_link(
        "The members of the group.", loader="users_of_patron_group"
    )


@strawberry.type(description="A person or a system with an account: a patron, a staff member, or both.")
class User:
    id: strawberry.ID = field("The id, a UUID.")
    username: str | None = field("The name to log in with.")
    external_system_id: str | None = field("The key in another system, such as the campus directory.")
    barcode: str | None = field("The number on the library card.")
    active: bool | None = field("False for a blocked account. An account may have run out all the same.")
    type: str | None = field("The kind of account: `patron`, `staff`, `shadow`, `system`, `dcb` or newer.")
    patron_group: PatronGroup | None = link("The patron group.", loader="patron_group", key="patronGroup")
    departments: list[Department | None] | None = links(
        "The departments that the user belongs to.", loader="department", key="departments"
    )
    meta: JSON | None = field("An open object from older versions of FOLIO.")
    proxy_for: list[str | None] | None = field(
        "From older versions of FOLIO; not where proxies are kept now."
    )
    personal: Personal | None = field("Name, contact and addresses. Null for system users.")
    enrollment_date: DateTime | None = field("When the account begins.")
    expiration_date: DateTime | None = field("When the account ends; the patron cannot borrow afterwards.")
    created_date: DateTime | None = field("When the account was made.")
    updated_date: DateTime | None = field("When the account was changed last.")
    metadata: Metadata | None = field("Who made the record and when.")
    tags: Tags | None = field("Free labels.")
    custom_fields: JSON | None = field("What the library itself keeps about users, by its own keys.")
    preferred_email_communication: list[str | None] | None = field(
        "What the user wants e-mail about: `Support`, `Programs`, `Services`."
    )
    manual_blocks: ManualBlockConnection | None = connection_link(
        "The blocks that staff put on the user. One that has run out may still be there.",
        loader="manual_blocks_of_user",
        filter=ManualBlockFilter,
        default_sort=LATEST_BLOCKS_FIRST,
    )
    automated_blocks: list[AutomatedPatronBlock | None] | None = list_link(
        "The blocks that the library's limits put on the user now. One upstream call for each user.",
        loader="automated_blocks_of_user",
    )
    sponsors: ProxyRelationConnection | None = connection_link(
        "For whom the user may act.", loader="sponsors_of_user", filter=ProxyRelationFilter
    )
    proxies: ProxyRelationConnection | None = connection_link(
        "Who may act for the user.", loader="proxies_of_user", filter=ProxyRelationFilter
    )
    request_preference: RequestPreference | None = link(
        "How the user prefers to get what was requested. Null for whoever has none.",
        loader="request_preference_of_user",
        key="id",
        identity=None,
    )
    accounts: Annotated[AccountConnection, strawberry.lazy("gateway.schema.account")] | None = (
        connection_link(
            "The fees and fines of the user, closed ones too: ask for `OPEN` ones to see what is owed.",
            loader="accounts_of_user",
            filter=AccountFilter,
            sort=AccountSort,
            default_sort=LATEST_ACCOUNTS_FIRST,
        )
    )
    open_loans: Annotated[LoanConnection, strawberry.lazy("gateway.schema.loan")] | None = connection_link(
        "What the user has on loan.",
        loader="loans_of_user",
        within=OPEN_LOANS,
        filter=LoanFilter,
        sort=LoanSort,
        default_sort=[cql.SortKey("dueDate")],
    )
    loans: Annotated[LoanConnection, strawberry.lazy("gateway.schema.loan")] | None = connection_link(
        "All loans of the user, closed ones too, unless the library forgets them.",
        loader="loans_of_user",
        filter=LoanFilter,
        sort=LoanSort,
        default_sort=[cql.SortKey("loanDate", descending=True)],
    )
    open_requests: Annotated[RequestConnection, strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "What the user waits for.",
            loader="requests_of_user",
            within=OPEN_REQUESTS,
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=[cql.SortKey("requestDate")],
        )
    )
    requests: Annotated[RequestConnection, strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "All requests of the user, closed ones too.",
            loader="requests_of_user",
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=[cql.SortKey("requestDate", descending=True)],
        )
    )


@strawberry.type(description="A page of users.")
class UserConnection(Connection[User]):
    pass


@strawberry.input(
    description="Which users. All conditions must hold. "
    'By the beginning of a name: `{ active: true, lastName: "Mac*" }`.'
)
class UserFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", arguments.ids)
    barcode: list[str] | None = condition("Any of these barcodes.", "barcode", arguments.exact)
    username: list[str] | None = condition("Any of these user names.", "username", arguments.exact)
    external_system_id: list[str] | None = condition(
        "Any of these keys of another system.", "externalSystemId", arguments.exact
    )
    patron_group_id: list[strawberry.ID] | None = condition(
        "In any of these patron groups.", "patronGroup", arguments.ids
    )
    active: bool | None = condition("Active accounts, or the others.", "active", arguments.flag)
    type: list[str] | None = condition("Any of these kinds of account.", "type", arguments.exact)
    last_name: str | None = condition(
        "The family name; `*` stands for anything, as in `Mac*`.", "personal.lastName", arguments.pattern
    )
    first_name: str | None = condition(
        "The given name; `*` stands for anything.", "personal.firstName", arguments.pattern
    )
    email: str | None = condition(
        "The e-mail address; `*` stands for anything.", "personal.email", arguments.pattern
    )


@strawberry.enum(description="What users can be sorted by.")
class UserSortField(Enum):
    LAST_NAME = member("personal.lastName", "Family name.")
    FIRST_NAME = member("personal.firstName", "Given name.")
    BARCODE = member("barcode", "Number on the library card.")
    USERNAME = member("username", "Log-in name.")
    EXPIRATION_DATE = member("expirationDate", "When the account ends.")


@strawberry.input(
    description="One key to sort users by; of several, the first counts most. "
    "The last first: `{ field: LAST_NAME, direction: DESCENDING }`."
)
class UserSort:
    field: UserSortField = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="Which way; ascending unless given."
    )


@strawberry.type(description="A page of patron groups.")
class PatronGroupConnection(Connection[PatronGroup]):
    pass


@strawberry.input(description='Which patron groups. By name: `{ group: ["faculty"] }`.')
class PatronGroupFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", arguments.ids)
    group: list[str] | None = condition("Any of these names.", "group", arguments.exact)


@strawberry.type(description="Users, all that match.")
class UserList(FullList[User]):
    pass


@query("Users of a library of the consortium by their key in another system.")
async def external_users(
    info: Info,
    external_user_id: Annotated[
        str, strawberry.argument(description="The key in the other system: letters, digits and `_.@-`.")
    ],
    tenant_id: Annotated[
        str | None,
        strawberry.argument(description="The library; your own, or one that the operator listed."),
    ] = None,
) -> UserList | None:
    own = info.context.caller.tenant
    tenant = tenant_id or own
    if tenant != own and tenant not in info.context.consortium_tenants:
        raise errors.BadUserInput("`tenantId` must be your own library or one of CONSORTIUM_TENANTS.")
    # The BFF runs this as system user, in a query that it does not quote: the gateway is the only guard.
    if not _EXTERNAL_ID.fullmatch(external_user_id):
        raise errors.BadUserInput("`externalUserId` must be 1 to 100 letters, digits and `_.@-`.")
    users = await info.context.upstream.circulation_bff.external_users(external_user_id, tenant)
    return Slice(users)  # type: ignore[return-value]  # what lists read


QUERIES = [
    external_users,
    root(
        "user",
        User,
        lookup(
            "One user by exactly one of the keys. Null when there is none. "
            'Try `{ user(barcode: "1000000001") { active openLoans { totalCount } } }`.',
            id=("user", "The id, a UUID."),
            barcode=("user_by_barcode", "The number on the library card, such as `1000000001`."),
            username=("user_by_username", "The log-in name."),
            external_system_id=(
                "user_by_external_system_id",
                "The key in another system, such as a student number.",
            ),
        ),
    ),
    root(
        "users",
        UserConnection,
        connection(
            "Users, a page at a time. "
            'Try `{ users(filter: { lastName: "A*" }) { nodes { barcode personal { lastName } } } }`.',
            ask=lambda upstream: upstream.users.users,
            filter=UserFilter,
            sort=UserSort,
            default_sort=[cql.SortKey("personal.lastName"), cql.SortKey("personal.firstName")],
        ),
    ),
    root(
        "patron_groups",
        PatronGroupConnection,
        connection(
            "Patron groups, a page at a time; most libraries have fewer than 100.",
            ask=lambda upstream: upstream.users.patron_groups,
            filter=PatronGroupFilter,
            default_sort=[cql.SortKey("group")],
            table="patron_groups",
        ),
    ),
]
