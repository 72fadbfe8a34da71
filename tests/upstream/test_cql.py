"""CQL queries: values stay inside their quotes."""

import copy
import time
import unicodedata
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.sandbox.cql.parser import parse_query
from gateway.upstream.cql import (
    EVERYTHING,
    Comparison,
    Cql,
    CqlError,
    SortKey,
    absent,
    all_of,
    any_of,
    but_not,
    caller_cql,
    compare,
    equal,
    fold,
    matches,
    one_of,
    present,
    query_of_ids,
    sort_by,
    starts_with,
    timestamp,
    words,
)

LOAN = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
OTHER_LOAN = "61d939e4-f2ae-4c53-95d2-224a802fa2a6"

INJECTIONS = [
    'x" or cql.allRecords=1 or barcode=="',
    "*",
    'a") or (id=="*',
    'x" sortby name',
    "x&limit=100000",
    'status.name=="Open" or id',
    "\\",
    '\\"',
    "\\\\",
    '"',
    'x\\" or cql.allRecords=1 or barcode==\\"',
    ") or (cql.allRecords=1",
    "",
]

_printable = st.characters(exclude_categories=["Cs"], exclude_characters="\x7f", min_codepoint=0x20)
controls = st.sampled_from([*map(chr, range(0x20)), "\x7f", "\ud800", "\udfff"])
texts = st.one_of(st.text(_printable), st.text(alphabet='\\"*?^() =/<>a'), st.sampled_from(INJECTIONS))
wordy_texts = texts.filter(lambda text: text.strip() != "")


@dataclass(frozen=True)
class Reading:
    """A rendered query, parsed without knowledge of the code that wrote it."""

    outside: str
    values: list[str]
    masks: int


def read(rendered: str) -> Reading:
    """Read character by character; only an unescaped quotation mark opens or closes a value."""
    outside, values, masks, quoted = "", list[str](), 0, False
    chars = iter(rendered)
    for char in chars:
        if char == '"':
            quoted = not quoted
            outside += char
            if quoted:
                values.append("")
        elif not quoted:
            outside += char
        elif char == "\\":
            values[-1] += next(chars)
        else:
            masks += char in "*?^"
            values[-1] += char
    assert not quoted
    return Reading(outside, values, masks)


def depths(rendered: str, *, mid_word_quotes: bool) -> list[int]:
    """Return the depth after each character outside quotes, by either reading of a quotation mark."""
    seen, depth, quoted, escaped, in_word = list[int](), 0, False, False, False
    for char in rendered:
        if quoted:
            quoted = escaped or char != '"'
            escaped = char == "\\" and not escaped
            continue
        if char == '"' and (mid_word_quotes or not in_word):
            quoted = True
            continue
        in_word = char not in ' ()/<>="'
        depth += {"(": 1, ")": -1}.get(char, 0)
        seen.append(depth)
    assert not quoted
    return seen


def test_a_value_is_compared_with_the_complete_field() -> None:
    """An exact clause is index, two equals signs and the quoted value."""
    assert str(equal("userId", LOAN)) == f'userId=="{LOAN}"'


def test_the_five_special_characters_are_escaped() -> None:
    """Each of the five characters that are special in CQL gets a backslash."""
    assert str(equal("externalSystemId", 'a"b\\c*d?e^f')) == r'externalSystemId=="a\"b\\c\*d\?e\^f"'


def test_an_empty_value_means_present_and_empty() -> None:
    """An exact clause may have an empty value."""
    assert str(equal("barcode", "")) == 'barcode==""'


def test_several_values_become_a_list() -> None:
    """Several values of one index share one clause."""
    assert str(any_of("id", [LOAN, OTHER_LOAN])) == f'id==("{LOAN}" or "{OTHER_LOAN}")'


def test_one_value_needs_no_list() -> None:
    """A list of one is the same as an exact clause."""
    assert any_of("id", [LOAN]) == equal("id", LOAN)


