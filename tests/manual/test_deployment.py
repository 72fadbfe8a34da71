"""The manifests on the page on deployment match the gateway: ports, paths, settings, commands and times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml
from starlette.routing import Route

from gateway import __version__
from gateway.app import create_app
from gateway.cli import cli
from gateway.cli.serve import DRAIN_SECONDS
from gateway.doctor.diagnosis import Status
from gateway.doctor.module_descriptor import IMAGE, MEMORY
from gateway.settings import Settings
from tests.manual.pages import PAGES, PROJECT, blocks, section

PAGE = PAGES["deployment"]
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
PORT = int(re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)[0])
USER = int(re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)[0])
TAG = f"{IMAGE}:{__version__}"
MEBIBYTE = 1024 * 1024
Manifest = dict[str, Any]  # Any: YAML of either kind


def documents() -> Iterator[Manifest]:
    for block in blocks("yaml", PAGE):
        yield from yaml.safe_load_all(block)


@pytest.fixture(name="services", scope="module")
def _services() -> Manifest:
    """The services of the compose file."""
    (compose,) = [each for each in documents() if "services" in each]
    services: Manifest = compose["services"]
    return services


@pytest.fixture(name="manifests", scope="module")
def _manifests() -> dict[str, Manifest]:
    """The Kubernetes manifests by kind; each kind occurs once."""
    listed = [each for each in documents() if "kind" in each]
    assert len({each["kind"] for each in listed}) == len(listed)
    return {each["kind"]: each for each in listed}


@pytest.fixture(name="pod")
def _pod(manifests: dict[str, Manifest]) -> Manifest:
    pod: Manifest = manifests["Deployment"]["spec"]["template"]
    return pod


@pytest.fixture(name="container")
def _container(pod: Manifest) -> Manifest:
    (container,) = pod["spec"]["containers"]
    assert isinstance(container, dict)
    return container


def as_settings(environment: dict[str, str]) -> Settings:
    """Return the settings of a container; every name must be a setting."""
    names = {name.lower(): value for name, value in environment.items()}
    assert set(names) <= set(Settings.declarations())
    return Settings(**names)


def seconds(text: str) -> int:
    assert re.fullmatch(r"\d+s", text)
    return int(text[:-1])


def served() -> set[str]:
    return {route.path for route in create_app(Settings(sandbox=True)).routes if isinstance(route, Route)}


MAX_SHUTDOWN = DRAIN_SECONDS + sum(
    Settings.declarations()[name].default for name in ("operation_timeout", "act_timeout")
)
"""Seconds from SIGTERM until the last mutation has its response or its deadline."""


def test_the_images_are_of_this_version(services: Manifest, container: Manifest) -> None:
    """A pasted manifest runs the version that the page belongs to."""
    assert {each["image"] for each in services.values()} == {TAG}
    assert container["image"] == TAG
    assert f"docker build -t {TAG} ." in PAGE


def test_compose_publishes_the_port_of_the_image(services: Manifest) -> None:
    """The port inside the container is the one that the image listens on."""
    assert services["gateway"]["ports"] == [f"{PORT}:{PORT}"]


def test_compose_connects_the_gateway_to_the_sandbox(services: Manifest) -> None:
    """Both addresses are those of the other service, at the port that its command opens."""
    settings = as_settings(services["gateway"]["environment"])
    name, *arguments = services["sandbox"]["command"]
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    options = command.make_context(name, arguments).params

    assert services["gateway"]["depends_on"] == ["sandbox"]
    assert options["host"] == "0.0.0.0"  # noqa: S104 - inside a container
    for url in (settings.okapi_url, settings.polaris_url):
        address = urlsplit(str(url))
        assert (address.hostname, address.port) == ("sandbox", options["port"])


def test_compose_drops_all_rights(services: Manifest) -> None:
    """Neither container writes to its disk, has a capability or gets one."""
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in service  # the image's


def test_there_is_a_manifest_of_each_kind(manifests: dict[str, Manifest]) -> None:
    """There is a deployment, a service, an autoscaler and a disruption budget."""
    assert {kind: each["apiVersion"] for kind, each in manifests.items()} == {
        "Deployment": "apps/v1",
        "Service": "v1",
        "HorizontalPodAutoscaler": "autoscaling/v2",
        "PodDisruptionBudget": "policy/v1",
    }


def test_the_manifests_refer_to_each_other(manifests: dict[str, Manifest], pod: Manifest) -> None:
    """Service, budget and deployment select the labels of the pod; the autoscaler scales the deployment."""
    labels = pod["metadata"]["labels"]
    deployment = manifests["Deployment"]
    target = manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]

    assert labels
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert manifests["Service"]["spec"]["selector"] == labels
    assert manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert target == {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment["metadata"]["name"]}
    assert {each["metadata"]["name"] for each in manifests.values()} == {deployment["metadata"]["name"]}


def test_the_service_leads_to_the_port_of_the_image(
    manifests: dict[str, Manifest], container: Manifest
) -> None:
    """The name of the port is the same in both, and the port is the image's."""
    (opened,) = container["ports"]
    (published,) = manifests["Service"]["spec"]["ports"]

    assert opened["containerPort"] == PORT
    assert (published["port"], published["targetPort"]) == (PORT, opened["name"])


