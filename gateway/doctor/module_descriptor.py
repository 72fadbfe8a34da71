"""The gateway as a module of FOLIO: its module descriptor, for Okapi and for Eureka.

What is not in it is left out on purpose:

- no `modulePermissions`: they would extend the token of every call that the gateway makes, and the gateway
  answers from nothing but what this caller may see and do
- no `_tenant` interface: nothing is kept for a tenant, so there is nothing to set up
- no `metadata.user`: without a system user, no question is ever asked in another name than the caller's
- no handlers for `/admin`: orchestrators and the sidecar ask the container itself, and Okapi routes tenants

`requires` and `optional` name every interface that is asked, because the sidecar routes to no others.
"""

from __future__ import annotations

import json
from typing import Literal

import msgspec

from gateway import __version__
from gateway.upstream.interfaces import INTERFACES, Interface

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
    """Okapi hands it to Docker as it is; it puts the port that it chose in the place of `%p`."""

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
    """What Okapi and the manager of applications read; the names are theirs."""

    id: str
    name: str
    provides: list[Provided]
    requires: list[Reference]
    optional: list[Reference]
    permission_sets: list[Permission]
    launch_descriptor: LaunchDescriptor


def module_descriptor() -> ModuleDescriptor:
    """The descriptor of this version."""
    return ModuleDescriptor(
        id=f"{MODULE}-{__version__}",
        name="Circulation gateway (GraphQL)",
        provides=[
            Provided(id="circulation-graphql", version="1.0", handlers=[handler("GET"), handler("POST")])
        ],
        requires=[reference(each) for each in INTERFACES if each.required],
        optional=[reference(each) for each in INTERFACES if not each.required],
        permission_sets=[
            Permission(
                permission_name=PERMISSION,
                display_name="Circulation GraphQL - ask and act",
                description="Send GraphQL operations; what each may see and do is decided where it asks",
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
    """The descriptor as the JSON that is posted to `/_/proxy/modules`."""
    return json.dumps(msgspec.to_builtins(module_descriptor()), indent=2) + "\n"


def handler(method: Literal["GET", "POST"]) -> Handler:
    return Handler(
        methods=[method], path_pattern=PATH, permissions_required=[PERMISSION], module_permissions=[]
    )


def reference(interface: Interface) -> Reference:
    return Reference(id=interface.id, version=interface.version)