@pytest.mark.parametrize("within", [None, present("name"), one_of(present("a"), present("b"))])
@pytest.mark.parametrize("ids", [[LOAN], [LOAN, OTHER_LOAN], ["a b"], ['"', "*"], [""], [LOAN, ""]])
def test_the_query_of_ids_is_that_of_its_clauses(ids: list[str], within: Cql | None) -> None:
    """It is written in one step, and has the text of its parts joined."""
    assert query_of_ids("id", ids, within) == str(all_of(any_of("id", ids), within))


@pytest.mark.parametrize("values", [[], (), "", "abc"])
def test_no_values_or_a_bare_text_is_no_list(values: list[str]) -> None:
    """An empty list is rejected, and a text is not read as a list of letters."""
    with pytest.raises(ValueError, match=r"^`values` must be a list of at least one value$"):
        any_of("id", values)


def test_a_pattern_keeps_its_wildcards() -> None:
    """In a pattern only the quotation mark and the backslash are escaped."""
    assert str(matches("title", 'a*b?c^d"e\\f')) == r'title=="a*b?c^d\"e\\f"'


def test_a_prefix_ends_in_the_only_wildcard() -> None:
    """A star in the prefix is literal, the star after it is not."""
    assert str(starts_with("status", "Open")) == 'status=="Open*"'
    assert str(starts_with("status", "O*")) == r'status=="O\**"'


def test_an_empty_prefix_is_rejected() -> None:
    """An empty prefix would list everything."""
    with pytest.raises(CqlError, match=r"^an empty prefix would match every record$"):
        starts_with("status", "")


def test_words_match_as_phrase_all_or_any() -> None:
    """Words match as a phrase by default."""
    assert str(words("title", "semantic web?")) == r'title="semantic web\?"'
    assert str(words("title", "semantic web", "all")) == 'title all "semantic web"'
    assert str(words("title", "semantic web", "any")) == 'title any "semantic web"'


@pytest.mark.parametrize("text", ["", " ", " \u00a0 "])
def test_words_need_a_word(text: str) -> None:
    """A blank text is rejected, because upstream would read it as "the field is present"."""
    with pytest.raises(CqlError, match=r"^a text without words would match every record that has the field$"):
        words("title", text)


@pytest.mark.parametrize("relation", ["<", "<=", ">", ">=", "<>"])
def test_a_comparison_is_of_text_or_of_numbers(relation: Comparison) -> None:
    """Texts are compared by default, and numbers on request."""
    assert str(compare("position", relation, "10")) == f'position{relation}"10"'
    assert str(compare("position", relation, "10", number=True)) == f'position{relation}/number "10"'


def test_equality_has_a_number_form() -> None:
    """Exact clauses, single and listed, can compare numbers."""
    assert str(equal("position", "-1.5", number=True)) == 'position==/number "-1.5"'
    assert str(any_of("position", ["1", "2"], number=True)) == 'position==/number ("1" or "2")'


@pytest.mark.parametrize("value", ["", "1 or 1=1", "1;", "--1", "1e999", "nan", "\u0661", "1\n", " 1"])
def test_a_number_is_a_number(value: str) -> None:
    """Only plain decimal numbers are accepted in a number clause."""
    with pytest.raises(CqlError, match=r"^a number was expected$"):
        compare("position", ">", value, number=True)


def test_an_unknown_relation_is_rejected() -> None:
    """A relation that is not listed is a programming error, also if types are ignored."""
    with pytest.raises(ValueError, match=r"^`relation` must be one of <, <=, >, >=, <>$"):
        compare("dueDate", cast(Any, '<"" or id>'), "x")
    with pytest.raises(ValueError, match=r"^`match` must be '=', 'all' or 'any'$"):
        words("title", "x", cast(Any, "=="))


def test_presence_and_absence() -> None:
    """A field is present if it matches the empty word, and absent otherwise."""
    assert str(present("proxyUserId")) == 'proxyUserId=""'
    assert str(absent("proxyUserId")) == '(cql.allRecords=1 not proxyUserId="")'


