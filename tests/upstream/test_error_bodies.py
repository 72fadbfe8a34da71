"""Error bodies are parsed by their content, and only the structured part is forwarded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import OverridableBlock, Parameter, Reason
from gateway.upstream.error_bodies import (
    MAX_MESSAGE,
    MAX_REASONS,
    has_folio_errors,
    is_not_routed,
    is_route_missing,
    is_token_missing,
    missing_permission,
    read_reasons,
)

TRACE = (
    "java.lang.NullPointerException: secret\n\tat org.folio.Loan.of(Loan.java:7)\n\tat java.base/Thread.run"
)
NET_TRACE = "Polaris.LockException: secret\r\n   at Polaris.Locks.Add(Lock lock) in C:\\src\\Locks.cs:line 7"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
NAMES = st.sampled_from(
    [
        "message",
        "code",
        "error",
        "errors",
        "parameters",
        "key",
        "value",
        "overridableBlock",
        "name",
        "missingPermissions",
    ]
)
ERROR_LIKE = st.recursive(
    JSON, lambda inner: st.dictionaries(NAMES, inner, max_size=5) | st.lists(inner, max_size=3), max_leaves=30
)


def reasons_of(content: Any) -> list[Reason]:  # Any: JSON
    return read_reasons(json.dumps(content).encode())


@given(st.binary())
@example(b"[" * 100_000)
@example(b'{"message":' + b"9" * 5000 + b"}")
@example(b'{"message":1e999}')
@example(b'{"message":"\\ud800"}')
@example(b"\xff\xfe{\x00}\x00")
def test_no_bytes_break_the_reader(body: bytes) -> None:
    """For any bytes there are reasons or none, and nothing is raised."""
    assert all(type(each) is Reason for each in read_reasons(body))
    assert isinstance(is_token_missing(body), bool)
    assert isinstance(is_not_routed(body), bool)
    assert isinstance(missing_permission(body), str | None)
    assert isinstance(has_folio_errors(body), bool)
    assert isinstance(is_route_missing(body, "POST", ["/x"]), bool)


@pytest.mark.slow
@given(ERROR_LIKE)
def test_no_json_breaks_the_reader(content: Any) -> None:
    """Members of any type are read or skipped, and the ones that are read are text."""
    for reason in reasons_of(content):
        assert type(reason.message) is str
        assert reason.message
        assert len(reason.message) <= MAX_MESSAGE
        assert reason.code is None or type(reason.code) is str
        assert all(type(each.key) is str for each in reason.parameters)
        assert all(each.value is None or type(each.value) is str for each in reason.parameters)
        assert json.loads(json.dumps(reason.as_extension())) == reason.as_extension()


def test_all_reasons_are_read() -> None:
    """Several errors at once are normal, and none of their members is lost."""
    content = {
        "errors": [
            {
                "message": "Patron blocked from borrowing",
                "code": "USER_IS_BLOCKED_MANUALLY",
                "parameters": [{"key": "reason", "value": "lost; damaged"}, {"key": "userId", "value": None}],
                "overridableBlock": {
                    "name": "patronBlock",
                    "missingPermissions": ["circulation.override-patron-block.post"],
                },
            },
            {
                "message": "Item is not loanable",
                "code": "ITEM_NOT_LOANABLE",
                "parameters": [{"key": "itemBarcode"}],
                "overridableBlock": {"name": "itemNotLoanableBlock", "missingPermissions": []},
            },
            {"message": "Item is already checked out"},
        ],
        "total_records": 3,
    }

    assert reasons_of(content) == [
        Reason(
            message="Patron blocked from borrowing",
            code="USER_IS_BLOCKED_MANUALLY",
            parameters=[Parameter(key="reason", value="lost; damaged"), Parameter(key="userId", value=None)],
            overridable_block=OverridableBlock(
                name="patronBlock", missing_permissions=["circulation.override-patron-block.post"]
            ),
        ),
        Reason(
            message="Item is not loanable",
            code="ITEM_NOT_LOANABLE",
            parameters=[Parameter(key="itemBarcode", value=None)],
            overridable_block=OverridableBlock(name="itemNotLoanableBlock", missing_permissions=[]),
        ),
        Reason(message="Item is already checked out"),
    ]


@pytest.mark.parametrize(
    ("block", "read"),
    [
        (None, None),
        ({}, None),
        ({"name": None}, None),
        ("patronBlock", None),
        ({"name": "patronBlock"}, OverridableBlock(name="patronBlock")),
        ({"name": "patronBlock", "missingPermissions": None}, OverridableBlock(name="patronBlock")),
        (
            {"name": "patronBlock", "missingPermissions": ["a", "b"]},
            OverridableBlock(name="patronBlock", missing_permissions=["a", "b"]),
        ),
    ],
)
def test_blocks(block: Any, read: OverridableBlock | None) -> None:
    """A block needs a name; without missing permissions this caller may lift it."""
    assert reasons_of({"errors": [{"message": "no", "overridableBlock": block}]}) == [
        Reason(message="no", overridable_block=read)
    ]


@pytest.mark.parametrize(
    ("parameters", "read"),
    [
        (None, []),
        ({}, []),
        ("itemBarcode", []),
        ([None, "a", {}, {"key": None, "value": "a"}, {"key": {"a": 1}}], []),
        ([{"key": "limit", "value": 7}], [Parameter(key="limit", value="7")]),
        ([{"key": "a", "value": {"secret": 1}}], [Parameter(key="a", value=None)]),
        ([{"key": "a", "value": ""}], [Parameter(key="a", value="")]),
    ],
)
def test_parameters(parameters: Any, read: list[Parameter]) -> None:
    """A parameter needs a key; its value may be missing and is text."""
    assert reasons_of({"errors": [{"message": "no", "parameters": parameters}]}) == [
        Reason(message="no", parameters=read)
    ]


@pytest.mark.parametrize(
    ("content", "read"),
    [
        # The sidecar.
        (
            {
                "errors": [
                    {"type": "ForbiddenException", "code": "authorization_error", "message": "Access Denied"}
                ]
            },
            [Reason(message="Access Denied", code="authorization_error")],
        ),
        # Spring's own response to an invalid body.
        (
            {"timestamp": "2026-01-01T10:00:00Z", "status": 400, "error": "Bad Request", "path": "/secret"},
            [Reason(message="Bad Request")],
        ),
        (
            {"message": "No such thing", "code": 100, "error": "Bad Request"},
            [Reason(message="No such thing", code="100")],
        ),
        # requests-mediated has numbers for codes.
        (
            {"errors": [{"message": "Inactive patron", "code": "100"}]},
            [Reason(message="Inactive patron", code="100")],
        ),
        (
            {"errors": [{"code": "ITEM_NOT_LOANABLE"}]},
            [Reason(message="No reason was given.", code="ITEM_NOT_LOANABLE")],
        ),
        ({"errors": [None, "a", 1, []]}, []),
        ({"errors": []}, []),
        ({"errors": {}}, []),
        ({"message": ""}, []),
        ({"message": {"secret": 1}}, []),
        ({}, []),
        ([], []),
        (None, []),
        ("secret", []),
    ],
)
def test_forms_of_services(content: Any, read: list[Reason]) -> None:
    """Each service has its own form, and an unknown form has no reason."""
    assert reasons_of(content) == read


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"secret",
        b"Invalid combination of query parameters: secret",
        b"<!DOCTYPE html><html><body>secret</body></html>",
        TRACE.encode(),
        json.dumps(TRACE).encode(),
        json.dumps({"message": TRACE}).encode(),
        json.dumps({"error": NET_TRACE}).encode(),
        json.dumps({"ErrorCode": 1, "Message": "secret", "StackTrace": NET_TRACE}).encode(),
        json.dumps({"status": 400, "trace": TRACE, "path": "/secret"}).encode(),
        b'{"errors":[{"message":"secret"}',
    ],
)
def test_free_text_gives_no_reason(body: bytes) -> None:
    """Texts, pages and stack traces are not forwarded."""
    assert read_reasons(body) == []


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (b"No open loan for 7", ["No open loan for 7"]),
        (b"No open loan for " + b"7" * 5000, ["No open loan for " + "7" * (MAX_MESSAGE - 17)]),
        (f"No open loan for 7\n{TRACE}".encode(), []),
        (b"secret: No open loan for 7", []),
        (b"", []),
        (b'{"message": "Busy"}', ["Busy"]),
    ],
)
def test_own_texts_of_a_service_are_reasons(body: bytes, messages: list[str]) -> None:
    """A text that begins as the service's own refusals do is a reason, cut and without a stack trace."""
    assert [each.message for each in read_reasons(body, ("No open loan for ",))] == messages


