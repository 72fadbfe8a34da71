"""Settings are read from the environment and options, and validated with readable messages."""

from __future__ import annotations

import os
import re
import sys
import traceback
from dataclasses import FrozenInstanceError, asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

from gateway.cli.settings import SettingRow, settings_markdown, settings_table
from gateway.settings import LimitSettings, Settings
from gateway.settings_group import Secret, SettingsError, setting

DEFAULTS: dict[str, object] = {
    "okapi_url": None,
    "bff_url": None,
    "polaris_url": None,
    "polaris_site_domain": "polaris",
    "polaris_organization": None,
    "polaris_workstation": None,
    "polaris_service_account": None,
    "polaris_language": "eng",
    "polaris_product_id": 20,
    "lists_from": "auto",
    "consortium_tenants": "",
    "sandbox": None,
    "sandbox_data": None,
    "require_upstream": False,
    "upstream_transport": "aiohttp",
    "upstream_concurrency": 64,
    "connect_timeout": 1.0,
    "read_timeout": 8.0,
    "operation_timeout": 10.0,
    "read_attempts": 3,
    "breaker": True,
    "first_byte_timeout": 5.0,
    "act_timeout": 30.0,
    "look_up_timeout": 3.0,
    "max_upstream_bytes": 10_000_000,
    "max_operation_bytes": 40_000_000,
    "max_process_bytes": 120_000_000,
    "max_body_bytes": 1_000_000,
    "max_bodies_bytes": 50_000_000,
    "max_response_bytes": 50_000_000,
    "max_operations": 200,
    "max_waiting_bodies": 500,
    "max_subscriptions": 500,
    "max_user_subscriptions": 100,
    "max_query_characters": 100_000,
    "max_tokens": 2000,
    "max_depth": 15,
    "max_aliases": 50,
    "max_directives": 50,
    "max_nodes": 2000,
    "max_root_fields": 30,
    "max_cost": 100,
    "max_result_nodes": 100_000,
    "max_page_size": 1000,
    "batch_size": 75,
    "max_request_line": 4000,
    "rate_limit": None,
    "document_cache_size": 500,
    "documents": None,
    "documents_mode": "off",
    "automatic_persisted_queries": True,
    "execution": "plan",
    "introspection": True,
    "suggestions": True,
    "graphiql": True,
    "cors_origins": "",
    "cors_headers": "",
    "token_cookie": False,
    "production": False,
    "idempotency": True,
    "idempotency_keys": 20_000,
    "idempotency_bytes": 20_000_000,
    "log_level": "info",
    "log_format": "json",
    "metrics": True,
    "tracing": False,
    "server_timing": False,
    "host": "127.0.0.1",
    "port": 8081,
    "allowed_hosts": "",
    "head_timeout": 10.0,
    "body_timeout": 10.0,
    "idle_timeout": 100.0,
    "write_timeout": 30.0,
    "max_header_bytes": 32_768,
    "max_headers": 100,
    "max_connections": 1000,
    "shutdown_timeout": 20,
    "redis_url": None,
    "redis_timeout": 0.5,
    "kafka_url": None,
    "kafka_host": None,
    "kafka_port": "9092",
    "env": "folio",
    "kafka_security_protocol": "plaintext",
    "kafka_ssl_truststore_location": None,
    "kafka_ssl_keystore_location": None,
    "kafka_ssl_keystore_password": None,
    "kafka_sasl_mechanism": "plain",
    "kafka_sasl_username": None,
    "kafka_sasl_password": None,
}
UPSTREAM = "http://okapi:9130"


def long_enough(secret: Secret) -> Secret:
    if len(secret.reveal()) < 8:
        raise ValueError("must have at least 8 characters")
    return secret


@dataclass(frozen=True, kw_only=True, init=False)
class WithSecret(Settings):
    """Settings with a secret that has a check."""

    password: Annotated[Secret, long_enough] | None = setting(default=None, description="A secret.")


