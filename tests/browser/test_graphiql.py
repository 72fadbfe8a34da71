"""GraphiQL in a real browser, under its policy, without access to other addresses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from gateway.graph import schema
from tests.browser.visitor import CHROMIUM, Visitor, served

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

TABS = ["RequestList", "CheckOutPatron", "CheckOutItem", "Queue", "LockObject"]
LIGHT = ("rgb(255, 255, 255)", "vs")
DARK = ("rgb(33, 42, 59)", "vs-dark")
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZXNrIn0.c2VjcmV0"  # noqa: S105 - not a real token


def described(type_name: str, field: str) -> str:
    """Return the documentation of a field."""
    return str(schema._schema.type_map[type_name].fields[field].description)  # type: ignore[attr-defined]


def test_the_first_visit(visitor: Visitor) -> None:
    """The operations of four screens are there, the first with its variables, and the tenant is filled in."""
    assert visitor.tabs == TABS
    assert visitor.text("operation.graphql").startswith("query RequestList(")
    assert json.loads(visitor.text("variables.json"))["first"] == 20
    assert json.loads(visitor.text("request-headers.json")) == {"X-Okapi-Tenant": "diku"}


def test_reloading_changes_nothing(visitor: Visitor) -> None:
    """Reloaded without a change, the page is the same."""
    variables = visitor.text("variables.json")
    visitor.page.wait_for_function("() => localStorage['graphiql:tabState']")

    visitor.open()

    assert visitor.tabs == TABS
    assert visitor.text("operation.graphql").startswith("query RequestList(")
    assert visitor.text("variables.json") == variables


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_is_ready_to_run(visitor: Visitor, tab: str) -> None:
    """Each operation runs unchanged over the embedded library: data, no error, no refusal."""
    visitor.tab(tab)

    response = visitor.run()

    assert list(response) == ["data"]
    assert all(response["data"].values())
    assert "reasons" not in str(response)
    assert "heldBy" not in str(response)


def test_executed_operations_are_in_the_history(visitor: Visitor) -> None:
    """The history lists executed operations, and restores them with their variables at the next visit."""
    visitor.tab("CheckOutPatron")
    visitor.run()
    variables = visitor.text("variables.json")
    visitor.open()
    visitor.tab("LockObject")

    visitor.page.get_by_label("Show History").click()
    entry = visitor.page.locator(".graphiql-history-item-label").first
    expect(entry).to_have_text("CheckOutPatron")
    entry.click()
    visitor.wait_for("operation.graphql", "query CheckOutPatron(")

    assert visitor.text("variables.json") == variables
    assert list(visitor.run()) == ["data"]


def test_the_next_visit_has_the_same_tabs(visitor: Visitor) -> None:
    """Reopened, the page has the same tabs, the same active one, and no more of them."""
    visitor.tab("Queue")
    operation, variables = visitor.text("operation.graphql"), visitor.text("variables.json")
    visitor.page.wait_for_function(
        "() => JSON.parse(localStorage['graphiql:tabState'] ?? '{}').activeTabIndex === 3"
    )

    visitor.open()

    assert visitor.tabs == TABS
    assert (visitor.text("operation.graphql"), visitor.text("variables.json")) == (operation, variables)


def test_the_schema_is_documented(visitor: Visitor) -> None:
    """The documentation shows the description of a field, word for word as in the schema."""
    visitor.page.get_by_label("Show Documentation Explorer").click()
    panel = visitor.page.locator(".graphiql-doc-explorer")
    panel.get_by_role("link", name="Query", exact=True).click()
    panel.get_by_role("link", name="servicePoint", exact=True).click()

    shown = " ".join(panel.locator(".graphiql-markdown-description").first.inner_text().split())

    assert shown == " ".join(described("Query", "servicePoint").split())


def test_fields_are_completed(visitor: Visitor) -> None:
    """The name of a field is suggested while typing, and Enter completes it."""
    visitor.new_tab("{ ")
    visitor.page.keyboard.type("servicePoi", delay=30)

    offers = visitor.page.locator(".suggest-widget .monaco-list-row")
    expect(offers.first).to_contain_text("servicePoint")
    visitor.page.keyboard.press("Enter")

    visitor.wait_for("operation.graphql", "{ servicePoint")


def test_errors_are_underlined(visitor: Visitor) -> None:
    """An unknown field is marked before the operation is sent."""
    visitor.new_tab("{ servicePoynt }")

    expect(visitor.page.locator(".graphiql-query-editor .squiggly-error")).to_be_visible()


def test_the_explorer_writes_operations(visitor: Visitor) -> None:
    """A field ticked in the explorer plugin is added to the operation."""
    visitor.new_tab("{ __typename }")
    visitor.page.get_by_label("Show GraphiQL Explorer").click()
    expect(visitor.page.locator(".graphiql-explorer-root")).to_be_visible()

    visitor.page.locator(".graphiql-explorer-root").get_by_text("loans", exact=True).click()
    visitor.wait_for("operation.graphql", "loans")


def test_operations_are_prettified(visitor: Visitor) -> None:
    """Operation and variables are formatted: the formatter is loaded on demand."""
    visitor.new_tab("{ loans(first: 1) { totalCount } }")
    visitor.tool("Variables")
    visitor.type("Variables", '{"a":1}')

    visitor.page.get_by_label("Prettify query").click()
    visitor.wait_for("operation.graphql", "  loans")
    visitor.wait_for("variables.json", '  "a"')

    assert visitor.text("operation.graphql") == "{\n  loans(first: 1) {\n    totalCount\n  }\n}\n"
    assert visitor.text("variables.json") == '{\n  "a": 1\n}\n'


def test_dark_and_light(visitor: Visitor) -> None:
    """Page and editors follow the system's color scheme, and a chosen theme is stored."""
    visitor.wait_for_looks(*LIGHT)
    visitor.page.emulate_media(color_scheme="dark")
    visitor.wait_for_looks(*DARK)
    visitor.page.emulate_media(color_scheme="light")
    visitor.wait_for_looks(*LIGHT)

    visitor.page.get_by_label("Open settings dialog").click()
    visitor.page.get_by_role("button", name="Dark").click()
    visitor.wait_for_looks(*DARK)
    assert visitor.page.get_by_text("Persist headers").count() == 0  # nor can they be kept by choice

    visitor.open()
    visitor.wait_for_looks(*DARK)


