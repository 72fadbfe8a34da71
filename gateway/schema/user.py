"""Users, patron groups and their root fields."""

import re
from enum import Enum
from typing import TYPE_CHECKING, Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.arguments import condition
from gateway.fields.link import link, links, list_link
from gateway.fields.page import connection, connection_link
from gateway.fields.record import field
from gateway.fields.root import lookup, query, root
from gateway.fields.scalars import JSON, DateTime
from gateway.loaders.loan import OPEN_LOANS
from gateway.loaders.pages import Slice
from gateway.loaders.request import OPEN_REQUESTS
from gateway.schema import filters
from gateway.schema.account_search import LATEST_ACCOUNTS_FIRST, AccountFilter, AccountSort
from gateway.schema.circulation_log import CirculationLogConnection, LogOfUser, log_of
from gateway.schema.enums import member
from gateway.schema.fee_fine_action import (
    LATEST_ACTIONS_FIRST,
    FeeFineActionConnection,
    FeeFineActionFilter,
    FeeFineActionSort,
)
from gateway.schema.filters import SortDirection
from gateway.schema.loan_search import LoanFilter, LoanSort
from gateway.schema.metadata import Metadata, Tags
from gateway.schema.note import NoteConnection, notes_of
from gateway.schema.page import Connection, FullList
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
    id: strawberry.ID | None = field("The id of the address. Null if upstream does not record it.")
    country_id: str | None = field("The country code, such as `US`.")
    address_line1: str | None = field("The first line.")
    address_line2: str | None = field("The second line.")
    city: str | None = field("The city.")
    region: str | None = field("The state or province.")
    postal_code: str | None = field("The postal code.")
    address_type: AddressType | None = link(
        "The type of the address, such as home or work.", loader="address_type", key="addressTypeId"
    )
    primary_address: bool | None = field("True for the primary address.")


@strawberry.type(description="Personal details. Null for system users.")
class Personal:
    last_name: str | None = field("The family name, or the only name.")
    first_name: str | None = field("The given name.")
    middle_name: str | None = field("The middle name.")
    preferred_first_name: str | None = field("The preferred given name.")
    pronouns: str | None = field("The person's pronouns. Null if the library does not record them.")
    email: str | None = field("The e-mail address.")
    phone: str | None = field("The phone number, as entered.")
    mobile_phone: str | None = field("The mobile phone number, as entered.")
    date_of_birth: str | None = field("The date of birth, in upstream's format: a day, or a date and time.")
    addresses: list[Address | None] | None = field("Postal addresses.")
    preferred_contact_type_id: str | None = field("The preferred contact type: a code from `001` to `005`.")
    preferred_contact_type_ids: list[str | None] | None = field("The preferred contact types, as codes.")
    profile_picture_link: str | None = field("The profile picture: a URL or an id.")


