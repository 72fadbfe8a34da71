"""Documents are parsed once, within limits, and never executed if they are ambiguous."""

import gc
import weakref
from collections.abc import AsyncGenerator, Sequence
from typing import Any, NewType

import pytest
import strawberry
from graphql import GraphQLError, OperationDefinitionNode, specified_rules
from graphql.validation import ASTValidationRule
from strawberry.schema.config import StrawberryConfig

from gateway.engine import documents as bounds
from gateway.engine.documents import Documents, Operation, Rejected, SubscriptionOperation
from gateway.settings import DocumentSettings, LimitSettings


@strawberry.input(one_of=True)
class By:
    id: strawberry.Maybe[str]
    barcode: strawberry.Maybe[str]


Even = NewType("Even", int)


def parse_even(value: Any) -> Even:
    if value % 2:
        raise ValueError("it is odd")
    return Even(value)


@strawberry.type
class Query:
    title: str = "Title"

    @strawberry.field
    def half(self, number: Even) -> int:
        return number // 2

    @strawberry.field
    def item(self, by: By) -> str:
        return "item"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def check_out(self) -> str:
        return "loan"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self) -> AsyncGenerator[int, None]:
        yield 1


SCHEMA = strawberry.Schema(
    Query,
    Mutation,
    Subscription,
    config=StrawberryConfig(
        scalar_map={
            Even: strawberry.scalar(name="Even", serialize=lambda value: value, parse_value=parse_even)
        }
    ),
)


def in_cache(
    size: int, *, rules: Sequence[type[ASTValidationRule]] = specified_rules, introspection: bool = True
) -> Documents:
    """Documents in a cache of this size."""
    settings = DocumentSettings(document_cache_size=size, introspection=introspection)
    return Documents(SCHEMA, settings, LimitSettings(), rules=rules)


@pytest.fixture(name="documents")
def _documents() -> Documents:
    return in_cache(3)


def operation(documents: Documents, query: str, name: str | None = None) -> Operation:
    prepared = documents.prepare(query, name)
    assert isinstance(prepared, Operation)
    return prepared


def rejection(documents: Documents, query: str, name: str | None = None) -> tuple[str, str]:
    prepared = documents.prepare(query, name)
    assert isinstance(prepared, Rejected)
    (error,) = prepared.errors
    assert error.extensions is not None
    return error.extensions["code"], error.message


def test_operation(documents: Documents) -> None:
    """A valid text has its operation and its fragments."""
    result = operation(documents, "query A { ...F } fragment F on Query { title }")

    assert result.node is result.document.definitions[0]
    assert result.fragment_definitions == {"F": result.document.definitions[1]}
    assert result.fragments["F"].definition is result.document.definitions[1]
    assert not result.is_mutation


def test_mutation(documents: Documents) -> None:
    """An operation is known as a mutation before it is executed."""
    assert operation(documents, "mutation { checkOut }").is_mutation


def test_hit(documents: Documents) -> None:
    """The second use of a text has the same operation, with what was attached to it."""
    first = operation(documents, "{ title }")
    first.plans = "compiled"

    again = operation(documents, "{ title }")

    assert again is first
    assert again.plans == "compiled"


def test_operation_name(documents: Documents) -> None:
    """The operation name selects the operation, and is part of the cache key."""
    text = "query A { title } query B { title }"

    names = [operation(documents, text, name).node.name for name in ("A", "B", "A")]

    assert [name and name.value for name in names] == ["A", "B", "A"]
    assert len(documents) == 2


def test_several_operations_without_a_name(documents: Documents) -> None:
    """A document with two operations requires a name."""
    assert rejection(documents, "query A { title } mutation B { checkOut }") == (
        "GRAPHQL_VALIDATION_FAILED",
        "`operationName` is required: the document has several operations.",
    )


