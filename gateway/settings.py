"""Every setting once: name, default, bounds and description.

Settings come in groups. `Settings` reads them all from the environment and is an instance of each group, so
it can be passed to any component that takes a group; a group alone (`LimitSettings(max_depth=5)`) reads no
environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

POLARIS_AUTHORIZATION = re.compile(r"(?:PAS|Bearer) +[\x21-\x7e]+")

_ID_LENGTH = 50  # bytes of a UUID in a request line, percent-encoded: `"..." or `
_LINE_WITHOUT_IDS = 250  # bytes of the longest that the gateway itself sends, with filter and sort keys

Origin: TypeAlias = Literal["default", "environment", "option"]
DocumentsMode: TypeAlias = Literal["off", "log", "enforce"]


class SettingsError(Exception):
    """Invalid settings, with one line per problem for the operator."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def service_url(text: str) -> str:
    """Check the base URL of a service and return it without its trailing slash."""
    if re.search(r"[\s\\\x00-\x1f\x7f]", text):
        raise ValueError("must not contain spaces, control characters or backslashes")
    if "@" in text:
        raise ValueError("must not contain a user name or a password")
    if "?" in text or "#" in text:
        raise ValueError("must not contain a query or a fragment")
    try:
        url = urlsplit(text)
        is_valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # an invalid port or IPv6 address
        is_valid = False
    if not is_valid:
        raise ValueError("must be an http or https URL such as http://okapi:9130")
    return text.rstrip("/")


def path_part(text: str) -> str:
    """Check a part of upstream paths."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise ValueError("must be letters, digits, '.', '_' and '-'")
    return text


def exact_origins(text: str) -> str:
    """Check a list of web origins and return it in the form that browsers send."""
    origins = [origin.strip().lower() for origin in text.split(",") if origin.strip()]
    for origin in origins:
        if not re.fullmatch(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", origin):
            raise ValueError("must be comma-separated origins such as https://folio.example.org")
    return ",".join(origins)


def host_names(text: str) -> str:
    """Check a list of names and addresses of a server, and return it in lower case."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if not re.fullmatch(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]", name):
            raise ValueError("must be comma-separated names without ports, such as graphql.example.org")
    return ",".join(names)


