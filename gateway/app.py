"""The wiring of the application: settings in, ASGI application out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from gateway.context import ContextFactory, ShutdownState
from gateway.engine.core import core_schema
from gateway.engine.cost import price
from gateway.engine.documents import Documents, Operation
from gateway.engine.explain import Explainer
from gateway.engine.idempotency import IdempotentMutations
from gateway.engine.idempotency_stores import LocalIdempotencyStore, RedisIdempotencyStore
from gateway.engine.manifests import ManifestError, TrustedDocuments, read_manifests
from gateway.engine.operations import Operations
from gateway.engine.persisted_documents import LocalDocumentStore, PersistedDocuments, RedisDocumentStore
from gateway.engine.plans.executor import PlanExecutor
from gateway.engine.rate_limit import RateLimit
from gateway.engine.running_mutations import RunningMutations
from gateway.engine.subscriptions import Subscriptions
from gateway.engine.trusted_documents import prepare_trusted
from gateway.graph import schema
from gateway.http.endpoint import GraphQLEndpoint
from gateway.http.error_response import unexpected_error
from gateway.http.graphiql.example_operations import Examples, sandbox_examples
from gateway.http.graphiql.page import asset_routes, find_assets, render_page
from gateway.http.health import Readiness, health_routes
from gateway.http.metrics import metrics_routes
from gateway.http.middleware.cors import cors
from gateway.http.middleware.load_shedding import LoadShedding
from gateway.http.middleware.security_headers import SecurityHeaders
from gateway.http.open_streams import OpenStreams
from gateway.identity import SANDBOX_STAFF, SANDBOX_TENANT, PolarisIdentity, caller_from_headers
from gateway.live.changes import Changes
from gateway.live.folio_events import changes_of
from gateway.live.kafka import KafkaSource
from gateway.live.own_mutations import OwnMutations
from gateway.live.relay import Relay
from gateway.observability.operation import Recorder
from gateway.redis_store import RedisStore
from gateway.settings import Settings
from gateway.settings_group import SettingsError
from gateway.upstream.services import Services
from gateway.upstream.transport.transports import TransportFactory, in_process_transport

if TYPE_CHECKING:  # imported only if they are enabled
    from gateway.observability.metrics import Metrics
    from gateway.observability.traces import Tracing
    from gateway.sandbox import Event, Summary

GRAPHQL_PATH = "/graphql"
CALLS_PER_ESTIMATED = 3  # of MAX_COST, while an operation runs: more are beyond any error of the estimate


def create_app(
    settings: Settings | None = None,
    *,
    transport: TransportFactory | None = None,
    tracing: Tracing | None = None,
) -> Starlette:
    """Create the gateway as an ASGI application.

    `transport` creates the transport of each upstream, in place of the network, for tests. `tracing` receives
    the spans; by default TRACING and the variables `OTEL_...` configure it. Raises `SettingsError` if the
    settings cannot be used.
    """
    settings = settings or Settings()
    changes = Changes()
    summary: Summary | None = None
    publishes_itself = False  # True if upstream's events are a source of changes
    if settings.serves_sandbox and transport is None:
        from gateway.sandbox import create_sandbox

        sandbox = create_sandbox(settings.sandbox_data, publish=partial(_publish, changes))
        changes.start(time.time_ns() // 1_000_000)
        summary = sandbox.summary(SANDBOX_TENANT)
        publishes_itself = True
        transport = lambda settings: in_process_transport(sandbox)  # noqa: E731 - a named function adds nothing
    services = Services(settings, transport, max_calls=CALLS_PER_ESTIMATED * settings.max_cost)
    store = _shared_store(settings)
    kafka = changes.log = KafkaSource(settings, changes) if settings.kafka_servers else None
    own_mutations, relay = None, None
    if kafka is None and not publishes_itself:  # else each change would be published twice
        relay = None if store is None else Relay(store, changes)
        own_mutations = OwnMutations(changes, relay)
    readiness = Readiness()
    running_mutations = RunningMutations()
    metrics: Metrics | None = None
    if settings.metrics:
        from gateway.observability.metrics import Metrics

        metrics = Metrics()
    if tracing is None and settings.tracing:
        from gateway.observability.traces import tracing_from_environment

        tracing = tracing_from_environment()
    create_context = ContextFactory(
        services,
        limits=settings,
        upstream=settings,
        stopping=running_mutations.stopping,
        own_mutations=own_mutations,
    )
    identify = partial(
        caller_from_headers,
        token_cookie=settings.token_cookie,
        default_tenant=SANDBOX_TENANT if settings.serves_sandbox else None,
        default_polaris=None if summary is None else _sandbox_staff(summary),
    )
    documents = create_documents(settings, _trusted_documents(settings))
    plans = _plans(settings)
    idempotency = _idempotency(settings, create_context, store)
    recorder = Recorder(
        metrics, tracing, server_timing=settings.server_timing, rate_limit=settings.rate is not None
    )
    rate_limit = RateLimit(*settings.rate, store) if settings.rate is not None else None
    operations = Operations(
        documents,
        create_context,
        running_mutations=running_mutations,
        plans=plans,
        rate_limit=rate_limit,
        persisted_documents=_persisted_documents(settings, documents, store),
        idempotency=idempotency,
        explainer=create_explainer(settings, create_context) if settings.explains else None,
        subscriptions=Subscriptions(
            changes,
            rate_limit=rate_limit,
            recorder=recorder,
            max_response_bytes=settings.max_response_bytes,
            max_records=settings.max_records,
        ),
    )
    assets = find_assets() if settings.graphiql else None
    examples = Examples() if summary is None else sandbox_examples(summary)
    graphiql = (
        render_page(assets, examples, notice=_notice(settings), explains=settings.explains)
        if settings.graphiql
        else None
    )
    streams = OpenStreams(maximum=settings.max_subscriptions, user_maximum=settings.max_user_subscriptions)
    endpoint = GraphQLEndpoint(
        operations,
        identify,
        max_body_bytes=settings.max_body_bytes,
        max_bodies_bytes=settings.max_bodies_bytes,
        max_response_bytes=settings.max_response_bytes,
        max_records=settings.max_records,
        graphiql=graphiql,
        recorder=recorder,
        streams=streams,
    )

    def compile_operation(operation: Operation) -> None:
        if plans is not None:
            plans.prepare(operation)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, ShutdownState | OpenStreams]]:
        await prepare_trusted(documents, compile_operation)
        if kafka is not None:
            kafka.start()
        readiness.ready = True
        if relay is not None:
            relay.start()
        try:
            yield {"stopping": running_mutations.stopping, "streams": streams}
        finally:
            readiness.ready = False
            changes.close()
            # A write may wait for its slot as long as a read, and the result has links.
            longest = settings.act_timeout + settings.operation_timeout
            await running_mutations.wait_until_finished(within=longest)
            if kafka is not None:
                await kafka.aclose()
            await services.aclose()
            if relay is not None:
                await relay.aclose()
            if idempotency is not None:
                await idempotency.aclose()
            if store is not None:
                await store.aclose()
            if tracing is not None:
                await asyncio.to_thread(tracing.close)  # it may block until the spans are exported

    app = Starlette(
        routes=[
            Route(GRAPHQL_PATH, endpoint),
            *asset_routes(GRAPHQL_PATH, assets),
            *health_routes(readiness),
            *metrics_routes(metrics),
        ],
        middleware=[
            *cors(settings.origins, credentials=settings.token_cookie, headers=settings.more_cors_headers),
            Middleware(
                LoadShedding,
                path=GRAPHQL_PATH,
                endpoint=endpoint,
                max_operations=settings.max_operations,
                max_waiting_bodies=settings.max_waiting_bodies,
            ),
            # The endpoint and load shedding set them themselves.
            Middleware(SecurityHeaders),
        ],
        exception_handlers={Exception: unexpected_error},
        lifespan=lifespan,
    )
    app.state.changes = changes
    app.router.redirect_slashes = False  # the redirect would contain the Host header of the request
    return app


def create_documents(settings: Settings, trusted: TrustedDocuments | None = None) -> Documents:
    """Create the cache of documents, which are validated against the schema and the limits."""
    return Documents(schema, settings, settings, pricing=price, trusted=trusted)


def create_explainer(settings: Settings, create_context: ContextFactory | None = None) -> Explainer:
    """Return the explainer of operations. It shows as much of the schema as introspection does."""
    return Explainer(
        core_schema(schema),
        settings,
        lists_from=settings.lists_from,
        create_context=create_context,
    )


def _publish(changes: Changes, event: Event) -> None:
    """Publish the changes that an event of the embedded library signals, as those of Kafka are."""
    for change in changes_of(event.topic, event.key, event.value, event.tenant, event.timestamp):
        changes.publish(change)


def _trusted_documents(settings: Settings) -> TrustedDocuments | None:
    if settings.documents is None:
        return None
    try:
        return TrustedDocuments(read_manifests(settings.documents))
    except ManifestError as error:
        raise SettingsError([f"DOCUMENTS: {error}"]) from error


def _persisted_documents(
    settings: Settings, documents: Documents, store: RedisStore | None
) -> PersistedDocuments:
    if not settings.automatic_persisted_queries:
        return PersistedDocuments(documents)
    local = LocalDocumentStore(max_text=settings.max_query_characters)
    return PersistedDocuments(documents, local if store is None else RedisDocumentStore(store, local))


def _idempotency(
    settings: Settings, create_context: ContextFactory, store: RedisStore | None
) -> IdempotentMutations | None:
    if not settings.idempotency:
        return None
    if store is not None:
        return IdempotentMutations(RedisIdempotencyStore(store), create_context)
    local = LocalIdempotencyStore(max_keys=settings.idempotency_keys, max_bytes=settings.idempotency_bytes)
    return IdempotentMutations(local, create_context)


def _shared_store(settings: Settings) -> RedisStore | None:
    if settings.redis_url is None:
        return None
    return RedisStore(settings.redis_url.reveal(), timeout=settings.redis_timeout)


def _plans(settings: Settings) -> PlanExecutor | None:
    if settings.execution == "generic":
        return None
    return PlanExecutor(
        schema, is_direct=settings.lists_from == "circulation", hide_suggestions=not settings.suggestions
    )


def _notice(settings: Settings) -> str:
    """Return the text of GraphiQL that makes clear that the records are not those of a library."""
    if not settings.serves_sandbox:
        return ""
    return "Sandbox: invented records" if settings.sandbox_data is None else "Sandbox: records of a folder"


def _sandbox_staff(summary: Summary) -> PolarisIdentity:
    return PolarisIdentity(
        authorization=summary.polaris_authorizations[SANDBOX_STAFF],
        workstation=summary.polaris_workstation,
        organization=summary.polaris_organization,
    )
