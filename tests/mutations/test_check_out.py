"""Check-out: the request to upstream, the result, refusals, and unknown outcomes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from gateway.graph import schema
from gateway.sandbox import create_sandbox
from tests.gateway_under_test import Gateway, open_gateway
from tests.mutations.conftest import Execute
from tests.mutations.seeded import (
    AUTOMATICALLY_BLOCKED,
    EXPIRED,
    INACTIVE,
    ITEM,
    LENT_ITEM,
    MANUALLY_BLOCKED,
    PATRON,
    PROXY,
    READING_ROOM_ITEM,
    SPONSOR,
    VISITOR_AT_THE_LIMIT,
    record,
    service_point,
    state,
)
from tests.mutations.unclear_responses import UNCLEAR_FAULTS, assert_unclear, fault_name

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

POST = "POST /circulation-bff/loans/check-out-by-barcode"
CHECK_OUT = """mutation($input: CheckOutInput!) { checkOut(input: $input) {
    __typename
    ... on CheckedOut { loan {
        id loanDate dueDate action actionComment status { name }
        borrower { id barcode personal { lastName } } proxy { id }
        item { id barcode title status { name } } checkoutServicePoint { id name }
    } }
    ... on Refusal { reasons {
        code message parameters { key value } overridableBlock { name missingPermissions }
    } }
} }"""
AFTERWARDS = """query($user: String!, $item: String!) {
    user(barcode: $user) { openLoans { totalCount nodes { id } } }
    item(barcode: $item) { status { name } openLoan { id borrower { barcode } } }
}"""
LATER = "2099-01-01T12:00:00Z"


def check_out_variables(gateway: Gateway, item: str = ITEM, user: str = PATRON, **more: Json) -> Json:
    point = service_point(gateway.library)
    return {"input": {"itemBarcode": item, "userBarcode": user, "servicePointId": point, **more}}


async def reasons(gateway: Gateway, variables: Json, headers: dict[str, str] | None = None) -> list[Json]:
    """Return the reasons of a check-out that is refused after one call and changes nothing."""
    before = state(gateway)
    gateway.sandbox.calls.clear()
    data = await gateway.data(CHECK_OUT, variables, headers)

    assert data["checkOut"]["__typename"] == "Refusal"
    assert gateway.paths() == [POST]
    assert state(gateway) == before
    result: list[Json] = data["checkOut"]["reasons"]
    return result


def reason(code: str, message: str, parameters: dict[str, str | None], block: Json = None) -> Json:
    listed = [{"key": key, "value": value} for key, value in parameters.items()]
    return {"code": code, "message": message, "parameters": listed, "overridableBlock": block}


def block(name: str, *missing: str) -> Json:
    return {"name": name, "missingPermissions": list(missing)}


# Effects


async def test_check_out_lends_the_item(gateway: Gateway) -> None:
    """The loan is returned completely, with one upstream call."""
    data = await gateway.data(CHECK_OUT, check_out_variables(gateway))

    loan = data["checkOut"]["loan"]
    kept = gateway.library.loans[loan["id"]]
    user, item = (
        record(gateway.library.user_by_barcode(PATRON)),
        record(gateway.library.item_by_barcode(ITEM)),
    )
    assert gateway.paths() == [POST]
    assert loan == {
        "id": kept["id"],
        "loanDate": kept["loanDate"].replace("+00:00", "Z"),
        "dueDate": kept["dueDate"].replace("+00:00", "Z"),
        "action": "checkedout",
        "actionComment": None,
        "status": {"name": "OPEN"},
        "borrower": {"id": user["id"], "barcode": PATRON, "personal": {"lastName": "Abebe"}},
        "proxy": None,
        "item": {
            "id": item["id"],
            "barcode": ITEM,
            "title": "Pride and Prejudice",
            "status": {"name": "CHECKED_OUT"},
        },
        "checkoutServicePoint": {"id": service_point(gateway.library), "name": "Circ Desk 1"},
    }


async def test_check_out_is_visible_to_the_next_operation(gateway: Gateway) -> None:
    """The next operation reads the loan from its borrower and its item, which is no longer available."""
    variables = {"user": PATRON, "item": ITEM}
    before = await gateway.data(AFTERWARDS, variables)
    created = (await gateway.data(CHECK_OUT, check_out_variables(gateway)))["checkOut"]["loan"]["id"]
    after = await gateway.data(AFTERWARDS, variables)

    assert before == {
        "user": {"openLoans": {"totalCount": 0, "nodes": []}},
        "item": {"status": {"name": "AVAILABLE"}, "openLoan": None},
    }
    assert after == {
        "user": {"openLoans": {"totalCount": 1, "nodes": [{"id": created}]}},
        "item": {
            "status": {"name": "CHECKED_OUT"},
            "openLoan": {"id": created, "borrower": {"barcode": PATRON}},
        },
    }


async def test_mutations_of_one_operation_run_in_order(gateway: Gateway) -> None:
    """Records loaded for the result of one mutation are not reused after the next."""
    execute = await gateway.data(
        """mutation($out: CheckOutInput!, $back: CheckInInput!) {
            first: checkOut(input: $out) { ... on CheckedOut { loan { item { openLoan { id } } } } }
            back: checkIn(input: $back) { ... on CheckedIn { item { openLoan { id } } } }
            second: checkOut(input: $out) { ... on CheckedOut { loan { id item { openLoan { id } } } } }
        }""",
        {
            "out": check_out_variables(gateway)["input"],
            "back": {"itemBarcode": ITEM, "servicePointId": service_point(gateway.library)},
        },
    )

    first, second = execute["first"]["loan"]["item"]["openLoan"]["id"], execute["second"]["loan"]["id"]
    assert gateway.library.loans[first]["status"] == {"name": "Closed"}
    assert execute["back"]["item"]["openLoan"] is None
    assert execute["second"]["loan"]["item"]["openLoan"] == {"id": second}
    assert [path for path in gateway.paths() if path.startswith("POST")] == [
        POST,
        "POST /circulation-bff/loans/check-in-by-barcode",
        POST,
    ]


async def test_proxy_borrows_for_the_sponsor(gateway: Gateway) -> None:
    """The loan is the sponsor's and names the proxy."""
    data = await gateway.data(CHECK_OUT, check_out_variables(gateway, user=SPONSOR, proxyUserBarcode=PROXY))

    loan = data["checkOut"]["loan"]
    assert loan["borrower"]["barcode"] == SPONSOR
    assert loan["proxy"] == {"id": record(gateway.library.user_by_barcode(PROXY))["id"]}


