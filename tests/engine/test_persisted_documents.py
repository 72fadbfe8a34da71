"""Documents by their ids: trusted ones, and those registered by clients."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from gateway.app import create_app
from gateway.engine.manifests import TrustedDocument, TrustedDocuments
from gateway.engine.persisted_documents import LocalDocumentStore
from gateway.engine.plans.cache import PLANS_EXECUTED
from gateway.settings import DocumentsMode, Settings
from gateway.settings_group import SettingsError
from tests.gateway_under_test import open_gateway
from tests.http.desk import GRAPHQL, JSON, Desk
from tests.store_server import PATIENCE, needs_store_server, store_server

pytestmark = pytest.mark.anyio

TITLE = "query Title($barcode: String) { title(barcode: $barcode) }"
TWO = "query A { title } query B { tenant }"
TENANT = "query Tenant { tenant }"
DONE = {"data": {"title": "Title 7"}}
SEVEN = {"barcode": "7"}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def persisted(sha256_hash: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256_hash}}


def desk_with(trust: DocumentsMode = "off") -> Desk:
    """Return a desk that trusts three documents and accepts registrations."""
    documents = {
        "title-1": TITLE,
        "two-1": TWO,
        "act-1": 'mutation Lend { checkOut(barcode: "1") }',
    }
    trusted = TrustedDocuments(TrustedDocument(id=each, text=text) for each, text in documents.items())
    return Desk(trusted=trusted, trust=trust, registered=LocalDocumentStore(max_text=1000))


def problem(response: Any) -> tuple[str, str]:
    (error,) = response["errors"]
    assert "data" not in response
    return error["message"], error["extensions"]["code"]


NOT_FOUND = ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
NOT_SUPPORTED = ("PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")
NOT_TRUSTED = ("The document is not in the manifest of trusted documents.", "DOCUMENT_NOT_TRUSTED")


# Trusted documents


@pytest.mark.parametrize("trust", ["off", "log", "enforce"])
async def test_a_trusted_document_by_its_id(trust: DocumentsMode) -> None:
    """A document of the manifest is executed by its id, its SHA-256 and its text, in each mode."""
    desk = desk_with(trust)
    ways: list[dict[str, Any]] = [
        {"documentId": "title-1"},
        {"documentId": "sha256:title-1"},
        {"documentId": f"sha256:{sha256(TITLE)}"},
        {"extensions": persisted("title-1")},
        {"extensions": persisted(sha256(TITLE))},
        {"query": TITLE},
        {"query": TITLE, "extensions": persisted(sha256(TITLE))},
    ]

    for way in ways:
        assert (await desk.post(**way, variables=SEVEN)).json() == DONE, way


async def test_hashes_are_matched_without_case() -> None:
    """A hash may be in upper case, an id that is not a hash may not."""
    desk = desk_with()
    ways: list[dict[str, Any]] = [
        {"documentId": sha256(TITLE).upper()},
        {"documentId": f"sha256:{sha256(TITLE).upper()}"},
        {"documentId": f"SHA256:{sha256(TITLE).upper()}"},
        {"extensions": persisted(sha256(TITLE).upper())},
        {"query": TITLE, "extensions": persisted(sha256(TITLE).upper())},
    ]

    for way in ways:
        assert (await desk.post(**way, variables=SEVEN)).json() == DONE, way
    assert problem((await desk.post(documentId="TITLE-1")).json()) == NOT_FOUND


async def test_registered_hashes_are_matched_without_case() -> None:
    """A document that was registered by a hash in upper case is served by it in either case."""
    desk = desk_with()

    await desk.post(query=TENANT, extensions=persisted(sha256(TENANT).upper()))

    for name in (sha256(TENANT), sha256(TENANT).upper()):
        assert "data" in (await desk.post(extensions=persisted(name))).json()
        assert "data" in (await desk.post(documentId=f"sha256:{name}")).json()


@pytest.mark.parametrize("query", [None, ""])
async def test_an_empty_query_beside_an_id_is_absent(query: str | None) -> None:
    """Relay and others send `"query": ""` or null with the id or the hash."""
    desk = desk_with()

    for way in ({"documentId": "title-1"}, {"extensions": persisted(sha256(TITLE))}):
        assert (await desk.post(query=query, **way, variables=SEVEN)).json() == DONE, way
    for way in ({"documentId": "other"}, {"extensions": persisted(sha256("other"))}):
        assert problem((await desk.post(query=query, **way)).json()) == NOT_FOUND, way


async def test_by_get() -> None:
    """An id may be in the query string; the response is personal and is not cached."""
    desk = desk_with()

    by_id = await desk.get(documentId="title-1", variables=json.dumps(SEVEN))
    by_hash = await desk.get(extensions=json.dumps(persisted("title-1")), variables=json.dumps(SEVEN))

    for response in (by_id, by_hash):
        assert response.json() == DONE
        assert (response.headers["cache-control"], response.headers["vary"]) == ("no-store", "Accept")


async def test_a_browser_with_an_id_gets_a_response() -> None:
    """A URL with a document id is executed and does not show GraphiQL."""
    desk = Desk(graphiql=b"<html>", trusted=desk_with().documents.trusted)
    html = {"Accept": "text/html,application/json;q=0.9"}

    assert (await desk.get(html)).text == "<html>"
    assert (await desk.get(html, documentId="title-1", variables=json.dumps(SEVEN))).json() == DONE


async def test_mutation_by_get_is_refused() -> None:
    """A mutation is not executed by GET, with any id."""
    desk = desk_with()

    response = await desk.get(documentId="act-1")

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert desk.calls == []


async def test_one_of_several_operations() -> None:
    """A trusted document with several operations requires operationName."""
    desk = desk_with("enforce")

    assert (await desk.post(documentId="two-1", operationName="B")).json() == {"data": {"tenant": "diku"}}
    for name in (None, "C"):
        _, code = problem((await desk.post(documentId="two-1", operationName=name)).json())
        assert code == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL, 400)])
async def test_other_documents_are_refused(accept: str, status: int) -> None:
    """With enforce a text outside of the manifests is rejected, valid or not, and so is an unknown id."""
    desk = desk_with("enforce")
    ways: list[dict[str, Any]] = [
        {"query": TENANT},
        {"query": TITLE + " "},
        {"query": "{ this is not GraphQL"},
        {"query": TENANT, "extensions": persisted(sha256(TENANT))},
        {"documentId": "title-2"},
        {"extensions": persisted(sha256(TENANT))},
    ]

    for way in ways:
        response = await desk.post({"Accept": accept}, **way)
        assert (response.status_code, problem(response.json())) == (status, NOT_TRUSTED), way

    assert len(desk.documents) == 0  # not even parsed
    assert desk.contexts == 0


async def test_other_documents_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With log they are served; the hash and the operation name are logged once, and nothing else."""
    desk = desk_with("log")
    text = 'query Secret { title(barcode: "hunter2") }'

    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert (await desk.post(query=text)).json() == {"data": {"title": "Title hunter2"}}
        await desk.post(query=TITLE)
        await desk.post(query="{ nobody(named: hunter2) }")

    assert caplog.messages == [f"Not in the manifest: document {sha256(text)}, operation Secret"]