def test_groups_have_parentheses() -> None:
    """A group is closed in parentheses, and so is every group inside it."""
    of_user, open_, due = equal("userId", LOAN), equal("status.name", "Open"), present("dueDate")

    assert str(all_of(of_user, open_, due)) == f'(userId=="{LOAN}" and status.name=="Open" and dueDate="")'
    assert str(one_of(of_user, open_)) == f'(userId=="{LOAN}" or status.name=="Open")'
    assert str(but_not(of_user, open_)) == f'(userId=="{LOAN}" not status.name=="Open")'
    assert str(all_of(one_of(of_user, open_), but_not(due, of_user))) == (
        f'((userId=="{LOAN}" or status.name=="Open") and (dueDate="" not userId=="{LOAN}"))'
    )


@pytest.mark.parametrize("join", [all_of, one_of])
def test_none_is_no_condition(join: Callable[..., Cql | None]) -> None:
    """None is skipped, a single clause stays as it is, and no clauses are None."""
    of_user = equal("userId", LOAN)

    assert join(None, of_user, None) == of_user
    assert join(None, None) is None
    assert join() is None


def test_excluding_nothing() -> None:
    """Without an exclusion, a query stays as it is."""
    assert but_not(EVERYTHING, None) is EVERYTHING


def test_a_query_is_sorted_with_a_unique_last_key() -> None:
    """The sort ends in the record's id, so that pages do not overlap."""
    query = all_of(equal("userId", LOAN), equal("status.name", "Open"))

    assert sort_by(query, [SortKey("dueDate", descending=True)]) == (
        f'(userId=="{LOAN}" and status.name=="Open") sortby dueDate/sort.descending id'
    )


def test_a_sort_without_a_query_lists_everything() -> None:
    """No condition is written as all records."""
    assert sort_by(None, [SortKey("name")]) == "cql.allRecords=1 sortby name id"
    assert sort_by(None, []) == "cql.allRecords=1 sortby id"


def test_the_tie_break_is_added_once_or_not_at_all() -> None:
    """The last key is not repeated, can be another one, and can be omitted."""
    newest = [SortKey("id", descending=True)]

    assert sort_by(None, newest) == "cql.allRecords=1 sortby id/sort.descending"
    assert sort_by(None, newest, tie_break="hrid") == "cql.allRecords=1 sortby id/sort.descending hrid"
    assert sort_by(None, [], tie_break=None) == "cql.allRecords=1"


def test_a_sort_key_can_be_a_number() -> None:
    """A queue sorts by position as a number."""
    assert str(SortKey("position", number=True)) == "position/number"
    assert str(SortKey("position", number=True, descending=True)) == "position/sort.descending/number"


@pytest.mark.parametrize(
    "name",
    ["", "1a", ".a", "a b", "a/b", 'a=="b" or id', "a)", "a\n", "é", "id sortby x", "sortby", "NOT"],
)
def test_an_invalid_index_is_rejected(name: str) -> None:
    """A name that is no index is a programming error in every function."""
    users: list[Callable[[], object]] = [
        lambda: equal(name, "x"),
        lambda: any_of(name, ["x", "y"]),
        lambda: matches(name, "x"),
        lambda: starts_with(name, "x"),
        lambda: words(name, "x"),
        lambda: compare(name, "<", "x"),
        lambda: present(name),
        lambda: absent(name),
        lambda: SortKey(name),
        lambda: sort_by(None, [], tie_break=name),
    ]
    for use in users:
        with pytest.raises(ValueError, match=r"^an index must be a letter, then letters"):
            use()


def test_a_query_cannot_be_constructed_or_changed() -> None:
    """A query is created by the functions of the module and cannot be changed afterwards."""
    query = equal("id", LOAN)

    with pytest.raises(TypeError):
        Cql("id==*")  # type: ignore[call-arg]  # the point of the test
    with pytest.raises(FrozenInstanceError):
        query._text = "id==*"  # type: ignore[misc]  # the point of the test
    assert copy.deepcopy(query) == query


def test_a_query_does_not_show_its_values_in_a_repr() -> None:
    """A log line with a query contains no barcode."""
    assert repr(equal("barcode", "4711")) == "Cql()"


