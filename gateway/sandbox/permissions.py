"""Who the caller is, by token, and what that person may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from gateway.sandbox.library import Library, Record
from gateway.sandbox.refusals import BadRequest, Denied

OVERRIDES = frozenset(
    {
        "circulation.override-patron-block.post",
        "circulation.override-item-limit-block.post",
        "circulation.override-item-not-loanable-block.post",
        "circulation.override-renewal-block.post",
    }
)
WITHOUT_OVERRIDES = "desk"
WITHOUT_ANYTHING = "nobody"
DEFAULT_STAFF = "head"
STAFF = (DEFAULT_STAFF, WITHOUT_OVERRIDES, WITHOUT_ANYTHING)  # known even where the data has no such users
EXPIRED = "expired"
PREFIX = "sandbox:"


@dataclass(frozen=True, slots=True)
class Caller:
    """A staff member; `user` is empty when the library has no such user."""

    user: Record
    username: str

    def may(self, permission: str) -> bool:
        if self.username == WITHOUT_ANYTHING:
            return False
        return self.username != WITHOUT_OVERRIDES or permission not in OVERRIDES

    def require(self, permission: str | None) -> None:
        if permission is not None and not self.may(permission):
            who = f"'{self.username}' ({self.user.get('id', '')})"
            raise Denied(f"Access for user {who} requires permission: {permission}", 403)


def caller(library: Library, headers: Mapping[str, str]) -> Caller:
    """Find out who calls.

    A token `sandbox:<username>` acts as that user, any other token or none as the head of circulation;
    `expired` is refused. Raises Denied or BadRequest with Okapi's own words.
    """
    token = token_of(headers)
    if token == EXPIRED:
        raise Denied("Invalid token: Access token has expired", 401)
    name = token.removeprefix(PREFIX) if token.startswith(PREFIX) else DEFAULT_STAFF
    user = library.user_by_name(name)
    if user is None and name not in STAFF:
        raise Denied(f"Invalid token: User not found: {name}", 401)
    return Caller(user or {}, name)


def token_of(headers: Mapping[str, str]) -> str:
    """The token from its three possible carriers; Okapi refuses two that differ."""
    bearer = headers.get("authorization", "")
    found = {
        headers.get("x-okapi-token", ""),
        bearer[len("Bearer ") :].strip() if bearer.lower().startswith("bearer ") else "",
        cookie_token(headers.get("cookie", "")),
    } - {""}
    if len(found) > 1:
        raise BadRequest("X-Okapi-Token is not equal to Authorization token")
    return found.pop() if found else ""


def cookie_token(text: str) -> str:
    try:
        cookie = SimpleCookie(text).get("folioAccessToken")
    except CookieError:
        return ""
    return cookie.value if cookie else ""