# Registered by clients


async def test_registration() -> None:
    """A client sends the hash, registers the text once, and then sends only the hash."""
    desk = Desk(registered=LocalDocumentStore(max_text=1000))
    hashed = persisted(sha256(TITLE))

    assert problem((await desk.post(extensions=hashed, variables=SEVEN)).json()) == NOT_FOUND
    assert (await desk.post(query=TITLE, extensions=hashed, variables=SEVEN)).json() == DONE
    assert (await desk.post(extensions=hashed, variables=SEVEN)).json() == DONE
    assert (await desk.get(extensions=json.dumps(hashed), variables=json.dumps(SEVEN))).json() == DONE
    assert (await desk.post(documentId=f"sha256:{sha256(TITLE)}", variables=SEVEN)).json() == DONE


async def test_a_hash_of_another_text() -> None:
    """A text is neither registered nor executed under the hash of another text."""
    desk = Desk(registered=LocalDocumentStore(max_text=1000))

    response = await desk.post(query=TITLE, extensions=persisted(sha256(TENANT)))

    assert response.status_code == 400
    assert problem(response.json()) == (
        "extensions.persistedQuery.sha256Hash is not the SHA-256 of the query.",
        "BAD_REQUEST",
    )
    assert desk.calls == []
    assert problem((await desk.post(extensions=persisted(sha256(TENANT)))).json()) == NOT_FOUND


