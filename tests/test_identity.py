"""The caller of a request: tenant, token, request id, languages, trace and Polaris identity."""

import re
import time

import pytest

from gateway.errors import BadRequest
from gateway.identity import (
    Caller,
    PolarisIdentity,
    caller_from_headers,
    request_id_from_headers,
)

TENANT = (b"x-okapi-tenant", b"diku")
OUR_HOP = r"[0-9]{6}/graphql"


def caller(*headers: tuple[bytes, bytes], token_cookie: bool = False) -> Caller:
    return caller_from_headers([TENANT, *headers], token_cookie=token_cookie)


def refusal(*headers: tuple[bytes, bytes], token_cookie: bool = False) -> str:
    with pytest.raises(BadRequest) as caught:
        caller_from_headers(headers, token_cookie=token_cookie)
    assert caught.value.code == "BAD_REQUEST"
    return caught.value.message


def test_tenant_alone() -> None:
    """A tenant is sufficient; everything else stays unknown."""
    known = caller()

    assert known == Caller(tenant="diku", request_id=known.request_id)


@pytest.mark.parametrize("tenant", [b"a", b"fs00001144", b"cs_1", b"a" * 63])
def test_tenant_ids(tenant: bytes) -> None:
    """Tenant ids in FOLIO's form are accepted."""
    assert caller_from_headers([(b"x-okapi-tenant", tenant)], token_cookie=False).tenant == tenant.decode()


@pytest.mark.parametrize(
    "tenant",
    [
        b"",
        b"Diku",
        b"1diku",
        b"_diku",
        b"di ku",
        b"di-ku",
        b"diku\n",
        b"diku,other",
        b"d\xc3\xafku",
        b"a" * 64,
    ],
)
def test_malformed_tenant(tenant: bytes) -> None:
    """A tenant that FOLIO cannot have is rejected."""
    assert "X-Okapi-Tenant must be a lowercase letter" in refusal((b"x-okapi-tenant", tenant))


def test_missing_tenant() -> None:
    """Without a tenant the request is rejected."""
    assert refusal() == "Header X-Okapi-Tenant is missing."


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-okapi-tenant", b"diku"), (b"x-okapi-tenant", b" diku ")],
        [(b"x-okapi-tenant", b"diku, diku")],
        [(b"x-okapi-tenant", b"diku,diku"), (b"x-okapi-tenant", b"diku,diku")],
    ],
)
def test_repeated_tenant(headers: list[tuple[bytes, bytes]]) -> None:
    """A tenant that a proxy repeats is one tenant, also in one line."""
    assert caller_from_headers(headers, token_cookie=False).tenant == "diku"


def test_different_tenants() -> None:
    """Two tenants are refused."""
    message = "Header X-Okapi-Tenant was sent more than once, with different values."

    assert refusal((b"x-okapi-tenant", b"diku"), (b"x-okapi-tenant", b"college")) == message
    assert refusal((b"x-okapi-tenant", b"diku"), (b"x-okapi-tenant", b"")) == message
    assert "must be a lowercase letter" in refusal((b"x-okapi-tenant", b"diku, college"))


def test_default_tenant() -> None:
    """The sandbox fills in a missing tenant."""
    assert caller_from_headers([], token_cookie=False, default_tenant="diku").tenant == "diku"


def test_default_tenant_is_only_for_a_missing_one() -> None:
    """Even in the sandbox a malformed tenant is refused and a given one is kept."""
    given = caller_from_headers([(b"x-okapi-tenant", b"other")], token_cookie=False, default_tenant="diku")

    assert given.tenant == "other"
    with pytest.raises(BadRequest):
        caller_from_headers([(b"x-okapi-tenant", b"")], token_cookie=False, default_tenant="diku")


@pytest.mark.parametrize(
    "header",
    [
        (b"x-okapi-token", b"abc.def"),
        (b"authorization", b"Bearer abc.def"),
        (b"authorization", b"bearer  abc.def"),
    ],
)
def test_token(header: tuple[bytes, bytes]) -> None:
    """A token is accepted in either of Okapi's two headers."""
    assert caller(header).token == "abc.def"  # noqa: S105 - not a secret


