"""GraphQL clients configured as in their manuals, each against a gateway process."""

from __future__ import annotations

import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport
from graphql import (
    GraphQLError,
    GraphQLUnionType,
    build_schema,
    is_scalar_type,
    lexicographic_sort_schema,
    print_schema,
    specified_scalar_types,
)

from gateway.cli.schema import print_schema as printed_schema
from gateway.errors import ErrorCode
from gateway.graph import schema
from tests.clients.node import DOCUMENTED, PATIENCE, Workspace, needs_node, run_command
from tests.manual.pages import PAGES

Json = Any  # responses are JSON of the shape that each test expects

HERE = Path(__file__).parent
PATRON = "1000000001"
DESK = "1df88d03-62ee-575e-8f87-51a3e14c5dd1"


def execute(http: httpx.Client, query: str, **variables: Json) -> Json:
    """Return the data of a response without errors."""
    response = http.post("/graphql", json={"query": query, "variables": variables}).json()
    assert "errors" not in response, response["errors"]
    return response["data"]


def on_loan(http: httpx.Client, item: str) -> Json:
    """Return the number of check-outs of an item, and its open loan."""
    query = """query($barcode: String!) { item(barcode: $barcode) {
        loans { totalCount } openLoan { id dueDate borrower { barcode } }
    } }"""
    return execute(http, query, barcode=item)["item"]


def locked(http: httpx.Client, lock: str) -> bool:
    """Return whether an object such as `27:30001` is locked."""
    locks = execute(http, "{ objectLocks(all: true) { nodes { id } } }")["objectLocks"]["nodes"]
    return lock in [each["id"] for each in locks]


def nameless(value: Json) -> Json:
    """Return a response without `__typename`, which some clients add to every selection."""
    if isinstance(value, dict):
        return {name: nameless(each) for name, each in value.items() if name != "__typename"}
    return [nameless(each) for each in value] if isinstance(value, list) else value


# The snippets of the manual


@needs_node
def test_apollo_client(built: Workspace, http: httpx.Client) -> None:
    """Apollo Client reads a patron and lends an item, once, and gets the current loan."""
    assert on_loan(http, "2000000001") == {"loans": {"totalCount": 0}, "openLoan": None}

    result, lent = json.loads(built.node("built/apollo.js"))

    now = on_loan(http, "2000000001")
    item = execute(http, '{ item(barcode: "2000000001") { id } }')["item"]
    assert result["user"]["personal"] == {"__typename": "Personal", "lastName": "Abebe"}
    assert lent["checkOut"] == {
        "__typename": "CheckedOut",
        "loan": {
            "__typename": "Loan",
            "id": now["openLoan"]["id"],
            "dueDate": now["openLoan"]["dueDate"],
            "item": {
                "__typename": "Item",
                "id": item["id"],
                "status": {"__typename": "ItemStatus", "name": "CHECKED_OUT"},
            },
        },
    }
    assert (now["loans"]["totalCount"], now["openLoan"]["borrower"]["barcode"]) == (1, PATRON)


@needs_node
def test_urql(built: Workspace, http: httpx.Client) -> None:
    """urql reads the loans of a patron and lends an item, once, and gets the current loan."""
    query = "query($barcode: String!) { user(barcode: $barcode) { openLoans { nodes { id } } } }"
    before = execute(http, query, barcode=PATRON)
    assert on_loan(http, "2000000002") == {"loans": {"totalCount": 0}, "openLoan": None}

    borrowed, lent = json.loads(built.node("built/urql.js"))

    now = on_loan(http, "2000000002")
    assert nameless(borrowed) == before
    assert nameless(lent) == {
        "checkOut": {"loan": {"id": now["openLoan"]["id"], "dueDate": now["openLoan"]["dueDate"]}}
    }
    assert (now["loans"]["totalCount"], now["openLoan"]["borrower"]["barcode"]) == (1, PATRON)


