"""The distribution: the container image of the Dockerfile, and the check of a fresh clone."""

from __future__ import annotations

import fnmatch
import http.server
import importlib.metadata
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from gateway.settings import Settings

PROJECT = Path(__file__).parent.parent
TEST_COMMAND = "pip install -e '.[test]' && pytest"


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Split a Dockerfile into its instructions, continued lines joined and comments left out."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined if line)]


def variables(image: list[tuple[str, str]]) -> dict[str, str]:
    pairs = [pair.partition("=") for word, rest in image if word == "ENV" for pair in shlex.split(rest)]
    return {name: value for name, _, value in pairs}


@pytest.fixture(name="image")
def _image() -> list[tuple[str, str]]:
    return instructions((PROJECT / "Dockerfile").read_text(encoding="utf-8"))


@pytest.fixture(name="final")
def _final(image: list[tuple[str, str]]) -> list[tuple[str, str]]:
    last = max(index for index, (word, _) in enumerate(image) if word == "FROM")
    return image[last:]


def only(image: list[tuple[str, str]], word: str) -> str:
    (rest,) = [rest for each, rest in image if each == word]
    return rest


def status_of(command: list[str], **environment: str) -> int:
    return subprocess.run(  # noqa: S603 - the image's own command
        [sys.executable, *command[1:]],
        env={**os.environ, **environment},
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


class Health(http.server.BaseHTTPRequestHandler):
    """Serves /admin/health only."""

    def do_GET(self) -> None:  # named by http.server
        self.send_response(200 if self.path == "/admin/health" else 404)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


# The image


def test_image_has_two_stages(image: list[tuple[str, str]], final: list[tuple[str, str]]) -> None:
    """The image is built in one stage and run from another, which only receives the environment."""
    assert [rest for word, rest in image if word == "FROM"] == [
        "python:${PYTHON}-slim AS build",
        "python:${PYTHON}-slim",
    ]
    assert [rest for word, rest in final if word == "COPY"] == ["--from=build /opt/gateway /opt/gateway"]
    assert "RUN" not in dict(final)


def test_image_has_a_supported_python(image: list[tuple[str, str]]) -> None:
    """The image's Python is one minor version: the newest one that the package declares."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"(?m)^Programming Language :: Python :: 3\.(\d+)$", "\n".join(project["classifiers"]))
    assert f"3.{min(map(int, named))}" == project["requires-python"].removeprefix(">=")
    assert only(image, "ARG") == f"PYTHON=3.{max(map(int, named))}"


def test_image_does_not_run_as_root(final: list[tuple[str, str]]) -> None:
    """The process is not root, by number, so that an orchestrator can verify it."""
    user, _, group = only(final, "USER").partition(":")
    assert (int(user), int(group)) == (65532, 65532)


def test_image_serves_on_8081(final: list[tuple[str, str]]) -> None:
    """FOLIO's port is exposed and listened on, on every address of the container."""
    environment = variables(final)

    assert only(final, "EXPOSE") == "8081"
    assert (environment["HOST"], environment["PORT"]) == ("0.0.0.0", "8081")  # noqa: S104 - inside a container


def test_image_requires_an_upstream(final: list[tuple[str, str]]) -> None:
    """A container without configuration does not start, instead of serving invented records."""
    environment = variables(final)

    named = {name.lower(): value for name, value in environment.items()}
    settings = Settings(**{name: named[name] for name in named.keys() & Settings.declarations()})

    assert settings.require_upstream is True
    assert settings.serves_sandbox is False


def test_image_writes_nothing(final: list[tuple[str, str]]) -> None:
    """The root file system may be read-only: no byte code is written and no volume is needed."""
    environment = variables(final)

    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
    assert environment["PYTHONUNBUFFERED"] == "1"
    assert "VOLUME" not in dict(final)


def test_image_holds_no_secrets(image: list[tuple[str, str]]) -> None:
    """No variable of the image is a password, a token or a key."""
    names = [*variables(image), *(rest.partition("=")[0] for word, rest in image if word == "ARG")]
    assert [name for name in names if re.search("PASS|TOKEN|SECRET|KEY|CREDENTIAL", name)] == []


def test_image_starts_the_gateway(final: list[tuple[str, str]]) -> None:
    """The container runs the console script directly, so that it receives SIGTERM and options."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert json.loads(only(final, "ENTRYPOINT")) == ["circulation-gateway"]
    assert project["scripts"]["circulation-gateway"] == "gateway.__main__:main"
    assert "CMD" not in dict(final)
    assert only(final, "STOPSIGNAL") == "SIGTERM"


def test_health_check_calls_the_gateway(final: list[tuple[str, str]]) -> None:
    """The health check passes if /admin/health is 200 on PORT, and fails without a server."""
    command = json.loads(only(final, "HEALTHCHECK").partition("CMD ")[2])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = str(server.server_port)
        alive = status_of(command, PORT=port, http_proxy="http://127.0.0.1:1")
        server.shutdown()
        thread.join()

    assert alive == 0
    assert status_of(command, PORT=port) == 1


# Files for the builder


def sent_to_builder(path: str) -> bool:
    """Return True if .dockerignore permits a file: the last matching line counts."""
    lines = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    parts = path.split("/")
    above = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    sent = True
    for line in lines:
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!").removeprefix("**/")
            anywhere = parts if line.startswith("**/") else above
            if any(fnmatch.fnmatchcase(each, pattern) for each in anywhere):
                sent = line.startswith("!")
    return sent


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".ci/run",
        ".ci/lock",
        ".env",
        ".venv/bin/python",
        ".mypy_cache/3.11/x.json",
        "Dockerfile",
        "tests/test_packaging.py",
        "dist/gateway.whl",
        "gateway/__pycache__/cli.cpython-311.pyc",
        "gateway/web/__pycache__/graphql.cpython-311.pyc",
    ],
)
def test_other_files_are_not_sent(path: str) -> None:
    """History, tests, caches and local files are not sent to the builder."""
    assert not sent_to_builder(path)


def test_copied_files_are_sent(image: list[tuple[str, str]]) -> None:
    """Every file that the Dockerfile copies gets past .dockerignore."""
    copied = [rest.split()[:-1] for word, rest in image if word == "COPY" and not rest.startswith("--from")]

    assert copied == [[".ci/requirements.lock"], ["pyproject.toml", "README.md"], ["gateway"]]
    for path in [
        ".ci/requirements.lock",
        "pyproject.toml",
        "README.md",
        "gateway/cli.py",
        "gateway/web/graphql.py",
    ]:
        assert sent_to_builder(path), path


# Dependencies of the image


LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
PYTHONS = ("3.11.0", "3.12.0", "3.13.0")


@dataclass(frozen=True)
class Pin:
    """One package of the lock file. A version for other environments has a separate pin."""

    name: str
    version: Version
    marker: Marker | None
    hashes: list[str]

    def holds(self, **place: str) -> bool:
        return self.marker is None or self.marker.evaluate({**LINUX, **place})


def pins() -> list[Pin]:
    text = (PROJECT / ".ci/requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    result = []
    for line in lines:
        requirement, *hashes = line.split(" --hash=")
        parsed = Requirement(requirement)
        (version,) = parsed.specifier
        assert version.operator == "=="
        result.append(Pin(canonicalize_name(parsed.name), Version(version.version), parsed.marker, hashes))
    return result


def locked(**place: str) -> dict[str, Version]:
    """Return the version of each installed package, on this Python unless another is given."""
    holding = [pin for pin in pins() if pin.holds(**place)]
    result = {pin.name: pin.version for pin in holding}
    assert len(result) == len(holding), "a package is pinned to two versions"
    return result


def requirements_of_image(
    requirements: Iterable[str], extras: Collection[str] = (), **place: str
) -> list[Requirement]:
    """Return the requirements of the image, which is Linux, with the extras of each package."""
    parsed = [Requirement(each) for each in requirements]
    return [
        each
        for each in parsed
        if each.marker is None
        or any(each.marker.evaluate({**LINUX, **place, "extra": extra}) for extra in ("", *extras))
    ]


def image_dependencies() -> list[str]:
    """Return the dependencies in pyproject.toml, with the optional ones of .ci/lock."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    taken = re.search(r"^extras=\((.*?)\)", (PROJECT / ".ci/lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert taken is not None
    optional = [each for extra in taken[1].split() for each in project["optional-dependencies"][extra]]
    return [*project["dependencies"], *optional]


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_fits_the_package(python: str) -> None:
    """On each Python, the lock file pins every dependency of the package, within its range."""
    place = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    versions = locked(**place)

    for each in requirements_of_image(image_dependencies(), **place):
        assert each.specifier.contains(versions[canonicalize_name(each.name)], prereleases=True), each


def test_lock_is_complete_and_holds_nothing_else() -> None:
    """The lock file has the dependencies of its packages, in permitted versions, and no other package."""
    versions = locked()
    reached: set[tuple[str, frozenset[str]]] = set()
    waiting = requirements_of_image(image_dependencies())
    while waiting:
        each = waiting.pop()
        name = canonicalize_name(each.name)
        assert each.specifier.contains(versions[name], prereleases=True), each
        if (name, frozenset(each.extras)) not in reached:
            reached.add((name, frozenset(each.extras)))
            waiting += requirements_of_image(importlib.metadata.requires(name) or [], each.extras)

    assert {name for name, _ in reached} == set(versions)


def test_lock_has_hashes() -> None:
    """Every package has a SHA-256."""
    for pin in pins():
        assert pin.hashes, pin.name
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", each.strip()) for each in pin.hashes), pin.name


def test_lock_names_no_source() -> None:
    """The lock file names no URL and no folder of packages."""
    text = (PROJECT / ".ci/requirements.lock").read_text(encoding="utf-8")
    assert re.findall(r"://|^-|/opt|/home|/tmp", text, re.MULTILINE) == []


def test_image_installs_locked_packages(image: list[tuple[str, str]]) -> None:
    """Packages are installed by their hashes, and the gateway's own wheel without dependencies."""
    installs = [
        part for word, rest in image if word == "RUN" for part in rest.split("&&") if "install" in part
    ]
    dependencies, own = map(str.split, installs)

    assert dependencies[-4:] == ["--no-deps", "--require-hashes", "-r", ".ci/requirements.lock"]
    assert own[-2:] == ["--no-deps", "wheels/*.whl"]


# The check of a fresh clone


def test_ci_runs_the_command_of_the_readme() -> None:
    """The check runs the same line that the README shows."""
    assert f'test_command="{TEST_COMMAND}"' in (PROJECT / ".ci/run").read_text(encoding="utf-8")
    assert TEST_COMMAND in (PROJECT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["run", "lock", "audit", "latest"])
def test_ci_is_executable(name: str) -> None:
    """A script can be started by its name, and its syntax is valid."""
    script = PROJECT / ".ci" / name

    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0  # noqa: S603, S607


@pytest.mark.parametrize(
    "path",
    [
        "Dockerfile",
        ".dockerignore",
        ".ci/run",
        ".ci/lock",
        ".ci/audit",
        ".ci/latest",
        ".ci/requirements.lock",
        "pyproject.toml",
    ],
)
def test_no_registry_is_named(path: str) -> None:
    """Packages and images are fetched from the configured registries, not from a host named here."""
    text = (PROJECT / path).read_text(encoding="utf-8")
    places = r"(?<!no-emit-)(?<!global\.)(?:index-url|find-links)|://(?!127\.0\.0\.1|localhost|okapi\.example\.org)[^\s'\"]*"
    assert re.findall(places, text) == []