def test_a_token_is_not_stored(visitor: Visitor) -> None:
    """A token is sent as a header; it is in no URL, and in no storage of the browser."""
    visitor.tab("CheckOutPatron")
    visitor.tool("Headers")
    visitor.type("headers", json.dumps({"X-Okapi-Tenant": "diku", "Authorization": f"Bearer {TOKEN}"}))
    with visitor.page.expect_request(lambda request: request.method == "POST") as sent:
        visitor.run()
    assert sent.value.headers["authorization"] == f"Bearer {TOKEN}"
    visitor.page.get_by_label("Show History").click()
    visitor.page.get_by_label("Add favorite").first.click()
    visitor.page.wait_for_timeout(1000)  # the tabs are kept half a second after the last change

    kept = visitor.kept()
    assert "CheckOutPatron" in kept["graphiql:favorites"]
    assert '\\"X-Okapi-Tenant\\": \\"diku\\"' in kept["graphiql:favorites"]
    assert [name for name, value in kept.items() if TOKEN in value] == []
    assert [address for address in visitor.requested_urls if TOKEN in address] == []
    assert visitor.context.cookies() == []

    visitor.open()
    assert json.loads(visitor.text("request-headers.json")) == {"X-Okapi-Tenant": "diku"}


def test_the_policy_holds(chromium: Browser, gateway_url: str, tmp_path: Path) -> None:
    """The policy forbids eval, inline scripts and requests to other origins."""
    with Visitor.of(
        chromium, gateway_url, tmp_path, provoked="Content Security Policy|Refused to connect"
    ) as visitor:
        refused = visitor.page.evaluate(
            """async () => {
                const refused = [];
                document.addEventListener('securitypolicyviolation', (event) =>
                    refused.push(event.effectiveDirective));
                const turn = () => new Promise((done) => setTimeout(done, 200));
                await turn(); // what the test itself calls is let through, what comes later is not
                try { (0, eval)('1'); } catch { /* reported by the event */ }
                const inline = document.createElement('script');
                inline.textContent = 'globalThis.ran = true';
                document.body.append(inline);
                new Image().src = 'https://cdn.example.org/pixel.png';
                await fetch('https://cdn.example.org/').catch(() => {});
                const blob = URL.createObjectURL(new Blob(['postMessage(1)']));
                try { new Worker(blob); } catch { /* reported by the event */ }
                const form = Object.assign(document.createElement('form'), { action: '/graphql' });
                document.body.append(form);
                form.submit();
                for (let turns = 0; turns < 100 && refused.length < 6; turns += 1) await turn();
                return { directives: refused.sort(), ran: globalThis.ran ?? false };
            }"""
        )

        assert refused["directives"] == [
            "connect-src", "form-action", "img-src", "script-src", "script-src-elem", "worker-src",
        ]  # fmt: skip
        assert refused["ran"] is False


def test_over_a_real_library(chromium: Browser, tmp_path: Path) -> None:
    """Without a tenant the documentation works, and an operation has an error that names it."""
    with (
        served(OKAPI_URL="http://127.0.0.1:1") as url,
        Visitor.of(chromium, url, tmp_path, provoked="status of 400") as visitor,
    ):
        assert visitor.tabs == TABS
        assert '"X-Okapi-Tenant": ""' in visitor.text("request-headers.json")
        visitor.page.get_by_label("Show Documentation Explorer").click()
        expect(
            visitor.page.locator(".graphiql-doc-explorer").get_by_role("link", name="Query")
        ).to_be_visible()

        response = visitor.run()

        assert response["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
        assert "X-Okapi-Tenant" in response["errors"][0]["message"]