def test_same_token_in_both_headers() -> None:
    """Both headers may contain the token if they agree."""
    assert caller((b"x-okapi-token", b"abc"), (b"authorization", b"Bearer abc")).token == "abc"  # noqa: S105


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-okapi-token", b"abc")] * 2,
        [(b"x-okapi-token", b"abc,abc")],
        [(b"authorization", b"Bearer abc")] * 2,
        [(b"authorization", b"Bearer abc, Bearer abc")],
        [(b"x-okapi-token", b"abc"), (b"x-okapi-token", b"abc"), (b"authorization", b"Bearer abc")],
        [(b"x-okapi-token", b"abc"), (b"authorization", b"Basic YTpi")],
        [(b"x-okapi-token", b"abc"), (b"authorization", b"basic YTpi")],
        [(b"x-okapi-token", b"abc"), (b"authorization", b"Negotiate YTpi")],
        [
            (b"x-okapi-token", b"abc"),
            (b"authorization", b"Digest a=b, c=d"),
            (b"authorization", b"Bearer abc"),
        ],
    ],
)
def test_repeated_token(headers: list[tuple[bytes, bytes]]) -> None:
    """Equal tokens are one token, and with X-Okapi-Token an authorization of another scheme is ignored."""
    assert caller(*headers).token == "abc"  # noqa: S105 - not a secret


def test_a_hostile_authorization_takes_linear_time() -> None:
    """A header of spaces with a line end, which some servers accept, does not take seconds."""
    began = time.process_time()

    assert refusal(TENANT, (b"authorization", b"Bearer" + b" " * 60_000 + b"\nx"))
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (
            [(b"x-okapi-token", b"abc"), (b"authorization", b"Bearer xyz")],
            "Headers X-Okapi-Token and Authorization have different tokens.",
        ),
        (
            [(b"x-okapi-token", b"abc"), (b"x-okapi-token", b"xyz")],
            "Header X-Okapi-Token was sent more than once, with different values.",
        ),
        (
            [(b"authorization", b"Bearer abc"), (b"authorization", b"Bearer xyz")],
            "Header Authorization was sent more than once, with different values.",
        ),
        (
            [(b"authorization", b"Bearer abc"), (b"authorization", b"Basic YTpi")],
            "Header Authorization was sent more than once, with different values.",
        ),
        (
            [(b"x-okapi-token", b"abc"), (b"authorization", b"Bearer")],
            "Header Authorization must be of the form 'Bearer <token>'.",
        ),
        ([(b"authorization", b"Basic YTpi")], "Header Authorization must be of the form 'Bearer <token>'."),
        ([(b"authorization", b"abc")], "Header Authorization must be of the form 'Bearer <token>'."),
        (
            [(b"authorization", b"Bearer ")],
            "Header Authorization must be of the form 'Bearer <token>'.",
        ),
        (
            [(b"x-okapi-token", b"")],
            "Header X-Okapi-Token is empty or contains characters that are not allowed in a token.",
        ),
        (
            [(b"x-okapi-token", b"a\r\nx-evil: 1")],
            "Header X-Okapi-Token is empty or contains characters that are not allowed in a token.",
        ),
        (
            [(b"x-okapi-token", b"a\x00b")],
            "Header X-Okapi-Token is empty or contains characters that are not allowed in a token.",
        ),
        (
            [(b"authorization", b"Bearer a\x7fb")],
            "Header Authorization is empty or contains characters that are not allowed in a token.",
        ),
        ([(b"x-okapi-token", b"a" * 8193)], "Header X-Okapi-Token must have at most 8192 bytes; got 8193."),
    ],
)
def test_bad_token(headers: list[tuple[bytes, bytes]], message: str) -> None:
    """A token that is doubled, ambiguous, unprintable or huge is rejected, and not quoted."""
    assert refusal(TENANT, *headers) == message


def test_longest_token() -> None:
    """A token of 8192 bytes is accepted."""
    assert caller((b"x-okapi-token", b"a" * 8192)).token == "a" * 8192


COOKIE = (b"cookie", b"theme=dark; folioAccessToken=abc; folioRefreshToken=never")


def test_cookie_is_off_by_default() -> None:
    """A cookie is not read unless the setting is on."""
    assert caller(COOKIE).token is None