def header_names(text: str) -> str:
    """Check a list of names of HTTP headers and return it in lower case."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if not re.fullmatch(r"[a-z0-9!#$%&'*+.^_`|~-]+", name) or name == "*":
            raise ValueError("must be comma-separated names of headers such as X-Client-Name")
    return ",".join(names)


def rate(text: str) -> str:
    """Check a rate such as 600/minute and return it in its canonical form."""
    match = re.fullmatch(r"([1-9][0-9]{0,6})\s*/\s*(second|minute)", text.lower())
    if match is None:
        # A longer window would outlive the tokens that identify users.
        raise ValueError("must be a number of calls per time, such as 600/minute or 20/second")
    return f"{match[1]}/{match[2]}"


def store_url(text: str) -> str:
    """Check the URL of a Valkey or Redis."""
    schemes = "redis, rediss (TLS), valkey, valkeys (TLS) or unix"
    if re.search(r"[\s?#\x00-\x1f\x7f]", text):
        raise ValueError("must not contain spaces, control characters, a query or a fragment")
    try:
        url = urlsplit(text)
        if url.scheme in ("redis", "rediss", "valkey", "valkeys"):
            is_valid = bool(url.hostname) and url.port != 0 and not re.search(r"[^0-9]", url.path[1:])
        else:
            is_valid = url.scheme == "unix" and len(url.path) > 1
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError(f"must be a URL such as redis://valkey:6379/0 with the scheme {schemes}")
    return text


def kafka_addresses(text: str) -> str:
    """Check the addresses of Kafka brokers and return them with their ports, without a scheme."""
    addresses = [each.strip().removeprefix("kafka://") for each in text.split(",") if each.strip()]
    for address in addresses:
        if not re.fullmatch(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", address):
            raise ValueError("must be comma-separated addresses such as kafka-1:9092,kafka-2:9092")
    return ",".join(each if re.search(r":[0-9]+$", each) else f"{each}:9092" for each in addresses)


def pem_file(path: Path) -> Path:
    """Check that a file has certificates or keys in PEM, the format that Python reads."""
    try:
        is_pem = b"-----BEGIN " in path.read_bytes()
    except OSError:
        raise ValueError("must be an existing file in PEM format") from None
    if not is_pem:
        raise ValueError("must be in PEM format; convert Java key stores with keytool and openssl")
    return path


def is_installed(package: str) -> bool:
    """Return True if a package can be imported; its parent package must be importable."""
    return find_spec(package) is not None


def existing_path(path: Path) -> Path:
    """Check that a file or a folder exists."""
    try:
        is_valid = path.exists()
    except OSError:  # in a folder that may not be read
        is_valid = False
    if not is_valid:
        raise ValueError("must be an existing file or folder")
    return path


def existing_folder(path: Path) -> Path:
    """Check that a folder exists."""
    try:
        is_valid = path.is_dir()
    except OSError:
        is_valid = False
    if not is_valid:
        raise ValueError("Path does not point to a directory")
    return path


def strip_secret(text: str) -> str:
    """Return a secret without the byte order mark and the newline of the file that it was copied from."""
    return text.strip().removeprefix("\ufeff").strip()


KafkaAddresses = Annotated[str, AfterValidator(kafka_addresses)]
PemFile = Annotated[Path, AfterValidator(pem_file)]
ServiceURL = Annotated[str, AfterValidator(service_url)]
PathPart = Annotated[str, AfterValidator(path_part)]
Origins = Annotated[str, AfterValidator(exact_origins)]
HostNames = Annotated[str, AfterValidator(host_names)]
HeaderNames = Annotated[str, AfterValidator(header_names)]
ExistingPath = Annotated[Path, AfterValidator(existing_path)]
ExistingFolder = Annotated[Path, AfterValidator(existing_folder)]
Rate = Annotated[str, AfterValidator(rate)]
Seconds = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]


class SettingsGroup(BaseModel):
    """Settings that are passed to a component together."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # most are never alone

    @field_validator("*", mode="before")
    @classmethod
    def ignore_case_of_choices(cls, value: object, info: ValidationInfo) -> object:
        annotation = cls.model_fields[str(info.field_name)].annotation
        if get_origin(annotation) is Literal and isinstance(value, str):
            choice = value.strip().lower()
            return choice if choice in get_args(annotation) else value
        return value


