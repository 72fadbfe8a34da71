"""What every answer tells a browser: keep nothing, guess nothing, show it in no frame, load nothing."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]

_KEEP_NOTHING = (b"cache-control", b"no-store")  # the answers are about patrons
_KEEP_FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")
_LOAD_NOTHING = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")

# The page of GraphiQL has all it needs from the gateway itself. Styles are the one exception: its editor
# writes rules and style attributes as it draws, and a policy has no other word for them than `unsafe-inline`.
_LOAD_FROM_HERE = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; font-src 'self';"
    b" style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    b" base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
_ALWAYS = (
    (b"referrer-policy", b"no-referrer"),  # a GET query stands in the address
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)

SECURITY_HEADERS = (_KEEP_NOTHING, _LOAD_NOTHING, *_ALWAYS)
PAGE_HEADERS = (_KEEP_NOTHING, _LOAD_FROM_HERE, *_ALWAYS)
ASSET_HEADERS = (_KEEP_FOR_EVER, _LOAD_NOTHING, *_ALWAYS)
_NAMES = frozenset(name for name, _ in SECURITY_HEADERS)


class SecurityHeaders:
    """Put the headers on every answer, in place of what the application said under these names.

    A page may load from here. A file that says of itself that it is immutable may be kept. Nothing else may.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _with_headers(message.get("headers", ()))}
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _with_headers(said: Iterable[Header]) -> list[Header]:
    ours = SECURITY_HEADERS
    own = []
    for header in said:
        name = header[0].lower()
        if name not in _NAMES:
            own.append((name, header[1]))
            if name == b"content-type" and header[1].startswith(b"text/html"):
                ours = PAGE_HEADERS
        elif name == b"cache-control" and b"immutable" in header[1] and ours is SECURITY_HEADERS:
            ours = ASSET_HEADERS
    own += ours
    return own
