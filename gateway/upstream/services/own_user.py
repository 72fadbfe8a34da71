"""The permissions of the user whose token is sent (mod-users-bl, mod-users-keycloak)."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.record_types import Record
from gateway.upstream.routes import Interface, Route

# Without it mod-users-bl lists only the names of permission sets, and not the permissions in them.
_EXPANDED = {"expandPermissions": "true"}


class OwnUser(Service):
    """The user of the token: a tenant has either mod-users-bl (Okapi) or mod-users-keycloak (Eureka).

    Neither requires a permission (their module descriptors).
    """

    permissions_by_users_bl_route = Route("GET", "/bl-users/_self", Interface("users-bl", "6.0"))

    async def permissions_by_users_bl(self) -> frozenset[str]:
        """Return the names of all permissions of the user (mod-users-bl, GET /bl-users/_self)."""
        permissions = _permissions(
            await self._client.read_object(self.permissions_by_users_bl_route, _EXPANDED)
        )
        if permissions is None:
            raise self._client.bad_shape()
        return permissions

    permissions_by_keycloak_route = Route("GET", "/users-keycloak/_self", Interface("users-keycloak", "1.0"))

    async def permissions_by_keycloak(self) -> frozenset[str]:
        """Return the same from mod-users-keycloak (GET /users-keycloak/_self)."""
        permissions = _permissions(
            await self._client.read_object(self.permissions_by_keycloak_route, _EXPANDED)
        )
        if permissions is None:
            raise self._client.bad_shape()
        return permissions


def _permissions(user: Record) -> frozenset[str] | None:
    """Return the names in `permissions.permissions`, of texts (users-keycloak) or records (users-bl).

    None if the user has no such list.
    """
    permissions = user.get("permissions")
    listed = permissions.get("permissions") if isinstance(permissions, dict) else None
    if not isinstance(listed, list):
        return None
    names = [each.get("permissionName") if isinstance(each, dict) else each for each in listed]
    return frozenset(name for name in names if isinstance(name, str))
