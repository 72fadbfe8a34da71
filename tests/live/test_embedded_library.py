"""The gateway over its embedded library, with nothing configured: changes of the library are live."""

from __future__ import annotations

import httpx
import pytest

from gateway.app import create_app
from gateway.live.changes import Changes, Watch
from gateway.sandbox import create_sandbox
from gateway.settings import Settings

pytestmark = pytest.mark.anyio


async def test_a_mutation_changes_what_others_watch() -> None:
    """A check-in through the gateway is a change of its service point and of its item, and can be resumed."""
    summary = create_sandbox().summary()
    desk, item = summary.service_point_id or "", summary.item_id or ""
    app = create_app(Settings(sandbox=True))
    changes: Changes = app.state.changes
    beginning = changes.position
    at_desk = changes.watch("diku", Watch("checkIn", "servicePointId", desk))
    of_item = changes.watch("diku", Watch("item", "id", item))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway") as http,
    ):
        given = f'itemBarcode: "{summary.item_barcode}", servicePointId: "{desk}"'
        query = f"mutation {{ checkIn(input: {{{given}}}) {{ __typename }} }}"
        response = await http.post("/graphql", json={"query": query})

        assert response.json() == {"data": {"checkIn": {"__typename": "CheckedIn"}}}
        scanned, changed = await anext(at_desk), await anext(of_item)
        assert ("itemId", item) in scanned.keys
        assert (changed.id, changed.kind) == (item, "updated")
        kept = changes.since("diku", Watch("item", "id", item), beginning)
        assert kept is not None
        assert changed in kept
    assert at_desk.is_closed
