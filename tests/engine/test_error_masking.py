"""Errors as clients see them."""

import datetime
import enum
import logging
from typing import Any, NewType

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLError, graphql_sync
from strawberry.schema.config import StrawberryConfig

from gateway.engine.error_masking import mask_errors, mask_exception
from gateway.errors import (
    BadRequest,
    BadUserInput,
    GatewayError,
    OutcomeUnknown,
    Reason,
    UpstreamRejected,
    UpstreamTimeout,
)

SECRET = "http://okapi:9130/users?query=lastName==Doe"  # noqa: S105 - what must not leak, not a credential

Even = NewType("Even", int)
Fragile = NewType("Fragile", str)
Coded = NewType("Coded", str)


def parse_even(value: Any) -> Even:
    if value % 2:
        raise ValueError("it is odd")
    return Even(value)


def parse_fragile(value: Any) -> Fragile:
    raise KeyError(SECRET)


def parse_coded(value: Any) -> Coded:
    raise BadUserInput("A code has four letters.")


@strawberry.enum
class Colour(enum.Enum):
    RED = "red"


@strawberry.type
class Leaf:
    id: strawberry.ID


@strawberry.type
class Query:
    @strawberry.field
    def echo(
        self, even: Even | None = None, fragile: Fragile | None = None, coded: Coded | None = None
    ) -> int:
        return 1

    @strawberry.field
    def day(self, on: datetime.date | None = None) -> str:
        return str(on)

    @strawberry.field
    def times(self, n: int = 5) -> int:
        return n

    @strawberry.field
    def rejected(self) -> str | None:
        reason = Reason(message="No such item.", code="ITEM_NOT_FOUND")
        raise UpstreamRejected("FOLIO refused the question.", upstream="bff", status=422, reasons=[reason])

    @strawberry.field
    def timed_out(self) -> str:
        raise UpstreamTimeout("FOLIO took too long.", upstream="users")

    @strawberry.field
    def crashed(self) -> str | None:
        raise RuntimeError(SECRET)

    @strawberry.field
    def valueless(self) -> str | None:
        raise ValueError(SECRET)

    @strawberry.field
    def chained(self) -> str | None:
        try:
            raise OSError(SECRET)
        except OSError as error:
            raise GraphQLError(SECRET) from error

    @strawberry.field
    def coded(self) -> str | None:
        raise GraphQLError("Too deep.", extensions={"code": "LIMIT_EXCEEDED", "limit": 15})

    @strawberry.field
    def missing(self) -> str:
        return None  # type: ignore[return-value]  # as upstream does

    @strawberry.field
    def number(self) -> int | None:
        return SECRET  # type: ignore[return-value]  # as upstream does

    @strawberry.field
    def colour(self) -> Colour | None:
        return SECRET  # type: ignore[return-value]  # as upstream does

    @strawberry.field
    def date(self) -> datetime.date | None:
        return SECRET  # type: ignore[return-value]  # as upstream does

    @strawberry.field
    def numbers(self) -> list[int] | None:
        return [1, SECRET]  # type: ignore[list-item]  # as upstream does

    @strawberry.field
    def leaves(self) -> list[Leaf] | None:
        return 5  # type: ignore[return-value]  # as upstream does

    @strawberry.field
    def leaf(self) -> Leaf | None:
        return {}  # type: ignore[return-value]  # as upstream does


def scalar(name: str, parse_value: Any) -> Any:
    return strawberry.scalar(name=name, serialize=lambda value: value, parse_value=parse_value)


SCHEMA = strawberry.Schema(
    Query,
    config=StrawberryConfig(
        scalar_map={
            Even: scalar("Even", parse_even),
            Fragile: scalar("Fragile", parse_fragile),
            Coded: scalar("Coded", parse_coded),
        }
    ),
)


def result(document: str, **variables: Any) -> ExecutionResult:
    return graphql_sync(SCHEMA._schema, document, variable_values=variables)