@pytest.mark.parametrize(
    ("text", "name"), [("query A { title }", "B"), ("{ title }", "A"), ("{ title }", "")]
)
def test_unknown_operation_name(documents: Documents, text: str, name: str) -> None:
    """A name that is not in the document is rejected, even if it has only one operation."""
    assert rejection(documents, text, name) == (
        "GRAPHQL_VALIDATION_FAILED",
        f"The document has no operation named '{name}'.",
    )


def test_no_operation() -> None:
    """A document of fragments alone is rejected under any rules."""
    documents = in_cache(3, rules=())

    assert rejection(documents, "fragment F on Query { title }") == (
        "GRAPHQL_VALIDATION_FAILED",
        "The document has no operation.",
    )


def test_subscription(documents: Documents) -> None:
    """A subscription is told from other operations by its class, also among several of a document."""
    alone = documents.prepare("subscription { ticks }")
    among = documents.prepare("query Q { title } subscription S { ticks }", "S")
    query = documents.prepare("query Q { title } subscription S { ticks }", "Q")

    assert isinstance(alone, SubscriptionOperation)
    assert isinstance(among, SubscriptionOperation)
    assert type(query) is Operation


def test_syntax_error(documents: Documents) -> None:
    """A syntax error has its location."""
    prepared = documents.prepare("{ title")

    assert isinstance(prepared, Rejected)
    assert [error.formatted for error in prepared.errors] == [
        {
            "message": "Syntax Error: Expected Name, found <EOF>.",
            "locations": [{"line": 1, "column": 8}],
            "extensions": {"code": "GRAPHQL_PARSE_FAILED"},
        }
    ]


def test_validation_errors(documents: Documents) -> None:
    """Every validation error is reported with its location."""
    prepared = documents.prepare("{ tilte\n author }")

    assert isinstance(prepared, Rejected)
    assert [error.formatted for error in prepared.errors] == [
        {
            "message": "Cannot query field 'tilte' on type 'Query'. Did you mean 'title' or 'item'?",
            "locations": [{"line": 1, "column": 3}],
            "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
        },
        {
            "message": "Cannot query field 'author' on type 'Query'.",
            "locations": [{"line": 2, "column": 2}],
            "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
        },
    ]


def test_number_of_errors(documents: Documents) -> None:
    """A document has at most twenty errors; the last one reports that validation stopped."""
    documents.limits = LimitSettings(max_root_fields=100)

    prepared = documents.prepare("{" + " ".join(f"a{number}" for number in range(100)) + "}")

    assert isinstance(prepared, Rejected)
    assert len(prepared.errors) == 20
    assert "error limit reached" in prepared.errors[-1].message


@pytest.mark.parametrize(
    "text", ["{%s}" % ("a" * 5000), "{title @%s}" % ("a" * 5000), '{title "%s"}' % ("a" * 5000)]
)
def test_length_of_an_error(documents: Documents, text: str) -> None:
    """A message that quotes the document is cut."""
    prepared = documents.prepare(text)

    assert isinstance(prepared, Rejected)
    longest = max(prepared.errors, key=lambda error: len(error.message)).message
    assert len(longest) == 300
    assert "aaa ... " in longest


@pytest.mark.parametrize("depth", [250, 20_000])
def test_nesting(documents: Documents, depth: int) -> None:
    """A text of endless nesting is rejected like any other that cannot be parsed."""
    code, _ = rejection(documents, "{a" * depth)

    assert code == "GRAPHQL_PARSE_FAILED"


def test_rules_of_strawberry(documents: Documents) -> None:
    """The rules that Strawberry adds for its inputs are checked as well."""
    code, message = rejection(documents, '{ item(by: { id: "1", barcode: "2" }) }')

    assert code == "GRAPHQL_VALIDATION_FAILED"
    assert message == "OneOf Input Object 'By' must specify exactly one key."


class NoTitle(ASTValidationRule):
    """A custom limit."""

    def enter_operation_definition(self, *_: object) -> None:
        self.report_error(GraphQLError("Too deep.", extensions={"code": "LIMIT_EXCEEDED"}))