@strawberry.type(description="A group of patrons with common loan periods and limits.")
class PatronGroup:
    id: strawberry.ID = field("The id, a UUID.")
    group: str | None = field("The name, such as `undergrad`.")
    desc: str | None = field("A description of the group.")
    expiration_offset_in_days: int | None = field(
        "The number of days until the account of a new member expires."
    )
    source: str | None = field("The source of the group.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
    users: "UserConnection | None" = connection_link(
        "The members of the group.", loader="users_of_patron_group"
    )


@strawberry.type(description="A person or system with an account: a patron, a staff member, or both.")
class User:
    id: strawberry.ID = field("The id, a UUID.")
    username: str | None = field("The user name for login.")
    external_system_id: str | None = field("The key in another system, such as the campus directory.")
    barcode: str | None = field("The number on the library card.")
    active: bool | None = field(
        "False for a disabled account. An active account may nevertheless have expired."
    )
    type: str | None = field(
        "The type of account: `patron`, `staff`, `shadow`, `system`, `dcb`, or a newer value."
    )
    patron_group: PatronGroup | None = link("The patron group.", loader="patron_group", key="patronGroup")
    departments: list[Department | None] | None = links(
        "The departments that the user belongs to.", loader="department", key="departments"
    )
    meta: JSON | None = field("An open object from older versions of FOLIO.")
    proxy_for: list[str | None] | None = field(
        "A field of older versions of FOLIO; see `proxies` and `sponsors` instead."
    )
    personal: Personal | None = field("Name, contact and addresses. Null for system users.")
    enrollment_date: DateTime | None = field("The date the account becomes valid.")
    expiration_date: DateTime | None = field(
        "The date the account expires; the patron cannot borrow afterwards."
    )
    created_date: DateTime | None = field("The creation date.")
    updated_date: DateTime | None = field("The date of the last change of the account.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
    tags: Tags | None = field("Free-text labels.")
    custom_fields: JSON | None = field("Additional values that the library defines.")
    preferred_email_communication: list[str | None] | None = field(
        "The topics of e-mail that the user wants: `Support`, `Programs`, `Services`."
    )
    manual_blocks: ManualBlockConnection | None = connection_link(
        "The blocks that staff placed on the user, possibly including expired ones.",
        loader="manual_blocks_of_user",
        filter=ManualBlockFilter,
        default_sort=LATEST_BLOCKS_FIRST,
    )
    automated_blocks: list[AutomatedPatronBlock | None] | None = list_link(
        "The blocks that currently follow from the library's limits. One upstream call per user.",
        loader="automated_blocks_of_user",
    )
    notes: NoteConnection | None = notes_of("users", "user")
    sponsors: ProxyRelationConnection | None = connection_link(
        "The relations in which the user is the proxy.", loader="sponsors_of_user", filter=ProxyRelationFilter
    )
    proxies: ProxyRelationConnection | None = connection_link(
        "The relations in which the user is the sponsor.",
        loader="proxies_of_user",
        filter=ProxyRelationFilter,
    )
    request_preference: RequestPreference | None = link(
        "The user's preference for receiving requested items. Null if none is set.",
        loader="request_preference_of_user",
        key="id",
        identity=None,
    )
    accounts: Annotated["AccountConnection", strawberry.lazy("gateway.schema.account")] | None = (
        connection_link(
            "The fees and fines of the user, including closed ones; filter by `OPEN` for the amounts owed.",
            loader="accounts_of_user",
            filter=AccountFilter,
            sort=AccountSort,
            default_sort=LATEST_ACCOUNTS_FIRST,
        )
    )
    fee_fine_actions: FeeFineActionConnection | None = connection_link(
        "The actions on all fees and fines of the user, latest first.",
        loader="actions_of_user",
        filter=FeeFineActionFilter,
        sort=FeeFineActionSort,
        default_sort=LATEST_ACTIONS_FIRST,
    )
    circulation_log: CirculationLogConnection | None = log_of(
        "The circulation log of the user, latest first: the records with the present barcode. Empty for a "
        "user without a barcode.",
        loader="log_of_user",
        key="barcode",
        kind=LogOfUser,
    )
    open_loans: Annotated["LoanConnection", strawberry.lazy("gateway.schema.loan")] | None = connection_link(
        "The user's open loans.",
        loader="loans_of_user",
        within=OPEN_LOANS,
        filter=LoanFilter,
        sort=LoanSort,
        default_sort=[cql.SortKey("dueDate")],
    )
    loans: Annotated["LoanConnection", strawberry.lazy("gateway.schema.loan")] | None = connection_link(
        "All loans of the user, including closed ones unless anonymized.",
        loader="loans_of_user",
        filter=LoanFilter,
        sort=LoanSort,
        default_sort=[cql.SortKey("loanDate", descending=True)],
    )
    open_requests: Annotated["RequestConnection", strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "The user's open requests.",
            loader="requests_of_user",
            within=OPEN_REQUESTS,
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=[cql.SortKey("requestDate")],
        )
    )
    requests: Annotated["RequestConnection", strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "All requests of the user, including closed ones.",
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
    description='Conditions on users. All must hold. By name prefix: `{ active: true, lastName: "Mac*" }`.'
)
class UserFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    barcode: list[str] | None = condition(
        "Any of these barcodes, such as `1000000001`.", "barcode", filters.exact
    )
    username: list[str] | None = condition("Any of these user names.", "username", filters.exact)
    external_system_id: list[str] | None = condition(
        "Any of these keys in another system.", "externalSystemId", filters.exact
    )
    patron_group_id: list[strawberry.ID] | None = condition(
        "Ids of patron groups.", "patronGroup", filters.ids
    )
    active: bool | None = condition("True for active accounts, false for the others.", "active", filters.flag)
    type: list[str] | None = condition("Any of these types of account.", "type", filters.exact)
    last_name: str | None = condition(
        "The family name; `*` is a wildcard, as in `Mac*`.", "personal.lastName", filters.pattern
    )
    first_name: str | None = condition(
        "The given name; `*` is a wildcard.", "personal.firstName", filters.pattern
    )
    email: str | None = condition("The e-mail address; `*` is a wildcard.", "personal.email", filters.pattern)


@strawberry.enum(description="Sort keys for users.")
class UserSortField(Enum):
    LAST_NAME = member("personal.lastName", "The family name.")
    FIRST_NAME = member("personal.firstName", "The given name.")
    BARCODE = member("barcode", "The library card number.")
    USERNAME = member("username", "The user name.")
    EXPIRATION_DATE = member("expirationDate", "The date the account expires.")


@strawberry.input(
    description="One sort key for users; of several, the first takes precedence. Reverse order: `{ field: "
    "LAST_NAME, direction: DESCENDING }`."
)
class UserSort:
    field: UserSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )


@strawberry.type(description="A page of patron groups.")
class PatronGroupConnection(Connection[PatronGroup]):
    pass


@strawberry.input(description='Conditions on patron groups. By name: `{ group: ["faculty"] }`.')
class PatronGroupFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    group: list[str] | None = condition("Any of these names.", "group", filters.exact)


@strawberry.type(description="A complete list of matching users.")
class UserList(FullList[User]):
    pass


@query(
    "The users of a library of the consortium with this key in another system.",
    calls=["circulation_bff.external_users"],
)
async def external_users(
    info: Info,
    external_user_id: Annotated[
        str, strawberry.argument(description="The key in the other system: letters, digits and `_.@-`.")
    ],
    tenant_id: Annotated[
        str | None,
        strawberry.argument(
            description="The tenant of the library: the caller's own, or one of those configured."
        ),
    ] = None,
) -> UserList:
    own = info.context.caller.tenant
    tenant = tenant_id or own
    if tenant != own and tenant not in info.context.consortium_tenants:
        raise errors.BadUserInput("`tenantId` must be the caller's tenant or one of CONSORTIUM_TENANTS.")
    # The BFF runs this as a system user, in a query without quoting: only this check prevents injection.
    if not _EXTERNAL_ID.fullmatch(external_user_id):
        raise errors.BadUserInput("`externalUserId` must be 1 to 100 letters, digits and `_.@-`.")
    users = await info.context.upstream.circulation_bff.external_users(external_user_id, tenant)
    return cast(UserList, Slice(users))


QUERIES = [
    external_users,
    root(
        "user",
        User,
        lookup(
            "One user by exactly one of the keys. Null if it does not exist. Try `{ user(barcode: "
            '"1000000001") { active openLoans { totalCount } } }`.',
            id=("user", strawberry.ID, "The id, a UUID."),
            barcode=("user_by_barcode", str, "The library card number, such as `1000000001`."),
            username=("user_by_username", str, "The user name."),
            external_system_id=(
                "user_by_external_system_id",
                str,
                "The key in another system, such as a student number.",
            ),
        ),
    ),
    root(
        "users",
        UserConnection,
        connection(
            'A page of users. Try `{ users(filter: { lastName: "A*" }) { nodes { barcode personal { '
            "lastName } } } }`.",
            collection="users.users",
            filter=UserFilter,
            sort=UserSort,
            default_sort=[cql.SortKey("personal.lastName"), cql.SortKey("personal.firstName")],
        ),
    ),
    root(
        "patron_groups",
        PatronGroupConnection,
        connection(
            "A page of patron groups; most libraries have fewer than 100.",
            collection="users.patron_groups",
            filter=PatronGroupFilter,
            default_sort=[cql.SortKey("group")],
            table="patron_groups",
        ),
    ),
]