@pytest.fixture(name="clean_environment", autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.declarations():
            monkeypatch.delenv(name)


def problems(kind: type[Settings] = Settings, /, **options: Any) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        kind(**options)
    return refused.value.problems


def test_defaults() -> None:
    """With nothing configured, every setting has its documented default."""
    assert asdict(Settings()) == DEFAULTS


def test_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with the name of the setting, in upper case and without a prefix, sets it."""
    monkeypatch.setenv("OKAPI_URL", UPSTREAM)
    monkeypatch.setenv("UPSTREAM_CONCURRENCY", "8")
    monkeypatch.setenv("READ_TIMEOUT", "2.5")
    monkeypatch.setenv("GRAPHIQL", "0")

    settings = Settings()

    assert settings.okapi_url == "http://okapi:9130"
    assert settings.upstream_concurrency == 8
    assert settings.read_timeout == 2.5
    assert settings.graphiql is False


def test_option_precedes_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An explicit value takes precedence over the environment."""
    monkeypatch.setenv("PORT", "1111")
    assert Settings(port="2222").port == 2222


@pytest.mark.parametrize("name", ["OKAPI_URL", "PORT", "SANDBOX", "SANDBOX_DATA", "LOG_LEVEL"])
def test_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """An empty variable, as charts set it, leaves the default."""
    monkeypatch.setenv(name, "")
    assert asdict(Settings()) == DEFAULTS


def test_unknown_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that FOLIO's charts set on every container change nothing."""
    monkeypatch.setenv("JAVA_OPTIONS", "-Xmx256m")
    monkeypatch.setenv("MODULE_VERSION", "1.0.0")
    assert asdict(Settings()) == DEFAULTS


def test_no_env_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A .env file in the folder configures nothing."""
    (tmp_path / ".env").write_text("PORT=1234\n")
    monkeypatch.chdir(tmp_path)
    assert Settings().port == 8081


def test_settings_are_frozen() -> None:
    """A setting cannot change while the process runs."""
    settings = Settings()
    with pytest.raises(FrozenInstanceError):
        settings.port = 9  # type: ignore[misc]


@pytest.mark.parametrize("name", ["okapi_url", "bff_url", "polaris_url"])
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://okapi:9130", "http://okapi:9130"),
        ("https://okapi.example.org/", "https://okapi.example.org"),
        ("https://example.org/folio/okapi//", "https://example.org/folio/okapi"),
        ("http://[::1]:9130", "http://[::1]:9130"),
        (" http://okapi:9130\n", "http://okapi:9130"),
        ("http://okapi_1.desk-a.", "http://okapi_1.desk-a."),
        ("http://bücher.example.org:9130", "http://bücher.example.org:9130"),
        ("http://xn--bcher-kva.example.org", "http://xn--bcher-kva.example.org"),
        ("http://[fe80::1%eth0]:9130/okapi", "http://[fe80::1%eth0]:9130/okapi"),
        (f"http://{'a' * 63}.example.org", f"http://{'a' * 63}.example.org"),
    ],
)
def test_service_url_is_kept_without_its_last_slash(name: str, given: str, kept: str) -> None:
    """A base URL may have a port and a path; slashes and spaces around it are removed."""
    assert getattr(Settings(**{name: given}), name) == kept


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("okapi:9130", "must be an http or https URL such as http://okapi:9130 (got 'okapi:9130')"),
        ("ftp://okapi", "must be an http or https URL such as http://okapi:9130 (got 'ftp://okapi')"),
        ("http://", "must be an http or https URL such as http://okapi:9130 (got 'http://')"),
        ("http://:9130", "must be an http or https URL such as http://okapi:9130 (got 'http://:9130')"),
        ("http://me:hunter2@okapi", "must not contain a user name or a password (got 'http://***@okapi')"),
        ("http://me:hun/ter2@okapi", "must not contain a user name or a password (got 'http://***@okapi')"),
        ("http://okapi/?key=hunter2", "must not contain a query or a fragment (got 'http://okapi/?***')"),
        ("http://okapi#hunter2", "must not contain a query or a fragment (got 'http://okapi#***')"),
        ("http://okapi:0", "must be an http or https URL such as http://okapi:9130 (got 'http://okapi:0')"),
        (
            "http://okapi:99999",
            "must be an http or https URL such as http://okapi:9130 (got 'http://okapi:99999')",
        ),
        (
            "http://okapi:port",
            "must be an http or https URL such as http://okapi:9130 (got 'http://okapi:port')",
        ),
        ("http://[::1", "must be an http or https URL such as http://okapi:9130 (got 'http://[::1')"),
        (
            "http://ok api",
            "must not contain spaces, control characters or backslashes (got 'http://ok api')",
        ),
        (
            "http://okapi\\@evil",
            "must not contain spaces, control characters or backslashes (got 'http://***@evil')",
        ),
    ],
)
def test_other_urls_are_refused(given: str, why: str) -> None:
    """Other values than the base URL of a service are rejected, and no secret in them is repeated."""
    assert problems(okapi_url=given) == (f"OKAPI_URL: {why}",)


HOSTS_WITHOUT_ADDRESS = [
    "okapi..example.org",
    ".example.org",
    "okapi..",
    f"{'a' * 64}.example.org",
    f"{'ü' * 60}.example.org",
    "10.0.0.256",
    "xn--zzzzz--.example.org",
    "☃.example.org",
    "${OKAPI_HOST}",
    "{{host}}",
]


@pytest.mark.parametrize("host", [*HOSTS_WITHOUT_ADDRESS, "[::1]x", "[v1.x]", "[okapi]"])
def test_a_host_that_cannot_be_looked_up_is_refused_at_the_start(host: str) -> None:
    """A host that no look-up can find is an error of its setting, not a traceback or an internal error."""
    assert problems(okapi_url=f"http://{host}:9130/okapi") == (
        f"OKAPI_URL: must be an http or https URL such as http://okapi:9130 (got 'http://{host}:9130/okapi')",
    )
    (problem,) = problems(redis_url=f"redis://{host}:6379/0")
    assert problem.startswith("REDIS_URL: must be a URL such as redis://valkey:6379/0 with the scheme redis")


@pytest.mark.parametrize("address", [*HOSTS_WITHOUT_ADDRESS, "kafka:0", "kafka:65536", "[1]", "[kafka]:9092"])
def test_a_broker_that_cannot_be_looked_up_is_refused_at_the_start(address: str) -> None:
    """A broker that no look-up can find, or a port that no server has, is an error of KAFKA_URL."""
    assert problems(kafka_url=f"kafka-1:9092,{address}") == (
        "KAFKA_URL: must be comma-separated addresses such as kafka-1:9092,kafka-2:9092"
        f" (got 'kafka-1:9092,{address}')",
    )


def test_password_is_not_in_the_error() -> None:
    """The password of a rejected URL is in no message and in no traceback."""
    with pytest.raises(SettingsError) as refused:
        Settings(okapi_url="http://me:hunter2@okapi")

    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    assert "hunter2" not in shown.replace('okapi_url="http://me:hunter2@okapi"', "")


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("port", "x", "PORT: should be a valid integer, unable to parse string as an integer (got 'x')"),
        (
            "port",
            "80.5",
            "PORT: should be a valid integer, unable to parse string as an integer (got '80.5')",
        ),
        ("host", " ", "HOST: must have at least 1 character (got ' ')"),
        (
            "sandbox",
            "2",
            "SANDBOX: should be a valid boolean, unable to interpret input (got '2')",
        ),
        ("read_timeout", "nan", "READ_TIMEOUT: should be a finite number (got 'nan')"),
        ("read_timeout", "inf", "READ_TIMEOUT: should be a finite number (got 'inf')"),
        (
            "log_level",
            "loud",
            "LOG_LEVEL: should be 'debug', 'info', 'warning' or 'error' (got 'loud')",
        ),
        (
            "upstream_transport",
            "curl",
            "UPSTREAM_TRANSPORT: should be 'aiohttp' or 'httpx' (got 'curl')",
        ),
        (
            "polaris_language",
            "deu",
            "POLARIS_LANGUAGE: should be 'ara', 'chi', 'eng', 'fas', 'fre', 'hat', 'haw', 'kor', 'rus', 'spa'"
            " or 'vie' (got 'deu')",
        ),
        (
            "polaris_site_domain",
            "a/b",
            "POLARIS_SITE_DOMAIN: must be letters, digits, '.', '_' and '-' (got 'a/b')",
        ),
        (
            "sandbox_data",
            "/does/not/exist",
            "SANDBOX_DATA: must be an existing folder (got '/does/not/exist')",
        ),
    ],
)
def test_bad_value_names_variable_and_value(name: str, given: str, problem: str) -> None:
    """A bad value is refused in one line with the variable, the reason and the value."""
    assert problems(**{name: given}) == (problem,)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("log_level", "INFO", "info"),
        ("log_level", " Warning\n", "warning"),
        ("log_format", "TEXT", "text"),
        ("polaris_language", "FRE", "fre"),
        ("execution", "Generic", "generic"),
        ("upstream_transport", "HTTPX", "httpx"),
    ],
)
def test_choices_are_read_in_any_case(
    name: str, given: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting with named values accepts them in any case, as an option and from the environment."""
    assert getattr(Settings(**{name: given}), name) == value
    monkeypatch.setenv(name.upper(), given)
    assert getattr(Settings(), name) == value


@pytest.mark.parametrize("word", ["1", "true", "T", "Yes", "y", " ON\n"])
def test_words_for_yes_and_no(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A switch is turned on by the usual words, in any case, and off by their opposites."""
    monkeypatch.setenv("TOKEN_COOKIE", word)
    opposites = {"1": "0", "true": "false", "t": "f", "yes": "no", "y": "n", "on": "off"}

    assert Settings().token_cookie is True
    assert Settings(breaker=opposites[word.strip().lower()]).breaker is False


def test_values_of_other_types() -> None:
    """A value in code has the type of the setting, or is a text of it."""
    assert Settings(read_timeout=2).read_timeout == 2.0
    assert problems(port=80.5) == (
        "PORT: should be a valid integer, got a number with a fractional part (got '80.5')",
    )
    assert problems(port=True) == ("PORT: should be a valid integer (got 'True')",)
    assert problems(port=None) == ("PORT: should be a valid integer (got 'None')",)
    assert problems(host=7) == ("HOST: should be a text (got '7')",)


def test_misspelled_keyword() -> None:
    """A keyword without a setting is an error in the code, which a variable is not."""
    with pytest.raises(TypeError, match=r"There are no settings okapi_uri\."):
        Settings(okapi_uri=UPSTREAM)


def test_a_password_is_read_as_it_is() -> None:
    """Blanks belong to a password, unlike to the forms of Polaris and of the store."""
    settings = Settings(kafka_sasl_password=" a b ")  # noqa: S106 - not a real one

    assert settings.kafka_sasl_password == Secret(" a b ")


def test_a_group_alone_is_checked() -> None:
    """A group that is created without the others reads no environment and has the same bounds."""
    with pytest.raises(SettingsError) as refused:
        LimitSettings(max_depth=0)

    assert refused.value.problems == ("MAX_DEPTH: should be greater than or equal to 1 (got '0')",)


def test_all_conflicts_are_reported_at_once() -> None:
    """Settings that do not fit others are a line each."""
    assert problems(sandbox="1", okapi_url=UPSTREAM, documents_mode="log") == (
        "SANDBOX: is ambiguous together with OKAPI_URL; keep one or the other (got 'true')",
        "DOCUMENTS_MODE: requires DOCUMENTS, the manifest to trust (got 'log')",
    )


def test_secrets_are_read_without_the_marks_of_a_file() -> None:
    """A secret that was copied from a file may have its byte order mark and its newline."""
    settings = Settings(polaris_service_account="\ufeffPAS a:b:c\r\n", redis_url="redis://store:6379\n")

    assert settings.polaris_service_account is not None
    assert settings.redis_url is not None
    assert settings.polaris_service_account.reveal() == "PAS a:b:c"
    assert settings.redis_url.reveal() == "redis://store:6379"


@pytest.mark.parametrize("name", ["documents", "sandbox_data"])
def test_a_path_that_cannot_be_looked_up(name: str) -> None:
    """A path that the system refuses to look up is an invalid setting, not a crash."""
    (problem,) = problems(**{name: "x" * 5000})

    assert problem.startswith(f"{name.upper()}: ")


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("port", 0, 65535),
        ("polaris_organization", 1, None),
        ("polaris_workstation", 1, None),
        ("polaris_product_id", 1, None),
        ("upstream_concurrency", 1, 1000),
        ("max_upstream_bytes", 1000, 1_000_000_000),
        ("max_response_bytes", 1000, 10_000_000_000),
        ("max_bodies_bytes", 1000, 10_000_000_000),
        ("max_operation_bytes", 1000, 10_000_000_000),
        ("max_process_bytes", 1000, 100_000_000_000),
        ("batch_size", 1, 80),
        ("max_request_line", 500, 8000),
        ("max_body_bytes", 1000, 100_000_000),
        ("max_header_bytes", 1000, 1_000_000),
        ("max_headers", 10, 10_000),
        ("max_connections", 1, 100_000),
        ("max_operations", 1, 100_000),
        ("max_waiting_bodies", 1, 100_000),
        ("max_subscriptions", 1, 100_000),
        ("max_user_subscriptions", 1, 100_000),
        ("document_cache_size", 0, 100_000),
        ("max_page_size", 10, 10_000),
        ("max_query_characters", 100, 10_000_000),
        ("max_tokens", 100, 100_000),
        ("max_depth", 1, 100),
        ("max_aliases", 0, 10_000),
        ("max_directives", 0, 10_000),
        ("max_nodes", 10, 100_000),
        ("max_root_fields", 1, 1000),
        ("max_cost", 1, 100_000),
        ("max_result_nodes", 10, 10_000_000),
        ("shutdown_timeout", 1, 600),
        ("read_attempts", 1, 3),
        ("connect_timeout", None, 600),
        ("operation_timeout", None, 600),
        ("read_timeout", None, 600),
        ("first_byte_timeout", None, 600),
        ("act_timeout", None, 600),
        ("head_timeout", None, 600),
        ("body_timeout", None, 600),
        ("idle_timeout", None, 4000),
        ("write_timeout", None, 600),
        ("redis_timeout", None, 600),
    ],
)
def test_bounds(name: str, least: int | None, most: int | None) -> None:
    """Numbers are accepted up to their bounds and rejected one beyond."""
    for bound, beyond, relation in ((least, -1, "greater"), (most, 1, "less")):
        if bound is not None:
            assert getattr(Settings(**{name: str(bound)}), name) == bound
            line = f"{name.upper()}: should be {relation} than or equal to {bound} (got '{bound + beyond}')"
            assert problems(**{name: str(bound + beyond)}) == (line,)
    if least is None:
        assert problems(**{name: "0"}) == (f"{name.upper()}: should be greater than 0 (got '0')",)


def test_origins_are_written_as_browsers_write_them() -> None:
    """CORS_ORIGINS is a list of origins, in lower case; unset it is empty."""
    written = " https://Folio.example.org , http://localhost:3000,http://[::1]:8081,"

    assert Settings(cors_origins=written).origins == (
        "https://folio.example.org",
        "http://localhost:3000",
        "http://[::1]:8081",
    )
    assert Settings().origins == ()


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "https://*.example.org", "https://folio.example.org/", "folio.example.org", "ftp://a"],
)
def test_origins_are_exact(origin: str) -> None:
    """No origin matches others: neither a star nor anything but scheme, host and port."""
    assert problems(cors_origins=f"https://a.example.org,{origin}") == (
        "CORS_ORIGINS: must be comma-separated origins such as https://folio.example.org"
        f" (got 'https://a.example.org,{origin}')",
    )


@pytest.mark.parametrize(
    ("given", "kept", "figures"),
    [
        ("600/minute", "600/minute", (600, 60)),
        (" 20 / Second ", "20/second", (20, 1)),
        (None, None, None),
    ],
)
def test_a_rate_is_calls_and_seconds(
    given: str | None, kept: str | None, figures: tuple[int, int] | None
) -> None:
    """RATE_LIMIT is a number of calls for a second or a minute; unset there is no limit."""
    settings = Settings(rate_limit=given)

    assert (settings.rate_limit, settings.rate) == (kept, figures)


@pytest.mark.parametrize("given", ["600", "0/minute", "-1/minute", "600/hour", "600/minutes", "1.5/second"])
def test_other_rates_are_refused(given: str) -> None:
    """A rate without a time, of nothing, or for longer than a token lives is refused."""
    assert problems(rate_limit=given) == (
        f"RATE_LIMIT: must be a number of calls per time, such as 600/minute or 20/second (got '{given}')",
    )


@pytest.mark.parametrize(
    "url",
    [
        "redis://valkey",
        "redis://valkey:6379/0",
        "rediss://gateway:correct-horse@valkey.example.org:6380/1",
        "valkey://:correct-horse@[::1]:6379",
        "valkeys://valkey:6379/",
        "unix:///run/valkey.sock",
    ],
)
def test_the_store_is_a_secret(url: str) -> None:
    """REDIS_URL may contain a password: it is kept unchanged and shown nowhere."""
    settings = Settings(redis_url=f" {url}\n")

    assert settings.redis_url is not None
    assert settings.redis_url.reveal() == url
    assert url not in repr(settings)
    assert {row.value for row in settings_table(settings) if row.name == "REDIS_URL"} == {"***"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("http://:hunter2@valkey", "must be a URL such as redis://valkey:6379/0"),
        ("redis://", "must be a URL such as redis://valkey:6379/0"),
        ("redis://:hunter2@valkey:0", "must be a URL such as redis://valkey:6379/0"),
        ("redis://:hunter2@valkey:port", "must be a URL such as redis://valkey:6379/0"),
        ("redis://valkey/hunter2", "must be a URL such as redis://valkey:6379/0"),
        ("unix://", "must be a URL such as redis://valkey:6379/0"),
        ("redis://valkey?password=hunter2", "must not contain spaces"),
        ("redis://valkey#hunter2", "must not contain spaces"),
        ("redis://val key", "must not contain spaces"),
    ],
)
def test_other_stores_are_refused_without_repeating_them(given: str, why: str) -> None:
    """Other values than the URL of a Valkey or Redis are rejected, and no part of them is shown."""
    (problem,) = problems(redis_url=given)

    assert problem.startswith(f"REDIS_URL: {why}")
    assert "hunter2" not in problem
    assert "(got" not in problem


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("central", {"central"}),
        (" central, college_2 ,", {"central", "college_2"}),
        (f"{'a' * 63},b", {"a" * 63, "b"}),
        ("", set()),
    ],
)
def test_tenants_of_a_consortium(given: str, names: set[str]) -> None:
    """Tenants are separated by commas, with or without spaces, as in the other lists."""
    settings = Settings(consortium_tenants=given)

    assert settings.consortium == names


@pytest.mark.parametrize("given", ["Central", "1st", "a b", "a;b", "a" * 64, "central,*"])
def test_other_tenants_are_refused(given: str) -> None:
    """What is no tenant is refused in words, not with a regular expression."""
    assert problems(consortium_tenants=given) == (
        "CONSORTIUM_TENANTS: must be comma-separated tenants such as central,college, of a-z, 0-9 and _"
        f" (got '{given}')",
    )


@pytest.mark.parametrize(
    ("variables", "servers"),
    [
        ({}, ()),
        ({"KAFKA_URL": "kafka"}, ("kafka:9092",)),
        ({"KAFKA_URL": " kafka://a.example.org:9093, [::1] "}, ("a.example.org:9093", "[::1]:9092")),
        ({"KAFKA_HOST": "kafka"}, ("kafka:9092",)),
        ({"KAFKA_HOST": "kafka", "KAFKA_PORT": "19092"}, ("kafka:19092",)),
        ({"KAFKA_HOST": "kafka", "KAFKA_PORT": "tcp://10.0.0.1:9094"}, ("kafka:9094",)),
        ({"KAFKA_PORT": "tcp://10.0.0.1:9094", "ENV": "~/.profile"}, ()),
        ({"KAFKA_HOST": "kafka", "KAFKA_URL": "other"}, ("other:9092",)),
    ],
)
def test_the_brokers_of_kafka(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], servers: tuple[str, ...]
) -> None:
    """The variables of FOLIO's modules are read, and those that Kubernetes and shells set are no error."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert Settings().kafka_servers == servers


def test_brokers_of_kafka_are_checked(tmp_path: Path) -> None:
    """An invalid address, and a file in the format of Java, are rejected at the start."""
    store = tmp_path / "truststore.jks"
    store.write_bytes(b"\xfe\xed\xfe\xed")

    assert problems(kafka_url="user:hunter2@kafka:9092") == (
        "KAFKA_URL: must be comma-separated addresses such as kafka-1:9092,kafka-2:9092"
        " (got '***@kafka:9092')",
    )
    assert problems(kafka_host="kafka..example.org", kafka_port="tcp://10.0.0.1:9094") == (
        "KAFKA_HOST: must be a host, with its port in KAFKA_PORT",
    )
    for port in ("a port", "0", "65536", "tcp://10.0.0.1"):
        assert problems(kafka_host="kafka", kafka_port=port) == (
            f"KAFKA_PORT: must be a port between 1 and 65535 (got '{port}')",
        )
    for name, value in (("kafka_url", "kafka"), ("kafka_host", "kafka")):
        assert problems(**{name: value}, env="~/.profile") == (
            f"ENV: must be letters, digits, '.', '_' and '-' with {name.upper()} (got '~/.profile')",
        )
    assert problems(kafka_ssl_truststore_location=store) == (
        "KAFKA_SSL_TRUSTSTORE_LOCATION: must be in PEM format; convert Java key stores with keytool and"
        f" openssl (got {str(store)!r})",
    )
    assert problems(kafka_ssl_keystore_location=tmp_path / "gone.pem")[0].startswith(
        "KAFKA_SSL_KEYSTORE_LOCATION: must be an existing file in PEM format"
    )


def test_kafka_requires_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without aiokafka a configured Kafka is an error at the start, with its cure."""
    monkeypatch.setitem(sys.modules, "aiokafka", None)

    cure = "requires aiokafka; install circulation-gateway[kafka]"
    assert problems(kafka_url="kafka") == (f"KAFKA_URL: {cure}",)
    assert problems(kafka_host="kafka") == (f"KAFKA_HOST: {cure}",)


def test_every_problem_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several invalid values are several lines, one each."""
    monkeypatch.setenv("BATCH_SIZE", "81")
    monkeypatch.setenv("LOG_LEVEL", "two\nlines")

    assert problems(port="-1") == (
        "BATCH_SIZE: should be less than or equal to 80 (got '81')",
        "LOG_LEVEL: should be 'debug', 'info', 'warning' or 'error' (got 'two\\nlines')",
        "PORT: should be greater than or equal to 0 (got '-1')",
    )


def test_long_value_is_cut() -> None:
    """A value as long as a file is truncated in the error."""
    assert problems(log_level="x" * 1000)[0].endswith(f"(got '{'x' * 100}...')")


@pytest.mark.parametrize("name", ["okapi_url", "bff_url", "polaris_url"])
def test_any_upstream_is_enough(name: str) -> None:
    """Any single upstream is accepted and turns the embedded library off."""
    settings = Settings(**{name: UPSTREAM})
    assert (settings.has_upstream, settings.serves_sandbox) == (True, False)


@pytest.mark.parametrize(
    ("options", "has_upstream", "serves_sandbox"),
    [
        ({}, False, True),
        ({"sandbox": "1"}, False, True),
        ({"sandbox": "0"}, False, False),
        ({"require_upstream": "1"}, False, False),
        ({"require_upstream": "1", "sandbox": "1"}, False, True),
        ({"okapi_url": UPSTREAM, "sandbox": "0"}, True, False),
        ({"okapi_url": UPSTREAM, "require_upstream": "1"}, True, False),
    ],
)
def test_embedded_library_or_upstream(
    options: dict[str, str], has_upstream: bool, serves_sandbox: bool
) -> None:
    """The embedded library is served on request, or if there is no upstream and none is required."""
    settings = Settings(**options)
    assert (settings.has_upstream, settings.serves_sandbox) == (has_upstream, serves_sandbox)


def test_sandbox_and_upstream_are_ambiguous() -> None:
    """The embedded library and an upstream together are rejected, with the conflicting setting."""
    assert problems(sandbox="1", bff_url=UPSTREAM, polaris_url=UPSTREAM) == (
        "SANDBOX: is ambiguous together with BFF_URL, POLARIS_URL; keep one or the other (got 'true')",
    )


def test_production_disables_unset_features() -> None:
    """PRODUCTION turns GraphiQL, introspection and suggestions off, each unless it is set explicitly."""
    closed = Settings(production="1")
    opened = Settings(production="1", introspection="1")

    assert (closed.graphiql, closed.introspection, closed.suggestions) == (False, False, False)
    assert (opened.graphiql, opened.introspection, opened.suggestions) == (False, True, False)
    assert closed.origin("graphiql") == "default"


def test_table_has_value_and_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table lists every setting once, in order, with the origin of its value."""
    monkeypatch.setenv("OKAPI_URL", UPSTREAM)
    monkeypatch.setenv("PORT", "9")

    rows = {row.name: row for row in settings_table(Settings(port="10"))}

    assert list(rows) == [name.upper() for name in DEFAULTS]
    assert rows["HOST"].origin == "default"
    assert rows["PORT"] == SettingRow(
        name="PORT",
        value="10",
        default="8081",
        meaning="TCP port to listen on; 0 takes any free port.",
        origin="option",
    )
    address = rows["OKAPI_URL"]
    assert (address.value, address.default, address.origin) == (UPSTREAM, "unset", "environment")


@pytest.mark.parametrize("mode", ["log", "enforce"])
def test_a_mode_needs_documents(mode: str, tmp_path: Path) -> None:
    """Without a manifest no mode can report or reject documents."""
    assert problems(documents_mode=mode) == (
        f"DOCUMENTS_MODE: requires DOCUMENTS, the manifest to trust (got '{mode}')",
    )
    assert Settings(documents=tmp_path, documents_mode=mode).documents == tmp_path


def test_documents_exist(tmp_path: Path) -> None:
    """A missing manifest is rejected when the settings are read."""
    gone = tmp_path / "gone.json"

    assert problems(documents=gone) == (f"DOCUMENTS: must be an existing file or folder (got {str(gone)!r})",)


def test_table_hides_secrets() -> None:
    """A secret is three stars in the table, and in the error if it is rejected."""
    assert settings_table(WithSecret(password="correct horse"))[-1].value == "***"  # noqa: S106
    assert problems(WithSecret, password="hunter2") == (  # noqa: S106 - not a real one
        "PASSWORD: must have at least 8 characters",
    )


@pytest.mark.parametrize("account", ["PAS polaris:a:hunter2", "Bearer hunter2"])
def test_the_service_account_is_never_shown(account: str) -> None:
    """The login of Polaris' service account is in no table, no dump and no repr of the settings."""
    settings = Settings(polaris_service_account=account)

    (row,) = (each for each in settings_table(settings) if each.name == "POLARIS_SERVICE_ACCOUNT")
    assert (row.value, row.default, row.origin) == ("***", "unset", "option")
    assert "hunter2" not in f"{settings!r}{asdict(settings)}{settings.polaris_service_account}"
    assert settings.polaris_service_account is not None
    assert settings.polaris_service_account.reveal() == account


@pytest.mark.parametrize("account", ["hunter2", "PAS", "Basic hunter2", "pas hunter2", "PAS hun ter2"])
def test_a_service_account_of_another_form_is_refused(account: str) -> None:
    """Only the two schemes of Polaris are accepted, and the value is not repeated."""
    assert problems(polaris_service_account=account) == (
        "POLARIS_SERVICE_ACCOUNT: must be 'PAS <domain>:<token>:<secret>' or 'Bearer <token>'",
    )


def test_every_setting_has_a_meaning() -> None:
    """Every setting has a description, in a sentence."""
    for row in settings_table(Settings()):
        assert row.meaning.endswith("."), row.name
        assert 20 <= len(row.meaning) <= 110, row.name


@pytest.mark.parametrize("name", ["a.example.org:8081", "http://a.example.org", "*", "*.*.org", "a b", "::1"])
def test_names_of_hosts_are_checked(name: str) -> None:
    """ALLOWED_HOSTS has names and addresses without ports, and no wildcard for all of them."""
    assert problems(allowed_hosts=f"ok.example.org,{name}") == (
        "ALLOWED_HOSTS: must be comma-separated names without ports, such as graphql.example.org"
        f" (got 'ok.example.org,{name}')",
    )


def test_names_of_hosts_are_a_list() -> None:
    """ALLOWED_HOSTS may have spaces and upper case, wildcards of subdomains, and addresses."""
    written = " Graphql.example.org, *.desk.example.org,,10.0.0.1,[fd00::2]"
    names = ("graphql.example.org", "*.desk.example.org", "10.0.0.1", "[fd00::2]")
    assert Settings(allowed_hosts=written).host_names == names


def test_markdown_table() -> None:
    """The manual has a table for each group, and one line for each setting."""
    lines = settings_markdown().splitlines()

    assert lines[:7] == [
        "## Upstreams",
        "",
        "The addresses of the upstreams, and how they are called.",
        "",
        "| Name | Default | Meaning |",
        "|---|---|---|",
        "| `OKAPI_URL` | unset | Base URL of FOLIO's Okapi or Kong, the gateway to all FOLIO interfaces. |",
    ]
    assert sorted(re.findall(r"^\| `(\w+)` \|", "\n".join(lines), re.MULTILINE)) == sorted(
        name.upper() for name in DEFAULTS
    )
