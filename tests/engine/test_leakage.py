"""Secrets and personal data are in neither responses nor logs, for any failure of an operation."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import Settings

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON
Upstream = Callable[[httpx.Request], httpx.Response]

SOURCES = " ".join(path.read_text() for path in (Path(__file__).parents[2] / "gateway").rglob("*.py"))
HOST = "okapi-behind-the-wall.example"
TOKEN = "tok-3c1a9e-secret"  # noqa: S105 - looked for, not used
PAS = "pas-71aa-secret"
BARCODE = "9988776655"
NAME = "Abendroth"
WORKING = "literal-4711"  # is in the text of the documents
TRACE = (
    f"java.lang.NullPointerException: {NAME}\n\tat org.folio.Secret.of(Secret.java:42)\nSELECT * FROM users"
)
# Values of the gateway and its operator. The caller's values must be absent from logs only.
INNER = (
    HOST,
    TOKEN,
    PAS,
    "folio.Secret",
    "NullPointer",
    "SELECT",
    "Traceback",
    ".py",
    "httpx",
    "aiohttp",
    "==",
)
LOGGED = (*INNER[:-1], BARCODE, NAME, WORKING, "cql.allRecords", "mutation {", "query=")

QUESTION = f'{{ item(barcode: "{BARCODE}") {{ id title }} a: user(username: "{WORKING}") {{ id }} }}'
ID = "7c9e6679-7425-40de-944b-000000000001"
MUTATION = f"""mutation {{ checkOut(input: {{
    itemBarcode: "{BARCODE}", userBarcode: "{WORKING}", servicePointId: "{ID}"
}}) {{ __typename ... on Refusal {{ reasons {{ message code parameters {{ key value }} }} }} }} }}"""
LOCK = "mutation { lockObject(input: { objectType: PATRON, objectId: 7 }) { __typename } }"
LOANS = f'{{ loans(cql: "userId=={WORKING}") {{ nodes {{ id borrower {{ id }} }} }} }}'
DOCUMENTS = (QUESTION, MUTATION, LOCK, LOANS)


def raise_error(problem: Exception) -> Upstream:
    def upstream(request: httpx.Request) -> httpx.Response:
        raise problem

    return upstream


def respond_with(status: int, body: str = TRACE, **headers: str) -> Upstream:
    return lambda request: httpx.Response(status, text=body, headers=headers)


URL = f"http://{HOST}:9130/users?query=barcode=={BARCODE}"
FAILURES: dict[str, Upstream] = {
    **{f"status {status}": respond_with(status) for status in (401, 403, 404, 408, 409, 412, 414, 418, 429)},
    **{f"status {status}": respond_with(status) for status in (500, 501, 502, 503, 504, 599)},
    **{f"text with {status}": respond_with(status, f"{TRACE} {URL}") for status in (400, 422)},
    "redirect": respond_with(302, "", location=URL),
    "html": respond_with(200, f"<html>{URL} {TRACE}</html>"),
    "empty": respond_with(200, ""),
    "truncated": respond_with(200, f'{{"items":[{{"id":"{ID}","title":"{NAME}'),
    "an array": respond_with(200, f'["{NAME}", "{URL}"]'),
    "another shape": respond_with(200, f'{{"items":"{NAME}","users":[1],"loans":{{"at":"{URL}"}}}}'),
    "values of another type": respond_with(
        200, f'{{"id":{{"{NAME}":1}},"items":[{{"id":7,"title":["{NAME}"]}}],"users":[{{"id":["{NAME}"]}}]}}'
    ),
    "not gzip": respond_with(200, TRACE, **{"content-encoding": "br"}),
    "refused": raise_error(httpx.ConnectError(f"cannot connect to {URL}")),
    "unknown host": raise_error(httpx.ConnectError(f"[Errno -2] Name or service not known: {HOST}")),
    "reset": raise_error(httpx.ReadError(f"reset by {URL}")),
    "timeout": raise_error(httpx.ReadTimeout(f"timed out on {URL}")),
    "protocol": raise_error(httpx.RemoteProtocolError(f"illegal line {TOKEN}")),
    "broken pipe": raise_error(ConnectionResetError(f"{URL} {TOKEN}")),
    "a bug": raise_error(RuntimeError(f"{URL} {TOKEN} {NAME} {WORKING}")),
    "a bug with a value": raise_error(ValueError(f"{URL} {TOKEN} {NAME} {WORKING}")),
    "a bug with a key": raise_error(KeyError(f"{URL} {TOKEN} {NAME}")),
}


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


async def send_documents(upstream: Upstream, documents: Iterable[str], **more: Json) -> list[httpx.Response]:
    app = create_app(
        Settings(okapi_url=f"http://{HOST}:9130", polaris_url=f"http://{HOST}/polaris", look_up_timeout=0.01),
        transport=lambda limits: httpx.MockTransport(upstream),
    )
    headers = {
        "X-Okapi-Tenant": "diku",
        "X-Okapi-Token": TOKEN,
        "X-Polaris-Authorization": f"PAS polaris:t:{PAS}",
        "X-Polaris-Workstation": "7",
        "X-Polaris-Organization": "3",
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        return [
            await http.post("/graphql", json={"query": document, **more}, headers=headers)
            for document in documents
        ]


def gateway_log(caplog: pytest.LogCaptureFixture) -> str:
    """Return the log with tracebacks, without that of httpx, which is also the client of the test."""
    formatter = logging.Formatter("%(name)s %(message)s")
    return "\n".join(
        formatter.format(record) for record in caplog.get_records("call") if record.name != "httpx"
    )


def messages(response: Json) -> str:
    """Return the texts of the errors; keys hold values of the caller and are skipped."""
    messages_seen = []
    for error in response.get("errors", []):
        extensions = {
            name: value for name, value in error["extensions"].items() if name not in ("keys", "verify")
        }
        messages_seen.append(f"{error['message']} {extensions}")
    return "\n".join(messages_seen)


@pytest.mark.parametrize("failure", FAILURES)
async def test_failing_upstream_reveals_nothing(failure: str, caplog: pytest.LogCaptureFixture) -> None:
    """For any failure of upstream, responses name service and failure, and the log has no personal data."""
    responses = await send_documents(FAILURES[failure], DOCUMENTS)

    for response in responses:
        body = response.json()
        assert response.status_code == 200
        shown = [each for each in (*INNER[:-1], NAME) if each in response.text]
        assert shown == [], (failure, response.text)
        assert "==" not in messages(body)
        assert BARCODE not in messages(body)
    log = re.sub(r" at /.*", "", gateway_log(caplog))  # places in the source are logged for diagnosis
    assert [each for each in LOGGED if each in log] == [], log


async def test_only_reasons_of_a_refusal_are_passed_on() -> None:
    """Of a 422, the message, code and parameters of each reason are passed on, and no other member."""
    reason = {"message": "Item is already checked out", "code": "ITEM_X", "type": TRACE, "trace": URL}
    body = {"errors": [{**reason, "parameters": [{"key": "itemBarcode", "value": "1"}]}], "stack": TRACE}
    (response,) = await send_documents(lambda request: httpx.Response(422, json=body), [MUTATION])

    assert "Item is already checked out" in response.text
    assert [each for each in INNER if each in response.text] == []


@pytest.mark.parametrize(
    ("document", "more"),
    [
        (f'{{ item(barcode: "{WORKING}" ', {}),
        (f'{{ nothing(barcode: "{WORKING}") }}', {}),
        (f'{{ item(barcode: "{WORKING}", wrong: 1) {{ id }} }}', {}),
        (f'{{ loan(id: "{WORKING}") {{ id }} }}', {}),
        (f'{{ item(id: "{ID}", barcode: "{WORKING}") {{ id }} }}', {}),
        ("query($id: ID!) { loan(id: $id) { id } }", {"variables": {"id": {"a": WORKING}}}),
        ("query($n: Int) { loans(first: $n) { nodes { id } } }", {"variables": {"n": WORKING}}),
        (f'{{ loans(cql: "({WORKING}") {{ nodes {{ id }} }} }}', {}),
        ("{ __typename }", {"operationName": WORKING}),
        ("{ __typename }", {"variables": [WORKING]}),
    ],
)
async def test_invalid_requests_are_not_logged(
    document: str, more: Json, caplog: pytest.LogCaptureFixture
) -> None:
    """A rejected document or variable is reported to the caller only, without internals."""
    (response,) = await send_documents(respond_with(500), [document], **more)

    assert response.status_code in (200, 400)
    assert [each for each in INNER if each in response.text and each != "=="] == []
    assert [each for each in LOGGED if each in gateway_log(caplog)] == []


async def test_messages_are_constants() -> None:
    """Messages of failed calls are constants of the gateway, except for service names and numbers."""
    messages_seen: set[str] = set()
    for failure in ("status 401", "status 403", "status 409", "status 429", "status 500", "html", "refused"):
        for response in await send_documents(FAILURES[failure], DOCUMENTS):
            messages_seen |= {error["message"] for error in response.json().get("errors", [])}

    assert len(messages_seen) > 5
    for message in messages_seen:
        words = re.sub(r"^\w+ (was sent to \w+, )?|\d+( s)?\.?$", "", message.split(".")[0]).strip()
        ends = words.split(" for ")[0]
        assert ends in SOURCES, message