def error(document: str, **variables: Any) -> dict[str, Any]:
    errors = result(document, **variables).errors or []
    assert len(errors) == 1
    formatted = mask_errors(errors[:1], "1/graphql")[0]
    assert formatted["extensions"]["requestId"] == "1/graphql"
    assert SECRET not in str(formatted)
    return formatted


INTERNAL = {
    "message": "An unexpected error occurred in the gateway.",
    "extensions": {"code": "INTERNAL_ERROR", "retryable": False, "requestId": "1/graphql"},
}


def test_gateway_error() -> None:
    """An error of the gateway keeps its message and its extensions."""
    assert error("{ rejected }") == {
        "message": "FOLIO refused the question.",
        "locations": [{"line": 1, "column": 3}],
        "path": ["rejected"],
        "extensions": {
            "code": "UPSTREAM_REJECTED",
            "retryable": False,
            "upstream": "bff",
            "status": 422,
            "reasons": [{"message": "No such item.", "code": "ITEM_NOT_FOUND"}],
            "requestId": "1/graphql",
        },
    }


def test_gateway_error_through_a_non_null_field() -> None:
    """An error that nulls its parents is unchanged."""
    assert error("{ timedOut }")["extensions"] == {
        "code": "UPSTREAM_TIMEOUT",
        "retryable": True,
        "upstream": "users",
        "requestId": "1/graphql",
    }


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ("{ crashed }", ["crashed"]),
        ("{ valueless }", ["valueless"]),
        ("{ chained }", ["chained"]),
        ("{ leaf { id } }", ["leaf", "id"]),
    ],
)
def test_unexpected_error(document: str, path: list[str]) -> None:
    """An unexpected error shows its request id and path only."""
    formatted = error(document)

    assert formatted["path"] == path
    assert {key: formatted[key] for key in ("message", "extensions")} == INTERNAL


def test_unexpected_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log names class, place and request, and neither the text nor the document nor a variable."""
    error("query Private($even: Even) { crashed echo(even: $even) }", even=4242)

    (record,) = caplog.get_records("call")
    text = record.getMessage()
    assert (record.name, record.levelno) == ("gateway.engine.error_masking", logging.ERROR)
    assert "builtins.RuntimeError in request 1/graphql at" in text
    assert "test_error_masking.py:" in text
    assert record.exc_info is None
    assert not [each for each in (SECRET, "Private", "crashed", "4242") if each in text]


def test_one_exception_on_many_paths(caplog: pytest.LogCaptureFixture) -> None:
    """An exception of many fields is reported for each and logged once."""
    shared = RuntimeError(SECRET)
    errors = [GraphQLError("", path=["loans", place], original_error=shared) for place in range(100)]

    formatted = mask_errors(errors, "1/graphql")

    assert [each["path"] for each in formatted] == [["loans", place] for place in range(100)]
    assert len(caplog.get_records("call")) == 1


def test_expected_errors_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Errors with a code are not logged."""
    for document in ("{ rejected }", "{ missing }", "{ number }", "{ coded }", "{ nobody }"):
        error(document)

    assert caplog.get_records("call") == []


def test_code_of_a_graphql_error() -> None:
    """A GraphQL error with a code keeps it, and is not retryable unless it says so."""
    formatted = error("{ coded }")

    assert formatted["message"] == "Too deep."
    assert formatted["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "retryable": False,
        "limit": 15,
        "requestId": "1/graphql",
    }