async def test_broken_texts_are_not_registered() -> None:
    """Invalid documents are not registered."""
    registered = LocalDocumentStore(max_text=1000)
    desk = Desk(registered=registered)
    text = "{ nobody }"

    _, code = problem((await desk.post(query=text, extensions=persisted(sha256(text)))).json())

    assert (code, len(registered)) == ("GRAPHQL_VALIDATION_FAILED", 0)


BROKEN: list[tuple[Any, str]] = [
    (1, " is not a persisted query: Expected `object`, got `int`."),
    ({"version": 1}, " is not a persisted query: Object missing required field `sha256Hash`."),
    ({"version": 2, "sha256Hash": "a"}, ".version must be 1; got 2."),
    (
        {"version": 1, "sha256Hash": 1},
        " is not a persisted query: Expected `str`, got `int` - at `$.sha256Hash`.",
    ),
]


@pytest.mark.parametrize(("given", "message"), BROKEN)
async def test_broken_extensions(given: Any, message: str) -> None:
    """A malformed extension is rejected, with or without a text."""
    desk = Desk(registered=LocalDocumentStore(max_text=1000))

    texts: list[dict[str, Any]] = [{}, {"query": "{ title }"}]
    for text in texts:
        response = await desk.post(**text, extensions={"persistedQuery": given})
        assert response.status_code == 400
        assert problem(response.json()) == (f"extensions.persistedQuery{message}", "BAD_REQUEST")

    assert desk.calls == []


async def test_registration_is_off() -> None:
    """Without registration a hash alone is rejected; a text with a hash is executed."""
    desk = Desk()
    hashed = persisted(sha256(TITLE))

    assert problem((await desk.post(extensions=hashed)).json()) == NOT_SUPPORTED
    assert (await desk.post(query=TITLE, extensions=hashed, variables=SEVEN)).json() == DONE
    assert problem((await desk.post(documentId=sha256(TITLE))).json()) == NOT_FOUND


async def test_unknown_extensions_are_ignored(desk: Desk) -> None:
    """An unknown extension changes nothing."""
    response = await desk.post(query="{ title }", extensions={"persistedQuery": None, "other": 1})

    assert response.json() == {"data": {"title": "Title 1"}}


# The complete gateway

LOANS = """query Loans($titles: Boolean!) {
    loans(first: 3) { nodes { id item @include(if: $titles) { title } } }
}"""


def manifest(folder: Path, **texts: str) -> Path:
    file = folder / "persisted-documents.json"
    file.write_text(json.dumps(texts), encoding="utf-8")
    return file


async def test_plans_are_compiled_at_startup(tmp_path: Path) -> None:
    """A trusted document is executed by a plan from its first use, in all variants."""
    file = manifest(tmp_path, loans=LOANS)
    async with open_gateway(documents=file, documents_mode="enforce") as gateway:
        planned = PLANS_EXECUTED.counts[""]
        assert gateway.calls == []  # compiling needs no upstream calls

        for titles in (True, False):
            body = {"documentId": "loans", "variables": {"titles": titles}}
            response = await gateway.http.post("/graphql", json=body, headers={"X-Okapi-Tenant": "diku"})
            assert [("item" in each) for each in response.json()["data"]["loans"]["nodes"]] == [titles] * 3

        assert PLANS_EXECUTED.counts[""] == planned + 2


async def test_trusted_mutation_is_sent_once(tmp_path: Path) -> None:
    """A trusted mutation is executed by its plan too, and sent upstream once."""
    text = """mutation Lend($input: CheckOutInput!) {
        checkOut(input: $input) { ... on CheckedOut { loan { id item { barcode } } } }
    }"""
    async with open_gateway(documents=manifest(tmp_path, lend=text), documents_mode="enforce") as gateway:
        assert gateway.calls == []
        planned = PLANS_EXECUTED.counts[""]
        given = {
            "itemBarcode": "2000000001",
            "userBarcode": "1000000001",
            "servicePointId": gateway.summary.service_point_id,
        }

        body = {"documentId": "lend", "variables": {"input": given}}
        response = await gateway.http.post("/graphql", json=body, headers=gateway.as_staff())

        assert response.json()["data"]["checkOut"]["loan"]["item"] == {"barcode": "2000000001"}
        assert [each for each in gateway.paths() if not each.startswith("GET")] == [
            "POST /circulation-bff/loans/check-out-by-barcode"
        ]
        assert PLANS_EXECUTED.counts[""] == planned + 1