@pytest.mark.parametrize("trace", [TRACE, NET_TRACE])
def test_a_stack_trace_in_a_reason_is_not_forwarded(trace: str) -> None:
    """A stack trace in place of a message or a value is dropped."""
    reason = {"message": trace, "code": "X", "parameters": [{"key": "cause", "value": trace}]}

    assert reasons_of({"errors": [reason]}) == [
        Reason(message="No reason was given.", code="X", parameters=[Parameter(key="cause", value=None)])
    ]


@pytest.mark.parametrize(
    "message", ["Pick up at Main (2nd floor)", "at Main (2nd floor)", "Due\nat 5 (noon)"]
)
def test_a_message_with_at_is_no_stack_trace(message: str) -> None:
    """A text that only resembles a stack trace is forwarded."""
    assert reasons_of({"message": message}) == [Reason(message=message)]


def test_a_long_message_is_cut() -> None:
    """No message fills a screen."""
    assert reasons_of({"message": "a" * 5000}) == [Reason(message="a" * 1000)]


def test_a_hundred_reasons_are_passed_on() -> None:
    """Of more reasons, parameters and permissions the first hundred are, each cut."""
    block = {"name": "n" * 5000, "missingPermissions": [f"p{number}" for number in range(300)] + ["p" * 5000]}
    first = {
        "message": "0",
        "parameters": [{"key": f"k{number}", "value": "v"} for number in range(300)],
        "overridableBlock": block,
    }
    reasons = reasons_of({"errors": [first, *({"message": str(number)} for number in range(1, 300))]})

    assert [each.message for each in reasons] == [str(number) for number in range(MAX_REASONS)]
    assert MAX_REASONS == 100
    assert [each.key for each in reasons[0].parameters] == [f"k{number}" for number in range(100)]
    assert reasons[0].overridable_block == OverridableBlock(
        name="n" * MAX_MESSAGE, missing_permissions=[f"p{number}" for number in range(100)]
    )