async def test_loan_date_in_the_past(gateway: Gateway) -> None:
    """The loan date is the given time in any zone, and the due date follows from it."""
    data = await gateway.data(
        CHECK_OUT, check_out_variables(gateway, loanDate="2026-01-02T05:04:05.678+02:00")
    )

    loan = data["checkOut"]["loan"]
    assert loan["loanDate"] == "2026-01-02T03:04:05.678Z"
    assert loan["dueDate"] == "2026-01-30T23:59:59.000Z"


# The write is rejected


async def test_item_on_loan_is_refused(gateway: Gateway) -> None:
    """It is refused after one call, and the first loan is unchanged."""
    await gateway.data(CHECK_OUT, check_out_variables(gateway))

    assert await reasons(gateway, check_out_variables(gateway)) == [
        reason("OTHER", "Item is already checked out", {"itemBarcode": ITEM})
    ]


MANUAL = reason(
    "USER_IS_BLOCKED_MANUALLY",
    "Patron blocked from borrowing",
    {"reason": "Card reported lost;Address unknown"},
    block("patronBlock"),
)
AUTOMATED = [
    reason(
        "USER_IS_BLOCKED_AUTOMATICALLY",
        f"Patron has reached maximum allowed {limit}",
        {},
        block("patronBlock"),
    )
    for limit in (
        "number of overdue items for their patron group",
        "outstanding fee/fine balance for their patron group",
    )
]
LIMIT = reason(
    "ITEM_LIMIT_PATRON_GROUP_MATERIAL_TYPE",
    "Patron has reached maximum limit of 2 items for combination of patron group and material type",
    {"itemBarcode": ITEM},
    block("itemLimitBlock"),
)
INACTIVE_USER = "Cannot check out to inactive user"
NO_USER = reason(
    "USER_BARCODE_NOT_FOUND", "Could not find user with matching barcode", {"userBarcode": "no user"}
)
NO_ITEM = reason("OTHER", "No item with barcode no item exists", {"itemBarcode": "no item"})


