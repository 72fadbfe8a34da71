"""The caller, authenticated by token, and their permissions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from gateway.sandbox.http.errors import AccessDenied, BadRequest
from gateway.sandbox.library import Library, Record

OVERRIDE_PERMISSIONS = frozenset(
    {
        "circulation.override-patron-block.post",
        "circulation.override-item-limit-block.post",
        "circulation.override-item-not-loanable-block.post",
        "circulation.override-renewal-block.post",
    }
)
DEFAULT_STAFF = "head"
STAFF_WITHOUT_OVERRIDES = "desk"
STAFF_WITHOUT_PERMISSIONS = "nobody"
STAFF = (
    DEFAULT_STAFF,
    STAFF_WITHOUT_OVERRIDES,
    STAFF_WITHOUT_PERMISSIONS,
)  # valid even if the data lacks them
EXPIRED = "expired"
PREFIX = "sandbox:"


@dataclass(frozen=True, slots=True)
class Caller:
    """A staff member; `user` is empty if the library has no such user."""

    user: Record
    username: str

    def has_permission(self, permission: str) -> bool:
        if self.username == STAFF_WITHOUT_PERMISSIONS:
            return False
        return self.username != STAFF_WITHOUT_OVERRIDES or permission not in OVERRIDE_PERMISSIONS

    def require(self, permission: str | None) -> None:
        if permission is not None and not self.has_permission(permission):
            name = f"'{self.username}' ({self.user.get('id', '')})"
            raise AccessDenied(f"Access for user {name} requires permission: {permission}", 403)

    def creation_metadata(self, now: str) -> Record:
        """Return the metadata of a record that this caller creates."""
        metadata = {"createdDate": now, "updatedDate": now}
        if "id" in self.user:
            metadata |= {"createdByUserId": self.user["id"], "updatedByUserId": self.user["id"]}
        return metadata

    def change_metadata(self, now: str) -> Record:
        """Return what the metadata of a record say of its last change, by this caller."""
        metadata = {"updatedDate": now}
        for name, key in (("updatedByUserId", "id"), ("updatedByUsername", "username")):
            if key in self.user:
                metadata[name] = self.user[key]
        return metadata


def authenticate(library: Library, headers: Mapping[str, str]) -> Caller:
    """Find the caller of a request.

    A token `sandbox:<username>` selects that user, any other token or none the head of circulation; `expired`
    is rejected. Raises AccessDenied or BadRequest with Okapi's texts.
    """
    token = read_token(headers)
    if token == EXPIRED:
        raise AccessDenied("Invalid token: Access token has expired", 401)
    name = token.removeprefix(PREFIX) if token.startswith(PREFIX) else DEFAULT_STAFF
    user = library.user_by_name(name)
    if user is None and name not in STAFF:
        raise AccessDenied(f"Invalid token: User not found: {name}", 401)
    return Caller(user or {}, name)


def read_token(headers: Mapping[str, str]) -> str:
    """Read the token from either header or the cookie; Okapi rejects two that differ."""
    bearer = headers.get("authorization", "")
    tokens = {
        headers.get("x-okapi-token", ""),
        bearer[len("Bearer ") :].strip() if bearer.lower().startswith("bearer ") else "",
        read_cookie_token(headers.get("cookie", "")),
    } - {""}
    if len(tokens) > 1:
        raise BadRequest("X-Okapi-Token is not equal to Authorization token")
    return tokens.pop() if tokens else ""


def read_cookie_token(text: str) -> str:
    try:
        cookie = SimpleCookie(text).get("folioAccessToken")
    except CookieError:
        return ""
    return cookie.value if cookie else ""