def test_a_stack_trace_at_the_cut_is_not_forwarded() -> None:
    """A trace that begins before the cut is noticed, although its first line ends beyond it."""
    text = "a" * (MAX_MESSAGE - 12) + "\n\tat org.folio.circulation.Loan.of(Loan.java:7)"

    assert reasons_of({"message": text, "error": "no"}) == [Reason(message="no")]


LONG = 300_000  # in quadratic time a minute and more
HOSTILE_TEXTS = {
    "blank lines": "\n" * LONG,
    "blanks": " " * LONG,
    "tabs in lines": "\t\n" * LONG,
    "frames without an end": "\n at a" * LONG,
    "one frame without an end": "at " + "a" * LONG,
    "permissions": "Access for user " + " requires permission: a" * LONG + "\n\nx",
    "one permission": "Token missing, access requires permission: " + "a" * LONG + " " * LONG + "x",
    "paths": "No suitable module found for path " + "a" * LONG + " for tenant " * LONG,
    "routes": "[method: " * LONG,
    "words": "[method: " + "a" * LONG,
    "routes without an end": "[method: GET, path: " + "a" * LONG,
}
HOSTILE_BODIES = {
    "bare": lambda text: text.encode(),
    "message": lambda text: json.dumps({"message": text}).encode(),
    "reason": lambda text: json.dumps(
        {
            "errors": [
                {
                    "code": "route_not_found_error",
                    "message": text,
                    "parameters": [{"key": "a", "value": text}],
                    "overridableBlock": {"name": text, "missingPermissions": [text]},
                }
            ]
        }
    ).encode(),
}


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
@pytest.mark.parametrize("body_of", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES)
def test_a_long_text_takes_linear_time(body_of: Callable[[str], bytes], text: str) -> None:
    """No text of upstream keeps the process from serving others."""
    body = body_of(text)
    began = time.process_time()
    read_reasons(body)
    is_token_missing(body)
    missing_permission(body)
    has_folio_errors(body)
    is_not_routed(body)
    is_route_missing(body, "GET", ["/a"])

    assert time.process_time() - began < 2.0


def test_texts_are_cut_before_they_are_searched() -> None:
    """A stack trace is looked for where a message begins, and not in megabytes behind it."""
    frame = "\n\tat org.folio.Loan.of(Loan.java:7)"

    def messages(text: str) -> list[str]:
        return [each.message for each in read_reasons(json.dumps({"message": text}).encode())]

    assert messages("x" * MAX_MESSAGE + frame) == []
    assert messages("x" * 2 * MAX_MESSAGE + frame) == ["x" * MAX_MESSAGE]