@pytest.mark.parametrize(
    ("item", "user", "expected"),
    [
        pytest.param(ITEM, "no user", [NO_USER], id="unknown user"),
        pytest.param("no item", PATRON, [NO_ITEM], id="unknown item"),
        pytest.param("no item", "no user", [NO_USER, NO_ITEM], id="both unknown"),
        pytest.param(
            ITEM, INACTIVE, [reason("OTHER", INACTIVE_USER, {"userBarcode": INACTIVE})], id="inactive"
        ),
        pytest.param(ITEM, EXPIRED, [reason("OTHER", INACTIVE_USER, {"userBarcode": EXPIRED})], id="expired"),
        pytest.param(ITEM, MANUALLY_BLOCKED, [MANUAL], id="manual block"),
        pytest.param(ITEM, AUTOMATICALLY_BLOCKED, AUTOMATED, id="automated blocks"),
        pytest.param(ITEM, VISITOR_AT_THE_LIMIT, [LIMIT], id="item limit"),
    ],
)
async def test_refusal_has_its_reasons(
    shared_gateway: Gateway, item: str, user: str, expected: list[Json]
) -> None:
    """A refusal is data with every reason, its parameters and overridable block; nothing is lent."""
    assert await reasons(shared_gateway, check_out_variables(shared_gateway, item, user)) == expected


def not_loanable(gateway: Gateway) -> Json:
    policy = next(each for each in gateway.library.loan_policies.values() if each["name"] == "Not loanable")
    parameters = {
        "loanPolicyId": policy["id"],
        "loanPolicyName": "Not loanable",
        "itemBarcode": READING_ROOM_ITEM,
    }
    return reason("ITEM_NOT_LOANABLE", "Item is not loanable", parameters, block("itemNotLoanableBlock"))


async def test_not_loanable_item_names_its_policy(shared_gateway: Gateway) -> None:
    """The refusal of an item that is not loanable names the loan policy."""
    assert await reasons(shared_gateway, check_out_variables(shared_gateway, READING_ROOM_ITEM)) == [
        not_loanable(shared_gateway)
    ]


async def test_several_reasons_are_returned_together(shared_gateway: Gateway) -> None:
    """A blocked patron with an item that is not loanable gets both reasons in one response."""
    result = await reasons(
        shared_gateway, check_out_variables(shared_gateway, READING_ROOM_ITEM, MANUALLY_BLOCKED)
    )

    assert result == [MANUAL, not_loanable(shared_gateway)]


async def test_block_has_the_missing_permission(shared_gateway: Gateway) -> None:
    """Staff without the permission get the block with the permission that they lack."""
    result = await reasons(
        shared_gateway,
        check_out_variables(shared_gateway, user=MANUALLY_BLOCKED),
        shared_gateway.as_staff("desk"),
    )

    assert result == [
        MANUAL | {"overridableBlock": block("patronBlock", "circulation.override-patron-block.post")}
    ]


async def test_invalid_proxy_is_refused(shared_gateway: Gateway) -> None:
    """A user cannot be their own proxy."""
    assert await reasons(
        shared_gateway, check_out_variables(shared_gateway, user=SPONSOR, proxyUserBarcode=SPONSOR)
    ) == [
        reason(
            "USER_CANNOT_BE_PROXY_FOR_THEMSELVES",
            "User cannot be proxy for themselves",
            {"proxyUserBarcode": SPONSOR},
        )
    ]


# Blocks are lifted