class UpstreamSettings(SettingsGroup):
    """The addresses of the upstreams, and how they are called."""

    okapi_url: ServiceURL | None = Field(
        default=None, description="Base URL of FOLIO's Okapi or Kong, the gateway to all FOLIO interfaces."
    )
    bff_url: ServiceURL | None = Field(
        default=None,
        description="Base URL of the circulation BFF, to call it directly instead of via OKAPI_URL.",
    )
    polaris_url: ServiceURL | None = Field(
        default=None, description="Base URL of Polaris ApplicationServices, which serves object locks."
    )
    polaris_site_domain: PathPart = Field(
        default="polaris", description="Polaris site domain, part of each Polaris path."
    )
    polaris_organization: int | None = Field(
        default=None,
        ge=1,
        description="Polaris organization id for callers that send no X-Polaris-Organization.",
    )
    polaris_workstation: int | None = Field(
        default=None,
        ge=1,
        description="Polaris workstation id for callers that send no X-Polaris-Workstation.",
    )
    polaris_service_account: SecretStr | None = Field(
        default=None,
        description="Polaris authorization for callers that send none; they must send X-Polaris-Workstation.",
    )
    polaris_language: Literal["ara", "chi", "eng", "fas", "fre", "hat", "haw", "kor", "rus", "spa", "vie"] = (
        Field(default="eng", description="Language of Polaris messages, part of each Polaris path.")
    )
    polaris_product_id: int = Field(
        default=20, ge=1, description="Polaris product id of this client, part of each Polaris path."
    )
    lists_from: Literal["auto", "bff", "circulation"] = Field(
        default="auto",
        description="Source of loan and request lists; auto: the BFF, and circulation for lists it lacks.",
    )
    consortium_tenants: Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_]{0,62}(,|$))*$")] = Field(
        default="",
        description="Comma-separated tenants whose users any tenant may look up by external system id.",
    )
    sandbox: bool | None = Field(
        default=None,
        description="Serve the embedded sample library; unset: only when no upstream is configured.",
    )
    sandbox_data: ExistingFolder | None = Field(
        default=None,
        description="Folder of FOLIO records for the embedded library, in place of the sample records.",
    )
    require_upstream: bool = Field(
        default=False,
        description="Refuse to start without an upstream unless SANDBOX=1; set in the container image.",
    )
    upstream_transport: Literal["aiohttp", "httpx"] = Field(
        default="aiohttp",
        description="Transport of upstream calls: aiohttp costs less CPU, httpx is the standard transport.",
    )
    upstream_concurrency: int = Field(
        default=64,
        ge=1,
        le=1000,
        description="Maximum concurrent calls per upstream, and its connection pool size; 1 in 8 for writes.",
    )
    connect_timeout: Seconds = Field(default=1.0, description="Seconds to open a connection to an upstream.")
    read_timeout: Seconds = Field(
        default=8.0,
        description="Seconds for a complete read, from connecting to the last byte of the response.",
    )
    operation_timeout: Seconds = Field(
        default=10.0,
        description="Seconds for all reads of an operation; later links fail with UPSTREAM_TIMEOUT.",
    )
    read_attempts: int = Field(
        default=3, ge=1, le=3, description="Attempts for a read that fails temporarily; 1 disables retries."
    )
    breaker: bool = Field(
        default=True,
        description="Open a circuit breaker for 5 seconds when half of a tenant's calls to a service fail.",
    )
    first_byte_timeout: Seconds = Field(
        default=5.0, description="Seconds until the first byte of a read's response."
    )
    act_timeout: Seconds = Field(
        default=30.0,
        description="Seconds for a complete write (check-out, lock, ...); writes are never retried.",
    )
    look_up_timeout: float = Field(
        default=3.0,
        ge=0,
        le=60,
        description="Seconds in which an unknown outcome of a write is looked up; 0: it is reported at once.",
    )
    max_upstream_bytes: int = Field(
        default=10_000_000,
        ge=1000,
        le=1_000_000_000,
        description="Maximum upstream response size, in decoded bytes.",
    )
    max_operation_bytes: int = Field(
        default=40_000_000,
        ge=1000,
        le=10_000_000_000,
        description="Maximum size of all upstream responses to an operation, in decoded bytes.",
    )
    max_process_bytes: int = Field(
        default=120_000_000,
        ge=1000,
        le=100_000_000_000,
        description="Maximum size of what all operations hold of upstream and of responses, in bytes.",
    )

    @field_validator("polaris_service_account")
    @classmethod
    def check_polaris_scheme(cls, account: SecretStr | None) -> SecretStr | None:
        if account is None:
            return None
        authorization = strip_secret(account.get_secret_value())
        if not POLARIS_AUTHORIZATION.fullmatch(authorization):
            raise ValueError("must be 'PAS <domain>:<token>:<secret>' or 'Bearer <token>'")
        return SecretStr(authorization)

    @model_validator(mode="after")
    def check_sandbox_or_upstream(self) -> Self:
        if self.sandbox and self.has_upstream:
            named = [name.upper() for name in ("okapi_url", "bff_url", "polaris_url") if getattr(self, name)]
            either = f"SANDBOX: is ambiguous together with {', '.join(named)}; keep one or the other"
            raise ValueError(f"{either} (got 'true')")
        return self

    @property
    def consortium(self) -> frozenset[str]:
        """The tenants of CONSORTIUM_TENANTS."""
        return frozenset(filter(None, self.consortium_tenants.split(",")))

    @property
    def has_upstream(self) -> bool:
        """True if any upstream is configured."""
        return any((self.okapi_url, self.bff_url, self.polaris_url))

    @property
    def has_https(self) -> bool:
        """True if any upstream has an HTTPS address."""
        urls = (self.okapi_url, self.bff_url, self.polaris_url)
        return any(url is not None and url.lower().startswith("https:") for url in urls)

    @property
    def serves_sandbox(self) -> bool:
        """True if the embedded library is served, by choice or because nothing else is configured."""
        if self.sandbox is None:
            return not self.has_upstream and not self.require_upstream
        return self.sandbox