def test_cookie() -> None:
    """If permitted, the access token is read from its cookie, and no other cookie is."""
    assert caller(COOKIE, token_cookie=True).token == "abc"  # noqa: S105 - not a secret


def test_header_comes_before_cookie() -> None:
    """A cookie only replaces a missing header."""
    assert caller(COOKIE, (b"x-okapi-token", b"xyz"), token_cookie=True).token == "xyz"  # noqa: S105


def test_no_such_cookie() -> None:
    """Other cookies leave the caller without a token."""
    assert caller((b"cookie", b"theme=dark"), token_cookie=True).token is None


def test_doubled_cookie() -> None:
    """Two different access tokens in one request are refused, equal ones are one."""
    other = (b"cookie", b"folioAccessToken=other")
    message = "Cookie folioAccessToken was sent more than once, with different values."

    assert refusal(TENANT, COOKIE, other, token_cookie=True) == message
    assert caller(COOKIE, COOKIE, token_cookie=True).token == caller(COOKIE, token_cookie=True).token


def test_bad_cookie() -> None:
    """A cookie has the same rules as a header."""
    message = refusal(TENANT, (b"cookie", b"folioAccessToken="), token_cookie=True)

    assert (
        message == "Cookie folioAccessToken is empty or contains characters that are not allowed in a token."
    )


@pytest.mark.parametrize("given", ["123456/users", "123456/users;654321/loans", "a-b_c.d,e", "x" * 256])
def test_request_id_is_continued(given: str) -> None:
    """A request id is kept, and the gateway's own part appended as Okapi does."""
    assert re.fullmatch(
        re.escape(given) + ";" + OUR_HOP, caller((b"x-okapi-request-id", given.encode())).request_id
    )


@pytest.mark.parametrize(
    "given", [[], [b""], [b"x" * 257], [b"a b"], [b"a\nb"], [b"<a>"], [b"1/users", b"2/users"]]
)
def test_request_id_is_started(given: list[bytes]) -> None:
    """A missing or invalid request id is replaced, never rejected."""
    assert re.fullmatch(OUR_HOP, caller(*((b"x-okapi-request-id", each) for each in given)).request_id)


def test_request_id_of_an_unknown_caller() -> None:
    """A refused request has an id as well."""
    continued = request_id_from_headers([(b"x-okapi-request-id", b"1/users")])

    assert re.fullmatch("1/users;" + OUR_HOP, continued)
    assert re.fullmatch(OUR_HOP, request_id_from_headers([]))


def test_languages() -> None:
    """The caller's languages are forwarded, several lines as one list."""
    assert (
        caller((b"accept-language", b"de"), (b"accept-language", b"en;q=0.5")).accept_language
        == "de,en;q=0.5"
    )


@pytest.mark.parametrize("value", [b"", b"d\xc3\xa9", b"a\nb", b"x" * 513])
def test_bad_languages(value: bytes) -> None:
    """Languages that cannot be forwarded are dropped."""
    assert caller((b"accept-language", value)).accept_language is None


TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_trace() -> None:
    """A trace is forwarded with its state."""
    known = caller((b"traceparent", TRACE), (b"tracestate", b"a=1"), (b"tracestate", b"b=2"))

    assert (known.traceparent, known.tracestate) == (TRACE.decode(), "a=1,b=2")


@pytest.mark.parametrize("traces", [[b"nonsense"], [TRACE.upper()], [TRACE + b"\n"], [TRACE, TRACE], []])
def test_bad_trace(traces: list[bytes]) -> None:
    """A broken trace is dropped together with its state, and the request is served."""
    known = caller(*((b"traceparent", each) for each in traces), (b"tracestate", b"a=1"))

    assert (known.traceparent, known.tracestate) == (None, None)


def test_polaris() -> None:
    """The Polaris identity is authorization, workstation and organization."""
    known = caller(
        (b"x-polaris-authorization", b"PAS polaris:token:secret"),
        (b"x-polaris-workstation", b"17"),
        (b"x-polaris-organization", b"3"),
    )

    assert known.polaris == PolarisIdentity(
        authorization="PAS polaris:token:secret", workstation=17, organization=3
    )