def test_null_in_a_non_null_field() -> None:
    """A null in a non-null field is an upstream error that names the field."""
    formatted = error("{ missing }")

    assert formatted["message"] == "An upstream service sent no value for Query.missing, which is never null."
    assert formatted["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
    assert formatted["path"] == ["missing"]


@pytest.mark.parametrize(
    ("document", "name", "path"),
    [
        ("{ number }", "number", ["number"]),
        ("{ n: number }", "n", ["n"]),
        ("{ colour }", "colour", ["colour"]),
        ("{ date }", "date", ["date"]),
        ("{ numbers }", "numbers", ["numbers", 1]),
        ("{ leaves { id } }", "leaves", ["leaves"]),
    ],
)
def test_value_of_another_type(document: str, name: str, path: list[str | int]) -> None:
    """A leaf or a list of another type is reported without its value."""
    formatted = error(document)

    assert formatted["message"] == f"An upstream service sent a value of another type for {name}."
    assert formatted["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
    assert formatted["path"] == path


@pytest.mark.parametrize(
    ("document", "variables", "message"),
    [
        (
            "query ($on: Date) { day(on: $on) }",
            {"on": "never"},
            "Variable '$on' has invalid value: Value cannot represent a Date: \"never\"."
            " Invalid isoformat string: 'never'",
        ),
        (
            "query ($even: Even) { echo(even: $even) }",
            {"even": 3},
            "Variable '$even' has invalid value: Expected value of type 'Even',"
            " but encountered error 'it is odd'; found: 3.",
        ),
        (
            "query ($coded: Coded) { echo(coded: $coded) }",
            {"coded": "x"},
            "Variable '$coded' has invalid value: Expected value of type 'Coded',"
            " but encountered error 'A code has four letters.'; found: 'x'.",
        ),
        (
            "query ($n: Int = 3) { times(n: $n) }",
            {"n": None},
            "Argument 'n' has invalid value: Expected variable '$n' provided to non-null type 'Int!'"
            " not to be None.",
        ),
    ],
)
def test_bad_input(document: str, variables: dict[str, Any], message: str) -> None:
    """An invalid variable or argument is reported in full."""
    formatted = error(document, **variables)

    assert formatted["message"] == message
    assert formatted["extensions"]["code"] == "BAD_USER_INPUT"


def test_scalar_that_crashes() -> None:
    """A scalar with an unexpected exception is an internal error, not an error of the caller."""
    formatted = error("query ($fragile: Fragile) { echo(fragile: $fragile) }", fragile="x")

    assert {key: formatted[key] for key in ("message", "extensions")} == INTERNAL


def test_rejected_request() -> None:
    """A rejected request has an error like that of a field, without a location."""
    assert mask_exception(BadRequest("Header X-Okapi-Tenant is missing."), "1/graphql") == {
        "message": "Header X-Okapi-Tenant is missing.",
        "extensions": {"code": "BAD_REQUEST", "retryable": False, "requestId": "1/graphql"},
    }


def test_length_of_a_message() -> None:
    """A long message is cut in its middle to 300 characters, of a field and of a request as a whole."""
    problem = BadRequest(f"The header {'x' * 1000} is unknown.")
    expected = f"The header {'x' * 139} ... {'x' * 133} is unknown."

    assert len(expected) == 300
    assert mask_exception(problem, "1/graphql")["message"] == expected
    located = GraphQLError(problem.message, path=["x"], original_error=problem)
    assert mask_errors([located], "1/graphql")[0]["message"] == expected


def test_unexpected_error_outside_of_fields(caplog: pytest.LogCaptureFixture) -> None:
    """An exception outside of all fields is masked and logged as well, also a ValueError."""
    assert mask_exception(ValueError(SECRET), "1/graphql") == INTERNAL
    (record,) = caplog.get_records("call")
    assert record.getMessage() == "Unexpected builtins.ValueError in request 1/graphql at an unknown location"


@pytest.mark.parametrize("kind", GatewayError.__subclasses__())
def test_every_gateway_error(kind: type[GatewayError]) -> None:
    """Every class of the error tree has its code and its value of retryable."""
    sent: dict[str, Any] = {"sent_at": datetime.datetime.now(datetime.UTC)} if kind is OutcomeUnknown else {}
    problem = GraphQLError("m", path=["x"], original_error=kind("m", **sent))
    formatted = mask_errors([problem], "1/graphql")[0]

    assert formatted["extensions"] == {
        "code": kind.code,
        "retryable": kind.retryable,
        "requestId": "1/graphql",
    }
