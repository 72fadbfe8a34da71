"""Charges and settlements of fees and fines over the sandbox: what is owed, and what upstream is sent."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from tests.gateway_over import gateway_over, key
from tests.gateway_under_test import Gateway, Json, open_gateway

pytestmark = pytest.mark.anyio

PATRON = "1000000002"
CHARGE = """mutation($input: ChargeFeeFineInput!) { chargeFeeFine(input: $input) { __typename
    ... on FeeFineCharged {
        account { id amount remaining feeFineType feeFineOwner title status { name } paymentStatus { name }
            feeFine { id } owner { id } user { id } item { id } loan { id } itemMaterialType { id name }
            contributors { name } dueDate returnedDate metadata { createdDate } }
        action { id typeAction amountAction balance source comments notify createdAt { id }
            dateAction transactionInformation account { id } }
    }
    ... on Refusal { reasons { message parameters { key value } } }
} }"""


def settle(verb: str, past: str, *, several: bool = False) -> str:
    """Return the document of an action."""
    name = f"{verb}FeeFine{'s' * several}"
    pascal = name[0].upper() + name[1:]
    account = "account { id remaining status { name } paymentStatus { name } }"
    accounts = "accounts { id remaining status { name } paymentStatus { name } }"
    return f"""mutation($input: {pascal}Input!) {{ {name}(input: $input) {{ __typename
        ... on FeeFine{"s" * several}{past} {{ amount {accounts if several else "remainingAmount " + account}
            actions {{ typeAction amountAction balance paymentMethod transactionInformation }} }}
        ... on Refusal {{ reasons {{ code message }} }}
    }} }}"""


def desk(gateway: Gateway, **more: Json) -> Json:
    return {
        "userName": "Desk, Dana",
        "servicePointId": gateway.summary.service_point_id,
        "notifyPatron": False,
        **more,
    }


def charge_input(gateway: Gateway, amount: str, **more: Json) -> Json:
    library = gateway.library
    user = library.user_by_barcode(PATRON)
    kind = next(each for each in library.fee_fine_types.values() if each["feeFineType"] == "Copies")
    assert user is not None
    return desk(
        gateway,
        userId=user["id"],
        feeFineId=kind["id"],
        feeFineType="Copies",
        ownerId=kind["ownerId"],
        feeFineOwner="Main circulation",
        amount=amount,
        **more,
    )


def writes(gateway: Gateway) -> list[str]:
    return [each for each in gateway.paths() if not each.startswith("GET ")]


async def charge(gateway: Gateway, amount: str) -> str:
    """Charge the patron, and return the id of the account."""
    data = await gateway.data(CHARGE, {"input": charge_input(gateway, amount)})
    return str(data["chargeFeeFine"]["account"]["id"])


async def act(gateway: Gateway, document: str, **inputs: Json) -> Json:
    (result,) = (await gateway.data(document, {"input": desk(gateway, **inputs)})).values()
    return result


async def test_a_charge_is_an_account_and_its_first_action(gateway: Gateway) -> None:
    """All that is given is stored; the result takes the two writes and no read."""
    library = gateway.library
    item = next(iter(library.items.values()))
    loan = next(iter(library.loans.values()))
    of_item = {
        "itemId": item["id"],
        "title": "Über die Dinge",
        "barcode": item["barcode"],
        "callNumber": "A 1",
        "location": "Stacks",
        "materialType": "book",
        "materialTypeId": item["materialTypeId"],
        "contributors": [{"name": "Lovelace, Ada"}, {"name": "Babbage, Charles"}],
        "loanId": loan["id"],
        "dueDate": "2026-11-01T00:00:00+01:00",
        "returnedDate": "2026-11-02T00:00:00Z",
        "comments": "STAFF : verbrannt",
        "id": key(1).upper(),
    }
    inputs = charge_input(gateway, "10.50", **of_item)

    data = await gateway.data(CHARGE, {"input": inputs})

    account, action = data["chargeFeeFine"]["account"], data["chargeFeeFine"]["action"]
    assert account.pop("metadata")["createdDate"] is not None
    assert account == {
        "id": key(1),
        "amount": 10.5,
        "remaining": 10.5,
        "feeFineType": "Copies",
        "feeFineOwner": "Main circulation",
        "title": "Über die Dinge",
        "status": {"name": "OPEN"},
        "paymentStatus": {"name": "OUTSTANDING"},
        "feeFine": {"id": inputs["feeFineId"]},
        "owner": {"id": inputs["ownerId"]},
        "user": {"id": inputs["userId"]},
        "item": {"id": item["id"]},
        "loan": {"id": loan["id"]},
        "itemMaterialType": {"id": item["materialTypeId"], "name": "book"},
        "contributors": of_item["contributors"],
        "dueDate": "2026-10-31T23:00:00.000Z",
        "returnedDate": "2026-11-02T00:00:00.000Z",
    }
    assert action.pop("dateAction") is not None
    assert action.pop("id") != key(1)
    assert action == {
        "typeAction": "Copies",
        "amountAction": 10.5,
        "balance": 10.5,
        "source": "Desk, Dana",
        "comments": "STAFF : verbrannt",
        "notify": False,
        "createdAt": {"id": inputs["servicePointId"]},
        "transactionInformation": "",
        "account": {"id": key(1)},
    }
    assert gateway.paths() == ["POST /accounts", "POST /feefineactions"]
    stored = library.accounts[key(1)]
    assert {name: stored[name] for name in ("barcode", "callNumber", "location")} == {
        name: of_item[name] for name in ("barcode", "callNumber", "location")
    }


async def test_a_repeated_id_is_refused_before_the_second_write(gateway: Gateway) -> None:
    """A second charge with the id of the first is a refusal; nothing is charged twice."""
    inputs = charge_input(gateway, "5", id=key(1))
    await gateway.data(CHARGE, {"input": inputs})
    gateway.sandbox.calls.clear()
    before = len(gateway.library.fee_fine_actions)

    data = await gateway.data(CHARGE, {"input": inputs | {"amount": "7"}})

    assert data["chargeFeeFine"]["__typename"] == "Refusal"
    assert data["chargeFeeFine"]["reasons"] == [
        {
            "message": f"id value already exists in table accounts: {key(1)}",
            "parameters": [{"key": "id", "value": key(1)}],
        }
    ]
    assert gateway.paths() == ["POST /accounts"]
    assert gateway.library.accounts[key(1)]["amount"] == 5
    assert len(gateway.library.fee_fine_actions) == before


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 500}, "OUTCOME_UNKNOWN"),
        ({"status": 422, "body": '{"errors": [{"message": "no"}]}'}, "UPSTREAM_REJECTED"),
        ({"status": 403}, "FORBIDDEN"),
    ],
)
async def test_a_failure_of_the_second_write_keeps_the_account(
    gateway: Gateway, fault: Json, code: str
) -> None:
    """The account is returned, so that it is not charged again; the error is that of its action."""
    gateway.sandbox.faults.add(kind="status", path="/feefineactions", method="POST", **fault)

    response = await gateway.execute(CHARGE, {"input": charge_input(gateway, "5", id=key(1))})

    result = response["data"]["chargeFeeFine"]
    assert (result["account"]["id"], result["account"]["remaining"]) == (key(1), 5.0)
    assert result["action"] is None
    (error,) = response["errors"]
    assert error["path"] == ["chargeFeeFine", "action"]
    assert error["extensions"]["code"] == code
    assert writes(gateway) == ["POST /accounts", "POST /feefineactions"]


async def test_nothing_follows_an_unknown_second_write(gateway: Gateway) -> None:
    """Later mutations of the operation are not attempted, as after any unknown outcome."""
    gateway.sandbox.faults.add(kind="status", path="/feefineactions", method="POST", status=500)

    response = await gateway.execute(
        "mutation($input: ChargeFeeFineInput!, $again: ChargeFeeFineInput!) {"
        " a: chargeFeeFine(input: $input) { ... on FeeFineCharged { account { id } } }"
        " b: chargeFeeFine(input: $again) { __typename } }",
        {"input": charge_input(gateway, "5", id=key(1)), "again": charge_input(gateway, "5", id=key(2))},
    )

    assert response["data"] == {"a": {"account": {"id": key(1)}}, "b": None}
    assert response["errors"][0]["extensions"]["reason"] == "notAttempted"
    assert writes(gateway) == ["POST /accounts", "POST /feefineactions"]


async def test_a_payment_in_parts(gateway: Gateway) -> None:
    """Each part is one call; the last one closes the account."""
    account = await charge(gateway, "10.50")
    gateway.sandbox.calls.clear()
    pay = settle("pay", "Paid")

    first = await act(gateway, pay, accountId=account, amount="10.4", paymentMethod="Cash")
    last = await act(
        gateway, pay, accountId=account, amount="0.10", paymentMethod="Check", transactionInfo="no. 7"
    )

    assert first == {
        "__typename": "FeeFinePaid",
        "amount": "10.40",
        "remainingAmount": "0.10",
        "account": {
            "id": account,
            "remaining": 0.1,
            "status": {"name": "OPEN"},
            "paymentStatus": {"name": "PAID_PARTIALLY"},
        },
        "actions": [
            {
                "typeAction": "Paid partially",
                "amountAction": 10.4,
                "balance": 0.1,
                "paymentMethod": "Cash",
                "transactionInformation": None,
            }
        ],
    }
    assert last["remainingAmount"] == "0.00"
    assert last["account"]["status"] == {"name": "CLOSED"}
    assert last["actions"] == [
        {
            "typeAction": "Paid fully",
            "amountAction": 0.1,
            "balance": 0.0,
            "paymentMethod": "Check",
            "transactionInformation": "no. 7",
        }
    ]
    assert gateway.paths() == [f"POST /accounts/{account}/pay", "GET /accounts"] * 2


@pytest.mark.parametrize(
    ("verb", "past", "kind"),
    [
        ("waive", "Waived", "WAIVED_FULLY"),
        ("transfer", "Transferred", "TRANSFERRED_FULLY"),
        ("pay", "Paid", "PAID_FULLY"),
    ],
)
async def test_an_amount_too_much_is_refused(gateway: Gateway, verb: str, past: str, kind: str) -> None:
    """More than is owed is a refusal that changes nothing, and so is anything on a closed account."""
    account = await charge(gateway, "3")
    document = settle(verb, past)

    more = await act(gateway, document, accountId=account, amount="3.01", paymentMethod="x")
    unchanged = dict(gateway.library.accounts[account])
    done = await act(gateway, document, accountId=account, amount="3", paymentMethod="x")
    again = await act(gateway, document, accountId=account, amount="1", paymentMethod="x")

    assert more == {
        "__typename": "Refusal",
        "reasons": [{"code": "OTHER", "message": "Requested amount exceeds remaining amount"}],
    }
    assert unchanged["remaining"] == 3.0
    assert done["account"]["paymentStatus"] == {"name": kind}
    assert again["reasons"] == [{"code": "OTHER", "message": "Fee/fine is already closed"}]
    assert gateway.library.accounts[account]["remaining"] == 0.0


async def test_a_refund_of_a_payment_and_a_transfer(gateway: Gateway) -> None:
    """Payments are refunded first; the account is open again, and the history has credits and refunds."""
    account = await charge(gateway, "10")
    await act(gateway, settle("pay", "Paid"), accountId=account, amount="4", paymentMethod="Cash")
    await act(
        gateway, settle("transfer", "Transferred"), accountId=account, amount="6", paymentMethod="Bursar"
    )
    refund = settle("refund", "Refunded")

    refunded = await act(gateway, refund, accountId=account, amount="5.50", paymentMethod="Overpaid")
    more = await act(gateway, refund, accountId=account, amount="4.51", paymentMethod="Overpaid")

    assert refunded["remainingAmount"] == "5.50"
    assert refunded["account"] == {
        "id": account,
        "remaining": 5.5,
        "status": {"name": "OPEN"},
        "paymentStatus": {"name": "REFUNDED_PARTIALLY"},
    }
    assert [
        (each["typeAction"], each["amountAction"], each["balance"], each["transactionInformation"])
        for each in refunded["actions"]
    ] == [
        ("Credited fully", 4.0, 0.0, "Refund to patron"),
        ("Credited partially", 1.5, 0.0, "Refund to Bursar"),
        ("Refunded fully", 4.0, 4.0, "Refunded to patron"),
        ("Refunded partially", 1.5, 5.5, "Refunded to Bursar"),
    ]
    assert more["__typename"] == "Refusal"
    assert "less than or equal to Selected amount" in more["reasons"][0]["message"]


async def test_a_cancellation_closes_an_account_once(gateway: Gateway) -> None:
    """Nothing is owed on a cancelled account, with the reason as its state; a second one is refused."""
    account = await charge(gateway, "10")
    cancel = settle("cancel", "Cancelled")

    cancelled = await act(
        gateway, cancel, accountId=account, cancellationReason="CANCELLED_ITEM_RETURNED", comments="STAFF : x"
    )
    again = await act(gateway, cancel, accountId=account)

    assert cancelled["amount"] is None
    assert cancelled["remainingAmount"] == "0.00"
    assert cancelled["account"]["paymentStatus"] == {"name": "CANCELLED_ITEM_RETURNED"}
    assert again["reasons"] == [{"code": "OTHER", "message": "Fee/fine is already closed"}]


async def test_several_accounts_are_one_write(gateway: Gateway) -> None:
    """FOLIO splits an amount evenly, and what is too much for one goes to the others."""
    accounts = [await charge(gateway, amount) for amount in ("1", "10", "10")]
    gateway.sandbox.calls.clear()

    paid = await act(
        gateway,
        settle("pay", "Paid", several=True),
        accountIds=accounts,
        amount="12.01",
        paymentMethod="Cash",
    )

    assert paid["amount"] == "12.01"
    remaining = {each["id"]: each["remaining"] for each in paid["accounts"]}
    assert remaining[accounts[0]] == 0.0
    assert sorted(remaining.values()) == [0.0, 4.49, 4.5]
    assert sum(Decimal(str(each["amountAction"])) for each in paid["actions"]) == Decimal("12.01")
    assert gateway.paths() == ["POST /accounts-bulk/pay", "GET /accounts"]


async def test_one_closed_account_refuses_all(gateway: Gateway) -> None:
    """Several accounts are cancelled together or not at all."""
    first, second = await charge(gateway, "1"), await charge(gateway, "2")
    await act(gateway, settle("cancel", "Cancelled"), accountId=first)

    refused = await act(
        gateway, settle("cancel", "Cancelled", several=True), accountIds=[first, second], comments="x"
    )

    assert refused["reasons"] == [{"code": "OTHER", "message": "Fee/fine is already closed"}]
    assert gateway.library.accounts[second]["remaining"] == 2.0


async def test_an_account_that_does_not_exist(gateway: Gateway) -> None:
    """It is NOT_FOUND, as for every mutation, also as one of several."""
    account = await charge(gateway, "1")
    inputs = desk(gateway, amount="1", paymentMethod="Cash")

    one = await gateway.execute(settle("pay", "Paid"), {"input": inputs | {"accountId": key(1)}})
    several = await gateway.execute(
        settle("pay", "Paid", several=True), {"input": inputs | {"accountIds": [account, key(1)]}}
    )

    for response in (one, several):
        (error,) = response["errors"]
        assert error["extensions"]["code"] == "NOT_FOUND"
    assert gateway.library.accounts[account]["remaining"] == 1.0


async def test_an_amount_that_cannot_be_split_is_an_unknown_outcome(gateway: Gateway) -> None:
    """FOLIO fails on a cent for two accounts, with a status that proves nothing; nothing has changed."""
    accounts = [await charge(gateway, "1"), await charge(gateway, "1")]

    response = await gateway.execute(
        settle("pay", "Paid", several=True),
        {"input": desk(gateway, accountIds=accounts, amount="0.01", paymentMethod="Cash")},
    )

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert error["extensions"]["keys"] == {"accountIds": ", ".join(accounts)}
    assert [gateway.library.accounts[each]["remaining"] for each in accounts] == [1.0, 1.0]


# Look-ups beside those of every mutation

LATER = "2099-01-01T00:00:00.000+00:00"  # after the sending, by upstream's clock


def add_payment(gateway: Gateway, account: str, amount: float, **more: Json) -> None:
    """Add a payment to the history, as if upstream was in the middle of one."""
    action_id = gateway.library.new_id()
    gateway.library.fee_fine_actions[action_id] = {
        "id": action_id,
        "accountId": account,
        "userId": gateway.library.accounts[account]["userId"],
        "dateAction": LATER,
        "typeAction": "Paid partially",
        "amountAction": amount,
        "balance": 10 - amount,
        "source": "Desk, Dana",
        "createdAt": gateway.summary.service_point_id,
        "paymentMethod": "Cash",
        **more,
    }


@pytest.mark.parametrize(
    ("payments", "seen"),
    [
        ([{}], "The account was last written before this write was sent."),
        ([{}, {}], "The actions that were added after this write was sent have another amount."),
        ([{"amount": 2.51}], "The actions that were added after this write was sent have another amount."),
        ([{"source": "Another"}], "No such action was added to the history after this write was sent."),
        ([{"paymentMethod": "Check"}], "No such action was added to the history after this write was sent."),
        (
            [{"transactionInformation": "no. 7"}],
            "No such action was added to the history after this write was sent.",
        ),
        ([{"comments": "x"}], "No such action was added to the history after this write was sent."),
    ],
)
async def test_half_a_payment_is_no_proof(payments: list[Json], seen: str) -> None:
    """An action without the change of the account, another one, or two of them, prove nothing."""
    async with open_gateway(look_up_timeout=0.2) as gateway:
        account = await charge(gateway, "10")
        for payment in payments:
            add_payment(gateway, account, **({"amount": 2.5} | payment))
        gateway.sandbox.faults.add(kind="reset", method="POST", path="/accounts/")

        response = await gateway.execute(
            settle("pay", "Paid"),
            {"input": desk(gateway, accountId=account, amount="2.50", paymentMethod="Cash")},
        )

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert error["extensions"]["seen"] == seen
    assert gateway.library.accounts[account]["remaining"] == 10.0


async def test_a_lost_response_to_the_second_write_of_a_charge(gateway: Gateway) -> None:
    """The charge in the history is looked up by its id; the result is complete."""
    gateway.sandbox.faults.add(kind="reset", method="POST", path="/feefineactions", after=True)

    response = await gateway.execute(CHARGE, {"input": charge_input(gateway, "5", id=key(1))})

    assert "errors" not in response
    assert response["extensions"] == {"outcome": "confirmed"}
    result = response["data"]["chargeFeeFine"]
    assert result["action"]["amountAction"] == 5.0
    assert gateway.paths() == ["POST /accounts", "POST /feefineactions", "GET /feefineactions"]


async def test_a_lost_second_write_of_a_charge() -> None:
    """The error of the action says that the history has no charge."""
    async with open_gateway(look_up_timeout=0.2) as gateway:
        gateway.sandbox.faults.add(kind="reset", method="POST", path="/feefineactions")

        response = await gateway.execute(CHARGE, {"input": charge_input(gateway, "5", id=key(1))})

    (error,) = response["errors"]
    assert error["path"] == ["chargeFeeFine", "action"]
    assert error["extensions"]["seen"] == "The charge is not in the history of the account."
    assert response["data"]["chargeFeeFine"]["account"]["remaining"] == 5.0


# Checks

CHECKS = """query($a: ID!, $amount: Decimal!) {
    %s: feeFineActionCheck(action: %s, accountId: $a, amount: $amount) {
        allowed amount remainingAmount errorMessage account { id }
    }
}"""


async def test_a_check_changes_nothing_and_says_what_would_remain(gateway: Gateway) -> None:
    """Allowed or not, a check is data; each is one call."""
    account = await charge(gateway, "10.50")
    before = dict(gateway.library.accounts[account])
    gateway.sandbox.calls.clear()
    shown: Json = {}
    for action, amount in (("PAY", "4.25"), ("WAIVE", "10.50"), ("TRANSFER", "10.51"), ("REFUND", "1")):
        data = await gateway.data(CHECKS % (action.lower(), action), {"a": account, "amount": amount})
        shown |= data

    allowed = {"allowed": True, "errorMessage": None, "account": {"id": account}}
    denied = {"allowed": False, "remainingAmount": None, "account": {"id": account}}
    assert shown == {
        "pay": allowed | {"amount": "4.25", "remainingAmount": "6.25"},
        "waive": allowed | {"amount": "10.50", "remainingAmount": "0.00"},
        "transfer": denied | {"amount": "10.51", "errorMessage": "Requested amount exceeds remaining amount"},
        "refund": denied
        | {
            "amount": "1",
            "errorMessage": "Refund amount must be greater than zero and less than or equal to Selected "
            "amount",
        },
    }
    assert gateway.paths() == [
        f"POST /accounts/{account}/check-{action}" for action in ("pay", "waive", "transfer", "refund")
    ]
    assert gateway.library.accounts[account] == before


async def test_a_check_of_several_accounts(gateway: Gateway) -> None:
    """The total is checked in one call; zero is not allowed, which FOLIO says and not the gateway."""
    accounts = [await charge(gateway, "1"), await charge(gateway, "2")]
    gateway.sandbox.calls.clear()

    data = await gateway.data(
        """query($ids: [ID!]!) {
            all: feeFinesActionCheck(action: PAY, accountIds: $ids, amount: "2.99") {
                allowed remainingAmount accounts { id }
            }
            zero: feeFinesActionCheck(action: WAIVE, accountIds: $ids, amount: "0") { allowed errorMessage }
        }""",
        {"ids": accounts},
    )

    assert data == {
        "all": {"allowed": True, "remainingAmount": "0.01", "accounts": [{"id": each} for each in accounts]},
        "zero": {"allowed": False, "errorMessage": "Amount must be positive"},
    }
    assert sorted(gateway.paths()) == ["POST /accounts-bulk/check-pay", "POST /accounts-bulk/check-waive"]


async def test_a_check_of_an_account_that_does_not_exist_is_null(gateway: Gateway) -> None:
    """As each query of one record, without an error."""
    data = await gateway.data(
        f"""{{ one: feeFineActionCheck(action: PAY, accountId: "{key(1)}", amount: "1") {{ allowed }}
            all: feeFinesActionCheck(action: PAY, accountIds: ["{key(1)}"], amount: "1") {{ allowed }} }}"""
    )

    assert data == {"one": None, "all": None}


async def test_a_check_is_a_read_that_is_repeated_after_a_failure() -> None:
    """A check changes nothing, so that a gateway error in between costs no result."""
    responses = [
        httpx.Response(503),
        httpx.Response(
            200, json={"accountId": key(1), "amount": "1.00", "allowed": True, "remainingAmount": "0.00"}
        ),
    ]

    def upstream(request: httpx.Request) -> httpx.Response:
        assert request.content == b'{"amount":"1"}'
        assert request.headers["content-type"] == "application/json"
        return responses.pop(0)

    async with gateway_over(upstream, read_attempts=2) as gateway:
        response = await gateway.execute(
            f'{{ feeFineActionCheck(action: PAY, accountId: "{key(1)}", amount: "1") {{ allowed }} }}'
        )

    assert response["data"] == {"feeFineActionCheck": {"allowed": True}}
    assert "errors" not in response
    assert responses == []


# Bad input

BAD_AMOUNTS = ["0", "0.00", "-1", "1.005", "1e3", "", "1234567890", "ten", 10, 1.5, None]
NAMES = ["payFeeFine", "waiveFeeFine", "transferFeeFine", "refundFeeFine", "chargeFeeFine"]


@pytest.mark.parametrize("amount", BAD_AMOUNTS)
@pytest.mark.parametrize("name", [*NAMES, *(f"{name}s" for name in NAMES if name != "chargeFeeFine")])
async def test_a_bad_amount_is_refused_before_anything_is_sent(
    gateway: Gateway, name: str, amount: Json
) -> None:
    """The error names the field and the value, and nothing is sent or changed."""
    before = dict(gateway.library.accounts)
    inputs = (
        charge_input(gateway, "1")
        if name == "chargeFeeFine"
        else desk(gateway, paymentMethod="Cash")
        | ({"accountIds": [key(1)]} if name.endswith("s") else {"accountId": key(1)})
    )
    pascal = name[0].upper() + name[1:]

    response = await gateway.execute(
        f"mutation($input: {pascal}Input!) {{ {name}(input: $input) {{ __typename }} }}",
        {"input": inputs | {"amount": amount}},
    )

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "amount" in error["message"]
    if amount is not None:
        assert f"got {amount}." in error["message"] or f"got {amount!r}." in error["message"]
    assert gateway.paths() == []
    assert gateway.library.accounts == before


@pytest.mark.parametrize(
    ("ids", "message", "code"),
    [
        ([], "`accountIds` must have at least one element.", "BAD_USER_INPUT"),
        ([key(1), key(1).upper()], "`accountIds` must contain each account once.", "BAD_USER_INPUT"),
        ([key(1), "42"], "`accountIds` must be a UUID such as ", "BAD_USER_INPUT"),
        (
            [key(number) for number in range(101)],
            "`accountIds` must have at most 100 elements; got 101.",
            "LIMIT_EXCEEDED",
        ),
    ],
)
@pytest.mark.parametrize("name", ["payFeeFines", "waiveFeeFines", "transferFeeFines", "refundFeeFines"])
async def test_bad_accounts_are_refused_before_anything_is_sent(
    gateway: Gateway, name: str, ids: list[str], message: str, code: str
) -> None:
    """None, too many, repeated and malformed ids are errors that name the field."""
    pascal = name[0].upper() + name[1:]

    response = await gateway.execute(
        f"mutation($input: {pascal}Input!) {{ {name}(input: $input) {{ __typename }} }}",
        {"input": desk(gateway, paymentMethod="Cash", amount="1", accountIds=ids)},
    )
    checked = await gateway.execute(
        'query($ids: [ID!]!) { feeFinesActionCheck(action: PAY, accountIds: $ids, amount: "1") { allowed } }',
        {"ids": ids},
    )

    for each in (response, checked):
        (error,) = each["errors"]
        assert error["message"].startswith(message)
        assert error["extensions"]["code"] == code
    assert gateway.paths() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("userId", "42"),
        ("feeFineId", ""),
        ("ownerId", "../owners"),
        ("servicePointId", "here"),
        ("loanId", "x"),
        ("itemId", "x"),
        ("materialTypeId", "x"),
        ("id", "x"),
        ("feeFineType", "bell\x07"),
        ("feeFineOwner", "x" * 10_001),
        ("title", "bell\x07"),
        ("comments", "bell\x07"),
        ("userName", "bell\x07"),
    ],
)
async def test_a_bad_charge_is_refused_before_anything_is_sent(
    gateway: Gateway, field: str, value: str
) -> None:
    """The error names the field, and nothing is charged."""
    before = dict(gateway.library.accounts)

    response = await gateway.execute(CHARGE, {"input": charge_input(gateway, "1") | {field: value}})

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert f"`{field}`" in error["message"]
    assert gateway.paths() == []
    assert gateway.library.accounts == before
