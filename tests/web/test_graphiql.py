"""Who opens the address in a browser may explore."""

import pytest

from gateway.web.graphiql import graphiql_page
from tests.web.desk import GRAPHQL, JSON, TENANT, Desk

pytestmark = pytest.mark.anyio

PAGE = b"<!doctype html>"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(name="open_desk")
def _open_desk() -> Desk:
    return Desk(graphiql=PAGE)


async def test_browser(open_desk: Desk) -> None:
    """A browser gets the page, and needs no tenant for it."""
    response = await open_desk.request("GET", headers=BROWSER, params={"q": "{ title }"})

    assert response.status_code == 200
    assert response.content == PAGE
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["vary"] == "Accept"


async def test_browser_with_a_query(open_desk: Desk) -> None:
    """An address that asks something is answered, in a browser as well."""
    response = await open_desk.get(BROWSER, query="{ title }")

    assert response.json() == {"data": {"title": "Title 1"}}


@pytest.mark.parametrize("accept", [JSON, GRAPHQL, "*/*", f"{JSON}, text/html;q=0.5"])
async def test_program(open_desk: Desk, accept: str) -> None:
    """A program that forgot its query gets an error, not a page."""
    response = await open_desk.get({"Accept": accept})

    assert response.status_code == 400
    assert response.json()["errors"][0]["message"] == "Parameter query is missing."


async def test_post_from_a_browser(open_desk: Desk) -> None:
    """A POST is never answered with the page."""
    response = await open_desk.post(BROWSER, query="{ title }")

    assert response.json() == {"data": {"title": "Title 1"}}


async def test_switched_off(desk: Desk) -> None:
    """Without GraphiQL a browser is a client like any other."""
    response = await desk.request("GET", headers=TENANT | BROWSER)

    assert response.status_code == 400
    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"


def test_page() -> None:
    """The page is GraphiQL, and asks the address that it was opened at."""
    page = graphiql_page()

    assert page.startswith(b"<!doctype html>")
    assert b"graphiql" in page
    assert b"window.location.href" in page
