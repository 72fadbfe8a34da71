"""Query texts, parsed and validated once, then found by their text."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import strawberry
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    specified_rules,
    validate,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.validation import ASTValidationRule
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gateway.engine.defer import conditions_of_defer, may_defer, without_defer
from gateway.engine.limits import (
    FiniteNumbers,
    IntrospectionDepth,
    Price,
    Pricing,
    Step,
    check_shape,
    estimated,
    parsed,
    steps_of,
    too_costly,
)
from gateway.engine.manifests import TrustedDocuments
from gateway.errors import ErrorCode
from gateway.settings import DocumentSettings, LimitSettings

MAX_ERRORS = 20  # a reader fixes the first few; graphql-core would go on to 100

# A parsed document takes 120 to 280 bytes for each character of its text (measured on graphql-core 3.3) and
# its plan 180 more, so a bound on entries alone would not bound memory: these keep it under 150 MB at worst.
KEPT_CHARACTERS = 300_000
LONGEST_KEPT = 100_000  # longer texts are served, and parsed anew each time

# Of more the answer comes in one piece, as it may: each makes a part in each row of a list. In 220 rows 5
# take 0.06 s of CPU, and 50 take a second (measured on graphql-core 3.3).
MOST_DEFERRED = 5

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class Operation:
    """One operation of a valid document, with all that execution needs of it."""

    document: DocumentNode
    node: OperationDefinitionNode
    fragment_definitions: dict[str, FragmentDefinitionNode]
    fragments: dict[str, FragmentDetails]
    steps: tuple[Step, ...] = ()  # what of it costs upstream calls
    # What others derive from this operation and want evicted with it: compiled plans, counters of use.
    plans: dict[Hashable, Any] = field(default_factory=dict)  # Any: whatever the one who put it there expects
    in_parts: InParts | None = None  # where the document has @defer, which this operation is without

    @property
    def is_mutation(self) -> bool:
        return self.node.operation is OperationType.MUTATION

    @property
    def act(self) -> OperationDefinitionNode | None:
        """The node of a mutation, None of any other operation."""
        return self.node if self.is_mutation else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InParts:
    """An operation with its `@defer`; `conditions` are the values of their `if`, or the variables of them."""

    operation: Operation
    conditions: tuple[bool | str, ...]

    def defers(self, variables: Mapping[str, Any]) -> bool:
        """Whether something may be put off, with these variables. Any: values of variables."""
        return any(
            variables.get(each, True) is not False if isinstance(each, str) else each
            for each in self.conditions
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rejected:
    """A text that will not be executed, and why; only the messages are kept, not the tree."""

    errors: tuple[GraphQLError, ...]


Prepared: TypeAlias = Operation | Rejected


class Documents:
    """The documents seen last, bounded in number and in length; a text that failed is remembered as failed.

    A hit is one dictionary lookup. Failures share the space with the rest: refusing the same broken text
    again must not cost more than serving a good one. Trusted documents have a place of their own, which
    nothing takes from them.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        settings: DocumentSettings,
        limits: LimitSettings,
        *,
        rules: Sequence[type[ASTValidationRule]] = specified_rules,
        pricing: Pricing = lambda field, nodes, fragments: Price(),
        trusted: TrustedDocuments | None = None,
    ) -> None:
        self.schema = schema
        self.core_schema = schema._schema
        self.size = settings.document_cache_size
        self.limits = limits
        self.pricing = pricing
        self.suggestions = settings.suggestions
        self.trusted = trusted or TrustedDocuments(())
        self.trust = settings.documents_mode
        self.rules = (
            FiniteNumbers,
            *(IntrospectionDepth if rule is MaxIntrospectionDepthRule else rule for rule in rules),
            # What Strawberry's own validate_document adds; it cannot be told how many errors are enough.
            MaybeNullValidationRule,
            OneOfInputValidationRule,
            *(() if settings.introspection else (NoSchemaIntrospectionCustomRule,)),
        )
        self._kept: OrderedDict[tuple[str, str | None], Prepared] = OrderedDict()
        self._characters = 0
        self._for_good: dict[tuple[str, str | None], Prepared] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def prepared(self, query: str, operation_name: str | None = None) -> Prepared:
        """Find the operation to execute, or the reasons not to."""
        found = self.known(query, operation_name)
        if found is None:
            is_trusted = self.trust == "off" or query in self.trusted
            if not is_trusted and self.trust == "enforce":
                return refused(
                    "The document is not in the manifest of trusted documents.",
                    ErrorCode.DOCUMENT_NOT_TRUSTED,
                )
            found = self._prepare(query, operation_name)
            self._keep((query, operation_name), found)
            if not is_trusted:
                _log_untrusted(query, found)
        return found

    def known(self, query: str, operation_name: str | None = None) -> Prepared | None:
        """The same where it costs nothing, None for a text that would have to be parsed."""
        key = (query, operation_name)
        found = self._kept.get(key)
        if found is None:
            return self._for_good.get(key)
        self._kept.move_to_end(key)
        return found

    def keep_for_good(self, text: str) -> dict[str | None, Prepared]:
        """Prepare a document so that nothing makes it go; give its operations by name, None for no name.

        Where it has several operations, a client says which by `operationName`.
        """
        whole = self._prepare(text, None)
        names = self._operation_names(text)
        by_name: dict[str | None, Prepared] = {
            name: whole if len(names) == 1 else self._prepare(text, name) for name in names
        }
        self._for_good[text, None] = whole
        self._for_good |= {(text, name): each for name, each in by_name.items()}
        return by_name or {None: whole}

    def _operation_names(self, text: str) -> list[str]:
        try:
            definitions = parsed(text, self.limits).definitions
        except GraphQLError:  # told by whoever prepares it
            return []
        operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
        return [each.name.value for each in operations if each.name]

    def _prepare(self, query: str, operation_name: str | None) -> Prepared:
        try:
            document = parsed(query, self.limits)
            check_shape(document, self.limits)
        except GraphQLError as error:
            return _rejected([error], ErrorCode.GRAPHQL_PARSE_FAILED)
        errors = validate(
            self.core_schema,
            document,
            self.rules,
            max_errors=MAX_ERRORS,
            hide_suggestions=not self.suggestions,
        )
        if errors:
            return _rejected(errors, ErrorCode.GRAPHQL_VALIDATION_FAILED)
        try:
            node = _chosen(document, operation_name)
        except GraphQLError as error:
            return _rejected([error], ErrorCode.GRAPHQL_VALIDATION_FAILED)
        operation = self._operation(document, node)
        if not may_defer(query):
            return operation
        conditions = conditions_of_defer(node, operation.fragment_definitions)
        if not conditions:
            return operation
        whole = without_defer(document)
        prepared = self._operation(whole, _chosen(whole, operation_name))
        if len(conditions) <= MOST_DEFERRED:
            prepared.in_parts = InParts(operation=operation, conditions=conditions)
        return prepared

    def _operation(self, document: DocumentNode, node: OperationDefinitionNode) -> Operation:
        definitions = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        return Operation(
            document=document,
            node=node,
            fragment_definitions=definitions,
            fragments={name: FragmentDetails(node, None) for name, node in definitions.items()},
            steps=steps_of(self.core_schema, node, definitions, self.pricing),
        )

    def too_costly(self, operation: Operation, variables: Mapping[str, Any]) -> GraphQLError | None:
        """The refusal of an operation that would ask too much upstream. Any: values of variables."""
        return too_costly(operation.steps, variables, self.limits)

    def cost(self, operation: Operation, variables: Mapping[str, Any]) -> int:
        """How many upstream calls an operation may need. Any: values of variables."""
        return estimated(operation.steps, variables, self.limits)

    def _keep(self, key: tuple[str, str | None], prepared: Prepared) -> None:
        length = _length(key)
        if not self.size or length > LONGEST_KEPT:
            return
        self._kept[key] = prepared
        self._characters += length
        while len(self._kept) > self.size or self._characters > KEPT_CHARACTERS:
            oldest, _ = self._kept.popitem(last=False)
            self._characters -= _length(oldest)


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """Choose as the specification does, never by position: the first of two may be the wrong one."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name is not None:
        operations = [each for each in operations if each.name and each.name.value == name]
        if not operations:
            raise GraphQLError(f"The document has no operation named '{name}'.")
    if not operations:
        raise GraphQLError("The document has no operation.")
    if len(operations) > 1:
        raise GraphQLError("The document has several operations: operationName must say which to execute.")
    chosen = operations[0]
    if chosen.operation is OperationType.SUBSCRIPTION:
        raise GraphQLError("Subscriptions are not served.", chosen)
    return chosen


def refused(message: str, code: ErrorCode) -> Rejected:
    """A document that is not executed for a reason that has no place in its text."""
    return Rejected(errors=(GraphQLError(message, extensions={"code": code}),))


def _log_untrusted(text: str, prepared: Prepared) -> None:
    """Name a document by its hash and its operation, and never by what it says: it may hold anything."""
    if isinstance(prepared, Rejected):  # nobody is served with it
        return
    name = prepared.node.name.value if prepared.node.name else "without a name"
    digest = hashlib.sha256(text.encode()).hexdigest()
    log.warning("Not in the manifest: document %s, operation %s", digest, name)


def _length(key: tuple[str, str | None]) -> int:
    query, operation_name = key
    return len(query) + len(operation_name or "")


def _rejected(errors: Sequence[GraphQLError], code: ErrorCode) -> Rejected:
    for error in errors:
        error.extensions = {"code": code, **(error.extensions or {})}  # a limit rule brings a code of its own
        # Locations are computed by now. Nodes, source and traceback would keep the whole tree alive.
        error.nodes = error.source = error.positions = None
        error.__traceback__ = error.__context__ = error.__cause__ = None
        if error.original_error is not None:  # what a scalar raised on a literal
            error.original_error.__traceback__ = None
    return Rejected(errors=tuple(errors))
