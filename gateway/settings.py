"""Every setting once: name, default, bounds and description.

Settings come in groups. `Settings` reads them all from the environment and is an instance of each group, so
it can be passed to any component that takes a group; a group alone (`LimitSettings(max_depth=5)`) reads no
environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

from gateway.host_name import is_host
from gateway.settings_group import Secret, SettingsGroup, setting

POLARIS_AUTHORIZATION = re.compile(r"(?:PAS|Bearer) +[\x21-\x7e]+")

_ID_LENGTH = 50  # bytes of a UUID in a request line, percent-encoded: `"..." or `
_LINE_WITHOUT_IDS = 250  # bytes of the longest that the gateway itself sends, with filter and sort keys

Origin: TypeAlias = Literal["default", "environment", "option"]
DocumentsMode: TypeAlias = Literal["off", "log", "enforce"]


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
        is_valid = url.scheme in ("http", "https") and _has_address(url)
    except ValueError:  # an invalid port or IPv6 address
        is_valid = False
    if not is_valid:
        raise ValueError("must be an http or https URL such as http://okapi:9130")
    return text.rstrip("/")


def _has_address(url: SplitResult) -> bool:
    """Return True if a URL names a host and a port that can be connected to.

    Raises `ValueError` for an invalid port.
    """
    host = url.hostname or ""
    has_brackets = "]" in url.netloc
    has_rest = has_brackets and not re.search(r"\](:[0-9]*)?$", url.netloc)
    return is_host(host) and has_brackets == (":" in host) and not has_rest and url.port != 0


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


def tenants(text: str) -> str:
    """Check a list of tenants."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
            raise ValueError("must be comma-separated tenants such as central,college, of a-z, 0-9 and _")
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


def polaris_authorization(secret: Secret) -> Secret:
    """Check an authorization of Polaris and return it without surrounding blanks."""
    authorization = strip_secret(secret.reveal())
    if not POLARIS_AUTHORIZATION.fullmatch(authorization):
        raise ValueError("must be 'PAS <domain>:<token>:<secret>' or 'Bearer <token>'")
    return Secret(authorization)


def store_url(secret: Secret) -> Secret:
    """Check the URL of a Valkey or Redis and return it without surrounding blanks."""
    text = strip_secret(secret.reveal())
    schemes = "redis, rediss (TLS), valkey, valkeys (TLS) or unix"
    if re.search(r"[\s?#\x00-\x1f\x7f]", text):
        raise ValueError("must not contain spaces, control characters, a query or a fragment")
    try:
        url = urlsplit(text)
        if url.scheme in ("redis", "rediss", "valkey", "valkeys"):
            is_valid = _has_address(url) and not re.search(r"[^0-9]", url.path[1:])
        else:
            is_valid = url.scheme == "unix" and len(url.path) > 1
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError(f"must be a URL such as redis://valkey:6379/0 with the scheme {schemes}")
    return Secret(text)


def kafka_addresses(text: str) -> str:
    """Check the addresses of Kafka brokers and return them with their ports, without a scheme."""
    addresses = [each.strip().removeprefix("kafka://") for each in text.split(",") if each.strip()]
    for address in addresses:
        match = re.fullmatch(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\])(:[0-9]{1,5})?", address)
        if match is None or not is_host(match[1].strip("[]")) or not is_port((match[2] or ":9092")[1:]):
            raise ValueError("must be comma-separated addresses such as kafka-1:9092,kafka-2:9092")
    return ",".join(each if re.search(r":[0-9]+$", each) else f"{each}:9092" for each in addresses)


def is_port(text: str) -> bool:
    """Return True for the number of a TCP port that can be connected to."""
    return bool(re.fullmatch(r"[0-9]{1,5}", text)) and 1 <= int(text) <= 65535


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


def installed_tracing(tracing: bool) -> bool:
    """Check that OpenTelemetry is installed if it is used."""
    if tracing and not all(map(is_installed, ("opentelemetry", "opentelemetry.sdk"))):
        raise ValueError("requires OpenTelemetry; install circulation-gateway[otel]")
    return tracing


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
        raise ValueError("must be an existing folder")
    return path


