"""Assembly: settings in, an ASGI application out. No logic."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from gateway.context import Context
from gateway.execution.executor import executed_by_plans
from gateway.graph import schema
from gateway.loaders import Loaders
from gateway.loaders.batching import BatchLimits
from gateway.sandbox import Sandbox, create_sandbox
from gateway.schema.price import price
from gateway.security.identity import Caller, PolarisIdentity, caller_from_headers
from gateway.security.limits import QueryLimits
from gateway.settings import Settings
from gateway.upstream.services import Services
from gateway.upstream.transport import Limits, Transport, in_process_transport
from gateway.web.cors import cors
from gateway.web.documents import Documents
from gateway.web.fault import fault
from gateway.web.graphiql import graphiql_page
from gateway.web.graphql import GraphQLEndpoint
from gateway.web.health import Readiness, health_routes
from gateway.web.open_acts import OpenActs
from gateway.web.overload import Overload
from gateway.web.security_headers import SecurityHeaders

SANDBOX_TENANT = "diku"
SANDBOX_STAFF = "desk"
GRAPHQL_PATH = "/graphql"
ACT_MARGIN = 5.0  # seconds beyond ACT_TIMEOUT: for its turn in the queue, and for the answer's links


def create_app(
    settings: Settings | None = None, *, transport: Callable[[Limits], Transport] | None = None
) -> Starlette:
    """The gateway as an ASGI application.

    `transport` makes what stands for the network, once for each upstream: tests put their double there.
    Raises `SettingsError` where the settings cannot be used.
    """
    settings = settings or Settings()
    sandbox = create_sandbox(settings.sandbox_data) if settings.serves_sandbox and transport is None else None
    if sandbox is not None:
        transport = _in_process(sandbox)
    services = Services(settings, transport)
    batch = BatchLimits(ids=settings.batch_size, request_line=settings.max_request_line)
    readiness = Readiness()
    open_acts = OpenActs()

    def new_context(caller: Caller) -> Context:
        upstream = services.of(caller)
        return Context(
            caller=caller,
            upstream=upstream,
            loaders=Loaders(upstream, batch, direct=settings.lists_from == "circulation"),
            max_page_size=settings.max_page_size,
            consortium_tenants=settings.consortium,
        )

    identify = partial(
        caller_from_headers,
        token_cookie=settings.token_cookie,
        default_tenant=SANDBOX_TENANT if settings.serves_sandbox else None,
        default_polaris=_seeded_staff(sandbox) if sandbox is not None else None,
    )
    endpoint = GraphQLEndpoint(
        Documents(
            executed_by_plans(schema) if settings.execution == "plan" else schema,
            settings.document_cache_size,
            limits=_query_limits(settings),
            pricing=price,
            introspection=settings.introspection,
            suggestions=settings.suggestions,
        ),
        new_context,
        identify,
        max_body_bytes=settings.max_body_bytes,
        graphiql=graphiql_page() if settings.graphiql else None,
        open_acts=open_acts,
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        readiness.ready = True
        try:
            yield
        finally:
            readiness.ready = False
            await open_acts.ended(within=settings.act_timeout + ACT_MARGIN)
            await services.aclose()

    app = Starlette(
        routes=[Route(GRAPHQL_PATH, endpoint), *health_routes(readiness)],
        middleware=[
            Middleware(SecurityHeaders),
            *cors(settings.origins, credentials=settings.token_cookie),
            Middleware(Overload, path=GRAPHQL_PATH, most=settings.max_operations),
        ],
        exception_handlers={Exception: fault},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect would be made of the caller's Host header
    return app


def _query_limits(settings: Settings) -> QueryLimits:
    return QueryLimits(
        query_characters=settings.max_query_characters,
        tokens=settings.max_tokens,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        directives=settings.max_directives,
        nodes=settings.max_nodes,
        root_fields=settings.max_root_fields,
        cost=settings.max_cost,
        rows=settings.max_page_size,
        batch=settings.batch_size,
    )


def _in_process(sandbox: Sandbox) -> Callable[[Limits], Transport]:
    return lambda limits: in_process_transport(sandbox)


def _seeded_staff(sandbox: Sandbox) -> PolarisIdentity:
    summary = sandbox.summary(SANDBOX_TENANT)
    return PolarisIdentity(
        authorization=summary.polaris_authorizations[SANDBOX_STAFF],
        workstation=summary.polaris_workstation,
        organization=summary.polaris_organization,
    )
