"""What the user services say of the user whose token it is."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from gateway.sandbox.exchange import Endpoint, Exchange, answer


def own_user(permissions: Sequence[str]) -> Endpoint:
    """The user with those of `permissions` that they have; expanded, each is a record (mod-users-bl)."""

    def served(exchange: Exchange) -> Response:
        held: list[object] = [each for each in permissions if exchange.caller.may(each)]
        if exchange.query.get("expandPermissions") == "true":
            held = [{"permissionName": each} for each in held]
        user = exchange.caller.user or {"username": exchange.caller.username}
        return answer({"user": user, "permissions": {"permissions": held}})

    return served