@pytest.mark.parametrize(
    ("probe", "path"),
    [
        ("startupProbe", "/admin/health"),
        ("livenessProbe", "/admin/health"),
        ("readinessProbe", "/admin/health/readiness"),
    ],
)
def test_a_probe_requests_a_path_that_is_served(container: Manifest, probe: str, path: str) -> None:
    """Liveness and readiness differ: an orchestrator must not restart a process that drains."""
    assert container[probe]["httpGet"] == {"path": path, "port": container["ports"][0]["name"]}
    assert path in served()


def test_readiness_is_polled_often_enough(container: Manifest) -> None:
    """The load balancer learns that the pod drains before the gateway stops accepting requests."""
    probe = container["readinessProbe"]

    assert probe["periodSeconds"] * probe["failureThreshold"] < DRAIN_SECONDS


def test_the_variables_are_settings(container: Manifest) -> None:
    """Each variable is a setting, and together they are valid."""
    environment = {each["name"]: each["value"] for each in container["env"]}

    settings = as_settings(environment)

    assert settings.has_upstream
    assert settings.production
    assert all(isinstance(value, str) for value in environment.values())  # Kubernetes takes nothing else


def test_a_mutation_has_time_to_finish(services: Manifest, pod: Manifest) -> None:
    """The process is not killed before the last mutation that it sent has ended."""
    assert pod["spec"]["terminationGracePeriodSeconds"] == 50
    assert seconds(services["gateway"]["stop_grace_period"]) == 50
    assert MAX_SHUTDOWN <= 50


def test_the_pod_has_no_rights(pod: Manifest, container: Manifest) -> None:
    """The pod runs as the user of the image, without capabilities, writable disk or service account."""
    assert pod["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["spec"]["automountServiceAccountToken"] is False


def test_the_memory_is_that_of_the_module_descriptor(container: Manifest) -> None:
    """The limit is that of the descriptor; CPU is requested, because the autoscaler computes with it."""
    resources = container["resources"]

    assert resources["limits"]["memory"] == f"{MEMORY // MEBIBYTE}Mi"
    assert MEMORY % MEBIBYTE == 0
    assert re.fullmatch(r"\d+m", resources["requests"]["cpu"])


def test_the_results_of_doctor_are_listed() -> None:
    """The table of results names each status that a check may have."""
    table = section("deployment", "Check the connection: `doctor`").partition("| Result |")[2]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)

    assert set(re.findall(r"`(.*?)`", " ".join(rows))) == {each.value for each in Status}


def test_one_pod_is_always_available(manifests: dict[str, Manifest]) -> None:
    """The budget leaves room to move a pod: it requires fewer than the autoscaler keeps."""
    scaler = manifests["HorizontalPodAutoscaler"]["spec"]

    assert manifests["PodDisruptionBudget"]["spec"]["minAvailable"] < scaler["minReplicas"]
    assert [each["resource"]["name"] for each in scaler["metrics"]] == ["cpu"]
    assert "replicas" not in manifests["Deployment"]["spec"]  # the autoscaler sets it