async def test_trusted_documents_are_not_evicted(tmp_path: Path) -> None:
    """A trusted document stays compiled, however many other documents are executed."""
    file = manifest(tmp_path, loans=LOANS)
    async with open_gateway(documents=file, document_cache_size=1) as gateway:
        for number in range(3):
            await gateway.data(f"{{ a{number}: __typename }}")
        planned = PLANS_EXECUTED.counts[""]

        await gateway.data(LOANS, {"titles": True})

        assert PLANS_EXECUTED.counts[""] == planned + 1


async def test_documents_that_cannot_be_served(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A document that does not match the schema is logged at startup; the others are served."""
    file = manifest(tmp_path, old="query Old { vanished }", loans=LOANS)
    with caplog.at_level(logging.INFO, "gateway.engine.trusted_documents"):
        async with open_gateway(documents=file, documents_mode="enforce") as gateway:
            headers = {"X-Okapi-Tenant": "diku"}
            responses = [
                (await gateway.http.post("/graphql", json=body, headers=headers)).json()
                for body in ({"documentId": "old"}, {"documentId": "loans", "variables": {"titles": False}})
            ]

    assert problem(responses[0])[1] == "GRAPHQL_VALIDATION_FAILED"
    assert len(responses[1]["data"]["loans"]["nodes"]) == 3
    assert caplog.messages == [
        "A trusted document cannot be served: old (Old): Cannot query field 'vanished' on type 'Query'. "
        "(line 1, column 13)",
        "Trusted documents: 2 are ready, 1 problems",
    ]


def test_a_manifest_that_cannot_be_read(tmp_path: Path) -> None:
    """An invalid manifest prevents startup, with the setting and the reason."""
    file = tmp_path / "manifest.json"
    file.write_text("{", encoding="utf-8")

    with pytest.raises(SettingsError) as refused:
        create_app(Settings(sandbox=True, documents=file))

    assert refused.value.problems == (f"DOCUMENTS: {file}: is not JSON",)


async def test_registration_by_setting() -> None:
    """Clients may register documents unless the setting is off."""
    hashed = persisted(sha256("{ __typename }"))
    for allowed, expected in ((True, NOT_FOUND), (False, NOT_SUPPORTED)):
        async with open_gateway(automatic_persisted_queries=allowed) as gateway:
            headers = {"X-Okapi-Tenant": "diku"}
            response = await gateway.http.post("/graphql", json={"extensions": hashed}, headers=headers)
            assert problem(response.json()) == expected


@needs_store_server
async def test_registration_is_shared() -> None:
    """A document registered at one replica is found by every replica that shares the store."""
    body = {"extensions": persisted(sha256("{ __typename }"))}
    headers = {"X-Okapi-Tenant": "diku"}
    with store_server() as server:
        async with (
            open_gateway(redis_url=server.url, redis_timeout=PATIENCE) as one,
            open_gateway(redis_url=server.url, redis_timeout=PATIENCE) as other,
        ):
            unknown = await other.http.post("/graphql", json=body, headers=headers)
            assert problem(unknown.json()) == NOT_FOUND
            await one.http.post("/graphql", json=body | {"query": "{ __typename }"}, headers=headers)

            response = (await other.http.post("/graphql", json=body, headers=headers)).json()

    assert response == {"data": {"__typename": "Query"}}


async def test_many_conditions(tmp_path: Path) -> None:
    """A document with too many variants is compiled on use, for the values used."""
    names = [f"v{number}" for number in range(5)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: id @include(if: ${name})" for name in names)
    file = manifest(tmp_path, many=f"query Many({declared}) {{ loans(first: 1) {{ nodes {{ {fields} }} }} }}")
    values = dict.fromkeys(names, False) | {"v3": True}
    async with open_gateway(documents=file) as gateway:
        before = PLANS_EXECUTED.counts[""]
        body = {"documentId": "many", "variables": values}
        for planned in (1, 2, 3):
            response = await gateway.http.post("/graphql", json=body, headers={"X-Okapi-Tenant": "diku"})
            assert [list(each) for each in response.json()["data"]["loans"]["nodes"]] == [["v3"]]
            assert PLANS_EXECUTED.counts[""] == before + planned