def strip_secret(text: str) -> str:
    """Return a secret without the byte order mark and the newline of the file that it was copied from."""
    return text.strip().removeprefix("\ufeff").strip()


KafkaAddresses = Annotated[str, kafka_addresses]
PemFile = Annotated[Path, pem_file]
ServiceURL = Annotated[str, service_url]
PathPart = Annotated[str, path_part]
Origins = Annotated[str, exact_origins]
HostNames = Annotated[str, host_names]
HeaderNames = Annotated[str, header_names]
PolarisAuthorization = Annotated[Secret, polaris_authorization]
StoreURL = Annotated[Secret, store_url]
ExistingPath = Annotated[Path, existing_path]
ExistingFolder = Annotated[Path, existing_folder]
Rate = Annotated[str, rate]
Tenants = Annotated[str, tenants]


@dataclass(frozen=True, kw_only=True)
class UpstreamSettings(SettingsGroup):
    """The addresses of the upstreams, and how they are called."""

    okapi_url: ServiceURL | None = setting(
        default=None, description="Base URL of FOLIO's Okapi or Kong, the gateway to all FOLIO interfaces."
    )
    bff_url: ServiceURL | None = setting(
        default=None,
        description="Base URL of the circulation BFF, to call it directly instead of via OKAPI_URL.",
    )
    polaris_url: ServiceURL | None = setting(
        default=None, description="Base URL of Polaris ApplicationServices, which serves object locks."
    )
    polaris_site_domain: PathPart = setting(
        default="polaris", description="Polaris site domain, part of each Polaris path."
    )
    polaris_organization: int | None = setting(
        default=None,
        ge=1,
        description="Polaris organization id for callers that send no X-Polaris-Organization.",
    )
    polaris_workstation: int | None = setting(
        default=None,
        ge=1,
        description="Polaris workstation id for callers that send no X-Polaris-Workstation.",
    )
    polaris_service_account: PolarisAuthorization | None = setting(
        default=None,
        description="Polaris authorization for callers that send none; they must send X-Polaris-Workstation.",
    )
    polaris_language: Literal["ara", "chi", "eng", "fas", "fre", "hat", "haw", "kor", "rus", "spa", "vie"] = (
        setting(default="eng", description="Language of Polaris messages, part of each Polaris path.")
    )
    polaris_product_id: int = setting(
        default=20, ge=1, description="Polaris product id of this client, part of each Polaris path."
    )
    lists_from: Literal["auto", "bff", "circulation"] = setting(
        default="auto",
        description="Source of loan and request lists; auto: the BFF, and circulation for lists it lacks.",
    )
    consortium_tenants: Tenants = setting(
        default="",
        description="Comma-separated tenants whose users any tenant may look up by external system id.",
    )
    sandbox: bool | None = setting(
        default=None,
        description="Serve the embedded sample library; unset: only when no upstream is configured.",
    )
    sandbox_data: ExistingFolder | None = setting(
        default=None,
        description="Folder of FOLIO records for the embedded library, in place of the sample records.",
    )
    require_upstream: bool = setting(
        default=False,
        description="Refuse to start without an upstream unless SANDBOX=1; set in the container image.",
    )
    upstream_transport: Literal["aiohttp", "httpx"] = setting(
        default="aiohttp",
        description="Transport of upstream calls: aiohttp costs less CPU, httpx is the standard transport.",
    )
    upstream_concurrency: int = setting(
        default=64,
        ge=1,
        le=1000,
        description="Maximum concurrent calls per upstream, and its connection pool size; 1 in 8 for writes.",
    )
    connect_timeout: float = setting(
        default=1.0, gt=0, le=600, description="Seconds to open a connection to an upstream."
    )
    read_timeout: float = setting(
        default=8.0,
        gt=0,
        le=600,
        description="Seconds for a complete read, from connecting to the last byte of the response.",
    )
    operation_timeout: float = setting(
        default=10.0,
        gt=0,
        le=600,
        description="Seconds for all reads of an operation; later links fail with UPSTREAM_TIMEOUT.",
    )
    read_attempts: int = setting(
        default=3, ge=1, le=3, description="Attempts for a read that fails temporarily; 1 disables retries."
    )
    breaker: bool = setting(
        default=True,
        description="Open a circuit breaker for 5 seconds when half of a tenant's calls to a service fail.",
    )
    first_byte_timeout: float = setting(
        default=5.0, gt=0, le=600, description="Seconds until the first byte of a read's response."
    )
    act_timeout: float = setting(
        default=30.0,
        gt=0,
        le=600,
        description="Seconds for a complete write (check-out, lock, ...); writes are never retried.",
    )
    look_up_timeout: float = setting(
        default=3.0,
        ge=0,
        le=60,
        description="Seconds in which an unknown outcome of a write is looked up; 0: it is reported at once.",
    )
    max_upstream_bytes: int = setting(
        default=10_000_000,
        ge=1000,
        le=1_000_000_000,
        description="Maximum upstream response size, in decoded bytes.",
    )
    max_operation_bytes: int = setting(
        default=40_000_000,
        ge=1000,
        le=10_000_000_000,
        description="Maximum size of all upstream responses to an operation, in decoded bytes.",
    )
    max_process_bytes: int = setting(
        default=120_000_000,
        ge=1000,
        le=100_000_000_000,
        description="Maximum size of what all operations hold of upstream and of responses, in bytes.",
    )

    def conflicts(self) -> Iterator[str]:
        yield from super().conflicts()
        if self.sandbox and self.has_upstream:
            named = [name.upper() for name in ("okapi_url", "bff_url", "polaris_url") if getattr(self, name)]
            either = f"SANDBOX: is ambiguous together with {', '.join(named)}; keep one or the other"
            yield f"{either} (got 'true')"

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


