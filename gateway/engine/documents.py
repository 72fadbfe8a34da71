"""Documents, parsed and validated once and then looked up by their text."""

from __future__ import annotations

import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import strawberry
from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    ValuesOfCorrectTypeRule,
    specified_rules,
    validate,
    value_from_ast_untyped,
)

from gateway.engine.core import STRAWBERRY_RULES, FragmentDetails, core_schema
from gateway.engine.defer import defer_conditions, may_defer, without_defer
from gateway.engine.error_masking import shorten
from gateway.engine.limits import (
    Estimate,
    FiniteNumbers,
    IntrospectionDepth,
    Pricing,
    Step,
    calls_polaris,
    check_estimate,
    check_shape,
    cost_steps,
    estimate_cost,
    has_variable_cost,
    nests_lists,
    parse_document,
)
from gateway.engine.manifests import TrustedDocuments
from gateway.engine.parts import Parts, finish
from gateway.engine.validation import LocatedValuesOfCorrectTypeRule
from gateway.engine.variables import Variable, VariablesDecoder, variables_of
from gateway.errors import ErrorCode
from gateway.fields.base import Cost
from gateway.observability.operation import MAX_NAME_LENGTH
from gateway.settings import DocumentSettings, LimitSettings

# A reader fixes the first few; graphql-core would go on to 100. It reports one more: that it has stopped.
MAX_ERRORS = 20

# A parsed document takes 120 to 280 bytes for each character of its text (measured on graphql-core 3.3) and
# its plan 180 more, so a bound on entries alone would not bound memory: these keep it under 150 MB at worst.
MAX_CHARACTERS = 300_000
LONG_TEXT = 1_000  # characters that are prepared in a few milliseconds
MAX_CACHED_TEXT = 100_000  # longer texts are served, and parsed each time

# Beyond it the response comes in one piece, which is always permitted: each one is a part in each row of a
# list. In 220 rows 5 take 0.06 s of CPU, and 50 take a second (measured on graphql-core 3.3).
MAX_DEFERRED = 5

_SUGGESTION = re.compile(r"[.,]? did you mean .*", re.IGNORECASE | re.DOTALL)  # always at the end

log = logging.getLogger(__name__)

_REPLACED: Mapping[type[ASTValidationRule], type[ASTValidationRule]] = {
    MaxIntrospectionDepthRule: IntrospectionDepth,
    ValuesOfCorrectTypeRule: LocatedValuesOfCorrectTypeRule,
}


@dataclass(slots=True, kw_only=True, eq=False)
class Operation:
    """One operation of a valid document, with everything that its execution needs."""

    document: DocumentNode
    node: OperationDefinitionNode
    fragment_definitions: dict[str, FragmentDefinitionNode]
    fragments: dict[str, FragmentDetails]
    name: str | None
    is_mutation: bool
    variables: tuple[Variable, ...]
    variables_decoder: VariablesDecoder | None  # None if it declares no variables
    steps: tuple[Step, ...]  # the fields that cost upstream calls or multiply records
    aliases: int  # of its document
    nests_lists: bool  # an element of a list may have a list in it
    calls_polaris: bool
    estimate: Estimate | None  # None if it depends on variables
    excess: GraphQLError | None  # the error, if the estimate exceeds a limit
    plans: Any = None  # compiled, and evicted with the operation. Any: what `engine.plans` derives from it
    deferred: DeferredOperation | None = None  # the operation with its @defer, which this one is without