PATRON_BLOCK = {"patronBlock": True}
LIMIT_BLOCK = {"itemLimitBlock": True}
NOT_LOANABLE_BLOCK = {"itemNotLoanableBlock": {"dueDate": LATER}}
LIFTED = [
    pytest.param(ITEM, MANUALLY_BLOCKED, PATRON_BLOCK, id="manual block"),
    pytest.param(ITEM, AUTOMATICALLY_BLOCKED, PATRON_BLOCK, id="automated block"),
    pytest.param(ITEM, VISITOR_AT_THE_LIMIT, LIMIT_BLOCK, id="item limit"),
    pytest.param(READING_ROOM_ITEM, PATRON, NOT_LOANABLE_BLOCK, id="not loanable"),
    pytest.param(READING_ROOM_ITEM, MANUALLY_BLOCKED, PATRON_BLOCK | NOT_LOANABLE_BLOCK, id="two at once"),
]


@pytest.mark.parametrize(("item", "user", "lifted"), LIFTED)
async def test_override(gateway: Gateway, item: str, user: str, lifted: Json) -> None:
    """With a comment and the permission the item is lent, and the loan shows the override and its comment."""
    variables = check_out_variables(
        gateway, item, user, overrideBlocks={**lifted, "comment": "For an exhibition"}
    )
    data = await gateway.data(CHECK_OUT, variables)

    loan = data["checkOut"]["loan"]
    assert (loan["action"], loan["actionComment"]) == ("checkedOutThroughOverride", "For an exhibition")
    assert gateway.paths() == [POST]
    if "itemNotLoanableBlock" in lifted:
        assert loan["dueDate"] == "2099-01-01T12:00:00.000Z"


@pytest.mark.parametrize(("item", "user", "lifted"), LIFTED)
async def test_override_requires_a_comment(
    shared_gateway: Gateway, item: str, user: str, lifted: Json
) -> None:
    """Without a comment no block is overridden, and the refusal names the comment."""
    assert await reasons(
        shared_gateway, check_out_variables(shared_gateway, item, user, overrideBlocks=lifted)
    ) == [reason("OTHER", "Override should be performed with the comment specified", {"comment": None})]


@pytest.mark.parametrize(("item", "user", "lifted"), LIFTED)
async def test_override_requires_the_permission(
    shared_gateway: Gateway, item: str, user: str, lifted: Json
) -> None:
    """The refusal has a reason for each block, with the missing permission."""
    variables = check_out_variables(
        shared_gateway, item, user, overrideBlocks={**lifted, "comment": "Please"}
    )
    result = await reasons(shared_gateway, variables, shared_gateway.as_staff("desk"))

    permissions = {
        "patronBlock": "circulation.override-patron-block.post",
        "itemLimitBlock": "circulation.override-item-limit-block.post",
        "itemNotLoanableBlock": "circulation.override-item-not-loanable-block.post",
    }
    assert sorted(result, key=lambda each: str(each["overridableBlock"]["name"])) == [
        reason(
            "INSUFFICIENT_OVERRIDE_PERMISSIONS",
            "Insufficient override permissions",
            {},
            block(name, permissions[name]),
        )
        for name in sorted(lifted)
    ]


async def test_an_override_applies_to_one_block(shared_gateway: Gateway) -> None:
    """A block that is not overridden still applies."""
    lifted = {"patronBlock": True, "comment": "ok"}
    result = await reasons(
        shared_gateway,
        check_out_variables(shared_gateway, READING_ROOM_ITEM, MANUALLY_BLOCKED, overrideBlocks=lifted),
    )

    assert result == [not_loanable(shared_gateway)]


async def test_comment_alone_overrides_nothing(shared_gateway: Gateway) -> None:
    """A block whose value is false is not overridden."""
    lifted = {"patronBlock": False, "itemLimitBlock": False, "comment": "ok"}

    assert await reasons(
        shared_gateway, check_out_variables(shared_gateway, user=MANUALLY_BLOCKED, overrideBlocks=lifted)
    ) == [MANUAL]


# Upstream requests and responses