@needs_node
def test_graphql_request(built: Workspace, http: httpx.Client) -> None:
    """graphql-request finds overdue loans and locks an object."""
    query = """query($before: DateTime) {
        loans(first: 5, filter: { status: [OPEN], dueDate: { before: $before } }) { nodes { id dueDate } }
    }"""
    assert not locked(http, "27:30001")

    overdue, lock = json.loads(built.node("built/graphql-request.js"))

    assert len(overdue["loans"]["nodes"]) == 5
    assert overdue == execute(http, query, before=datetime.now(UTC).isoformat())
    assert lock == {
        "lockObject": {"__typename": "ObjectLocked", "existingLock": False, "lock": {"id": "27:30001"}}
    }
    assert locked(http, "27:30001")


@needs_node
def test_stripes(built: Workspace, http: httpx.Client) -> None:
    """A screen with `useOkapiKy` and react-query shows a patron, a new loan, a refusal and an error."""
    item = "2000000160"
    query = "query($barcode: String!) { user(barcode: $barcode) { openLoans { totalCount } } }"
    before = execute(http, query, barcode=PATRON)["user"]["openLoans"]["totalCount"]

    shown = json.loads(built.node("built/stripes-desk.js"))

    loan = on_loan(http, item)["openLoan"]
    assert shown["patron"]["personal"] == {"lastName": "Abebe"}
    assert shown["patron"]["openLoans"]["totalCount"] == len(shown["patron"]["openLoans"]["nodes"]) == before
    assert [shown[state]["children"] for state in ("before", "after")] == [[str(before)], [str(before + 1)]]
    assert shown["lent"] == {
        "__typename": "CheckedOut",
        "loan": {"id": loan["id"], "dueDate": loan["dueDate"]},
    }
    assert [each["code"] for each in shown["refused"]["reasons"]] == ["ITEM_NOT_LOANABLE"]
    assert shown["failed"] == ["BAD_USER_INPUT", "Please check what you entered.", ["user"]]
    assert shown["unknown"] == "BAD_USER_INPUT"
    assert {tuple(each) for each in shown["sent"]} == {("POST", "/graphql", "diku", "en-US")}


def test_messages_are_for_error_codes() -> None:
    """Each code that the snippet has a message for is one of the gateway's."""
    text = (HERE / "stripes.ts").read_text(encoding="utf-8")
    codes = re.findall(r"^  ([A-Z_]+): ", text, re.MULTILINE)

    assert len(codes) == 5
    assert set(codes) <= set(ErrorCode)


def watched(built: Workspace, http: httpx.Client, script: str) -> tuple[Json, Json]:
    """Run a script that watches a service point, and check an item in there.

    Returns what the script prints, and what it is to print.
    """
    found = execute(http, "{ items(first: 1, filter: { status: [AVAILABLE] }) { nodes { barcode } } }")
    (item,) = found["items"]["nodes"]
    check_in = """mutation($input: CheckInInput!) { checkIn(input: $input) {
        ... on CheckedIn { item { id barcode status { name } } }
    } }"""
    given = {"itemBarcode": item["barcode"], "servicePointId": DESK}
    with ThreadPoolExecutor() as pool:
        printed = pool.submit(built.node, script)
        deadline = time.monotonic() + PATIENCE
        while "gateway_subscriptions_open 1.0" not in http.get("/metrics").text:
            assert not printed.done(), printed.result()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        item = execute(http, check_in, input=given)["checkIn"]["item"]
        shown = json.loads(printed.result())
    while "gateway_subscriptions_open 0.0" not in http.get("/metrics").text:  # it has left
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return shown, {"itemCheckedIn": {"kind": "CREATED", "item": item}}


@needs_node
@pytest.mark.parametrize("script", ["graphql-sse", "urql-live", "apollo-live"])
def test_subscriptions(built: Workspace, http: httpx.Client, script: str) -> None:
    """graphql-sse, urql and Apollo Client with graphql-sse get a check-in as an event, and leave."""
    shown, expected = watched(built, http, f"built/{script}.js")

    if script == "apollo-live":
        shown, kept = shown
        assert nameless(kept) == expected["itemCheckedIn"]["item"]
    assert nameless(shown) == expected


