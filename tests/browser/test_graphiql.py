"""GraphiQL in a real browser, under its policy, without access to other addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Route, ViewportSize, expect

from gateway.graph import schema
from tests.browser.visitor import CHROMIUM, Visitor, execute, served, wait_for_metric
from tests.clients.node import needs_node

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

TABS = ["OpenLoans", "RequestList", "CheckOutItem", "CheckInItem", "Queue", "LockObject"]
PHONE: ViewportSize = {"width": 390, "height": 844}
TABLET: ViewportSize = {"width": 820, "height": 1180}
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
LIGHT = ("rgb(255, 255, 255)", "vs")
DARK = ("rgb(33, 42, 59)", "vs-dark")
SCHEMES: tuple[tuple[Literal["light", "dark"], tuple[str, str]], ...] = (("light", LIGHT), ("dark", DARK))
AXE = """async () => (await axe.run()).violations
    .filter(each => ['serious', 'critical'].includes(each.impact))
    .flatMap(each => each.nodes.map(node => `${each.id}: ${node.target}`))"""
TRANSITIONS = """() => Promise.allSettled(document.getAnimations()
    .filter(each => each.effect.getComputedTiming().endTime < Infinity).map(each => each.finished))"""
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZXNrIn0.c2VjcmV0"  # noqa: S105 - not a real token


def described(type_name: str, field: str) -> str:
    """Return the documentation of a field."""
    return str(schema._schema.type_map[type_name].fields[field].description)  # type: ignore[attr-defined]


def test_the_first_visit(visitor: Visitor) -> None:
    """There are a notice, tenant and token, six tabs, and documentation that starts with ten fields."""
    page = visitor.page

    expect(page.get_by_role("note")).to_have_text("Sandbox: invented records")
    expect(page.get_by_label("Tenant")).to_have_value("diku")
    expect(page.get_by_label("Token")).to_have_value("")
    assert visitor.tabs == TABS
    assert len(visitor.text("operation.graphql").splitlines()) == 7
    assert visitor.text("operation.graphql").startswith("# ")
    assert visitor.text("variables.json") == visitor.text("request-headers.json") == ""
    expect(page.locator(".entry-point")).to_have_count(10)
    expect(page.locator("details", has_text="All types")).not_to_have_attribute("open", "")
    assert not visitor.is_cut_off("h1, .notice, .graphiql-tab, .credential")

    visitor.open()  # reloading changes nothing

    assert visitor.tabs == TABS
    assert visitor.text("operation.graphql").startswith("# ")
    expect(page.get_by_label("Tenant")).to_have_value("diku")


def test_every_tab_is_ready_to_run(visitor: Visitor) -> None:
    """Each operation runs unchanged over the embedded library, check-out and check-in repeatedly."""
    for tab in (*TABS, "CheckOutItem", "CheckInItem", "CheckOutItem", "CheckInItem"):
        visitor.tab(tab)

        response = visitor.run()

        assert list(response) == ["data"], tab
        assert all(response["data"].values()), tab
        assert "reasons" not in str(response), tab
        assert "heldBy" not in str(response), tab


def test_the_start_of_the_documentation(visitor: Visitor) -> None:
    """An entry opens the documentation of its field, or puts its example into a tab that is ready to run."""
    start = visitor.page.locator(".graphiql-doc-explorer")

    visitor.page.get_by_label("Example: CheckOutPatron").click()
    visitor.wait_for("operation.graphql", "query CheckOutPatron(")
    assert visitor.run()["data"]["user"]["barcode"]
    visitor.page.get_by_label("Example: RequestList").click()
    visitor.wait_for("operation.graphql", "query RequestList(")
    others = ["Titles", "RenewLoan", "CreateRequest"]
    for name in others:
        visitor.page.get_by_label(f"Example: {name}").click()
        visitor.wait_for("operation.graphql", f" {name}")
        response = visitor.run()
        assert list(response) == ["data"], name
        assert "reasons" not in str(response), name
    assert visitor.tabs == [*TABS, "CheckOutPatron", *others]

    start.get_by_role("link", name="Renewal").click()
    shown = " ".join(start.locator(".graphiql-markdown-description").first.inner_text().split())
    assert shown == " ".join(described("Mutation", "renew").split())
    start.get_by_label("Go back to Mutation").click()
    start.get_by_label("Go back to Docs").click()
    start.get_by_text("All types").click()
    expect(start.get_by_role("link", name="Loan", exact=True)).to_be_visible()


def test_a_subscription(visitor: Visitor) -> None:
    """A tab shows the queue of a title as another client reorders it, until the user stops it."""
    visitor.tab("Queue")
    title = json.loads(visitor.text("variables.json"))["instanceId"]
    queue = f'requestQueue(instanceId: "{title}") {{ nodes {{ id }} }}'
    before = [each["id"] for each in execute(visitor.origin, f"{{ {queue} }}")["requestQueue"]["nodes"]]
    after = before[::-1]
    fields = "{ kind requestQueue { nodes { id position requester { barcode } } } }"
    visitor.new_tab(f'subscription Queue {{ requestQueueChanged(instanceId: "{title}") {fields} }}')
    button = visitor.page.locator(".graphiql-execute-button")

    button.click()
    wait_for_metric(visitor.origin, "gateway_subscriptions_open 1.0")
    for order in (after, before):
        moves = ", ".join(f'{{ id: "{each}", newPosition: {place} }}' for place, each in enumerate(order, 1))
        given = f'{{ instanceId: "{title}", queue: [{moves}] }}'
        execute(visitor.origin, f"mutation {{ reorderQueue(input: {given}) {{ __typename }} }}")
        visitor.page.wait_for_function(
            "order => { try { return JSON.stringify(JSON.parse(__MONACO.editor.getModels()"
            ".find(model => model.uri.path.endsWith('response.json')).getValue())"
            ".data.requestQueueChanged.requestQueue.nodes.map(each => each.id)) === JSON.stringify(order) }"
            " catch { return false } }",
            arg=order,
        )

    button.click()
    wait_for_metric(visitor.origin, "gateway_subscriptions_open 0.0")
    button.click()
    wait_for_metric(visitor.origin, "gateway_subscriptions_open 1.0")
    visitor.page.get_by_label("New tab").click()  # which shows no results of another one
    wait_for_metric(visitor.origin, "gateway_subscriptions_open 0.0")


def test_executed_operations_are_in_the_history(visitor: Visitor) -> None:
    """The history lists executed operations, and restores them with their variables at the next visit."""
    visitor.tab("RequestList")
    visitor.run()
    variables = visitor.text("variables.json")
    visitor.open()
    visitor.tab("LockObject")

    visitor.panel("Show History")
    entry = visitor.page.locator(".graphiql-history-item-label").first
    expect(entry).to_have_text("RequestList")
    entry.click()
    visitor.wait_for("operation.graphql", "query RequestList(")

    assert visitor.text("variables.json") == variables
    assert list(visitor.run()) == ["data"]


def test_the_next_visit_has_the_same_tabs(visitor: Visitor) -> None:
    """Reopened, the page has the same tabs, the same active one, and no more of them."""
    visitor.tab("Queue")
    operation, variables = visitor.text("operation.graphql"), visitor.text("variables.json")
    visitor.page.wait_for_function(
        "() => JSON.parse(localStorage['graphiql:tabState'] ?? '{}').activeTabIndex === 4"
    )

    visitor.open()

    assert visitor.tabs == TABS
    assert (visitor.text("operation.graphql"), visitor.text("variables.json")) == (operation, variables)


def test_the_schema_is_documented(visitor: Visitor) -> None:
    """The documentation shows the description of a field, word for word as in the schema."""
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


def test_the_keyboard_alone(visitor: Visitor) -> None:
    """Without a mouse an editor is entered by Enter and left by Escape, and an operation is executed."""
    page = visitor.page
    visitor.editor("query").locator(".graphiql-editor").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.insert_text("{ __typename }")
    visitor.wait_for("operation.graphql", "{ __typename }")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".graphiql-execute-button")).to_be_focused()
    page.keyboard.press("Enter")

    visitor.wait_for("response.json", '"__typename": "Query"')
    assert visitor.text("operation.graphql") == "{ __typename }"


def test_errors_are_underlined(visitor: Visitor) -> None:
    """An unknown field is marked before the operation is sent."""
    visitor.new_tab("{ servicePoynt }")

    expect(visitor.page.locator(".graphiql-query-editor .squiggly-error")).to_be_visible()


def test_the_explorer_writes_operations(visitor: Visitor) -> None:
    """The explorer opens at the top of its tree; a field ticked by mouse or key is added to the operation."""
    visitor.new_tab("{ loans(first: 1) { totalCount } }")  # its argument would take the focus
    visitor.panel("Show GraphiQL Explorer")
    explorer = visitor.page.locator(".graphiql-explorer-root")
    expect(explorer.get_by_label("first")).to_have_value("1")
    assert visitor.page.evaluate("() => document.querySelector('.graphiql-plugin').scrollTop") == 0
    expect(visitor.page.get_by_label("Hide GraphiQL Explorer")).to_be_focused()

    explorer.get_by_text("batchRequests", exact=True).click()
    visitor.wait_for("operation.graphql", "batchRequests")
    explorer.get_by_role("button", name="calendars", exact=True).focus()
    visitor.page.keyboard.press("Enter")
    visitor.wait_for("operation.graphql", "calendars")


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


def test_credentials_of_all_tabs(visitor: Visitor) -> None:
    """Tenant and token are sent from all tabs, and with other headers; they are in no URL and no history."""
    page = visitor.page
    page.get_by_label("Token").fill(f"Bearer {TOKEN}")
    visitor.tool("Headers")
    visitor.type("headers", json.dumps({"X-Polaris-Authorization": f"PAS {TOKEN}"}))
    sent = []
    for tab in (None, "Queue"):
        if tab is not None:
            visitor.tab(tab)
        with page.expect_request(lambda request: request.method == "POST") as request:
            visitor.run()
        names = ("x-okapi-tenant", "x-okapi-token", "x-polaris-authorization")
        sent.append([request.value.headers.get(name) for name in names])
    assert sent == [["diku", TOKEN, f"PAS {TOKEN}"], ["diku", TOKEN, None]]
    visitor.panel("Show History")
    favorite = page.get_by_label("Add favorite")
    expect(favorite.nth(1)).to_be_visible()  # a third one has the headers before they were typed to the end
    for number in reversed(range(favorite.count())):
        favorite.first.click()
        expect(favorite).to_have_count(number)
    page.wait_for_timeout(1000)  # the tabs are kept half a second after the last change

    kept = visitor.kept()
    assert "OpenLoans" in kept["graphiql:favorites"]
    assert [name for name, value in kept.items() if TOKEN in value or "diku" in value] == []
    assert [address for address in visitor.requested_urls if TOKEN in address] == []
    assert visitor.context.cookies() == []

    visitor.open()
    expect(page.get_by_label("Token")).to_have_value(f"Bearer {TOKEN}")
    assert visitor.text("request-headers.json") == ""
    other = visitor.new_page()
    expect(other.get_by_label("Tenant")).to_have_value("diku")
    expect(other.get_by_label("Token")).to_have_value("")


def test_calls_of_the_last_run(visitor: Visitor) -> None:
    """Beside a result are its upstream calls, estimate and hints; the result itself does not show them."""
    calls = visitor.page.get_by_role("region", name="Calls")
    expect(calls).to_contain_text("Run an operation to see its upstream calls.")
    visitor.tab("RequestList")
    with visitor.page.expect_response(f"{visitor.origin}/graphql") as received:
        response = visitor.run()

    assert received.value.request.headers["graphql-explain"] == "1"
    explained = received.value.json()["extensions"]["explain"]
    assert list(response) == ["data"]
    assert len(explained["actual"]["requests"]) == 10
    expect(calls.get_by_role("status")).to_have_text(
        re.compile(r"^10 calls in [\d.]+ ms; estimate 11 calls \(limit 100\), 3030 nodes\.$")
    )
    rows = calls.locator("tbody")
    expect(rows).to_have_count(10)
    expect(rows.filter(has_text="GET /users")).to_contain_text("users: requests.nodes.requester")
    expect(rows.filter(has_text="GET /users")).to_contain_text("20 of 75")
    places: list[float] = rows.locator("span").evaluate_all("all => all.map(each => each.offsetLeft)")
    assert places == sorted(places)  # in the order in which they were sent
    expect(calls.get_by_role("listitem").filter(has_text="requests.nodes.requester")).to_contain_text(
        "personal.email costs one call for every 75 records"
    )

    visitor.tab("OpenLoans")
    expect(rows).to_have_count(0)
    visitor.run()
    expect(calls.get_by_role("status")).to_contain_text("1 call in ")
    visitor.tab("RequestList")
    expect(rows).to_have_count(10)
    calls.get_by_role("button", name="Calls").click()
    expect(rows).to_have_count(0)


def test_the_estimate_before_a_run(chromium: Browser, gateway_url: str, tmp_path: Path) -> None:
    """The button shows the plan of the operation in the editor, executes nothing, and keeps the result."""
    with Visitor.of(chromium, gateway_url, tmp_path, provoked="status of 400") as visitor:
        page = visitor.page
        calls = page.get_by_role("region", name="Calls")
        estimate = calls.get_by_role("button", name="Estimate")
        visitor.tab("CheckOutItem")
        with page.expect_request(f"{visitor.origin}/graphql") as request:
            estimate.click()

        assert request.value.headers["graphql-explain"] == "only"
        assert "{ ... @skip(if: true) {" in (request.value.post_data or "")  # if the header is lost
        expect(calls.get_by_role("status")).to_have_text(
            "Not executed: estimate 3 calls (limit 100), 10 nodes (limit 100000)."
        )
        expect(calls.locator("tbody")).to_have_count(3)
        expect(calls.locator("tbody").first).to_contain_text(
            "POST /circulation-bff/loans/check-out-by-barcode"
        )
        assert visitor.text("response.json") == ""
        assert visitor.run()["data"]["checkOut"]["loan"]  # it was not lent before
        expect(calls.get_by_role("status")).to_contain_text("3 calls in ")
        visitor.tab("CheckInItem")
        visitor.run()
        visitor.type("Variables", '{ "input": ')
        estimate.click()
        expect(calls.get_by_role("status")).to_contain_text("Variables are not valid JSON")
        visitor.type("Variables", "{}")
        estimate.click()
        expect(calls.get_by_role("status")).to_contain_text("Variable '$input'")


def test_what_is_stopped(visitor: Visitor) -> None:
    """The stop button, and another tab, end a request; what it would have returned is shown nowhere."""
    page = visitor.page
    status = page.get_by_role("region", name="Calls").get_by_role("status")
    held: list[Route] = []
    page.route(f"{visitor.origin}/graphql", lambda route: held.append(route))
    button = page.locator(".graphiql-execute-button")
    visitor.tab("CheckInItem")
    with page.expect_event("requestfailed") as request:
        button.click()
        expect(status).to_have_text("Running.")
        button.click()
    assert request.value.method == "POST"
    expect(status).to_have_text("Stopped. A mutation that has begun is executed to its end.")

    visitor.tab("Queue")
    with page.expect_event("requestfailed"):
        button.click()
        expect(status).to_have_text("Running.")
        page.get_by_label("New tab").click()
    expect(status).to_have_text("Run an operation to see its upstream calls.")
    assert visitor.text("response.json") == ""
    visitor.tab("Queue")
    expect(status).to_have_text("Stopped.")
    assert len(held) == 2


def responding(response: dict[str, Any] | None) -> Callable[[Route], None]:
    """Return a handler that responds so to a request, None if it breaks the connection."""
    return lambda route: route.abort() if response is None else route.fulfill(**response)


def test_responses_that_are_not_results(chromium: Browser, gateway_url: str, tmp_path: Path) -> None:
    """A response of a proxy, half a response and none are an error of one line; the next run is complete."""
    errors = "Failed to load resource"
    with Visitor.of(chromium, gateway_url, tmp_path, provoked=errors) as visitor:
        page, shown = visitor.page, []
        status = page.get_by_role("region", name="Calls").get_by_role("status")
        graphql = "application/graphql-response+json"
        for response in (
            {"status": 502, "content_type": "text/html", "body": "<h1>Bad Gateway</h1>"},
            {"status": 200, "content_type": graphql, "body": '{"data": {'},
            {"status": 429, "content_type": graphql, "body": '{"errors": [{"message": "RATE_LIMIT"}]}'},
            None,
        ):
            page.route(f"{visitor.origin}/graphql", responding(response), times=1)
            page.locator(".graphiql-execute-button").click()
            visitor.wait_for("response.json", "message")
            (error,) = json.loads(visitor.text("response.json"))["errors"]
            assert list(error) == ["message"]
            shown.append(error["message"].partition(": Unexpected")[0].partition(": Expected")[0])
            expect(status).to_have_text("The response has no plan.")

        assert shown == [
            "The response is not GraphQL: HTTP 502 Bad Gateway",
            "The response is not complete JSON: HTTP 200 OK",
            "RATE_LIMIT",
            "The gateway cannot be reached: Failed to fetch",
        ]
        assert visitor.run()["data"]


def test_texts_of_many_calls(visitor: Visitor) -> None:
    """Each of a thousand calls has its line, and the texts of a response are never HTML."""
    text = "<img src=x onerror='document.title = 1'>"
    sent = {"call": 1, "service": text, "method": "GET", "route": text, "status": text}
    times = {"startMs": 0.5, "durationMs": 1, "keys": None}
    explained = {
        "estimate": {"calls": 1000, "nodes": 1},
        "limits": {"calls": 1000, "nodes": 1},
        "calls": [{"id": 1, "path": text, "batch": None}],
        "links": [{"path": text, "hint": text}] * 2,
        "actual": {"calls": 1000, "embedded": 0, "requests": [sent | times] * 1000},
    }
    body = {"data": {"__typename": text}, "extensions": {"explain": explained, "other": text}}
    visitor.page.route(f"{visitor.origin}/graphql", lambda route: route.fulfill(json=body), times=1)

    assert visitor.run() == {"data": body["data"], "extensions": {"other": text}}
    calls = visitor.page.get_by_role("region", name="Calls")
    expect(calls.locator("tbody")).to_have_count(1000)
    expect(calls.locator("tbody").last).to_contain_text(f"GET {text} {text}: {text}")
    expect(calls.get_by_role("listitem")).to_have_text([f"{text}: {text}"] * 2)
    expect(calls.locator("img")).to_have_count(0)
    assert visitor.page.title() == "Circulation gateway: GraphiQL"


@pytest.mark.parametrize("size", [PHONE, TABLET], ids=["phone", "tablet"])
def test_narrow_screens(visitor: Visitor, size: ViewportSize) -> None:
    """A narrow screen shows one pane at a time, and the title and all tabs completely."""
    page = visitor.page
    page.set_viewport_size(size)
    visitor.panel("Hide Documentation Explorer")  # that the desktop opened
    panes = {
        "Operation": page.locator(".graphiql-editors"),
        "Result": page.locator(".result-window"),
        "Calls": page.locator(".calls"),
        "Docs": page.locator(".graphiql-doc-explorer"),
    }

    def visible() -> list[str]:
        return [name for name, pane in panes.items() if pane.is_visible()]

    assert visible() == ["Operation"]
    assert visitor.tabs == TABS
    assert not visitor.is_cut_off("h1, .notice, .graphiql-tab, .credential, .panes button, .graphiql-sidebar")
    visitor.run()
    assert visible() == ["Result"]
    for name in ("Docs", "Operation", "Calls", "Result", "Docs"):
        visitor.pane(name)
        expect(panes[name]).to_be_visible()
        assert visible() == [name]
        width = page.evaluate("() => document.documentElement.scrollWidth")
        assert width == size["width"]
    page.get_by_label("Example: Queue").click()
    expect(panes["Operation"]).to_be_visible()
    visitor.wait_for("operation.graphql", "query Queue")


@needs_node
def test_accessibility(chromium: Browser, gateway_url: str, tmp_path: Path, axe: str) -> None:
    """Nothing has a serious or critical finding of axe, in light and dark, on desktop and phone."""
    # The explorer logs that an argument is a list, which it cannot edit.
    with Visitor.of(chromium, gateway_url, tmp_path, provoked="arg mismatch") as visitor:
        visitor.page.evaluate(axe)
        findings = dict(serious_findings(visitor))

    assert findings == {}


def serious_findings(visitor: Visitor) -> Iterator[tuple[str, list[str]]]:
    """Yield the findings in each state of the page that has any."""
    page = visitor.page

    def check(state: str) -> Iterator[tuple[str, list[str]]]:
        page.evaluate(TRANSITIONS)  # during which colors are mixed
        findings = page.evaluate(AXE)
        if findings:
            yield f"{state}, {scheme}, {page.viewport_size}", findings

    for scheme, looks in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        visitor.wait_for_looks(*looks)
        visitor.run()
        yield from check("documentation and result")
        page.locator(".graphiql-doc-explorer").get_by_role("link", name="loans").first.click()
        yield from check("field")
        page.get_by_label("Go back to Query").click()
        page.get_by_label("Go back to Docs").click()
        for panel in ("History", "GraphiQL Explorer"):
            visitor.panel(f"Show {panel}")
            yield from check(panel)
        page.get_by_label("Open settings dialog").click()
        yield from check("settings")
        page.keyboard.press("Escape")
        page.set_viewport_size(PHONE)
        for pane in ("Operation", "Result", "Calls", "Docs"):
            visitor.pane(pane)
            yield from check(pane)
        page.set_viewport_size(DESKTOP)


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
    """Without a tenant there is documentation, and an error names the header; with one the first tab runs."""
    with (
        served("sandbox") as library,
        served(OKAPI_URL=library, MAX_COST="5") as url,
        Visitor.of(chromium, url, tmp_path, provoked="status of 400") as visitor,
    ):
        assert visitor.tabs == TABS
        expect(visitor.page.get_by_role("note")).to_have_count(0)
        expect(visitor.page.get_by_label("Tenant X-Okapi-Tenant")).to_have_value("")
        expect(visitor.page.locator(".entry-point")).to_have_count(10)
        assert "X-Polaris-Authorization" in visitor.text("request-headers.json")

        response = visitor.run()

        assert response["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
        assert "X-Okapi-Tenant" in response["errors"][0]["message"]

        visitor.page.get_by_label("Tenant").fill("diku")

        assert len(visitor.run()["data"]["loans"]["nodes"]) == 3

        visitor.tab("RequestList")
        assert visitor.run()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        calls = visitor.page.get_by_role("region", name="Calls")
        expect(calls.get_by_role("status")).to_contain_text("Not executed: estimate 11 calls (limit 5)")
        expect(calls.locator("tbody")).to_have_count(10)