EVERY_INPUT = {
    "itemBarcode": 'shelf/7 & "more"+%',
    "userBarcode": PATRON,
    "servicePointId": "7C9E6679-7425-40DE-944B-E07FC1F90AE7",
    "proxyUserBarcode": PROXY,
    "loanDate": "2026-11-21T10:00:00+01:00",
    "overrideBlocks": {
        "itemNotLoanableBlock": {"dueDate": "2026-12-24T23:59:59.999Z"},
        "patronBlock": True,
        "itemLimitBlock": True,
        "renewalBlock": True,
        "renewalDueDateRequiredBlock": {"dueDate": "2026-12-31T00:00:00Z"},
        "comment": "Grüße vom Tresen",
    },
}
LENT = httpx.Response(200, json={"id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"})


async def test_every_input_field_is_sent(execute: Execute) -> None:
    """Upstream receives each field of the input once, dates in UTC, blocks in FOLIO's form."""
    response, upstream_calls = await execute(CHECK_OUT, EVERY_INPUT, LENT)

    input_types = schema.get_type_by_name("CheckOutInput"), schema.get_type_by_name("OverrideBlocksInput")
    declared = [{field.graphql_name or field.python_name for field in each.fields} for each in input_types]  # type: ignore[union-attr]  # both are input types
    assert [len(each) for each in declared] == [len(EVERY_INPUT), len(EVERY_INPUT["overrideBlocks"])]
    assert response["data"]["checkOut"]["loan"]["id"] == "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    assert [(each.method, each.url.path) for each in upstream_calls] == [tuple(POST.split())]
    assert json.loads(upstream_calls[0].content) == {
        "itemBarcode": 'shelf/7 & "more"+%',
        "userBarcode": PATRON,
        "servicePointId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "proxyUserBarcode": PROXY,
        "loanDate": "2026-11-21T09:00:00.000Z",
        "overrideBlocks": {
            "itemNotLoanableBlock": {"dueDate": "2026-12-24T23:59:59.999Z"},
            "patronBlock": {},
            "itemLimitBlock": {},
            "renewalBlock": {},
            "renewalDueDateRequiredBlock": {"dueDate": "2026-12-31T00:00:00.000Z"},
            "comment": "Grüße vom Tresen",
        },
    }
    headers = upstream_calls[0].headers
    assert (headers["x-okapi-tenant"], headers["x-okapi-token"]) == ("diku", "secret")
    assert headers["content-type"] == "application/json"


async def test_absent_fields_are_not_sent(execute: Execute) -> None:
    """Absent and null fields are both omitted upstream."""
    _, upstream_calls = await execute(
        CHECK_OUT,
        {
            "itemBarcode": ITEM,
            "userBarcode": PATRON,
            "servicePointId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "loanDate": None,
            "proxyUserBarcode": None,
            "overrideBlocks": None,
        },
        LENT,
    )

    assert json.loads(upstream_calls[0].content) == {
        "itemBarcode": ITEM,
        "userBarcode": PATRON,
        "servicePointId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    }


SPRING = {"timestamp": "2026-11-22T10:00:00.000+00:00", "status": 400, "error": "Bad Request", "path": "/x"}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        pytest.param(
            httpx.Response(422, json={"errors": [{"message": "The moon is full", "code": "MOON_IS_FULL"}]}),
            [reason("OTHER", "The moon is full", {})],
            id="a code of tomorrow",
        ),
        pytest.param(
            httpx.Response(422, json={"errors": [{"message": "No", "parameters": [{"key": "itemBarcode"}]}]}),
            [reason("OTHER", "No", {"itemBarcode": None})],
            id="a parameter without value",
        ),
        pytest.param(
            httpx.Response(
                422, text=json.dumps({"errors": [{"message": "No", "code": "ITEM_NOT_LOANABLE"}]})
            ),
            [reason("ITEM_NOT_LOANABLE", "No", {})],
            id="JSON labelled as text",
        ),
        pytest.param(
            httpx.Response(400, json=SPRING), [reason("OTHER", "Bad Request", {})], id="the framework's 400"
        ),
        pytest.param(
            httpx.Response(400, text="at org.folio.Loan.of(Loan.java:7)"),
            [reason("OTHER", "The write was rejected without a readable reason.", {})],
            id="a text that is not passed on",
        ),
    ],
)
async def test_every_form_of_a_refusal_is_parsed(
    execute: Execute, response: httpx.Response, expected: list[Json]
) -> None:
    """A refusal is data with at least one reason in every form of the body."""
    body, upstream_calls = await execute(CHECK_OUT, EVERY_INPUT, response)

    assert body == {"data": {"checkOut": {"__typename": "Refusal", "reasons": expected}}}
    assert len(upstream_calls) == 1