WRITERS: list[Callable[[str], object]] = [
    lambda value: equal("barcode", value),
    lambda value: any_of("barcode", ["a", value]),
    lambda value: matches("barcode", value),
    lambda value: starts_with("barcode", value),
    lambda value: words("barcode", value),
    lambda value: compare("barcode", "<", value),
    caller_cql,
]


@given(st.text(_printable), controls, st.text(_printable))
def test_control_characters_are_rejected(before: str, control: str, after: str) -> None:
    """A control character or half a surrogate pair is rejected with its position and without the text."""
    for write in WRITERS:
        with pytest.raises(CqlError) as refusal:
            write(f"patron {before}{control}{after}")

        assert str(refusal.value).endswith(f"a control character at position {7 + len(before)}")
        assert "patron" not in str(refusal.value)


@given(texts)
@example('x" or cql.allRecords=1 or barcode=="')
def test_no_value_leaves_its_quotes(value: str) -> None:
    """For any value, the clause around it is the same and the value inside is the value."""
    assert read(str(equal("barcode", value))) == Reading('barcode==""', [value], 0)
    assert read(str(compare("barcode", ">=", value))) == Reading('barcode>=""', [value], 0)


@given(texts)
def test_no_pattern_leaves_its_quotes(pattern: str) -> None:
    """A pattern keeps every wildcard and nothing but its wildcards."""
    masks = sum(pattern.count(char) for char in "*?^")

    assert read(str(matches("title", pattern))) == Reading('title==""', [pattern], masks)


@given(wordy_texts)
def test_no_words_leave_their_quotes(text: str) -> None:
    """Words and prefixes contain only the given text, and a prefix one wildcard more."""
    assert read(str(words("title", text))) == Reading('title=""', [text], 0)
    assert read(str(words("title", text, "all"))) == Reading('title all ""', [text], 0)
    assert read(str(starts_with("title", text))) == Reading('title==""', [f"{text}*"], 1)


@given(st.lists(texts, min_size=2))
def test_no_value_leaves_its_list(values: list[str]) -> None:
    """A list has as many members as were given, each with its value."""
    outside = " or ".join(['""'] * len(values))

    assert read(str(any_of("id", values))) == Reading(f"id==({outside})", values, 0)


@given(texts, texts, texts)
def test_no_value_leaves_its_group_or_reaches_the_sort(one: str, two: str, three: str) -> None:
    """Values change neither the parentheses nor the sort of the query around them."""
    query = all_of(one_of(equal("a", one), matches("b", two)), but_not(EVERYTHING, equal("c", three)))
    reading = read(sort_by(query, [SortKey("name")]))

    assert reading.outside == '((a=="" or b=="") and (cql.allRecords=1 not c=="")) sortby name id'
    assert reading.values == [one, two, three]


