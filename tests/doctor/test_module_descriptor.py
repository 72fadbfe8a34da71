"""The module descriptor follows the rules of Okapi and of the sidecar, and describes the gateway."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from click.testing import CliRunner
from msgspec import Meta
from starlette.routing import Route

from gateway import __version__
from gateway.cli import cli
from gateway.doctor.module_descriptor import PATH, module_descriptor_json
from gateway.settings import Settings
from gateway.upstream.services import declared_interfaces

PROJECT = Path(__file__).parents[2]
SEMVER = r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?"

# Okapi's schema of a module descriptor, as far as this one goes: no member that it does not know, and ids and
# versions in the forms that Okapi can compare.


class Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class Reference(Strict, kw_only=True):
    id: Annotated[str, Meta(pattern=r"^[a-z][a-z-]*$")]
    version: Annotated[str, Meta(pattern=r"^\d+\.\d+( \d+\.\d+)*$")]


class Handler(Strict, kw_only=True):
    methods: Annotated[list[Literal["GET", "POST", "PUT", "PATCH", "DELETE", "*"]], Meta(min_length=1)]
    pathPattern: Annotated[str, Meta(pattern=r"^/[^?#\s]*$")]
    permissionsRequired: list[str]
    permissionsDesired: list[str] = []
    modulePermissions: list[str] = []


class Provided(Strict, kw_only=True):
    id: Annotated[str, Meta(pattern=r"^_?[a-z][a-z-]*$")]
    version: Annotated[str, Meta(pattern=r"^\d+\.\d+$")]
    interfaceType: Literal["proxy", "system", "internal", "multiple"] = "proxy"
    handlers: Annotated[list[Handler], Meta(min_length=1)]


class Permission(Strict, kw_only=True):
    permissionName: str
    displayName: str
    description: str
    subPermissions: list[str] = []


class PortBinding(Strict, kw_only=True):
    HostPort: Literal["%p"]


class HostConfig(Strict, kw_only=True):
    Memory: Annotated[int, Meta(gt=0)]
    PortBindings: dict[Annotated[str, Meta(pattern=r"^\d+/tcp$")], list[PortBinding]]


class DockerArguments(Strict, kw_only=True):
    HostConfig: HostConfig


class Variable(Strict, kw_only=True):
    name: str
    value: str


class LaunchDescriptor(Strict, kw_only=True):
    dockerImage: str
    dockerPull: bool
    dockerArgs: DockerArguments
    env: list[Variable]


class Descriptor(Strict, kw_only=True):
    id: Annotated[str, Meta(pattern=rf"^[a-z][a-z-]*[a-z]-{SEMVER}$")]
    name: Annotated[str, Meta(min_length=1)]
    provides: Annotated[list[Provided], Meta(min_length=1)]
    requires: list[Reference]
    optional: list[Reference]
    permissionSets: list[Permission]
    launchDescriptor: LaunchDescriptor

    def __post_init__(self) -> None:
        for references in (self.requires, self.optional):
            ids = [each.id for each in references]
            if len(ids) != len(set(ids)):
                raise ValueError("an interface is named twice")


@pytest.fixture(name="descriptor", scope="module")
def _descriptor() -> Descriptor:
    return msgspec.json.decode(module_descriptor_json(), type=Descriptor)


def test_the_command_prints_it() -> None:
    """`descriptor` prints the JSON and nothing else."""
    result = CliRunner().invoke(cli, ["descriptor"])

    assert result.exit_code == 0
    assert result.output == module_descriptor_json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "mod-circulation-graphql"},
        {"tenantInterface": "/tenant"},
        {"requires": [{"id": "users", "version": "16"}]},
        {"requires": [{"id": "users", "version": "16.0"}, {"id": "users", "version": "16.1"}]},
        {"provides": []},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_the_rules_reject_what_okapi_rejects(wrong: dict[str, object]) -> None:
    """The rules above are not empty: a descriptor that violates one of them fails."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(json.loads(module_descriptor_json()) | wrong, Descriptor)


def test_it_is_the_descriptor_of_this_version(descriptor: Descriptor) -> None:
    """Module and image have the version that prints it."""
    assert descriptor.id == f"mod-circulation-graphql-{__version__}"
    assert descriptor.launchDescriptor.dockerImage == f"circulation-gateway:{__version__}"


def test_it_provides_graphql_by_get_and_post(descriptor: Descriptor) -> None:
    """One interface, at the path that the gateway serves, with a permission that the descriptor declares."""
    (provided,) = descriptor.provides
    declared = {each.permissionName for each in descriptor.permissionSets}

    assert (provided.id, provided.version) == ("circulation-graphql", "1.0")
    assert sorted((each.methods, each.pathPattern) for each in provided.handlers) == [
        (["GET"], PATH),
        (["POST"], PATH),
    ]
    assert {name for each in provided.handlers for name in each.permissionsRequired} == declared


def test_the_path_is_the_one_that_is_served() -> None:
    """Okapi forwards requests with their path, so the gateway must serve that path."""
    from gateway.app import create_app

    paths = {route.path for route in create_app(Settings(sandbox=True)).routes if isinstance(route, Route)}

    assert PATH in paths


def test_it_requests_no_permissions_of_its_own(descriptor: Descriptor) -> None:
    """No module permissions and no system user: neither may extend what a caller sees."""
    handlers = [handler for each in descriptor.provides for handler in each.handlers]

    assert [each.modulePermissions for each in handlers] == [[], []]
    assert "metadata" not in json.loads(module_descriptor_json())


def test_every_interface_that_is_called_is_named(descriptor: Descriptor) -> None:
    """The sidecar routes to named interfaces only; those that a tenant may lack are optional."""
    required = {each.id for each in descriptor.requires}
    optional = {each.id for each in descriptor.optional}

    assert required == {
        "circulation",
        "circulation-bff-loans",
        "circulation-bff-requests",
        "inventory",
        "service-points",
        "users",
    }
    assert required | optional == {each.id for each in declared_interfaces()}
    assert required & optional == set()


def test_the_launch_descriptor_fits_the_image(descriptor: Descriptor) -> None:
    """The port is the image's, and each variable is a setting."""
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    (port,) = re.findall(r"^EXPOSE (\d+)$", dockerfile, re.MULTILINE)
    launch = descriptor.launchDescriptor

    assert list(launch.dockerArgs.HostConfig.PortBindings) == [f"{port}/tcp"]
    assert {each.name.lower() for each in launch.env} <= set(Settings.declarations())
    Settings(**{each.name.lower(): each.value for each in launch.env})


def test_it_requests_less_memory_than_the_bff(descriptor: Descriptor) -> None:
    """The BFF's descriptor requests 357913941 bytes."""
    assert descriptor.launchDescriptor.dockerArgs.HostConfig.Memory < 357_913_941