@pytest.mark.parametrize("code", ["MOON_IS_FULL", "ITEM_NOT_LOANABLE", None])
async def test_the_code_of_a_reason_as_upstream_sends_it(execute: Execute, code: str | None) -> None:
    """A code that this version does not know is OTHER, with upstream's own text beside it."""
    query = """mutation($input: CheckOutInput!) {
        checkOut(input: $input) { ... on Refusal { reasons { code codeText } } }
    }"""
    error = {"message": "No"} | ({} if code is None else {"code": code})
    response, _ = await execute(query, EVERY_INPUT, httpx.Response(422, json={"errors": [error]}))

    expected = {"code": "ITEM_NOT_LOANABLE" if code == "ITEM_NOT_LOANABLE" else "OTHER", "codeText": code}
    assert response == {"data": {"checkOut": {"reasons": [expected]}}}


@pytest.mark.parametrize(
    ("response", "code", "status"),
    [
        (httpx.Response(401, text="Invalid token"), "UNAUTHENTICATED", 401),
        (httpx.Response(403, text="Access requires permission: x"), "FORBIDDEN", 403),
        (httpx.Response(404, text="item not found"), "NOT_FOUND", 404),
        (httpx.Response(404, text="No suitable module found for path"), "UPSTREAM_UNAVAILABLE", 404),
        (httpx.Response(429, headers={"Retry-After": "3"}), "RATE_LIMITED", 429),
    ],
)
async def test_missing_permission_or_record_is_an_error(
    execute: Execute, response: httpx.Response, code: str, status: int
) -> None:
    """A missing permission or record is an error with its code, not a refusal."""
    body, upstream_calls = await execute(CHECK_OUT, EVERY_INPUT, response)

    (error,) = body["errors"]
    assert body["data"] == {"checkOut": None}
    assert (error["path"], error["extensions"]["code"]) == (["checkOut"], code)
    assert (error["extensions"]["upstream"], error["extensions"]["status"]) == ("bff", status)
    assert error["extensions"].get("retryAfter") == (3.0 if status == 429 else None)
    assert len(upstream_calls) == 1


async def test_unsent_mutation_is_safe_to_retry(execute: Execute) -> None:
    """Without a connection the outcome is known: nothing happened, and a retry is safe."""

    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    response, upstream_calls = await execute(CHECK_OUT, EVERY_INPUT, unreachable)

    (error,) = response["errors"]
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UPSTREAM_UNAVAILABLE", True)
    assert error["message"] == "bff cannot be reached; nothing was sent."
    assert len(upstream_calls) == 1


@pytest.mark.parametrize(
    ("token", "code", "status"), [("expired", "UNAUTHENTICATED", 401), ("sandbox:nobody", "FORBIDDEN", 403)]
)
async def test_unauthorized_caller_gets_an_error(
    shared_gateway: Gateway, token: str, code: str, status: int
) -> None:
    """A caller without log-in or permission gets an error after one call, and nothing is lent."""
    before = state(shared_gateway)
    response = await shared_gateway.execute(
        CHECK_OUT, check_out_variables(shared_gateway), {"X-Okapi-Tenant": "diku", "X-Okapi-Token": token}
    )

    (error,) = response["errors"]
    assert response["data"] == {"checkOut": None}
    assert (error["extensions"]["code"], error["extensions"]["status"]) == (code, status)
    assert shared_gateway.paths() == [POST]
    assert state(shared_gateway) == before


# Unclear response


