"""Users, their groups, proxies, departments and address types."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from gateway.sandbox.clock import parse_timestamp
from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.collections.endpoints import DEFAULT_LIMIT
from gateway.sandbox.http.errors import BadRequest
from gateway.sandbox.http.request import Endpoint, HttpRequest, json_response, omit_nulls
from gateway.sandbox.library import Library, Record

USERS = Collection(
    key="users",
    records=lambda library: library.users,
    indexes=index_names(
        "id username externalSystemId barcode active type patronGroup patronGroup.group patronGroup.desc "
        "departments proxyFor enrollmentDate expirationDate createdDate updatedDate tags tags.tagList "
        "customFields.* personal.* preferredEmailCommunication keywords metadata.*"
    ),
    computed={
        "patronGroup.group": lambda library, user: get_group(library, user).get("group"),
        "patronGroup.desc": lambda library, user: get_group(library, user).get("desc"),
        "keywords": lambda library, user: keyword_text(user),
    },
)
GROUPS = Collection(
    key="usergroups",
    records=lambda library: library.groups,
    indexes=index_names(f"id group desc expirationOffsetInDays source {METADATA}"),
)
PROXIES = Collection(
    key="proxiesFor",
    records=lambda library: library.proxies,
    indexes=index_names(
        "id userId proxyUserId requestForSponsor notificationsTo accrueTo status expirationDate createdDate "
        "metadata.*"
    ),
)
ADDRESS_TYPES = Collection(
    key="addressTypes",
    records=lambda library: library.address_types,
    indexes=index_names("id addressType desc metadata.*"),
)
DEPARTMENTS = Collection(
    key="departments",
    records=lambda library: library.departments,
    indexes=index_names("id name code usageNumber metadata.*"),
)


def get_group(library: Library, user: Record) -> Record:
    return library.groups.get(user.get("patronGroup", ""), {})


def keyword_text(user: Record) -> str:
    personal = user.get("personal", {})
    values = (
        personal.get("firstName"),
        personal.get("lastName"),
        personal.get("email"),
        user.get("username"),
    )
    return " ".join(value for value in values if value)


def is_active(library: Library, user: Record) -> bool:
    """True if the user is active and not expired; the expiration date overrides the flag."""
    expires = user.get("expirationDate")
    if expires and parse_timestamp(expires) <= library.clock.now():
        return False
    return bool(user.get("active"))


def is_active_proxy(library: Library, proxy: Record, sponsor: Record) -> bool:
    now = library.clock.now()
    return any(
        relation["userId"] == sponsor["id"]
        and relation["proxyUserId"] == proxy["id"]
        and relation.get("status", "Active") == "Active"
        and ("expirationDate" not in relation or parse_timestamp(relation["expirationDate"]) > now)
        for relation in library.proxies.values()
    )


def name_summary(user: Record) -> Record:
    """Render the names and barcode of a user as loans and requests embed them."""
    personal = user.get("personal", {})
    return omit_nulls(
        {
            "firstName": personal.get("firstName"),
            "lastName": personal.get("lastName"),
            "middleName": personal.get("middleName"),
            "barcode": user.get("barcode"),
        }
    )


def read_external_users(http_request: HttpRequest) -> Response:
    """GET the users with an external id.

    The BFF inserts the path parameter into its query without quotes, as a system user, so a wildcard or
    an `or` in it matches users that the caller must not see.
    """
    tenant = http_request.path_params["tenant_id"]
    library = http_request.libraries.get(tenant)
    if library is None:
        raise BadRequest(f"No such Tenant {tenant}")
    users = USERS.find(library, f"externalSystemId=={http_request.path_params['external_user_id']}")
    return json_response({"users": users[:DEFAULT_LIMIT], "totalRecords": len(users)})


def own_user_endpoint(permissions: Sequence[str], *, expands: bool) -> Endpoint:
    """Create the endpoint that returns the caller and those of `permissions` they hold.

    With `expands` it returns records of the permissions if requested, as mod-users-bl does; without, always
    their names, as mod-users-keycloak does.
    """

    def read_own_user(http_request: HttpRequest) -> Response:
        granted: list[object] = [
            permission for permission in permissions if http_request.caller.has_permission(permission)
        ]
        if expands and http_request.query.get("expandPermissions") == "true":
            granted = [{"permissionName": permission} for permission in granted]
        user = http_request.caller.user or {"username": http_request.caller.username}
        return json_response({"user": user, "permissions": {"permissions": granted}})

    return read_own_user