@dataclass(slots=True, kw_only=True, eq=False)
class SubscriptionOperation(Operation):
    """A subscription, which has exactly one field at its root. It is executed for each of its results."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeferredOperation:
    """An operation with its `@defer`. `conditions` are the values of their `if`, or its variables' names."""

    operation: Operation
    conditions: tuple[bool | str, ...]

    def is_active(self, variables: Mapping[str, Any]) -> bool:
        """Return whether any `@defer` applies with these variables. Any: values of variables."""
        return any(
            variables.get(each, True) is not False if isinstance(each, str) else each
            for each in self.conditions
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rejected:
    """A text that is not executed, with the reasons. The tree is not kept."""

    errors: tuple[GraphQLError, ...]


Prepared: TypeAlias = Operation | Rejected


class Documents:
    """A cache of the documents used last, bounded by their number and their length.

    A hit is one dictionary lookup. Rejected texts are cached too: refusing the same invalid text again must
    not cost more than serving a valid one. Trusted documents are kept apart and are never evicted.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        settings: DocumentSettings,
        limits: LimitSettings,
        *,
        rules: Sequence[type[ASTValidationRule]] = specified_rules,
        pricing: Pricing = lambda field, nodes, fragments: Cost(),
        trusted: TrustedDocuments | None = None,
    ) -> None:
        self.core_schema = core_schema(schema)
        self.size = settings.document_cache_size
        self.limits = limits
        self.pricing = pricing
        self.suggestions = settings.suggestions
        self.trusted = trusted or TrustedDocuments(())
        self.trust = settings.documents_mode
        self.rules = (
            FiniteNumbers,
            *(_REPLACED.get(rule, rule) for rule in rules),
            *STRAWBERRY_RULES,
            *(() if settings.introspection else (NoSchemaIntrospectionCustomRule,)),
        )
        self._cache: OrderedDict[tuple[str, str | None], Prepared] = OrderedDict()
        self._characters = 0
        self._pinned: dict[tuple[str, str | None], Prepared] = {}

    def __len__(self) -> int:
        return len(self._cache)

    def prepare(self, query: str, operation_name: str | None = None) -> Prepared:
        """Return the operation to execute, or the reasons against it."""
        return finish(self.prepare_in_parts(query, operation_name))

    def prepare_in_parts(
        self, query: str, operation_name: str | None, plan: Callable[[Operation], Parts[None]] | None = None
    ) -> Parts[Prepared]:
        """Return what `prepare` returns, in parts if the text is long.

        A long operation is planned by `plan` before it is cached, so that no request executes it without.
        """
        prepared = self.get(query, operation_name)
        if prepared is None:
            is_trusted = self.trust == "off" or query in self.trusted
            if not is_trusted and self.trust == "enforce":
                return reject_untrusted()
            prepared = yield from self._prepare(query, operation_name)
            if plan is not None and len(query) > LONG_TEXT and not isinstance(prepared, Rejected):
                yield
                yield from plan(prepared)
            self._add((query, operation_name), prepared)
            if not is_trusted:
                _log_untrusted(query, prepared)
        return prepared

    def get(self, query: str, operation_name: str | None = None) -> Prepared | None:
        """Return what was prepared before, None for a text that is not cached."""
        key = (query, operation_name)
        prepared = self._cache.get(key)
        if prepared is None:
            return self._pinned.get(key)
        self._cache.move_to_end(key)
        return prepared

    def pin(self, text: str) -> dict[str | None, Prepared]:
        """Prepare a document and keep it; return its operations by name, None if it has no name.

        Clients select one of several operations by `operationName`.
        """
        prepared = finish(self._prepare(text, None))
        names = self._operation_names(text)
        by_name: dict[str | None, Prepared] = {
            name: prepared if len(names) == 1 else finish(self._prepare(text, name)) for name in names
        }
        self._pinned[text, None] = prepared
        self._pinned |= {(text, name): each for name, each in by_name.items()}
        return by_name or {None: prepared}

    def estimate(self, operation: Operation, variables: Mapping[str, Any]) -> Estimate:
        """Return what an operation may cost. Any: values of variables."""
        return operation.estimate or estimate_cost(operation.steps, variables, self.limits)

    def estimate_without_variables(self, operation: Operation) -> Estimate:
        """Return what an operation may cost with the default values of its variables."""
        return self.estimate(operation, default_values(operation))

    def check_estimate(self, estimate: Estimate) -> GraphQLError | None:
        """Return the error for an operation whose estimate exceeds a limit."""
        return check_estimate(estimate, self.limits)

    def _operation_names(self, text: str) -> list[str]:
        try:
            definitions = parse_document(text, self.limits).definitions
        except GraphQLError:  # reported when the document is prepared
            return []
        operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
        return [each.name.value for each in operations if each.name]

    def _prepare(self, query: str, operation_name: str | None) -> Parts[Prepared]:
        try:
            document = parse_document(query, self.limits)
            aliases = check_shape(document, self.limits)
        except GraphQLError as error:
            return self._reject([error], ErrorCode.GRAPHQL_PARSE_FAILED)
        is_long = len(query) > LONG_TEXT
        if is_long:
            yield
        errors = validate(
            self.core_schema,
            document,
            self.rules,
            max_errors=MAX_ERRORS - 1,
            hide_suggestions=not self.suggestions,
        )
        if errors:
            return self._reject(errors, ErrorCode.GRAPHQL_VALIDATION_FAILED)
        if is_long:
            yield
        try:
            node = _select_operation(document, operation_name)
        except GraphQLError as error:
            return self._reject([error], ErrorCode.GRAPHQL_VALIDATION_FAILED)
        operation = self._operation(document, node, aliases)
        if not may_defer(query):
            return operation
        conditions = defer_conditions(node, operation.fragment_definitions)
        if not conditions:
            return operation
        if isinstance(operation, SubscriptionOperation):
            unsupported = GraphQLError("`@defer` is not supported in a subscription.", node)
            return self._reject([unsupported], ErrorCode.GRAPHQL_VALIDATION_FAILED)
        stripped = without_defer(document)
        prepared = self._operation(stripped, _select_operation(stripped, operation_name), aliases)
        if len(conditions) <= MAX_DEFERRED:
            prepared.deferred = DeferredOperation(operation=operation, conditions=conditions)
        return prepared

    def _reject(self, errors: Sequence[GraphQLError], code: ErrorCode) -> Rejected:
        for error in errors:
            if not self.suggestions:  # not all rules and no syntax error of graphql-core know this setting
                error.message = _SUGGESTION.sub(".", error.message)
            error.message = shorten(error.message)
            error.extensions = {"code": code, **(error.extensions or {})}  # a limit rule sets its own code
            # Locations are computed by now. Nodes, source and traceback would keep the complete tree alive.
            error.nodes = error.source = error.positions = None
            error.__traceback__ = error.__context__ = error.__cause__ = None
            if error.original_error is not None:  # raised by a scalar for a literal
                error.original_error.__traceback__ = None
        return Rejected(errors=tuple(errors))

    def _operation(self, document: DocumentNode, node: OperationDefinitionNode, aliases: int) -> Operation:
        definitions = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        steps = cost_steps(self.core_schema, node, definitions, self.pricing)
        estimate = None if has_variable_cost(steps) else estimate_cost(steps, {}, self.limits)
        kind = SubscriptionOperation if node.operation is OperationType.SUBSCRIPTION else Operation
        return kind(
            document=document,
            node=node,
            fragment_definitions=definitions,
            fragments={name: FragmentDetails(node, None) for name, node in definitions.items()},
            name=node.name.value[:MAX_NAME_LENGTH] if node.name else None,
            is_mutation=node.operation is OperationType.MUTATION,
            variables=variables_of(self.core_schema, node.variable_definitions or ()),
            variables_decoder=VariablesDecoder(node) if node.variable_definitions else None,
            steps=steps,
            aliases=aliases,
            nests_lists=nests_lists(self.core_schema, node, definitions),
            calls_polaris=calls_polaris(steps),
            estimate=estimate,
            excess=None if estimate is None else check_estimate(estimate, self.limits),
        )

    def _add(self, key: tuple[str, str | None], prepared: Prepared) -> None:
        length = _length(key)
        if not self.size or length > MAX_CACHED_TEXT:
            return
        self._cache[key] = prepared
        self._characters += length
        while len(self._cache) > self.size or self._characters > MAX_CHARACTERS:
            evicted, _ = self._cache.popitem(last=False)
            self._characters -= _length(evicted)


def default_values(operation: Operation) -> dict[str, Any]:
    """Return the default values of an operation's variables, for those that have one. Any: JSON."""
    return {
        each.variable.name.value: value_from_ast_untyped(each.default_value)
        for each in operation.node.variable_definitions or ()
        if each.default_value is not None
    }


def rejection(message: str, code: ErrorCode) -> Rejected:
    """Return the rejection of a document for a reason that has no location in its text."""
    return Rejected(errors=(GraphQLError(message, extensions={"code": code}),))


def reject_untrusted() -> Rejected:
    """Return the rejection of a document that is in no manifest."""
    return rejection(
        "The document is not in the manifest of trusted documents.", ErrorCode.DOCUMENT_NOT_TRUSTED
    )


def _select_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """Select as the specification does, never by position: the first of two may be the wrong one."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name is not None:
        operations = [each for each in operations if each.name and each.name.value == name]
        if not operations:
            raise GraphQLError(f"The document has no operation named '{name}'.")
    if not operations:
        raise GraphQLError("The document has no operation.")
    if len(operations) > 1:
        raise GraphQLError("`operationName` is required: the document has several operations.")
    return operations[0]


def _log_untrusted(text: str, prepared: Prepared) -> None:
    """Log a document by its hash and its operation. Its text may hold anything and is never logged."""
    if isinstance(prepared, Rejected):  # it is not served
        return
    name = prepared.node.name.value if prepared.node.name else "without a name"
    digest = hashlib.sha256(text.encode()).hexdigest()
    log.warning("Not in the manifest: document %s, operation %s", digest, name)


def _length(key: tuple[str, str | None]) -> int:
    query, operation_name = key
    return len(query) + len(operation_name or "")