def test_gql(url: str, http: httpx.Client, tmp_path: Path) -> None:
    """gql, the client for Python, lists loans and locks an object."""
    expected = execute(http, "{ loans(first: 3) { nodes { id item { title } } } }")
    assert not locked(http, "27:30002")
    text = (HERE / "python_gql.py").read_text(encoding="utf-8")
    (tmp_path / "python_gql.py").write_text(text.replace(DOCUMENTED, url), encoding="utf-8")

    ended = run_command([sys.executable, "-W", "error", "python_gql.py"], tmp_path)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == [
        expected,
        {"lockObject": {"existingLock": False, "lock": {"id": "27:30002"}}},
    ]
    assert locked(http, "27:30002")


@pytest.mark.parametrize(
    "name",
    [
        "apollo.ts",
        "urql.ts",
        "graphql-request.ts",
        "python_gql.py",
        "codegen.ts",
        "graphql-sse.ts",
        "urql-live.ts",
        "apollo-live.ts",
    ],
)
def test_a_snippet_has_the_documented_url(name: str) -> None:
    """Each snippet has the documented URL once: it is executed unchanged except for the URL."""
    assert (HERE / name).read_text(encoding="utf-8").count(DOCUMENTED) == 1


# Results and errors of clients

OPERATIONS: dict[str, tuple[str, dict[str, Json], list[str]]] = {
    "a list": (
        "query($first: Int) { loans(first: $first, sort: [{ field: LOAN_DATE }]) {"
        " totalCount"
        " nodes { id dueDate borrower { id customFields personal { lastName } } item { id title } }"
        " } }",
        {"first": 20},
        [],
    ),
    "a field that there is not": ("{ loans { nonsense } }", {}, ["GRAPHQL_VALIDATION_FAILED"]),
    "a variable of another type": (
        "query($first: Int) { loans(first: $first) { totalCount } }",
        {"first": "ten"},
        ["BAD_USER_INPUT"],
    ),
    "one answer of two": (
        '{ loan(id: "42") { id } users(first: 0) { totalCount } }',
        {},
        ["BAD_USER_INPUT"],
    ),
    "too many questions": (
        f"{{ {' '.join(f'n{number}: locations(first: 0) {{ totalCount }}' for number in range(31))} }}",
        {},
        ["LIMIT_EXCEEDED"],
    ),
    "a check-out that is refused": (
        "mutation($input: CheckOutInput!) { checkOut(input: $input) {"
        " ... on CheckedOut { loan { id } }"
        " ... on Refusal { reasons { code message parameters { key value } } }"
        " } }",
        {
            "input": {
                "itemBarcode": "2000000009",
                "userBarcode": PATRON,
                "servicePointId": "1df88d03-62ee-575e-8f87-51a3e14c5dd1",
            }
        },
        [],
    ),
    "a lock that somebody else holds": (
        "mutation($id: Int!) { lockObject(input: { objectType: PATRON, objectId: $id }) {"
        " ... on ObjectLocked { lock { id } }"
        " ... on ObjectLockConflict { heldBy { id polarisUserName } }"
        " } }",
        {"id": 29937},
        [],
    ),
}


def data_and_codes(http: httpx.Client, query: str, variables: Json) -> tuple[Json, list[str]]:
    """Return the data and the codes of the errors in the response."""
    response = http.post("/graphql", json={"query": query, "variables": variables}).json()
    return response.get("data"), [error["extensions"]["code"] for error in response.get("errors", [])]


@needs_node
def test_every_client_returns_data_and_errors(built: Workspace, http: httpx.Client) -> None:
    """Data, nulls, refusals and error codes reach the caller of each client unchanged."""
    operations = [{"query": query, "variables": variables} for query, variables, _ in OPERATIONS.values()]

    outcomes = json.loads(built.node("built/outcomes.js", given=json.dumps(operations)))

    assert list(outcomes) == [
        "Apollo Client",
        "urql",
        "urql by GET",
        "urql with a normalized cache",
        "graphql-request",
    ]
    for client, client_outcomes in outcomes.items():
        for (name, (query, variables, codes)), outcome in zip(
            OPERATIONS.items(), client_outcomes, strict=True
        ):
            data, response_codes = data_and_codes(http, query, variables)
            assert response_codes == codes, name
            assert (nameless(outcome["data"]), outcome["codes"]) == (data, codes), (client, name)