@dataclass(frozen=True, kw_only=True)
class LimitSettings(SettingsGroup):
    """The limits of requests, documents, operations and batches."""

    max_body_bytes: int = setting(
        default=1_000_000,
        ge=1000,
        le=100_000_000,
        description="Maximum size of a GraphQL request body, in bytes.",
    )
    max_bodies_bytes: int = setting(
        default=50_000_000,
        ge=1000,
        le=10_000_000_000,
        description="Maximum size of all GraphQL request bodies in flight, in bytes; beyond it: 503.",
    )
    max_response_bytes: int = setting(
        default=50_000_000,
        ge=1000,
        le=10_000_000_000,
        description="Maximum size of the response to a query, in bytes; root fields beyond it are null.",
    )
    max_operations: int = setting(
        default=200,
        ge=1,
        le=100_000,
        description="Maximum number of concurrent GraphQL operations; more are refused with 503.",
    )
    max_waiting_bodies: int = setting(
        default=500,
        ge=1,
        le=100_000,
        description="Maximum number of requests whose body has not arrived; the oldest is refused with 503.",
    )
    max_subscriptions: int = setting(
        default=500,
        ge=1,
        le=100_000,
        description="Maximum number of open subscriptions; each is a connection of MAX_CONNECTIONS.",
    )
    max_user_subscriptions: int = setting(
        default=100,
        ge=1,
        le=100_000,
        description="Maximum number of open subscriptions with the same token, or on locks with the same "
        "Polaris login.",
    )
    max_query_characters: int = setting(
        default=100_000, ge=100, le=10_000_000, description="Maximum length of a query text, in characters."
    )
    max_tokens: int = setting(
        default=2000, ge=100, le=100_000, description="Maximum number of tokens in a query, and of comments."
    )
    max_depth: int = setting(default=15, ge=1, le=100, description="Maximum nesting depth of fields.")
    max_aliases: int = setting(
        default=50,
        ge=0,
        le=10_000,
        description="Maximum number of aliases in a query, fragment spreads expanded.",
    )
    max_directives: int = setting(
        default=50,
        ge=0,
        le=10_000,
        description="Maximum number of directives in a query, fragment spreads expanded.",
    )
    max_nodes: int = setting(
        default=2000,
        ge=10,
        le=100_000,
        description="Maximum number of fields and fragments in a query, fragment spreads expanded.",
    )
    max_root_fields: int = setting(
        default=30, ge=1, le=1000, description="Maximum number of root fields in an operation."
    )
    max_cost: int = setting(
        default=100,
        ge=1,
        le=100_000,
        description="Maximum estimated number of upstream calls for an operation.",
    )
    max_result_nodes: int = setting(
        default=100_000,
        ge=10,  # `first` defaults to 10
        le=10_000_000,
        description="Maximum estimated number of records in a result: products of `first` along each path.",
    )
    max_page_size: int = setting(
        default=1000,
        ge=10,  # `first` defaults to 10, and the default must work
        le=10_000,
        description="Maximum value of `first`, in records.",
    )
    batch_size: int = setting(
        default=75,  # of UUIDs, as many as MAX_REQUEST_LINE has room for
        ge=1,
        le=80,
        description="Maximum number of ids in one upstream call; long ones are fewer: MAX_REQUEST_LINE.",
    )
    max_request_line: int = setting(
        default=4000,
        ge=500,
        le=8000,
        description="Maximum upstream request line, in bytes; longer ones are split.",
    )
    rate_limit: Rate | None = setting(
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


@dataclass(frozen=True, kw_only=True)
class DocumentSettings(SettingsGroup):
    """The documents that are served, and their execution."""

    document_cache_size: int = setting(
        default=500, ge=0, le=100_000, description="Number of parsed and validated documents kept in memory."
    )
    documents: ExistingPath | None = setting(
        default=None,
        description="Manifest of trusted documents, or a folder of manifests; clients send their ids.",
    )
    documents_mode: DocumentsMode = setting(
        default="off",
        description="Policy for other documents: off serves, log serves and logs, enforce refuses them.",
    )
    automatic_persisted_queries: bool = setting(
        default=True,
        description="Let clients register documents by their SHA-256; off with DOCUMENTS_MODE=enforce.",
    )
    execution: Literal["plan", "generic"] = setting(
        default="plan",
        description="Execution of operations: plan compiles them, generic resolves field by field.",
    )
    introspection: bool = setting(
        default=True,
        description="Serve introspection queries, and plans (GraphQL-Explain) unless PRODUCTION.",
    )
    suggestions: bool = setting(
        default=True, description="Add `Did you mean` to errors about documents and variables."
    )

    def conflicts(self) -> Iterator[str]:
        yield from super().conflicts()
        if self.documents_mode != "off" and self.documents is None:
            yield f"DOCUMENTS_MODE: requires DOCUMENTS, the manifest to trust (got {self.documents_mode!r})"


@dataclass(frozen=True, kw_only=True)
class BrowserSettings(SettingsGroup):
    """GraphiQL, and the access of other web pages."""

    graphiql: bool = setting(default=True, description="Serve GraphiQL to browsers that open /graphql.")
    cors_origins: Origins = setting(
        default="",
        description="Comma-separated web origins that may send requests from the browser; unset: none.",
    )
    cors_headers: HeaderNames = setting(
        default="",
        description="Comma-separated names of further request headers that pages of CORS_ORIGINS may send.",
    )
    token_cookie: bool = setting(
        default=False, description="Take the token from the cookie folioAccessToken if no header has one."
    )
    production: bool = setting(
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


@dataclass(frozen=True, kw_only=True)
class IdempotencySettings(SettingsGroup):
    """The responses to mutations with an Idempotency-Key, which are kept for 24 hours."""

    idempotency: bool = setting(
        default=True,
        description="Keep responses by Idempotency-Key, patron data included; off: the header is ignored.",
    )
    idempotency_keys: int = setting(
        default=20_000,
        ge=1,
        le=10_000_000,
        description="Maximum number of keys kept in the process; unused with REDIS_URL.",
    )
    idempotency_bytes: int = setting(
        default=20_000_000,
        ge=1000,
        le=10_000_000_000,
        description="Maximum size of all responses kept in the process, in bytes; unused with REDIS_URL.",
    )


@dataclass(frozen=True, kw_only=True)
class ObservabilitySettings(SettingsGroup):
    """Logs, metrics and traces."""

    log_level: Literal["debug", "info", "warning", "error"] = setting(
        default="info",
        description="Minimum level of log lines; operations and mutations are logged at `info`.",
    )
    log_format: Literal["json", "text"] = setting(
        default="json", description="Format of log lines, which are written to standard error."
    )
    metrics: bool = setting(default=True, description="Serve metrics for Prometheus at /metrics.")
    tracing: Annotated[bool, installed_tracing] = setting(
        default=False,
        description="Export traces as configured by OTEL_...; requires `circulation-gateway[otel]`.",
    )
    server_timing: bool = setting(
        default=False,
        description="Send duration and number of upstream calls in a Server-Timing response header.",
    )


@dataclass(frozen=True, kw_only=True)
class ServerSettings(SettingsGroup):
    """The listening socket, the limits of a connection, and the shared store."""

    host: str = setting(
        min_length=1,
        default="127.0.0.1",
        description="Address to listen on; 0.0.0.0 listens on every IPv4 address.",
    )
    port: int = setting(
        default=8081, ge=0, le=65535, description="TCP port to listen on; 0 takes any free port."
    )
    allowed_hosts: HostNames = setting(
        default="",
        description="Comma-separated names to serve besides localhost; unset: any, but on loopback no other.",
    )
    head_timeout: float = setting(
        default=10.0,
        gt=0,
        le=600,
        description="Seconds to receive a request's head, from connecting or from its first byte.",
    )
    body_timeout: float = setting(
        default=10.0,
        gt=0,
        le=600,
        description="Seconds to receive a request's body, from the end of its head.",
    )
    idle_timeout: float = setting(
        default=100.0,
        gt=0,
        le=4000,  # the load balancers of some clouds keep connections for 10 minutes or an hour
        description="Seconds a connection stays open between two requests; longer than a proxy's.",
    )
    write_timeout: float = setting(
        default=30.0,
        gt=0,
        le=600,
        description="Seconds for a client to read a response; after that the connection is closed.",
    )
    max_header_bytes: int = setting(
        default=32_768, ge=1000, le=1_000_000, description="Maximum size of a request's head, in bytes."
    )
    max_headers: int = setting(
        default=100, ge=10, le=10_000, description="Maximum number of header fields in a request."
    )
    max_connections: int = setting(
        default=1000,
        ge=1,
        le=100_000,
        description="Maximum number of open client connections; beyond it slow ones are closed.",
    )
    shutdown_timeout: int = setting(
        default=20,
        ge=1,
        le=600,
        description="Seconds from SIGTERM to exit; a write already sent has until its ACT_TIMEOUT.",
    )
    redis_url: StoreURL | None = setting(
        default=None,
        description="Valkey or Redis of all replicas: rate limits, documents, idempotency keys, changes.",
    )
    redis_timeout: float = setting(
        default=0.5,
        gt=0,
        le=600,
        description="Seconds for REDIS_URL to respond; after that only mutations with a key are refused.",
    )

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names of ALLOWED_HOSTS."""
        return tuple(filter(None, self.allowed_hosts.split(",")))


@dataclass(frozen=True, kw_only=True)
class KafkaSettings(SettingsGroup):
    """The connection to FOLIO's Kafka, with the names of variables that FOLIO's modules have."""

    kafka_url: KafkaAddresses | None = setting(
        default=None,
        description="Comma-separated addresses of FOLIO's Kafka, such as kafka:9092; unset: KAFKA_HOST.",
    )
    kafka_host: str | None = setting(
        default=None, description="Host of FOLIO's Kafka, as its modules have it; unset: none is read."
    )
    kafka_port: str = setting(default="9092", description="Port of the broker at KAFKA_HOST.")
    env: str = setting(default="folio", description="First part of the names of FOLIO's topics in Kafka.")
    kafka_security_protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = setting(
        default="plaintext", description="Protocol of the connections to Kafka; ssl is TLS."
    )
    kafka_ssl_truststore_location: PemFile | None = setting(
        default=None, description="Trusted certificates for Kafka, in PEM; unset: those of the system."
    )
    kafka_ssl_keystore_location: PemFile | None = setting(
        default=None, description="Certificate and private key for Kafka, in one PEM file."
    )
    kafka_ssl_keystore_password: Secret | None = setting(
        default=None, description="Password of the private key of KAFKA_SSL_KEYSTORE_LOCATION."
    )
    kafka_sasl_mechanism: Literal["plain", "scram-sha-256", "scram-sha-512"] = setting(
        default="plain", description="SASL mechanism, with the protocols sasl_plaintext and sasl_ssl."
    )
    kafka_sasl_username: str | None = setting(
        default=None, description="User name for SASL, with the same protocols."
    )
    kafka_sasl_password: Secret | None = setting(default=None, description="Password of KAFKA_SASL_USERNAME.")

    def conflicts(self) -> Iterator[str]:
        yield from super().conflicts()
        name = "KAFKA_HOST" if self.kafka_url is None else "KAFKA_URL"
        try:
            servers = self.kafka_servers
        except ValueError as error:
            yield str(error)
        else:
            if servers and not is_installed("aiokafka"):
                yield f"{name}: requires aiokafka; install circulation-gateway[kafka]"
            # Shells have a variable ENV too; no topic would ever have its path as the first part of its name.
            if servers and not re.fullmatch(r"[A-Za-z0-9._-]+", self.env):
                yield f"ENV: must be letters, digits, '.', '_' and '-' with {name} (got {self.env!r})"

    @property
    def kafka_servers(self) -> tuple[str, ...]:
        """The addresses of Kafka; none if it is not configured. Raises `ValueError` for an invalid one."""
        if self.kafka_url is not None:
            return tuple(filter(None, self.kafka_url.split(",")))
        if self.kafka_host is None:
            return ()
        # Kubernetes sets KAFKA_PORT=tcp://10.0.0.1:9092 in each pod if a service has the name kafka.
        port = self.kafka_port.rpartition(":")[2]
        if not is_port(port):
            raise ValueError(f"KAFKA_PORT: must be a port between 1 and 65535 (got '{self.kafka_port}')")
        try:
            return (kafka_addresses(f"{self.kafka_host}:{port}"),)
        except ValueError:
            raise ValueError("KAFKA_HOST: must be a host, with its port in KAFKA_PORT") from None


@dataclass(frozen=True, kw_only=True, init=False)
class Settings(  # dataclasses order fields from the last base class to the first
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

    def __init__(self, **options: Any) -> None:  # Any: text or values, which are validated
        names = self.declarations()
        if unknown := options.keys() - names:
            raise TypeError(f"There are no settings {', '.join(sorted(unknown))}.")
        environment = ((name.lower(), value) for name, value in os.environ.items() if value)
        variables = {name: value for name, value in environment if name in names}
        origins = dict.fromkeys(variables, "environment") | dict.fromkeys(options, "option")
        defaults = {name: declared.default for name, declared in names.items()}
        vars(self).update(defaults | variables | options, _origins=origins)
        self.__post_init__()
        if self.production:
            closed = {"graphiql", "introspection", "suggestions"} - origins.keys()
            vars(self).update(dict.fromkeys(closed, False))

    @property
    def explains(self) -> bool:
        """True if responses may have the plans of their operations, which show the services upstream."""
        return self.introspection and not self.production

    def origin(self, name: str) -> Origin:
        """Return the origin of the value of a setting."""
        origins: Mapping[str, Origin] = vars(self)["_origins"]
        return origins.get(name, "default")