def test_polaris_bearer_alone() -> None:
    """OAuth2 sites send a bearer token; workstation and organization may be left to the settings."""
    known = caller((b"x-polaris-authorization", b"Bearer abc"))

    assert known.polaris == PolarisIdentity(authorization="Bearer abc", workstation=None, organization=None)


def test_a_polaris_workstation_alone() -> None:
    """A workstation without a login is kept: the service account requires one of the caller."""
    assert caller().polaris is None
    assert caller((b"x-polaris-workstation", b"17")).polaris == PolarisIdentity(
        authorization=None, workstation=17, organization=None
    )
    assert caller((b"x-polaris-organization", b"3")).polaris == PolarisIdentity(organization=3)


@pytest.mark.parametrize("value", [b"", b"PAS", b"PAS ", b"Basic YTpi", b"pas a", b"PAS a\nb", b"PAS a b"])
def test_bad_polaris_authorization(value: bytes) -> None:
    """Only the two schemes of Polaris are forwarded."""
    message = refusal(TENANT, (b"x-polaris-authorization", value))

    assert message == "Header X-Polaris-Authorization must start with 'PAS ' or 'Bearer '."


def test_huge_polaris_authorization() -> None:
    """Polaris credentials have the same limit as a token."""
    message = refusal(TENANT, (b"x-polaris-authorization", b"PAS " + b"a" * 8192))

    assert message == "Header X-Polaris-Authorization must have at most 8192 bytes; got 8196."


@pytest.mark.parametrize("name", ["X-Polaris-Workstation", "X-Polaris-Organization"])
@pytest.mark.parametrize("value", [b"", b"x", b"-1", b"1.0", b"1/../2", b"1234567890", "٣".encode()])
def test_bad_polaris_number(name: str, value: bytes) -> None:
    """Workstation and organization become part of a path, so they are digits or rejected."""
    assert refusal(TENANT, (name.lower().encode(), value)) == f"Header {name} must be a number."


def test_doubled_polaris_authorization() -> None:
    """Two different Polaris identities are refused, equal ones are one."""
    header = (b"x-polaris-authorization", b"PAS a:b:c")
    other = (b"x-polaris-authorization", b"PAS d:e:f")
    message = "Header X-Polaris-Authorization was sent more than once, with different values."

    assert refusal(TENANT, header, other) == message
    assert caller(header, header).polaris == PolarisIdentity(authorization="PAS a:b:c")


SEEDED = PolarisIdentity(authorization="PAS seeded", workstation=1, organization=2)


def test_default_polaris() -> None:
    """The sandbox fills in a missing Polaris identity, at the named workstation."""
    known = caller_from_headers(
        [TENANT, (b"x-polaris-workstation", b"9")], token_cookie=False, default_polaris=SEEDED
    )

    assert known.polaris == PolarisIdentity(authorization="PAS seeded", workstation=9, organization=2)


def test_own_polaris_identity_comes_first() -> None:
    """The default adds nothing to an identity of the caller."""
    known = caller_from_headers(
        [TENANT, (b"x-polaris-authorization", b"PAS own")], token_cookie=False, default_polaris=SEEDED
    )

    assert known.polaris == PolarisIdentity(authorization="PAS own", workstation=None, organization=None)


def test_claims_are_not_read() -> None:
    """Headers in which a caller claims another identity or place are ignored."""
    request_id = (b"x-okapi-request-id", b"1/users")
    plain = caller(request_id)
    claiming = caller(
        request_id,
        (b"x-okapi-url", b"http://evil.example"),
        (b"x-okapi-user-id", b"00000000-0000-0000-0000-000000000000"),
        (b"x-okapi-permissions", b'["all"]'),
        (b"x-system-token", b"abc"),
    )

    assert (claiming.tenant, claiming.token, claiming.polaris) == (plain.tenant, plain.token, plain.polaris)
    assert "evil" not in repr(claiming)


def test_repr_keeps_secrets() -> None:
    """The repr of a caller contains no secret."""
    known = caller((b"x-okapi-token", b"s3cret"), (b"x-polaris-authorization", b"PAS a:b:s3cret"))

    assert "s3cret" not in repr(known)
    assert "s3cret" not in str(known)
