"""Assembly: settings in, an ASGI application out. No logic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, get_args

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from gateway.context import Context, ShutdownState
from gateway.engine.cost import price
from gateway.engine.documents import Documents, Operation
from gateway.engine.manifests import ManifestError, TrustedDocuments, read_manifests
from gateway.engine.operations import Operations
from gateway.engine.persisted_documents import (
    DocumentStore,
    LocalDocumentStore,
    PersistedDocuments,
    RedisDocumentStore,
)
from gateway.engine.plans.cache import FALLBACKS, Reason
from gateway.engine.plans.executor import PlanExecutor
from gateway.engine.rate_limit import DECISIONS, RateLimit
from gateway.engine.running_mutations import RunningMutations
from gateway.engine.trusted_documents import prepare_trusted
from gateway.graph import schema
from gateway.http.endpoint import GraphQLEndpoint
from gateway.http.error_response import unexpected_error
from gateway.http.graphiql.page import Examples, asset_routes, find_assets, render_page
from gateway.http.health import Readiness, health_routes
from gateway.http.metrics import metrics_routes
from gateway.http.middleware.cors import cors
from gateway.http.middleware.load_shedding import Load, LoadShedding
from gateway.http.middleware.security_headers import SecurityHeaders
from gateway.identity import Caller, PolarisIdentity, caller_from_headers
from gateway.loaders import Loaders
from gateway.observability.operation import OperationRecord, Recorder
from gateway.redis_store import STORE_CALLS, RedisStore
from gateway.redis_store import Outcome as StoreOutcome
from gateway.sandbox import Sandbox, create_sandbox
from gateway.settings import Settings, SettingsError
from gateway.upstream.services import Services
from gateway.upstream.transport.transports import TransportFactory, in_process_transport

if TYPE_CHECKING:  # loaded where they are on
    from gateway.observability.metrics import Metrics
    from gateway.observability.traces import Tracing

SANDBOX_TENANT = "diku"
SANDBOX_STAFF = "desk"
UNLOCKED_PATRON = 29938  # a PatronID that nobody has locked in the embedded library
GRAPHQL_PATH = "/graphql"
NOBODY = Caller(tenant="", request_id="")  # in whose name nothing is ever asked
ACT_MARGIN = 5.0  # seconds beyond ACT_TIMEOUT: for its turn in the queue, and for the answer's links


def create_app(
    settings: Settings | None = None,
    *,
    transport: TransportFactory | None = None,
    tracing: Tracing | None = None,
) -> Starlette:
    """The gateway as an ASGI application.

    `transport` makes what stands for the network, once for each upstream: tests put their double there.
    `tracing` takes the spans; unset, they go where the variables `OTEL_...` say if TRACING is on.
    Raises `SettingsError` where the settings cannot be used.
    """
    settings = settings or Settings()
    sandbox = create_sandbox(settings.sandbox_data) if settings.serves_sandbox and transport is None else None
    if sandbox is not None:
        transport = _in_process(sandbox)
    trusted = _trusted_documents(settings)
    services = Services(settings, transport)
    store = _shared_store(settings)
    readiness = Readiness()
    running_mutations = RunningMutations()
    load = Load()
    metrics = _metrics(load, running_mutations) if settings.metrics else None
    if tracing is None and settings.tracing:
        tracing = _tracing()
    assets = find_assets() if settings.graphiql else None
    examples = Examples() if sandbox is None else _examples(sandbox)

    def new_context(caller: Caller, operation: OperationRecord) -> Context:
        upstream = services.for_caller(caller, operation)
        return Context(
            caller=caller,
            upstream=upstream,
            loaders=Loaders(upstream, settings, direct=settings.lists_from == "circulation"),
            max_page_size=settings.max_page_size,
            consortium_tenants=settings.consortium,
            stopping=running_mutations.stopping,
            operation=operation,
        )

    identify = partial(
        caller_from_headers,
        token_cookie=settings.token_cookie,
        default_tenant=SANDBOX_TENANT if settings.serves_sandbox else None,
        default_polaris=_seeded_staff(sandbox) if sandbox is not None else None,
    )
    documents = served_documents(settings, trusted)
    planned = _plans(settings)
    operations = Operations(
        documents,
        new_context,
        running_mutations=running_mutations,
        plans=planned,
        rate_limit=RateLimit(*settings.rate, store) if settings.rate is not None else None,
        persisted_documents=PersistedDocuments(documents, _registered_documents(settings, store)),
    )
    endpoint = GraphQLEndpoint(
        operations,
        identify,
        max_body_bytes=settings.max_body_bytes,
        graphiql=render_page(assets, examples) if settings.graphiql else None,
        recorder=Recorder(metrics, tracing, server_timing=settings.server_timing),
    )

    def compile_ahead(operation: Operation) -> None:
        if planned is not None:
            planned.prepare(operation)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, ShutdownState]]:
        await prepare_trusted(documents, compile_ahead)
        readiness.ready = True
        try:
            yield {"stopping": running_mutations.stopping}
        finally:
            readiness.ready = False
            await running_mutations.wait_until_finished(within=settings.act_timeout + ACT_MARGIN)
            await services.aclose()
            if store is not None:
                await store.aclose()
            if tracing is not None:
                await asyncio.to_thread(tracing.close)  # it may have to wait for whoever takes the spans

    app = Starlette(
        routes=[
            Route(GRAPHQL_PATH, endpoint),
            *asset_routes(GRAPHQL_PATH, assets),
            *health_routes(readiness),
            *metrics_routes(metrics),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            *cors(settings.origins, credentials=settings.token_cookie),
            Middleware(
                LoadShedding,
                path=GRAPHQL_PATH,
                endpoint=endpoint,
                max_operations=settings.max_operations,
                load=load,
            ),
        ],
        exception_handlers={Exception: unexpected_error},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect would be made of the caller's Host header
    return app


def served_documents(settings: Settings, trusted: TrustedDocuments | None = None) -> Documents:
    """What is known of documents: which are served, within which limits."""
    return Documents(schema, settings, settings, pricing=price, trusted=trusted)


def _trusted_documents(settings: Settings) -> TrustedDocuments | None:
    if settings.documents is None:
        return None
    try:
        return TrustedDocuments(read_manifests(settings.documents))
    except ManifestError as error:
        raise SettingsError([f"DOCUMENTS: {error}"]) from error


def _registered_documents(settings: Settings, store: RedisStore | None) -> DocumentStore | None:
    if not settings.automatic_persisted_queries:
        return None
    own = LocalDocumentStore(max_text=settings.max_query_characters)
    return own if store is None else RedisDocumentStore(store, own)


def _shared_store(settings: Settings) -> RedisStore | None:
    if settings.redis_url is None:
        return None
    return RedisStore(settings.redis_url.get_secret_value(), timeout=settings.redis_timeout)


def _metrics(load: Load, running_mutations: RunningMutations) -> Metrics:
    from gateway.observability.metrics import Metrics

    metrics = Metrics()
    metrics.follow(
        "gateway_running_mutations",
        "Mutations that have started and have not been answered.",
        {"": lambda: running_mutations.number},
        is_gauge=True,
    )
    metrics.follow(
        "gateway_operations_shed",
        "Requests refused because MAX_OPERATIONS were running.",
        {"": lambda: load.shed},
    )
    metrics.follow(
        "gateway_plans_executed", "Operations executed by compiled plans.", {"": lambda: FALLBACKS.planned}
    )
    metrics.follow(
        "gateway_plan_fallbacks",
        "Operations and subtrees executed by graphql-core in place of a compiled plan.",
        {reason: partial(FALLBACKS.by_reason.__getitem__, reason) for reason in get_args(Reason)},
        label="reason",
    )
    metrics.follow(
        "gateway_rate_limit_decisions",
        "Operations admitted and refused by the rate limit.",
        {"admitted": lambda: DECISIONS.admitted, "refused": lambda: DECISIONS.refused},
        label="decision",
    )
    metrics.follow(
        "gateway_redis_calls",
        "Calls to the shared store by outcome; the process continues on its own if one fails or is skipped.",
        {outcome: partial(STORE_CALLS.by_outcome.__getitem__, outcome) for outcome in get_args(StoreOutcome)},
        label="outcome",
    )
    return metrics


def _tracing() -> Tracing:
    from gateway.observability.traces import tracing_from_environment

    return tracing_from_environment()


def _in_process(sandbox: Sandbox) -> TransportFactory:
    return lambda settings: in_process_transport(sandbox)


def _plans(settings: Settings) -> PlanExecutor | None:
    if settings.execution == "generic":
        return None
    return PlanExecutor(
        schema, is_direct=settings.lists_from == "circulation", hide_suggestions=not settings.suggestions
    )


def _seeded_staff(sandbox: Sandbox) -> PolarisIdentity:
    summary = sandbox.summary(SANDBOX_TENANT)
    return PolarisIdentity(
        authorization=summary.polaris_authorizations[SANDBOX_STAFF],
        workstation=summary.polaris_workstation,
        organization=summary.polaris_organization,
    )


def _examples(sandbox: Sandbox) -> Examples:
    summary = sandbox.summary(SANDBOX_TENANT)
    waiting = sandbox.library(SANDBOX_TENANT).requests.get(summary.request_id or "", {})
    return Examples(
        tenant=SANDBOX_TENANT,
        service_point=summary.service_point_id or "",
        patron_barcode=summary.patron_barcode or "",
        item_barcode=summary.item_barcode or "",
        instance=waiting.get("instanceId", ""),
        item=waiting.get("itemId", ""),
        polaris_patron=UNLOCKED_PATRON,
    )
