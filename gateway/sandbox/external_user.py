"""A user by the number another system knows, in any tenant of the consortium."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.exchange import Exchange, answer
from gateway.sandbox.refusals import BadRequest
from gateway.sandbox.shelf import DEFAULT_LIMIT
from gateway.sandbox.user import USERS


def external_users(exchange: Exchange) -> Response:
    """GET of the users with an external id.

    The BFF puts the path's text into its query as it is, without quotes, and asks as a system user; so a
    wildcard or an `or` in it finds what the caller should not see.
    """
    tenant = exchange.path_values["tenant_id"]
    library = exchange.tenants.get(tenant)
    if library is None:
        raise BadRequest(f"No such Tenant {tenant}")
    found = USERS.find(library, f"externalSystemId=={exchange.path_values['external_user_id']}")
    return answer({"users": found[:DEFAULT_LIMIT], "totalRecords": len(found)})