def test_a_long_body_is_no_text_of_okapi() -> None:
    """Its texts have a few hundred bytes, so a body of many kilobytes is not compared with them."""
    text = "Access for user 'desk' (7) requires permission: "
    route = "No suitable module found for path /"

    assert missing_permission((text + "p" * 500).encode()) == "p" * 500
    assert missing_permission((text + "p" * 5000).encode()) is None
    assert is_route_missing((route + "p" * 500).encode(), "GET", ["/" + "p" * 500])
    assert not is_route_missing((route + "p" * 5000).encode(), "GET", ["/" + "p" * 5000])


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (b"Token missing, access requires permission: users.item.get", True),
        (b'"Token missing"', False),
        (b"Invalid combination; Token missing", False),
        (b"", False),
    ],
)
def test_a_missing_token(body: bytes, missing: bool) -> None:
    """Okapi sends 400 for a missing token."""
    assert is_token_missing(body) is missing


@pytest.mark.parametrize(
    ("body", "permission"),
    [
        (
            b"Access for user 'jdoe' (1) requires permission: circulation-bff.loans.post",
            "circulation-bff.loans.post",
        ),
        (b"Access for user 'jdoe' (1) requires permission: users.item.get\n", "users.item.get"),
        (b"Token missing, access requires permission: users.item.get", "users.item.get"),
        (
            b"Access for user 'requires permission: x' (1) requires permission: users.item.get",
            "users.item.get",
        ),
        (b"Log: Access for user 'jdoe' (1) requires permission: circulation-bff.loans.post", None),
        (b"Access for user 'jdoe' (1) requires permission: users.item.get and more", None),
        (b"Access for user 'jdoe'\n requires permission: users.item.get", None),
        (b"Token missing", None),
        (b"Access Denied", None),
        (b"", None),
    ],
)
def test_a_missing_permission(body: bytes, permission: str | None) -> None:
    """Okapi's text names the missing permission, and so the route that was not reached."""
    assert missing_permission(body) == permission


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (b"No suitable module found for path /x for tenant diku", True),
        (b"No suitable module found for path /x", True),
        (b"No suitable module found for path /x/y for tenant diku", False),
        (b"Log: No suitable module found for path /x for tenant diku", False),
        (b'{"message":"no Route matched with those values","request_id":"1"}', True),
        (b'{"message":"no Route"}', False),
        (b'{"errors":[{"code":"route_not_found_error","message":"[method: POST, path: /x]"}]}', True),
        (b'{"errors":[{"code":"route_not_found_error","message":"[method: GET, path: /x]"}]}', False),
        (b'{"errors":[{"code":"route_not_found_error","message":"[method: POST, path: /y]"}]}', False),
        (b'{"errors":[{"code":"route_not_found_error"}]}', False),
        (b'{"errors":[{"code":"not_found","message":"[method: POST, path: /x]"}]}', False),
        (b'{"errors":["route_not_found_error"]}', False),
        (b"", False),
    ],
)
def test_a_missing_route(body: bytes, missing: bool) -> None:
    """Only a body that names this route, or Kong's, is about this route."""
    assert is_route_missing(body, "POST", ["/x"]) is missing


@pytest.mark.parametrize(
    ("body", "own"),
    [
        (b'{"errors":[{"message":"no"}],"total_records":1}', True),
        (b'{"errors":[]}', False),
        (b'{"errors":[{"code":"no"}]}', False),
        (b'{"errors":"no"}', False),
        (b'{"message":"no"}', False),
        (b"[]", False),
        (b"no", False),
    ],
)
def test_the_form_of_an_error_of_folio(body: bytes, own: bool) -> None:
    """FOLIO's errors are a list, each with its message."""
    assert has_folio_errors(body) is own


@pytest.mark.parametrize(
    ("body", "elsewhere"),
    [
        (b"No suitable module found for path /users for tenant diku", True),
        (b'{"errors":[{"code":"route_not_found_error"}],"total_records":1}', True),
        (b"loan record with ID a cannot be found", False),
        (b"Not found", False),
        (b"", False),
    ],
)
def test_a_path_without_a_module(body: bytes, elsewhere: bool) -> None:
    """A 404 about the path is distinguished from one about a record."""
    assert is_not_routed(body) is elsewhere