ACCEPTED = [
    'barcode=="123"',
    "barcode==123",
    "cql.allRecords=1",
    'status=="Open*" and requesterId=="x"',
    '(a=="1" or b=="2") not c=="3"',
    'id==("a" or "b")',
    'keyword all (("a" and "b") or c)',
    'title all "semantic web"',
    'title adj "semantic web" AND title any "x"',
    'dueDate<"2026-11-21T00:00:00.000+00:00"',
    "dueDate >= 2026-11-21T00:00:00.000+00:00",
    'position>/number 5 and position<=/number "10"',
    "position==/number(1 or 2)",
    "name==/respectCase/respectAccents x",
    'identifiers=/@identifierTypeId="a b"/@value 6316',
    'title=="a sortby b) or (c"',
    r'title=="a\"b\\"',
    'title=="Zürich\u2028"or(title=="x")',
    'proxyUserId=""',
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_callers_query_is_put_in_parentheses(text: str) -> None:
    """A well-formed query is kept, in parentheses, without the spaces around it."""
    assert str(caller_cql(text)) == f"({text})"
    assert str(caller_cql(f"  {text} ")) == f"({text})"


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ('("hrid"=="in1" or "id"=="in1")', '(("hrid"=="in1" or "id"=="in1"))'),
        ('"personal.lastName" all "x"', '("personal.lastName" all "x")'),
        (f'(requesterId=={LOAN}) and (status="Open")', f'((requesterId=={LOAN}) and (status="Open"))'),
        ("lastName==Müller", '(lastName=="Müller")'),
        ("  (lastName==Mül*) or title all 図書館 ", '((lastName=="Mül*") or title all "図書館")'),
        ('a=(é or "ü" or b) and "c">=ß', '(a=("é" or "ü" or b) and "c">="ß")'),
        ("a==\u0646\u0645\u06cc\u200c\u062e", '(a=="\u0646\u0645\u06cc\u200c\u062e")'),
        ("a==O\u2019Brien", '(a=="O\u2019Brien")'),
        ("a==e\u0301", '(a=="e\u0301")'),
        ("a==\U0001f4da", '(a=="\U0001f4da")'),
    ],
)
def test_queries_of_front_ends(text: str, sent: str) -> None:
    """Index names may be quoted and values beyond ASCII unquoted: those are quoted when sent."""
    assert str(caller_cql(text)) == sent
    assert str(caller_cql(sent)) == f"({sent})"
    parse_query(sent)


def test_a_callers_query_stays_in_its_parentheses() -> None:
    """An alternative in the caller's query cannot escape the condition next to it."""
    query = all_of(equal("userId", LOAN), caller_cql('a=="1" or b=="2"'))

    assert sort_by(query, []) == f'(userId=="{LOAN}" and (a=="1" or b=="2")) sortby id'


