"""Users, their groups, and who may act for whom (mod-users)."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.upstream.caller import CallerClient
from gateway.upstream.collection import Collection


class Users:
    """One method per question; all of them in one caller's name."""

    def __init__(self, client: CallerClient) -> None:
        self._client = client

    @cached_property
    def users(self) -> Collection:
        return Collection(self._client, "/users", "users")

    @cached_property
    def patron_groups(self) -> Collection:
        return Collection(self._client, "/groups", "usergroups")

    @cached_property
    def proxies(self) -> Collection:
        return Collection(self._client, "/proxiesfor", "proxiesFor")

    @cached_property
    def address_types(self) -> Collection:
        return Collection(self._client, "/addresstypes", "addressTypes")

    @cached_property
    def departments(self) -> Collection:
        return Collection(self._client, "/departments", "departments")
