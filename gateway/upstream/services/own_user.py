"""The user whose token is sent, and their permissions (mod-users-bl, mod-users-keycloak)."""

from __future__ import annotations

from collections.abc import Callable

from gateway import errors
from gateway.upstream.caller import Service
from gateway.upstream.record_types import Record
from gateway.upstream.routes import Interface, Route

# Without it mod-users-bl lists only the names of permission sets, and not the permissions in them.
_EXPANDED = {"expandPermissions": "true"}


class OwnUser(Service):
    """The user of the token: a tenant has either mod-users-bl (Okapi) or mod-users-keycloak (Eureka).

    Neither requires a permission (their module descriptors).
    """

    by_users_bl_route = Route("GET", "/bl-users/_self", Interface("users-bl", "6.0"))

    async def by_users_bl(self) -> Record:
        """Return the user with their permissions (mod-users-bl, GET /bl-users/_self)."""
        return await self._client.read_object(self.by_users_bl_route, _EXPANDED)

    by_keycloak_route = Route("GET", "/users-keycloak/_self", Interface("users-keycloak", "1.0"))

    async def by_keycloak(self) -> Record:
        """Return the same from mod-users-keycloak (GET /users-keycloak/_self)."""
        return await self._client.read_object(self.by_keycloak_route, _EXPANDED)

    async def permissions(self) -> frozenset[str]:
        """Return the names of all permissions of the user. Raises as a read of the second service."""
        return await self._read(_permissions)

    async def names(self) -> frozenset[str]:
        """Return the id and the user name of the user. Raises as a read of the second service."""
        return await self._read(_names)

    async def _read(self, select: Callable[[Record], frozenset[str] | None]) -> frozenset[str]:
        """Read the user from the one service of the two that the tenant has."""
        try:
            if (selected := select(await self.by_users_bl())) is not None:
                return selected
        except errors.GatewayError as problem:
            errors.without_frames(problem)
        if (selected := select(await self.by_keycloak())) is not None:
            return selected
        raise self._client.bad_shape()


def _names(response: Record) -> frozenset[str] | None:
    """Return `user.id` and `user.username`; None if the response has neither."""
    user = response.get("user")
    user = user if isinstance(user, dict) else {}
    names = [user.get(name) for name in ("id", "username")]
    return frozenset(name for name in names if isinstance(name, str)) or None


def _permissions(response: Record) -> frozenset[str] | None:
    """Return the names in `permissions.permissions`, of texts (users-keycloak) or records (users-bl).

    None if the response has no such list.
    """
    permissions = response.get("permissions")
    listed = permissions.get("permissions") if isinstance(permissions, dict) else None
    if not isinstance(listed, list):
        return None
    names = [each.get("permissionName") if isinstance(each, dict) else each for each in listed]
    return frozenset(name for name in names if isinstance(name, str))