@pytest.mark.parametrize("fault", UNCLEAR_FAULTS, ids=fault_name)
async def test_unclear_response_is_an_unknown_outcome(fault: Json) -> None:
    """With every failure after sending it is sent once, and the error has the query that verifies it."""
    async with open_gateway(act_timeout=0.1, look_up_timeout=0) as gateway:
        gateway.sandbox.faults.add(method="POST", path="/circulation-bff", **fault)
        variables = check_out_variables(gateway)
        response = await gateway.execute(CHECK_OUT, variables)

        (error,) = response["errors"]
        assert response["data"] == {"checkOut": None}
        assert_unclear(error, "checkOut", variables["input"])
        assert error["extensions"]["verify"] == "item(barcode:) { openLoan { borrower { barcode } } }"
        assert gateway.paths() == [POST]


async def test_unknown_outcome_can_be_verified() -> None:
    """The query in the error shows that the check-out with the truncated response succeeded."""
    async with open_gateway(look_up_timeout=0) as gateway:
        gateway.sandbox.faults.add(kind="truncate", method="POST")
        response = await gateway.execute(CHECK_OUT, check_out_variables(gateway))
        verify = response["errors"][0]["extensions"]["verify"].replace("barcode:", f'barcode: "{ITEM}"')
        view = await gateway.data(f"{{ {verify} }}")

    assert view == {"item": {"openLoan": {"borrower": {"barcode": PATRON}}}}


async def test_loan_without_an_id_is_an_unknown_outcome(execute: Execute) -> None:
    """A response that is an object but no loan does not prove that the item was lent."""
    response, upstream_calls = await execute(CHECK_OUT, EVERY_INPUT, httpx.Response(200, json={"errors": []}))

    assert response["data"] == {"checkOut": None}
    assert_unclear(
        response["errors"][0],
        "checkOut",
        {
            "itemBarcode": EVERY_INPUT["itemBarcode"],
            "userBarcode": PATRON,
            "servicePointId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        },
    )
    assert len(upstream_calls) == 1


# Links of the result

LINKS = """mutation($input: CheckOutInput!) { checkOut(input: $input) { ... on CheckedOut { loan {
    id borrower { barcode externalSystemId } checkoutServicePoint { name }
} } } }"""


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "status", "status": 500}, "UPSTREAM_ERROR"),
        ({"kind": "status", "status": 503}, "UPSTREAM_UNAVAILABLE"),
        ({"kind": "status", "status": 403}, "FORBIDDEN"),
        ({"kind": "html"}, "UPSTREAM_BAD_RESPONSE"),
        ({"kind": "slow", "delay": 5.0}, "UPSTREAM_TIMEOUT"),
    ],
)
async def test_failed_link_keeps_the_result(fault: Json, code: str) -> None:
    """The loan and the embedded barcode are returned, the failed member has the error, all is lent once."""
    async with open_gateway(read_timeout=1) as gateway:
        gateway.sandbox.faults.add(path="/users", **fault)
        response = await gateway.execute(LINKS, check_out_variables(gateway))

        (error,) = response["errors"]
        loan = response["data"]["checkOut"]["loan"]
        assert gateway.library.loans[loan["id"]]["status"] == {"name": "Open"}
        assert loan["borrower"] == {"barcode": "1000000001", "externalSystemId": None}
        assert loan["checkoutServicePoint"] == {"name": "Circ Desk 1"}
        assert error["path"] == ["checkOut", "loan", "borrower", "externalSystemId"]
        assert (error["extensions"]["code"], error["extensions"]["upstream"]) == (code, "folio")
        assert gateway.paths().count(POST) == 1


async def test_concurrent_check_outs_are_two_calls() -> None:
    """Two concurrent operations that lend the same item are two calls, one of which succeeds."""
    async with open_gateway(create_sandbox(latency=0.01)) as gateway:
        variables = [CHECK_OUT, check_out_variables(gateway, LENT_ITEM)]
        await gateway.data(
            "mutation($input: CheckInInput!) { checkIn(input: $input) { __typename } }",
            {"input": {"itemBarcode": LENT_ITEM, "servicePointId": service_point(gateway.library)}},
        )
        gateway.sandbox.calls.clear()

        both = await asyncio.gather(gateway.data(*variables), gateway.data(*variables))

        assert sorted(each["checkOut"]["__typename"] for each in both) == ["CheckedOut", "Refusal"]
        assert gateway.paths() == [POST, POST]