def test_custom_rules() -> None:
    """A custom rule may set a more specific code than that of failed validation."""
    documents = in_cache(3, rules=(*specified_rules, NoTitle))

    assert rejection(documents, "{ title }") == ("LIMIT_EXCEEDED", "Too deep.")


def test_introspection() -> None:
    """Introspection can be disabled; `__typename` is always served."""
    assert isinstance(in_cache(3).prepare("{ __schema { __typename } }"), Operation)

    closed = in_cache(3, introspection=False)

    assert rejection(closed, "{ __schema { __typename } }")[0] == "GRAPHQL_VALIDATION_FAILED"
    assert isinstance(closed.prepare("{ __typename }"), Operation)


def test_eviction() -> None:
    """The least recently used document is evicted, with its plans."""
    documents = in_cache(2)
    first, second = operation(documents, "{ a: title }"), operation(documents, "{ b: title }")
    operation(documents, "{ a: title }")

    operation(documents, "{ c: title }")

    assert len(documents) == 2
    assert operation(documents, "{ a: title }") is first
    assert operation(documents, "{ b: title }") is not second


def test_cold_documents_do_not_evict_a_hot_one() -> None:
    """A flood of texts does not evict a document that is used once per cache size."""
    documents = in_cache(20)
    hot = operation(documents, "{ hot: title }")

    for number in range(300):
        operation(documents, f"{{ cold{number}: title }}")
        if number % 19 == 18:
            assert operation(documents, "{ hot: title }") is hot

    assert len(documents) == 20
    for number in range(20):
        operation(documents, f"{{ colder{number}: title }}")
    assert operation(documents, "{ hot: title }") is not hot


def test_failed_documents_are_kept(documents: Documents) -> None:
    """An invalid text is not parsed again, and counts as an entry like any other."""
    assert documents.prepare("{") is documents.prepare("{")
    assert documents.prepare("{ nobody }") is documents.prepare("{ nobody }")
    assert len(documents) == 2


def test_failed_documents_keep_no_tree(documents: Documents) -> None:
    """Only the messages of an invalid text stay in memory."""
    trees: list[weakref.ref[OperationDefinitionNode]] = []

    class Watch(ASTValidationRule):
        def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
            trees.append(weakref.ref(node))
            self.report_error(GraphQLError("No.", node))

    watched = in_cache(3, rules=(Watch,))
    kept = watched.prepare("{ title }")
    gc.collect()

    assert isinstance(kept, Rejected)
    assert [tree() for tree in trees] == [None]


def test_refused_literal(documents: Documents) -> None:
    """An invalid literal is reported with the scalar's reason, and no frame is kept."""
    prepared = documents.prepare("{ half(number: 3) }")

    assert isinstance(prepared, Rejected)
    (error,) = prepared.errors
    assert error.message == "Expected value of type 'Even', but encountered error 'it is odd'; found: 3."
    assert isinstance(error.original_error, ValueError)
    assert error.original_error.__traceback__ is None


def test_a_cache_of_size_zero() -> None:
    """A size of 0 caches nothing, and documents are still served."""
    documents = in_cache(0)

    assert operation(documents, "{ title }") is not operation(documents, "{ title }")
    assert len(documents) == 0


def test_long_texts(documents: Documents) -> None:
    """A text beyond the maximum length is served and not cached."""
    documents.limits = LimitSettings(max_query_characters=bounds.MAX_CACHED_TEXT + 1)
    text = "{ title }".ljust(bounds.MAX_CACHED_TEXT + 1)

    assert operation(documents, text) is not operation(documents, text)
    assert operation(documents, text[:-1]) is operation(documents, text[:-1])
    assert len(documents) == 1


def test_total_length() -> None:
    """The total of cached characters is limited, however many entries there are."""
    documents = in_cache(1000)

    for number in range(20):
        operation(documents, f"{{ a{number}: title }}".ljust(bounds.MAX_CACHED_TEXT))

    assert len(documents) == bounds.MAX_CHARACTERS // bounds.MAX_CACHED_TEXT