@pytest.mark.parametrize(("query", "variables", "codes"), OPERATIONS.values(), ids=OPERATIONS)
def test_gql_returns_data_and_errors(
    url: str, http: httpx.Client, query: str, variables: Json, codes: list[str]
) -> None:
    """gql returns the data, and raises an error with the codes and partial data."""
    transport = HTTPXTransport(f"{url}/graphql", headers={"X-Okapi-Tenant": "diku"}, trust_env=False)
    data, response_codes = data_and_codes(http, query, variables)

    with Client(transport=transport) as session:
        try:
            given, given_codes = session.execute(GraphQLRequest(query, variable_values=variables)), []
        except TransportQueryError as error:
            given, given_codes = error.data, [each["extensions"]["code"] for each in error.errors or []]

    assert response_codes == codes
    assert (given, given_codes) == (data, codes)


# Caches


@pytest.fixture(scope="module", name="apollo")
def _apollo(built: Workspace) -> Json:
    """Apollo's cache merges records, mutations and pages without a warning."""
    return json.loads(built.node("built/apollo-cache.js"))


@needs_node
def test_apollo_keeps_records_by_type_and_id(apollo: Json, http: httpx.Client) -> None:
    """A record with an id is stored once, by type and id; an object without one in its parent."""
    item = execute(http, '{ item(barcode: "2000000010") { id } }')["item"]["id"]
    user = execute(http, f'{{ user(barcode: "{PATRON}") {{ id }} }}')["user"]["id"]
    loan = apollo["outcome"]["checkOut"]["loan"]["id"]
    (act,) = (name for name in apollo["kept"]["ROOT_MUTATION"] if name.startswith("checkOut("))

    assert apollo["kept"].keys() == {
        f"Item:{item}",
        f"User:{user}",
        f"Loan:{loan}",
        "ROOT_QUERY",
        "ROOT_MUTATION",
    }
    assert apollo["kept"]["ROOT_MUTATION"][act] == {
        "__typename": "CheckedOut",
        "loan": {"__ref": f"Loan:{loan}"},
    }
    assert apollo["kept"][f"Loan:{loan}"] == {
        "__typename": "Loan",
        "id": loan,
        "item": {"__ref": f"Item:{item}"},
        "borrower": {"__ref": f"User:{user}"},
    }
    assert apollo["kept"][f"User:{user}"]["personal"] == {"__typename": "Personal", "lastName": "Abebe"}


@needs_node
def test_apollo_shows_changes_of_mutations(apollo: Json) -> None:
    """A screen shows its item lent and returned from the responses of two mutations: one request each."""
    assert apollo["states"] == ["AVAILABLE", "CHECKED_OUT", "AVAILABLE"]
    assert apollo["asked"] == 3


@needs_node
def test_apollo_merges_objects_without_id(apollo: Json) -> None:
    """Two screens with different members of a patron's name and contact keep both."""
    name, mail = (each["user"]["personal"] for each in apollo["both"])

    assert name == {"__typename": "Personal", "lastName": "Abebe"}
    assert mail == {"__typename": "Personal", "email": "reader0@diku.example"}


def forty_loans(http: httpx.Client) -> list[str]:
    query = "{ loans(first: 40, sort: [{ field: DUE_DATE }]) { nodes { id } } }"
    return [loan["id"] for loan in execute(http, query)["loans"]["nodes"]]


@needs_node
def test_apollo_joins_pages(apollo: Json, http: httpx.Client) -> None:
    """Two pages of 20 become the first 40 of the list, with Apollo's own policy for Relay's connections."""
    assert apollo["ids"] == forty_loans(http)


@needs_node
def test_relay_keeps_records_by_type_and_id(written: Workspace, http: httpx.Client) -> None:
    """With the documented option, an item and the loan's copy of it with the same id are two records."""
    query = "{ loans(first: 1, filter: { status: [OPEN] }) { nodes { id item { id } loanItem { id } } } }"
    (loan,) = execute(http, query)["loans"]["nodes"]
    (option,) = re.findall(r"```ts\n(getDataID: .*)\n```", PAGES["clients"])
    assert f"  {option}\n" in (HERE / "relay.mjs").read_text(encoding="utf-8")

    kept = json.loads(written.node("relay.mjs", loan["id"]))

    assert loan["item"]["id"] == loan["loanItem"]["id"]
    assert kept == [
        "client:root",
        f"Loan:{loan['id']}",
        f"Item:{loan['item']['id']}",
        f"LoanItem:{loan['item']['id']}",
    ]


