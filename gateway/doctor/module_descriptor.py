"""The gateway's module descriptor, with which FOLIO (Okapi, Eureka) registers it as a module.

Left out on purpose:

- `modulePermissions`: they would extend the token of every call that the gateway makes, and the gateway
  returns only data that this caller may see
- a `_tenant` interface: the gateway stores nothing for a tenant, so there is nothing to set up
- `metadata.user`: without a system user, no request is ever sent in another name than the caller's
- handlers for `/admin`: orchestrators and the sidecar call the container directly, and Okapi routes tenants

`requires` and `optional` name every interface that the gateway calls, because the sidecar routes to no
others. They are derived from the routes of the services.
"""

from __future__ import annotations

import json
from typing import Literal

import msgspec

from gateway import __version__
from gateway.upstream.routes import Interface
from gateway.upstream.services import declared_interfaces

MODULE = "mod-circulation-graphql"
IMAGE = "circulation-gateway"
PERMISSION = "circulation-graphql.execute"
PATH = "/graphql"
PORT = 8081
MEMORY = 335_544_320  # bytes; 197 MB were measured with 64 operations at once, of 100 loans with four links


class Handler(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    methods: list[str]
    path_pattern: str
    permissions_required: list[str]
    module_permissions: list[str]


class Provided(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    version: str
    handlers: list[Handler]


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    version: str


class Permission(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    permission_name: str
    display_name: str
    description: str


class PortBinding(msgspec.Struct, rename="pascal", frozen=True, kw_only=True):
    host_port: str


class HostConfig(msgspec.Struct, rename="pascal", frozen=True, kw_only=True):
    """Okapi passes it to Docker unchanged, except that it replaces `%p` by the port that it chose."""

    memory: int
    port_bindings: dict[str, list[PortBinding]]


class DockerArguments(msgspec.Struct, rename="pascal", frozen=True, kw_only=True):
    host_config: HostConfig


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    value: str


class LaunchDescriptor(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    docker_image: str
    docker_pull: bool
    docker_args: DockerArguments
    env: list[Variable]


class ModuleDescriptor(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A module descriptor; the names are those of Okapi and the application manager."""

    id: str
    name: str
    provides: list[Provided]
    requires: list[Reference]
    optional: list[Reference]
    permission_sets: list[Permission]
    launch_descriptor: LaunchDescriptor


def module_descriptor() -> ModuleDescriptor:
    """Return the descriptor of this version."""
    interfaces = declared_interfaces()
    return ModuleDescriptor(
        id=f"{MODULE}-{__version__}",
        name="Circulation gateway (GraphQL)",
        provides=[
            Provided(id="circulation-graphql", version="1.0", handlers=[_handler("GET"), _handler("POST")])
        ],
        requires=[_reference(each) for each in interfaces if each.required],
        optional=[_reference(each) for each in interfaces if not each.required],
        permission_sets=[
            Permission(
                permission_name=PERMISSION,
                display_name="Circulation GraphQL - execute operations",
                description="Send GraphQL operations; each module that is called checks its own permissions",
            )
        ],
        launch_descriptor=LaunchDescriptor(
            docker_image=f"{IMAGE}:{__version__}",
            docker_pull=False,
            docker_args=DockerArguments(
                host_config=HostConfig(
                    memory=MEMORY, port_bindings={f"{PORT}/tcp": [PortBinding(host_port="%p")]}
                )
            ),
            env=[Variable(name="OKAPI_URL", value="http://okapi:9130")],
        ),
    )


def module_descriptor_json() -> str:
    """Return the descriptor as the JSON that is posted to `/_/proxy/modules`."""
    return json.dumps(msgspec.to_builtins(module_descriptor()), indent=2) + "\n"


def _handler(method: Literal["GET", "POST"]) -> Handler:
    return Handler(
        methods=[method], path_pattern=PATH, permissions_required=[PERMISSION], module_permissions=[]
    )


def _reference(interface: Interface) -> Reference:
    return Reference(id=interface.id, version=interface.version)