class LimitSettings(SettingsGroup):
    """The limits of requests, documents, operations and batches."""

    max_body_bytes: int = Field(
        default=1_000_000,
        ge=1000,
        le=100_000_000,
        description="Maximum size of a GraphQL request body, in bytes.",
    )
    max_bodies_bytes: int = Field(
        default=50_000_000,
        ge=1000,
        le=10_000_000_000,
        description="Maximum size of all GraphQL request bodies in flight, in bytes; beyond it: 503.",
    )
    max_response_bytes: int = Field(
        default=50_000_000,
        ge=1000,
        le=10_000_000_000,
        description="Maximum size of the response to a query, in bytes; root fields beyond it are null.",
    )
    max_operations: int = Field(
        default=200,
        ge=1,
        le=100_000,
        description="Maximum number of concurrent GraphQL operations; more are refused with 503.",
    )
    max_waiting_bodies: int = Field(
        default=500,
        ge=1,
        le=100_000,
        description="Maximum number of requests whose body has not arrived; the oldest is refused with 503.",
    )
    max_subscriptions: int = Field(
        default=500,
        ge=1,
        le=100_000,
        description="Maximum number of open subscriptions; each is a connection of MAX_CONNECTIONS.",
    )
    max_user_subscriptions: int = Field(
        default=100,
        ge=1,
        le=100_000,
        description="Maximum number of open subscriptions with the same token.",
    )
    max_query_characters: int = Field(
        default=100_000, ge=100, le=10_000_000, description="Maximum length of a query text, in characters."
    )
    max_tokens: int = Field(
        default=2000, ge=100, le=100_000, description="Maximum number of tokens in a query, and of comments."
    )
    max_depth: int = Field(default=15, ge=1, le=100, description="Maximum nesting depth of fields.")
    max_aliases: int = Field(
        default=50,
        ge=0,
        le=10_000,
        description="Maximum number of aliases in a query, fragment spreads expanded.",
    )
    max_directives: int = Field(
        default=50,
        ge=0,
        le=10_000,
        description="Maximum number of directives in a query, fragment spreads expanded.",
    )
    max_nodes: int = Field(
        default=2000,
        ge=10,
        le=100_000,
        description="Maximum number of fields and fragments in a query, fragment spreads expanded.",
    )
    max_root_fields: int = Field(
        default=30, ge=1, le=1000, description="Maximum number of root fields in an operation."
    )
    max_cost: int = Field(
        default=100,
        ge=1,
        le=100_000,
        description="Maximum estimated number of upstream calls for an operation.",
    )
    max_result_nodes: int = Field(
        default=100_000,
        ge=10,  # `first` defaults to 10
        le=10_000_000,
        description="Maximum estimated number of records in a result: products of `first` along each path.",
    )
    max_page_size: int = Field(
        default=1000,
        ge=10,  # `first` defaults to 10, and the default must work
        le=10_000,
        description="Maximum value of `first`, in records.",
    )
    batch_size: int = Field(
        default=75,  # of UUIDs, as many as MAX_REQUEST_LINE has room for
        ge=1,
        le=80,
        description="Maximum number of ids in one upstream call; long ones are fewer: MAX_REQUEST_LINE.",
    )
    max_request_line: int = Field(
        default=4000,
        ge=500,
        le=8000,
        description="Maximum upstream request line, in bytes; longer ones are split.",
    )
    rate_limit: Rate | None = Field(
        default=None,
        description="Maximum estimated upstream calls per user, such as 600/minute; beyond it: 429.",
    )

    @property
    def ids_in_call(self) -> int:
        """The number of UUIDs in one upstream call: BATCH_SIZE, if they keep MAX_REQUEST_LINE."""
        return min(self.batch_size, (self.max_request_line - _LINE_WITHOUT_IDS) // _ID_LENGTH)

    @property
    def max_records(self) -> int:
        """The records that a result may have in fact: estimates may be too low."""
        return 3 * self.max_result_nodes

    @property
    def rate(self) -> tuple[int, int] | None:
        """The number of calls of RATE_LIMIT, and the window in seconds."""
        if self.rate_limit is None:
            return None
        calls, _, time = self.rate_limit.partition("/")
        return int(calls), {"second": 1, "minute": 60}[time]


class DocumentSettings(SettingsGroup):
    """The documents that are served, and their execution."""

    document_cache_size: int = Field(
        default=500, ge=0, le=100_000, description="Number of parsed and validated documents kept in memory."
    )
    documents: ExistingPath | None = Field(
        default=None,
        description="Manifest of trusted documents, or a folder of manifests; clients send their ids.",
    )
    documents_mode: DocumentsMode = Field(
        default="off",
        description="Policy for other documents: off serves, log serves and logs, enforce refuses them.",
    )
    automatic_persisted_queries: bool = Field(
        default=True,
        description="Let clients register documents by their SHA-256; off with DOCUMENTS_MODE=enforce.",
    )
    execution: Literal["plan", "generic"] = Field(
        default="plan",
        description="Execution of operations: plan compiles them, generic resolves field by field.",
    )
    introspection: bool = Field(
        default=True,
        description="Serve introspection queries, and plans (GraphQL-Explain) unless PRODUCTION.",
    )
    suggestions: bool = Field(
        default=True, description="Add `Did you mean` to errors about documents and variables."
    )

    @model_validator(mode="after")
    def check_manifest_for_mode(self) -> Self:
        if self.documents_mode != "off" and self.documents is None:
            raise ValueError(
                f"DOCUMENTS_MODE: requires DOCUMENTS, the manifest to trust (got {self.documents_mode!r})"
            )
        return self


class BrowserSettings(SettingsGroup):
    """GraphiQL, and the access of other web pages."""

    graphiql: bool = Field(default=True, description="Serve GraphiQL to browsers that open /graphql.")
    cors_origins: Origins = Field(
        default="",
        description="Comma-separated web origins that may send requests from the browser; unset: none.",
    )
    cors_headers: HeaderNames = Field(
        default="",
        description="Comma-separated names of further request headers that pages of CORS_ORIGINS may send.",
    )
    token_cookie: bool = Field(
        default=False, description="Take the token from the cookie folioAccessToken if no header has one."
    )
    production: bool = Field(
        default=False,
        description="Turn GRAPHIQL, INTROSPECTION and SUGGESTIONS off unless they are set explicitly.",
    )

    @property
    def origins(self) -> tuple[str, ...]:
        """The web origins of CORS_ORIGINS."""
        return tuple(filter(None, self.cors_origins.split(",")))

    @property
    def more_cors_headers(self) -> tuple[str, ...]:
        """The header names of CORS_HEADERS."""
        return tuple(filter(None, self.cors_headers.split(",")))


class IdempotencySettings(SettingsGroup):
    """The responses to mutations with an Idempotency-Key, which are kept for 24 hours."""

    idempotency: bool = Field(
        default=True,
        description="Keep responses by Idempotency-Key, patron data included; off: the header is ignored.",
    )
    idempotency_keys: int = Field(
        default=20_000,
        ge=1,
        le=10_000_000,
        description="Maximum number of keys kept in the process; unused with REDIS_URL.",
    )
    idempotency_bytes: int = Field(
        default=20_000_000,
        ge=1000,
        le=10_000_000_000,
        description="Maximum size of all responses kept in the process, in bytes; unused with REDIS_URL.",
    )


class ObservabilitySettings(SettingsGroup):
    """Logs, metrics and traces."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Minimum level of log lines; operations and mutations are logged at `info`.",
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="Format of log lines, which are written to standard error."
    )
    metrics: bool = Field(default=True, description="Serve metrics for Prometheus at /metrics.")
    tracing: bool = Field(
        default=False,
        description="Export traces as configured by OTEL_...; requires `circulation-gateway[otel]`.",
    )
    server_timing: bool = Field(
        default=False,
        description="Send duration and number of upstream calls in a Server-Timing response header.",
    )

    @field_validator("tracing")
    @classmethod
    def check_tracing_installed(cls, tracing: bool) -> bool:
        if tracing and not all(map(is_installed, ("opentelemetry", "opentelemetry.sdk"))):
            raise ValueError("requires OpenTelemetry; install circulation-gateway[otel]")
        return tracing


class ServerSettings(SettingsGroup):
    """The listening socket, the limits of a connection, and the shared store."""

    host: Annotated[str, StringConstraints(min_length=1)] = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 listens on every IPv4 address."
    )
    port: int = Field(
        default=8081, ge=0, le=65535, description="TCP port to listen on; 0 takes any free port."
    )
    allowed_hosts: HostNames = Field(
        default="",
        description="Comma-separated names to serve besides localhost; unset: any, but on loopback no other.",
    )
    head_timeout: Seconds = Field(
        default=10.0,
        description="Seconds to receive a request's head, from connecting or from its first byte.",
    )
    body_timeout: Seconds = Field(
        default=10.0, description="Seconds to receive a request's body, from the end of its head."
    )
    idle_timeout: float = Field(
        default=100.0,
        gt=0,
        le=4000,  # the load balancers of some clouds keep connections for 10 minutes or an hour
        allow_inf_nan=False,
        description="Seconds a connection stays open between two requests; longer than a proxy's.",
    )
    write_timeout: Seconds = Field(
        default=30.0,
        description="Seconds for a client to read a response; after that the connection is closed.",
    )
    max_header_bytes: int = Field(
        default=32_768, ge=1000, le=1_000_000, description="Maximum size of a request's head, in bytes."
    )
    max_headers: int = Field(
        default=100, ge=10, le=10_000, description="Maximum number of header fields in a request."
    )
    max_connections: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="Maximum number of open client connections; beyond it slow ones are closed.",
    )
    shutdown_timeout: int = Field(
        default=20,
        ge=1,
        le=600,
        description="Seconds from SIGTERM to exit; a write already sent has until its ACT_TIMEOUT.",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        description="Valkey or Redis of all replicas: rate limits, documents, idempotency keys, changes.",
    )
    redis_timeout: Seconds = Field(
        default=0.5,
        description="Seconds for REDIS_URL to respond; after that only mutations with a key are refused.",
    )

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names of ALLOWED_HOSTS."""
        return tuple(filter(None, self.allowed_hosts.split(",")))

    @field_validator("redis_url")
    @classmethod
    def check_redis_url(cls, url: SecretStr | None) -> SecretStr | None:
        return None if url is None else SecretStr(store_url(strip_secret(url.get_secret_value())))


class KafkaSettings(SettingsGroup):
    """The connection to FOLIO's Kafka, with the names of variables that FOLIO's modules have."""

    kafka_url: KafkaAddresses | None = Field(
        default=None,
        description="Comma-separated addresses of FOLIO's Kafka, such as kafka:9092; unset: KAFKA_HOST.",
    )
    kafka_host: str | None = Field(
        default=None, description="Host of FOLIO's Kafka, as its modules have it; unset: none is read."
    )
    kafka_port: str = Field(default="9092", description="Port of the broker at KAFKA_HOST.")
    env: str = Field(default="folio", description="First part of the names of FOLIO's topics in Kafka.")
    kafka_security_protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = Field(
        default="plaintext", description="Protocol of the connections to Kafka; ssl is TLS."
    )
    kafka_ssl_truststore_location: PemFile | None = Field(
        default=None, description="Trusted certificates for Kafka, in PEM; unset: those of the system."
    )
    kafka_ssl_keystore_location: PemFile | None = Field(
        default=None, description="Certificate and private key for Kafka, in one PEM file."
    )
    kafka_ssl_keystore_password: SecretStr | None = Field(
        default=None, description="Password of the private key of KAFKA_SSL_KEYSTORE_LOCATION."
    )
    kafka_sasl_mechanism: Literal["plain", "scram-sha-256", "scram-sha-512"] = Field(
        default="plain", description="SASL mechanism, with the protocols sasl_plaintext and sasl_ssl."
    )
    kafka_sasl_username: str | None = Field(
        default=None, description="User name for SASL, with the same protocols."
    )
    kafka_sasl_password: SecretStr | None = Field(
        default=None, description="Password of KAFKA_SASL_USERNAME."
    )

    @model_validator(mode="after")
    def check_kafka(self) -> Self:
        name = "KAFKA_HOST" if self.kafka_url is None else "KAFKA_URL"
        if self.kafka_servers and not is_installed("aiokafka"):
            raise ValueError(f"{name}: requires aiokafka; install circulation-gateway[kafka]")
        return self

    @property
    def kafka_servers(self) -> tuple[str, ...]:
        """The addresses of Kafka; none if it is not configured. Raises `ValueError` for an invalid one."""
        if self.kafka_url is not None:
            return tuple(filter(None, self.kafka_url.split(",")))
        if self.kafka_host is None:
            return ()
        # Kubernetes sets KAFKA_PORT=tcp://10.0.0.1:9092 in each pod if a service has the name kafka.
        try:
            return (kafka_addresses(f"{self.kafka_host}:{self.kafka_port.rpartition(':')[2]}"),)
        except ValueError:
            raise ValueError("KAFKA_HOST: must be a host, with its port in KAFKA_PORT") from None


class Settings(  # pydantic orders fields from the last base class to the first
    KafkaSettings,
    ServerSettings,
    ObservabilitySettings,
    IdempotencySettings,
    BrowserSettings,
    DocumentSettings,
    LimitSettings,
    UpstreamSettings,
):
    """All settings: each field is an environment variable (`OKAPI_URL`) and an option (`--okapi-url`)."""

    model_config = ConfigDict(
        extra="ignore",
        str_strip_whitespace=True,
        hide_input_in_errors=True,  # an invalid URL may contain a password
    )

    _options: frozenset[str] = PrivateAttr(default=frozenset())

    def __init__(self, **options: Any) -> None:  # Any: text or values, which are validated
        # Not by pydantic-settings, whose imports are a twentieth of the CPU time of a start.
        fields = type(self).model_fields
        environment = ((name.lower(), value) for name, value in os.environ.items() if value)
        try:
            super().__init__(**{name: value for name, value in environment if name in fields} | options)
        except ValidationError as error:
            raise SettingsError([describe_problem(details, fields) for details in error.errors()]) from error
        self._options = frozenset(options)

    @model_validator(mode="after")
    def close_in_production(self) -> Self:
        if self.production:
            for name in ("graphiql", "introspection", "suggestions"):
                if name not in self.model_fields_set:
                    self.__dict__[name] = False  # the model is frozen, and the field must not count as set
        return self

    @property
    def explains(self) -> bool:
        """True if responses may have the plans of their operations, which show the services upstream."""
        return self.introspection and not self.production

    def origin(self, field: str) -> Origin:
        """Return the origin of the value of a field."""
        if field in self._options:
            return "option"
        return "environment" if field in self.model_fields_set else "default"


def describe_problem(details: ErrorDetails, fields: Mapping[str, FieldInfo]) -> str:
    """Return one line with the variable, the reason, and its value unless that may be secret."""
    if not details["loc"]:
        return str(details["ctx"]["error"])
    name = str(details["loc"][0])
    reason = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if is_secret(fields[name]):
        return f"{name.upper()}: {reason}"
    return f"{name.upper()}: {reason} (got {display(details['input'])!r})"


def is_secret(field: FieldInfo) -> bool:
    """Return True if the value of a field must never be shown."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def display(value: object) -> str:
    """Return a value for a message: without a password (before an @) or a key (in a query), and truncated."""
    text = re.sub(r"(?s)^(\w+://)?.*@", r"\1***@", str(value))
    text = re.sub(r"(?s)[?#].+", lambda match: match[0][0] + "***", text)
    return text if len(text) <= 100 else text[:100] + "..."