REFUSED = [
    ("", "an empty query at position 0"),
    ("   ", "an empty query at position 0"),
    ("a==b\tand c==d", "a control character at position 4"),
    ('a=="b', "an unclosed quotation mark at position 3"),
    ('a=="b\\', "an unclosed quotation mark at position 3"),
    ('a=="b\\"', "an unclosed quotation mark at position 3"),
    ("a==b\\", "a backslash outside quotes at position 4"),
    ("a==b'c", "a character that must be quoted at position 4"),
    ("a==b&limit=100000", "a character that must be quoted at position 4"),
    ("a==é\u0085b", "a character that must be quoted at position 4"),
    ("a==é\u2028b", "a character that must be quoted at position 4"),
    ("a==\u202eb", "a character that must be quoted at position 3"),
    ("a==b\u200b", "a character that must be quoted at position 4"),
    ("a==\ufeffb", "a character that must be quoted at position 3"),
    ("a==é\x00", "a control character at position 4"),
    ('a==é"b', "a quotation mark inside a word at position 4"),
    ("a==é'b", "a character that must be quoted at position 4"),
    ("a==é\\", "a backslash outside quotes at position 4"),
    ("a==é) or (b==c", "expected 'and', 'or', 'not' or the end at position 4"),
    ("é==b", "expected an index name at position 0"),
    ("a==b\u00a0sortby c", "a character that must be quoted at position 4"),
    ('a==x"or b==c) or (d=="y', "a quotation mark inside a word at position 4"),
    ('a all"b"', "a quotation mark inside a word at position 5"),
    ('a==/number"1"', "a quotation mark inside a word at position 10"),
    ("a==b sortby c", "'sortby', for which there is an argument, at position 5"),
    ('a=="b"SortBy c', "'sortby', for which there is an argument, at position 6"),
    ("sortby==1", "'sortby', for which there is an argument, at position 0"),
    ("(a==b) and (c==d sortBY/x)", "'sortby', for which there is an argument, at position 17"),
    ('>dc="http://dc" dc.title==x', "a prefix assignment at position 0"),
    ("a==b and (>x c==d)", "a prefix assignment at position 10"),
    ("a==b prox c==d", "the operator 'prox', which FOLIO does not support, at position 5"),
    ("()", "expected an index name at position 1"),
    ("(", "expected an index name at position 1"),
    (") or (a==b", "expected an index name at position 0"),
    ("a==b) or (c==d", "expected 'and', 'or', 'not' or the end at position 4"),
    ("(a==b", "expected 'and', 'or', 'not' or a closing parenthesis at position 5"),
    ("a==b c==d", "expected 'and', 'or', 'not' or the end at position 5"),
    ('a=="b" "c"', "expected 'and', 'or', 'not' or the end at position 7"),
    ("a==b==c", "expected 'and', 'or', 'not' or the end at position 4"),
    ("a==b and", "expected an index name at position 8"),
    ("a==b or or c==d", "expected an index name at position 8"),
    ("not a==b", "expected an index name at position 0"),
    ('"a b"==c', "expected an index name at position 0"),
    ('"a==1 or b"==c', "expected an index name at position 0"),
    ('"a\\"b"==c', "expected an index name at position 0"),
    ('"é"==c', "expected an index name at position 0"),
    ('""==c', "expected an index name at position 0"),
    ('"*"==c', "expected an index name at position 0"),
    ('"and"==c', "expected an index name at position 0"),
    ('"sortBy"==c', "expected an index name at position 0"),
    ('"all"==c', "expected an index name at position 0"),
    ('"a""b"', "expected a relation at position 3"),
    ('"a" and b', "expected a relation at position 4"),
    ("*==b", "expected an index name at position 0"),
    ("a==b and/x c==d", "expected an index name at position 8"),
    ("a", "expected a relation at position 1"),
    ('"a"', "expected a relation at position 3"),
    ("a ALL b", "expected a relation at position 2"),
    ("a and b", "expected a relation at position 2"),
    ("a==", "expected a value at position 3"),
    ("a===b", "expected a value at position 3"),
    ("a==and", "expected a value at position 3"),
    ("a==()", "expected a value at position 4"),
    ("a==(b or c==d)", "expected 'and', 'or', 'not' or a closing parenthesis at position 10"),
    ("a==/ b or", "expected a value at position 7"),
    ("a==/", "expected a modifier at position 4"),
    ('a==/"number" 1', "expected a modifier at position 4"),
    ("a==/x=", "expected a value at position 6"),
    ("a==/x=(b) c", "expected a value at position 6"),
    ("a==/number b", "expected a number at position 11"),
    ('a>/NUMBER "1 or 1=1"', "expected a number at position 10"),
    ("a==/x/number=1(2 or (b))", "expected a number at position 21"),
    ("(" * 21 + "a==b" + ")" * 21, "more than 20 nested parentheses at position 20"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_a_malformed_query_is_rejected_with_its_position(text: str, why: str) -> None:
    """A query that is not made of complete clauses is rejected, with the reason and its position."""
    with pytest.raises(CqlError) as refusal:
        caller_cql(text)

    assert str(refusal.value) == f"Invalid CQL: {why}"


def test_the_length_of_a_callers_query_is_limited() -> None:
    """The longest query is accepted and one character more is not."""
    longest = f'a=="{"x" * 15}"'

    assert str(caller_cql(longest, max_length=20)) == f"({longest})"
    with pytest.raises(CqlError, match=r"^Invalid CQL: more than 20 characters; got 21$"):
        caller_cql(f"{longest} ", max_length=20)
    with pytest.raises(CqlError, match=r"^Invalid CQL: more than 2000 characters; got 2001$"):
        caller_cql("x" * 2001)


def test_nesting_is_limited() -> None:
    """Twenty parentheses are accepted, over values as over clauses."""
    nested = "(" * 10 + "a==" + "(" * 10 + "b" + ")" * 20

    assert str(caller_cql(nested)) == f"({nested})"


fragments = st.sampled_from(
    [
        *'()"\\/ *=<>a5',
        *("==", "b.c", "é", "aé", '"d"', "and", " or ", "not ", "sortby", "all", "/number"),
        *('"x"', '"(\\""', '") or ("', "a==b", 'c=="d"', "(a==b)", " and a==b"),
    ]
)
queries = st.one_of(
    st.text(), st.lists(fragments, max_size=12).map("".join), st.lists(fragments, max_size=12).map(" ".join)
)
well_formed = st.recursive(
    st.sampled_from(ACCEPTED),
    lambda inner: st.one_of(
        inner.map("({})".format),
        st.lists(inner, min_size=2, max_size=3).map(" or ".join),
        inner.map("{} ".format),
    ),
    max_leaves=6,
)


@given(st.one_of(queries, well_formed))
def test_an_accepted_query_closes_only_at_its_end(text: str) -> None:
    """Any text is rejected, or its parentheses close at the very end, by either reading of quotes."""
    try:
        rendered = str(caller_cql(text))
    except CqlError:
        return

    for mid_word_quotes in (True, False):
        seen = depths(rendered, mid_word_quotes=mid_word_quotes)
        assert rendered.endswith(")")
        assert seen[-1] == 0
        assert min(seen[:-1]) > 0


@given(well_formed)
def test_complete_clauses_are_accepted(text: str) -> None:
    """Queries joined from accepted queries are accepted as well."""
    assert str(caller_cql(text)) == f"({text.strip(' ')})"


@given(queries)
def test_an_error_never_repeats_the_query(text: str) -> None:
    """The reason contains nothing that the caller wrote."""
    with pytest.raises(CqlError) as refusal:
        caller_cql(f"secret{text} secret==")

    assert "secret" not in str(refusal.value)


@given(wordy_texts)
def test_built_queries_are_accepted_as_a_callers(text: str) -> None:
    """Everything that this module writes is accepted as a caller's query."""
    written = [
        equal("a", text),
        equal("a", "5", number=True),
        any_of("a", [text, text]),
        any_of("a", ["5", "6"], number=True),
        matches("a", text),
        starts_with("a", text),
        words("a", text),
        words("a", text, "all"),
        compare("a", "<>", text),
        compare("a", "<>", "5", number=True),
        absent("a"),
    ]
    for query in [*written, but_not(all_of(*written), one_of(*written))]:
        assert str(caller_cql(str(query), max_length=100_000)) == f"({query})"


@pytest.mark.parametrize(
    ("when", "written"),
    [
        (datetime(2026, 11, 21, tzinfo=UTC), "2026-11-21T00:00:00.000+00:00"),
        (datetime(2026, 11, 21, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2026-11-20T23:30:00.000+00:00"),
        (datetime(2026, 11, 21, 23, 59, 59, 999999, tzinfo=UTC), "2026-11-21T23:59:59.999+00:00"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000+00:00"),
    ],
)
def test_a_time_is_written_in_utc(when: datetime, written: str) -> None:
    """A time is written in UTC with milliseconds, for any zone."""
    assert timestamp(when) == written


@given(*[st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones())] * 2)
def test_times_sort_as_texts(one: datetime, two: datetime) -> None:
    """The earlier of two times is never the greater text."""
    earlier, later = sorted((one.astimezone(UTC), two.astimezone(UTC)))

    assert timestamp(earlier) <= timestamp(later)


def test_a_time_without_a_zone_is_rejected() -> None:
    """The zone of a time is never guessed."""
    with pytest.raises(CqlError, match=r"^a time needs its offset from UTC$"):
        timestamp(datetime(2026, 11, 21))


def test_a_time_beyond_the_calendar_is_rejected() -> None:
    """A time that UTC cannot hold is rejected without a crash."""
    with pytest.raises(CqlError, match=r"^a time must lie in the years 1 to 9999$"):
        timestamp(datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))))


@given(st.text())
@example("\u1e9b\u0323 \uac01 \u01c5 \ufb03 \u0130")
def test_a_folding_is_without_the_marks_of_the_decomposition(text: str) -> None:
    """Character by character, the folding is that of the whole text."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    expected = "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()

    assert fold(text) == expected


def test_a_folding_takes_linear_time() -> None:
    """Marks in the wrong order, which normalization sorts, do not take a minute."""
    began = time.process_time()

    assert fold("a" + "\u0301" * 60_000 + "\u0316" * 60_000) == "a"
    assert time.process_time() - began < 2.0
