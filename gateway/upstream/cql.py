"""CQL queries: a value never leaves its quotes, a caller's query never leaves its parentheses."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal, get_args, overload

Comparison = Literal["<", "<=", ">", ">=", "<>"]
WordMatch = Literal["=", "all", "any"]

_INDEX = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"
_LITERAL = str.maketrans({char: f"\\{char}" for char in '\\"*?^'})
_PATTERN = str.maketrans({char: f"\\{char}" for char in '\\"'})

_MAX_DEPTH = 20  # no query at a desk nests deeper; every upstream parser is recursive
_KEYWORDS = {"and": "operator", "or": "operator", "not": "operator", "prox": "prox", "sortby": "sortby"}
_NAMED_RELATIONS = {"all", "any", "adj"}
_MODIFIER = re.compile(r"@?[A-Za-z][A-Za-z0-9.]*")
# Bare words of ASCII are narrow on purpose: text that other parsers might read differently must be quoted.
# Words with other characters are accepted, because FOLIO's front ends send them, and quoted before they are
# sent.
_TOKEN = re.compile(
    r"""(?P<space>\ +)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<symbol>==|<=|>=|<>|[<>=])
      | (?P<mark>[()/])
      | (?P<word>(?:[A-Za-z0-9_.:@*?^+-]|(?![\s\ufeff])[^\x00-\x9f])+)""",
    re.VERBOSE,
)
_JOINERS = str.maketrans("", "", "\u200c\u200d")  # not printable, but part of words in Persian and Hindi


class CqlError(ValueError):
    """The reason why a text cannot be part of a query, without the text."""


@dataclass(frozen=True, slots=True, init=False)
class Cql:
    """One clause or one parenthesised group, so that any prefix or operator next to it is safe."""

    # Not in the repr: values are barcodes and names, and a repr may be logged.
    _text: str = field(repr=False)

    def __init__(self) -> None:
        raise TypeError("use the functions of this module to create a Cql: they quote its values")

    def __str__(self) -> str:
        return self._text


def _cql(text: str) -> Cql:
    query = object.__new__(Cql)
    object.__setattr__(query, "_text", text)
    return query


EVERYTHING: Final = _cql("cql.allRecords=1")


def equal(index: str, value: str, *, number: bool = False) -> Cql:
    """Match the complete field; wildcards in the value are literal."""
    return _clause(index, _relation("==", number), _value(value, number))


def any_of(index: str, values: Sequence[str], *, number: bool = False) -> Cql:
    """Match the complete field against any of several values."""
    if isinstance(values, str) or not values:
        raise ValueError("`values` must be a list of at least one value")
    if not number and is_plain("".join(values)):
        quoted = ['" or "'.join(values).join('""')]
    else:
        quoted = [_value(value, number) for value in values]
    return _clause(index, _relation("==", number), quoted[0] if len(values) == 1 else _group("or", quoted))


def query_of_ids(index: str, ids: Sequence[str], within: Cql | None = None) -> str:
    """Return the query for records with one of several ids, and `within` the clause."""
    if not is_plain("".join(ids)):
        return str(all_of(any_of(index, ids), within))
    values = '" or "'.join(ids)
    clause = f'{_index(index)}=="{values}"' if len(ids) == 1 else f'{_index(index)}==("{values}")'
    return clause if within is None else f"({clause} and {within})"


def matches(index: str, pattern: str) -> Cql:
    """Match the complete field against a pattern in which `*`, `?` and `^` keep their meaning."""
    return _clause(index, "==", f'"{_escape(pattern, _PATTERN)}"')


def starts_with(index: str, text: str) -> Cql:
    """Match fields that start with the text."""
    if not text:
        raise CqlError("an empty prefix would match every record")
    return _clause(index, "==", f'"{_escape(text)}*"')


def words(index: str, text: str, match: WordMatch = "=") -> Cql:
    """Match whole words: `=` as a phrase, `all` in any order, `any` at least one."""
    if match not in get_args(WordMatch):
        raise ValueError("`match` must be '=', 'all' or 'any'")
    if not text.strip():
        # FOLIO reads `index=""` as "the field is present".
        raise CqlError("a text without words would match every record that has the field")
    return _clause(index, match if match == "=" else f" {match} ", _value(text))


def compare(index: str, relation: Comparison, value: str, *, number: bool = False) -> Cql:
    """Compare as text, or as numbers: as text, "10" is less than "2"."""
    if relation not in get_args(Comparison):
        raise ValueError("`relation` must be one of <, <=, >, >=, <>")
    return _clause(index, _relation(relation, number), _value(value, number))


def present(index: str) -> Cql:
    """Match records that have the field, even if it is empty."""
    return _clause(index, "=", '""')


def absent(index: str) -> Cql:
    """Match records that lack the field."""
    return but_not(EVERYTHING, present(index))


@overload
def all_of(first: Cql, /, *rest: Cql | None) -> Cql: ...
@overload
def all_of(*clauses: Cql | None) -> Cql | None: ...
def all_of(*clauses: Cql | None) -> Cql | None:
    """Join with `and`; None is no condition, and the result is None if all are."""
    return _join("and", clauses)


@overload
def one_of(first: Cql, /, *rest: Cql | None) -> Cql: ...
@overload
def one_of(*clauses: Cql | None) -> Cql | None: ...
def one_of(*clauses: Cql | None) -> Cql | None:
    """Join with `or`; None is skipped, and the result is None if all are."""
    return _join("or", clauses)


def but_not(query: Cql, excluded: Cql | None) -> Cql:
    """Exclude the matches of the second query from the first; None excludes nothing."""
    return query if excluded is None else _cql(_group("not", [str(query), str(excluded)]))


def _join(operator: str, clauses: Sequence[Cql | None]) -> Cql | None:
    kept = [clause for clause in clauses if clause is not None]
    if len(kept) < 2:
        return kept[0] if kept else None
    return _cql(_group(operator, [str(clause) for clause in kept]))


def _group(operator: str, members: Sequence[str]) -> str:
    # One operator in each pair of parentheses: `and`, `or` and `not` have equal precedence in CQL.
    return f"({f' {operator} '.join(members)})"


@dataclass(frozen=True, slots=True)
class SortKey:
    """An index to sort by; with `number` as numbers, because as text "10" sorts before "2"."""

    index: str
    _: KW_ONLY
    descending: bool = False
    number: bool = False

    def __post_init__(self) -> None:
        _index(self.index)

    def __str__(self) -> str:
        direction = "/sort.descending" if self.descending else ""
        return f"{self.index}{direction}{'/number' if self.number else ''}"


def sort_by(query: Cql | None, sort: Sequence[SortKey], *, tie_break: str | None = "id") -> str:
    """Return the complete query; a unique last key keeps records from moving between pages."""
    keys = list(sort)
    if tie_break is not None and all(key.index != tie_break for key in keys):
        keys.append(SortKey(tie_break))
    text = str(EVERYTHING if query is None else query)
    return f"{text} sortby {' '.join(map(str, keys))}" if keys else text


def timestamp(when: datetime) -> str:
    """Format a time in UTC to the millisecond, the form in which FOLIO compares dates as text."""
    if when.utcoffset() is None:
        raise CqlError("a time needs its offset from UTC")
    try:
        return when.astimezone(UTC).isoformat(timespec="milliseconds")
    except OverflowError:
        raise CqlError("a time must lie in the years 1 to 9999") from None


def _clause(index: str, relation: str, quoted: str) -> Cql:
    return _cql(f"{_index(index)}{relation}{quoted}")


@lru_cache(maxsize=256)  # the loaders use a few dozen
def _index(name: str) -> str:
    if not _INDEX.fullmatch(name) or name.lower() in _KEYWORDS:
        raise ValueError("an index must be a letter, then letters, digits, '_' or '.', and no keyword")
    return name


def _relation(relation: str, number: bool) -> str:
    # With the space: directly after a word, a quotation mark opens no quotes in FOLIO's parser (cql-java).
    return f"{relation}/number " if number else relation


def _value(value: str, number: bool = False) -> str:
    # Some versions of raml-module-builder put the term of a /number relation unchanged into SQL (queryBySql).
    if number and not _NUMBER.fullmatch(value):
        raise CqlError("a number was expected")
    return f'"{_escape(value)}"'


def is_plain(value: str) -> bool:
    """Return True if nothing in a value is special in CQL or in a query string, as in ids, which most are."""
    return value.isascii() and value != "" and not value.encode("ascii").translate(None, _PLAIN)


def fold(text: str) -> str:
    """Return a value without case and accents, as most indexes of FOLIO compare it.

    They apply `lower` and `unaccent` (raml-module-builder, `f_unaccent`), which also replaces letters that
    have no decomposition, such as the Polish l with a stroke: values that differ here may be equal there.
    """
    if text.isascii():
        return text.lower()
    # Character by character: NFKD sorts the marks of a letter, in quadratic time if there are many.
    decomposed = "".join(map(_decompose, text.casefold()))
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


@lru_cache(maxsize=4096)  # a library's alphabets
def _decompose(char: str) -> str:
    return unicodedata.normalize("NFKD", char)


def _escape(value: str, escapes: dict[int, str] = _LITERAL) -> str:
    if is_plain(value):
        return value
    if control := _CONTROL.search(value):
        raise CqlError(f"a value holds a control character at position {control.start()}")
    return value.translate(escapes)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


# Parses one production from a token on, at a depth, and returns the position of the token after it.
_Parse = Callable[[Sequence[_Token], int, int], int]


def caller_cql(text: str, *, max_length: int = 2000) -> Cql:
    """Parse a query written by an API client: complete clauses only, put in parentheses, without a sort.

    The text is kept, except that unquoted values with characters beyond ASCII are quoted.
    """
    if len(text) > max_length:
        raise CqlError(f"Invalid CQL: more than {max_length} characters; got {len(text)}")
    if control := _CONTROL.search(text):
        raise _invalid("a control character", control.start())
    if not text.strip(" "):
        raise _invalid("an empty query", 0)
    tokens = [*_tokens(text), _Token("end", "", len(text))]
    after = _operands(tokens, 0, 0, _condition)
    _expect(tokens, after, "end", "'and', 'or', 'not' or the end")
    return _cql(f"({_quote_words(text, tokens).strip(' ')})")


def _quote_words(text: str, tokens: Sequence[_Token]) -> str:
    if text.isascii():
        return text
    parts: list[str] = []
    end = 0
    for token in tokens:
        if token.kind == "word" and not token.text.isascii():
            parts += (text[end : token.at], f'"{token.text}"')
            end = token.at + len(token.text)
    return "".join((*parts, text[end:]))


def _invalid(reason: str, at: int) -> CqlError:
    return CqlError(f"Invalid CQL: {reason} at position {at}")


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _invalid(_unreadable_character(text[at]), at)
        if match.lastgroup == "word":
            _check_word(match.group(), at)
        at = match.end()
        if match.lastgroup == "word" and text.startswith('"', at):
            # Here cql-java reads to the next space, so a parenthesis in these quotes would be syntax.
            raise _invalid("a quotation mark inside a word", at)
        if match.lastgroup != "space":
            yield _token(str(match.lastgroup), match.group(), match.start())


def _check_word(word: str, at: int) -> None:
    if word.isascii() or word.translate(_JOINERS).isprintable():
        return
    invisible = next(place for place, char in enumerate(word) if not char.translate(_JOINERS).isprintable())
    raise _invalid(_unreadable_character(word[invisible]), at + invisible)


def _unreadable_character(char: str) -> str:
    if char == '"':
        return "an unclosed quotation mark"
    return "a backslash outside quotes" if char == "\\" else "a character that must be quoted"


def _token(kind: str, text: str, at: int) -> _Token:
    if kind == "mark":
        return _Token(text, text, at)
    if kind == "word":
        kind = _KEYWORDS.get(text.lower(), "word")
    if kind == "sortby":
        raise _invalid("'sortby', for which there is an argument,", at)
    if kind == "prox":
        raise _invalid("the operator 'prox', which FOLIO does not support,", at)
    return _Token(kind, text, at)


def _operands(tokens: Sequence[_Token], position: int, depth: int, parse: _Parse) -> int:
    position = parse(tokens, position, depth)
    while tokens[position].kind == "operator":
        position = parse(tokens, position + 1, depth)
    return position


def _parse_parentheses(tokens: Sequence[_Token], position: int, depth: int, parse: _Parse) -> int:
    if depth == _MAX_DEPTH:
        raise _invalid(f"more than {_MAX_DEPTH} nested parentheses", tokens[position].at)
    after = _operands(tokens, position + 1, depth + 1, parse)
    return _expect(tokens, after, ")", "'and', 'or', 'not' or a closing parenthesis")


def _condition(tokens: Sequence[_Token], position: int, depth: int) -> int:
    token = tokens[position]
    if token.kind == "(":
        return _parse_parentheses(tokens, position, depth, _condition)
    if token.text == ">":
        raise _invalid("a prefix assignment", token.at)
    if not _is_index(token):
        raise _invalid("expected an index name", token.at)
    modifiers = _after_relation(tokens, position + 1)
    values = _after_modifiers(tokens, modifiers)
    after = _term(tokens, values, depth)
    if any(token.text.lower() == "number" for token in tokens[modifiers:values]):
        _only_numbers(tokens[values:after])
    return after


def _is_index(token: _Token) -> bool:
    if token.kind == "string":  # a name only: quotes do not make other characters safe in an index
        name = token.text[1:-1]
        return _INDEX.fullmatch(name) is not None and name.lower() not in _KEYWORDS.keys() | _NAMED_RELATIONS
    return token.kind == "word" and _INDEX.fullmatch(token.text) is not None


def _after_relation(tokens: Sequence[_Token], position: int) -> int:
    token = tokens[position]
    if token.kind != "symbol" and token.text not in _NAMED_RELATIONS:
        raise _invalid("expected a relation", token.at)
    return position + 1


def _after_modifiers(tokens: Sequence[_Token], position: int) -> int:
    while tokens[position].kind == "/":
        name = tokens[position + 1]
        if name.kind != "word" or not _MODIFIER.fullmatch(name.text):
            raise _invalid("expected a modifier", name.at)
        position += 2
        if tokens[position].kind == "symbol":
            position = _value_token(tokens, position + 1)
    return position


def _term(tokens: Sequence[_Token], position: int, depth: int) -> int:
    if tokens[position].kind == "(":
        return _parse_parentheses(tokens, position, depth, _term)
    return _value_token(tokens, position)


def _value_token(tokens: Sequence[_Token], position: int) -> int:
    if tokens[position].kind not in ("word", "string"):
        raise _invalid("expected a value", tokens[position].at)
    return position + 1


def _only_numbers(tokens: Sequence[_Token]) -> None:
    for token in tokens:
        if token.kind in ("word", "string") and not _NUMBER.fullmatch(token.text.strip('"')):
            raise _invalid("expected a number", token.at)


def _expect(tokens: Sequence[_Token], position: int, kind: str, expected: str) -> int:
    if tokens[position].kind != kind:
        raise _invalid(f"expected {expected}", tokens[position].at)
    return position + 1
