"""The user whose token it is, as the user services tell of them."""

from __future__ import annotations

from gateway.upstream.caller import CallerClient
from gateway.upstream.response import Record

# Without it mod-users-bl names the sets of permissions, and not what is in them.
_EXPANDED = {"expandPermissions": "true"}


class OwnUser:
    """One method per service that knows it: a tenant has mod-users-bl (Okapi) or mod-users-keycloak (Eureka).

    Neither needs a permission (their module descriptors).
    """

    def __init__(self, client: CallerClient) -> None:
        self._client = client

    async def permissions_by_users_bl(self) -> frozenset[str]:
        """The names of every permission that the user has (mod-users-bl, GET /bl-users/_self)."""
        return self._permissions(await self._client.question("/bl-users/_self", _EXPANDED))

    async def permissions_by_keycloak(self) -> frozenset[str]:
        """The same from mod-users-keycloak (GET /users-keycloak/_self)."""
        return self._permissions(await self._client.question("/users-keycloak/_self", _EXPANDED))

    def _permissions(self, user: Record) -> frozenset[str]:
        """The names in `permissions.permissions`: mod-users-keycloak lists texts, mod-users-bl records."""
        held = user.get("permissions")
        listed = held.get("permissions") if isinstance(held, dict) else None
        if not isinstance(listed, list):
            raise self._client.bad_shape()
        names = [each.get("permissionName") if isinstance(each, dict) else each for each in listed]
        return frozenset(name for name in names if isinstance(name, str))
