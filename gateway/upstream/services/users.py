"""Users, their groups, and the proxies that may act for them (mod-users)."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.collection import Collection
from gateway.upstream.routes import Interface, Route

USERS = Interface("users", "16.0", required=True)


class Users(Service):
    """The interface of mod-users."""

    users = Collection(Route("GET", "/users", USERS, "users.collection.get"), "users")
    patron_groups = Collection(Route("GET", "/groups", USERS, "usergroups.collection.get"), "usergroups")
    proxies = Collection(Route("GET", "/proxiesfor", USERS, "proxiesfor.collection.get"), "proxiesFor")
    address_types = Collection(
        Route("GET", "/addresstypes", USERS, "addresstypes.collection.get"), "addressTypes"
    )
    departments = Collection(Route("GET", "/departments", USERS, "departments.collection.get"), "departments")