@pytest.fixture(scope="module", name="urql")
def _urql(built: Workspace) -> Json:
    """urql's two caches handle pages and a mutation."""
    return json.loads(built.node("built/urql-cache.js"))


@needs_node
def test_urql_joins_pages(urql: Json, http: httpx.Client) -> None:
    """Two pages of 20 become the first 40 of the list, and the normalized cache has every key."""
    assert urql["ids"] == forty_loans(http)
    assert urql["warnings"] == []


@needs_node
def test_urql_fetches_again_after_a_mutation(urql: Json) -> None:
    """An empty list with a known type is fetched again after a check-out; another is not."""
    assert (urql["told"][0], urql["told"][-1]) == (0, 1)
    assert urql["untold"] == [0]


# Types


@needs_node
def test_generated_types_hold(built: Workspace) -> None:
    """tsc accepts the uses that the generated types allow, and rejects the others marked in `types.ts`."""
    compiled = built.package("tsc", "--project", ".", "--noEmit")

    assert (compiled.returncode, compiled.stdout) == (0, "")
    assert (HERE / "types.ts").read_text(encoding="utf-8").count("// @ts-expect-error") == 7


def test_every_scalar_has_a_type() -> None:
    """The snippet has a type for each custom scalar."""
    (scalars,) = re.findall(r"scalars: \{(.*?)\}", (HERE / "codegen.ts").read_text(encoding="utf-8"))
    own = {name for name, each in schema._schema.type_map.items() if is_scalar_type(each)}

    assert set(re.findall(r"(\w+):", scalars)) == own - set(specified_scalar_types)


@needs_node
def test_unions_are_known_to_caches(built: Workspace) -> None:
    """`possibleTypes` has every union of the schema with all of its members."""
    text = 'import unions from "./built/gql/possible-types.js"; console.log(JSON.stringify(unions));'
    generated = json.loads(built.node("--input-type=module", "--eval", text))

    unions = [each for each in schema._schema.type_map.values() if isinstance(each, GraphQLUnionType)]
    assert len(unions) == 39
    assert generated["possibleTypes"] == {
        union.name: sorted(member.name for member in union.types) for union in unions
    }


# Introspection


def canonical(text: str) -> str:
    """Return a schema without the directive that introspection cannot show."""
    read = build_schema(text)
    read.directives = tuple(each for each in read.directives if each.name != "semanticNonNull")
    return print_schema(lexicographic_sort_schema(read))


@needs_node
def test_introspection_is_the_incremental_schema(written: Workspace) -> None:
    """graphql-codegen reads the same schema from a running gateway as `schema --incremental` prints."""
    generated = written.package("graphql-codegen", "--config", "introspection.mjs")
    assert generated.returncode == 0, generated.stdout + generated.stderr

    introspected = (written.folder / "introspected.graphql").read_text(encoding="utf-8")
    committed = (written.folder / "schema.graphql").read_text(encoding="utf-8")
    assert canonical(introspected) == canonical(committed)


def test_introspection_by_gql_is_the_incremental_schema(url: str) -> None:
    """gql, which validates documents, reads the same schema as `schema --incremental` prints."""
    transport = HTTPXTransport(f"{url}/graphql", headers={"X-Okapi-Tenant": "diku"}, trust_env=False)
    introspection = {
        "schema_description": True,
        "specified_by_url": True,
        "input_value_deprecation": True,
        "directive_is_repeatable": True,
    }
    client = Client(transport=transport, fetch_schema_from_transport=True, introspection_args=introspection)

    with client as session:
        assert client.schema is not None
        fetched = print_schema(lexicographic_sort_schema(client.schema))
        assert fetched == canonical(printed_schema(incremental=True))
        with pytest.raises(GraphQLError, match="Cannot query field 'nonsense'"):
            session.execute(GraphQLRequest("{ nonsense }"))
