"""The CQL parser: text to a query that is parsed once and matched against many records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from gateway.sandbox.cql.clauses import AnyOf, Chain, Clause, Comparison, Everything, Relation
from gateway.sandbox.cql.terms import CqlError, Term

TOKEN = re.compile(
    r"""\s*(?:
        (?P<quoted>"(?:\\.|[^"\\])*")
      | (?P<symbol>==|<>|<=|>=|[=<>()/])
      | (?P<word>[^\s"()=<>/]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
SYMBOL_RELATIONS = {"==", "=", "<>", "<", "<=", ">", ">="}
WORD_RELATIONS = {"all", "any", "adj"}
BOOLEANS = {"and", "or", "not"}
RELATION_MODIFIERS = {"number", "string", "ignorecase", "respectcase", "ignoreaccents", "respectaccents"}
SORT_MODIFIERS = RELATION_MODIFIERS | {"sort.ascending", "sort.descending"}
MAX_NESTING = 100  # a request line of 4096 bytes could otherwise nest past Python's own stack


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str

    def word(self) -> str:
        """Return the text in lower case if it may be a keyword, else an empty string."""
        return self.text.lower() if self.kind == "word" else ""


@dataclass(frozen=True, slots=True)
class SortKey:
    index: str
    descending: bool = False
    number: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: the clause that records match, their order, and the indexes it uses."""

    where: Clause
    sort: tuple[SortKey, ...]
    indexes: frozenset[str]

    def ids(self) -> frozenset[str] | None:
        """Return the only ids that can match if the query lists them, else None."""
        clause = self.where
        if isinstance(clause, Chain) and all(boolean != "or" for boolean, _ in clause.rest):
            clause = clause.first
        return clause.values if isinstance(clause, AnyOf) and clause.index == "id" else None


@lru_cache(maxsize=512)
def parse_query(text: str) -> Query:
    """Parse a query.

    Raises CqlError for anything outside the subset. The dialect is the one of cql-java as raml-module-builder
    uses it: booleans bind equally, and parentheses inherit the index and relation before them.
    """
    return Parser(text).query()


def tokenize(text: str) -> Iterator[Token]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = TOKEN.match(text, position)
        if match is None:
            raise CqlError(f"cannot read the query at position {position}")
        yield Token(str(match.lastgroup), match.group(str(match.lastgroup)))
        position = match.end()
    yield Token("end", "")


class Parser:
    """A recursive descent parser over the tokens of one query."""

    def __init__(self, text: str) -> None:
        self.tokens = list(tokenize(text))
        self.position = 0
        self.depth = 0
        self.indexes: set[str] = set()

    @property
    def next(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.next
        self.position += 1
        return token

    def expect(self, text: str) -> None:
        if self.take().text != text:
            raise CqlError(f"expected {text} before token {self.position}")

    def query(self) -> Query:
        where = self.boolean(None)
        sort = self.sort_keys() if self.next.word() == "sortby" else ()
        if self.next.kind != "end":
            raise CqlError(f"unexpected text: {self.next.text}")
        return Query(where, sort, frozenset(self.indexes))

    def boolean(self, inherited: tuple[str, Relation] | None) -> Clause:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise CqlError("too deeply nested")
        first = self.clause(inherited)
        rest: list[tuple[str, Clause]] = []
        while (word := self.next.word()) in BOOLEANS:
            self.take()
            rest.append((word, self.clause(inherited)))
        self.depth -= 1
        return Chain.join(first, rest)

    def clause(self, inherited: tuple[str, Relation] | None) -> Clause:
        token = self.take()
        if token.text == "(" and token.kind == "symbol":
            inside = self.boolean(inherited)
            self.expect(")")
            return inside
        if token.kind not in ("word", "quoted"):
            raise CqlError(f"expected an index or a value; got {token.text or 'the end'}")
        relation = self.relation()
        if relation is not None:
            return self.comparand((strip_quotes(token), relation))
        if inherited is None:
            raise CqlError("cql.serverChoice is not supported: name an index")
        return self.comparison(inherited, token)

    def comparand(self, inherited: tuple[str, Relation]) -> Clause:
        if self.next.text == "(" and self.next.kind == "symbol":
            return self.clause(inherited)
        value = self.take()
        if value.kind not in ("word", "quoted"):
            raise CqlError(f"expected a value after {inherited[0]} {inherited[1].name}")
        return self.comparison(inherited, value)

    def comparison(self, inherited: tuple[str, Relation], value: Token) -> Clause:
        index, relation = inherited
        if index.lower() == "cql.allrecords":
            return Everything()
        self.indexes.add(index)
        term = Term.parse(strip_quotes(value))
        if relation.name == "==" and term.literal is not None and not relation.number:
            return AnyOf.one(index, term.literal)
        return Comparison(index, relation, term)

    def relation(self) -> Relation | None:
        token = self.next
        symbol = token.kind == "symbol" and token.text in SYMBOL_RELATIONS
        if not symbol and token.word() not in WORD_RELATIONS:
            return None
        self.take()
        modifiers = self.modifiers(RELATION_MODIFIERS)
        return Relation(token.text.lower(), number="number" in modifiers)

    def modifiers(self, supported: set[str]) -> set[str]:
        modifiers: set[str] = set()
        while self.next.text == "/" and self.next.kind == "symbol":
            self.take()
            modifier = self.take().word()
            if modifier not in supported:
                raise CqlError(f"unsupported modifier: {modifier}")
            modifiers.add(modifier)
        return modifiers

    def sort_keys(self) -> tuple[SortKey, ...]:
        self.take()
        keys: list[SortKey] = []
        while self.next.kind in ("word", "quoted"):
            index = strip_quotes(self.take())
            modifiers = self.modifiers(SORT_MODIFIERS)
            keys.append(SortKey(index, "sort.descending" in modifiers, "number" in modifiers))
        if not keys:
            raise CqlError("sortby needs an index")
        return tuple(keys)


def strip_quotes(token: Token) -> str:
    """Return the text between the quotes with its backslashes, which masking needs."""
    return token.text[1:-1] if token.kind == "quoted" else token.text
