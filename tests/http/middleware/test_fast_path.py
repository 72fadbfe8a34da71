"""Operations go past the router, everything else through it."""

from __future__ import annotations

import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway.http.middleware.fast_path import FastPath

pytestmark = pytest.mark.anyio


class Place:
    """An application that notes what came."""

    def __init__(self) -> None:
        self.came: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.came.append(scope)


async def nothing() -> Message:
    raise AssertionError("nobody reads")


async def nowhere(message: Message) -> None:
    raise AssertionError("nobody answers")


@pytest.mark.parametrize(
    ("scope", "straight"),
    [
        ({"type": "http", "path": "/graphql"}, True),
        ({"type": "http", "path": "/graphql", "root_path": ""}, True),
        ({"type": "http", "path": "/graphql/"}, False),
        ({"type": "http", "path": "/graphql/assets/page.js"}, False),
        ({"type": "http", "path": "/admin/health"}, False),
        ({"type": "http", "path": "/graphql", "root_path": "/graphql"}, False),
        ({"type": "websocket", "path": "/graphql"}, False),
        ({"type": "lifespan"}, False),
    ],
)
async def test_the_way(scope: Scope, straight: bool) -> None:
    """Only requests for just this path, of an application that is not mounted, take the shortcut."""
    app, endpoint = Place(), Place()

    await FastPath(app, path="/graphql", endpoint=endpoint)(scope, nothing, nowhere)

    assert (endpoint.came, app.came) == (([scope], []) if straight else ([], [scope]))
