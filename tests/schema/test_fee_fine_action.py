"""The history of fees and fines: by account, by user and of all patrons."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio

PLAIN = (
    "id",
    "typeAction",
    "amountAction",
    "balance",
    "paymentMethod",
    "transactionInformation",
    "comments",
    "notify",
    "source",
)


async def test_the_history_of_many_accounts_is_one_call(reader: Gateway) -> None:
    """Each account of a list has its actions with every member, latest first, in one call for all."""
    stored = list(reader.library.fee_fine_actions.values())
    accounts = sorted({each["accountId"] for each in stored})

    data = await reader.data(
        f"""query($ids: [ID!]) {{ accounts(first: 1000, filter: {{ id: $ids }}) {{ nodes {{
            id actions(first: 100) {{ totalCount nodes {{
                {" ".join(PLAIN)} dateAction account {{ id }} user {{ id }}
            }} }}
        }} }} }}""",
        {"ids": accounts},
    )

    nodes = data["accounts"]["nodes"]
    assert sorted(node["id"] for node in nodes) == accounts
    for node in nodes:
        of_account = [each for each in stored if each["accountId"] == node["id"]]
        of_account.sort(key=lambda each: str(each["dateAction"]), reverse=True)
        assert node["actions"]["totalCount"] == len(of_account) == 2
        for action, kept in zip(node["actions"]["nodes"], of_account, strict=True):
            assert [action[name] for name in PLAIN] == [kept.get(name) for name in PLAIN]
            assert action["dateAction"][:19] == kept["dateAction"][:19]
            assert action["account"] == {"id": kept["accountId"]}
            assert action["user"] == {"id": kept["userId"]}
    assert reader.paths() == ["GET /accounts", "GET /feefineactions"]


async def test_the_history_of_a_user_can_be_filtered(reader: Gateway) -> None:
    """The actions on all accounts of a user, only the payments, take two calls."""
    paid = next(each for each in reader.library.fee_fine_actions.values() if "paymentMethod" in each)

    data = await reader.data(
        """query($id: ID!) { user(id: $id) { feeFineActions(filter: { paymentMethod: ["Cash"] }) {
            totalCount nodes { paymentMethod typeAction user { id } }
        } } }""",
        {"id": paid["userId"]},
    )

    actions = data["user"]["feeFineActions"]
    payments = [
        each
        for each in reader.library.fee_fine_actions.values()
        if each["userId"] == paid["userId"] and "paymentMethod" in each
    ]
    assert actions["totalCount"] == len(actions["nodes"]) == len(payments) > 1
    assert {each["paymentMethod"] for each in actions["nodes"]} == {"Cash"}
    assert {each["user"]["id"] for each in actions["nodes"]} == {paid["userId"]}
    assert reader.paths() == ["GET /users", "GET /feefineactions"]
    assert reader.calls[1].query["query"] == (
        f'(userId=="{paid["userId"]}" and paymentMethod=="Cash") sortby dateAction/sort.descending id'
    )


async def test_actions_at_the_root_by_kind_and_amount(reader: Gateway) -> None:
    """Full payments of all patrons are one call, sorted by number."""
    data = await reader.data(
        """{ feeFineActions(
            first: 1000, filter: { typeAction: ["Paid fully"] }, sort: [{ field: AMOUNT_ACTION }]
        ) { nodes { typeAction balance } } }"""
    )

    nodes = data["feeFineActions"]["nodes"]
    assert len(nodes) > 1
    assert all(node == {"typeAction": "Paid fully", "balance": 0.0} for node in nodes)
    assert reader.paths() == ["GET /feefineactions"]
    assert reader.calls[0].query["query"] == 'typeAction=="Paid fully" sortby amountAction/number id'


async def test_the_desk_of_an_action_is_a_service_point(gateway: Gateway) -> None:
    """The id of the desk costs no call, its name one for all actions."""
    point = next(iter(gateway.library.service_points.values()))
    action = next(iter(gateway.library.fee_fine_actions.values()))
    action["createdAt"] = point["id"]
    query = "query($id: ID!) { feeFineActions(filter: { id: [$id] }) { nodes { createdAt { id %s } } } }"

    free = await gateway.data(query % "", {"id": action["id"]})
    named = await gateway.data(query % "name", {"id": action["id"]})

    assert free["feeFineActions"]["nodes"] == [{"createdAt": {"id": point["id"]}}]
    assert named["feeFineActions"]["nodes"] == [{"createdAt": {"id": point["id"], "name": point["name"]}}]
    assert gateway.paths() == ["GET /feefineactions", "GET /feefineactions", "GET /service-points"]
