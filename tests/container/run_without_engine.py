"""Builds the image and runs it, on a machine without a container engine.

    sudo python tests/container/run_without_engine.py

needs Linux, root, and `debootstrap`, `buildah` and `util-linux` (each a Debian package). buildah takes the
Dockerfile as it is. Its base image is made of Debian 13 with Debian's Python in place of the official one, so
the script checks the Dockerfile and not that base. The container is a process in a root file system mounted
read-only, as the image's user, without a capability, in separate namespaces, but on the machine's network.
Each expectation is checked, and the first failure ends the script with 1.

It is not part of the tests, which need neither root nor any network but the package registry.
"""

# ruff: noqa: S603, T201 - programs of the system are started, and its results are printed

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.13-slim"
IMAGE = "localhost/circulation-gateway"
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
START_SECONDS = 30.0
SECRETIVE = re.compile("PASS|TOKEN|SECRET|KEY|CREDENTIAL|AUTH", re.IGNORECASE)
# Settings of the builder for its registry, which must not stay in the image.
LENT = ("/etc/ssl/certs", "/etc/pip.conf")

# A container as an engine makes one: own mounts, own process 1, nothing writable but the null devices.
CONTAINER = """
set -eu
root="$1"; shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
for device in null zero full random urandom; do
    touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,ro "$root/dev"
mount -o remount,bind,ro "$root"
exec env --unset=PWD chroot "$root" setpriv "$@"
"""
POWERLESS = ("--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")

LOANS = "{ loans(first: 2) { totalCount nodes { id borrower { barcode } item { title } } } }"
CHECK_OUT = """mutation($input: CheckOutInput!) { checkOut(input: $input) { __typename
    ... on CheckedOut { loan { item { barcode } } } ... on Refusal { reasons { message } } } }"""

Json = Any


class Builder:
    """buildah with a separate store, so that the machine's images are unchanged."""

    def __init__(self, store: Path) -> None:
        self.options = ["--root", f"{store}/images", "--runroot", f"{store}/run", "--storage-driver", "vfs"]

    def run(self, *arguments: str | Path) -> str:
        """Return the standard output of one command. Raises CalledProcessError if it fails."""
        command = ["buildah", *self.options, *map(str, arguments)]
        ended = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)
        return ended.stdout.strip()

    def base(self, root: Path) -> None:
        """Tag a root file system with the name of the base image."""
        container = self.run("from", "scratch")
        self.run("add", "--quiet", container, root, "/")
        self.run("commit", "--quiet", container, BASE)
        self.run("rm", container)

    def image(self) -> Json:
        """Build the Dockerfile; return the image's configuration."""
        lent = [f"--volume={place}:{place}:ro" for place in LENT if Path(place).exists()]
        self.run(
            "build", "--isolation=chroot", "--pull-never", "--format=docker", *lent, f"--tag={IMAGE}", PROJECT
        )
        return json.loads(self.run("inspect", "--type=image", IMAGE))["Docker"]["config"]

    @contextmanager
    def root(self) -> Iterator[Path]:
        """Return the root file system of a new container."""
        container = self.run("from", "--pull-never", IMAGE)
        try:
            yield Path(self.run("mount", container))
        finally:
            self.run("rm", container)


def debian(root: Path) -> None:
    """Return Debian 13 with its Python 3.13, called `python` as in the official image."""
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "trixie", str(root)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for package in (root / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()


def command_of(
    config: Json, root: Path, program: Sequence[str], variables: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs a program of the image in its container, and its environment."""
    user, group = config["User"].split(":")
    environment = dict(each.split("=", 1) for each in config["Env"]) | dict(variables)
    identity = [f"--reuid={user}", f"--regid={group}", *POWERLESS]
    spaces = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
    return [*spaces, "sh", "-c", CONTAINER, "container", str(root), *identity, "--", *program], environment


@contextmanager
def running(
    config: Json, root: Path, variables: Mapping[str, str]
) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Start the entrypoint in its container; yield its process id on the machine, and the process."""
    command, environment = command_of(config, root, config["Entrypoint"], variables)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as started:
        try:
            yield the_only_child(started.pid), started
        finally:
            started.kill()


def the_only_child(pid: int) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.01)
    raise TimeoutError("the container did not start")


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def send_request(port: int, method: str, path: str, body: Json = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Content-Type": "application/json", "X-Okapi-Tenant": "diku"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def graphql(port: int, query: str, variables: Mapping[str, Json] | None = None) -> Json:
    status, body = send_request(port, "POST", "/graphql", {"query": query, "variables": variables or {}})
    assert status == 200, (status, body)
    response = json.loads(body)
    assert "errors" not in response, response
    return response["data"]


def healthy(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            status, _ = send_request(port, "GET", "/admin/health")
        except OSError:
            time.sleep(0.1)
            continue
        assert status == 200, status
        return
    raise TimeoutError("/admin/health did not answer")


def files_of(root: Path) -> dict[str, tuple[int, int, int]]:
    """Return every file with its size and the times of its last changes."""
    result = {}
    for folder, _, names in os.walk(root):
        for name in (".", *names):
            path = Path(folder) / name
            seen = path.lstat()
            result[str(path)] = (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
    return result


def written_to(pid: int) -> list[str]:
    """Return regular files that the process has open for writing."""
    result = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        flags = re.search(r"flags:\s*(\d+)", Path(f"/proc/{pid}/fdinfo/{descriptor.name}").read_text())
        assert flags is not None
        if int(flags[1], 8) & (os.O_WRONLY | os.O_RDWR) and descriptor.is_file():
            result.append(os.readlink(descriptor))
    return result


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def print_step(step: str) -> None:
    print(f"ok  {step}", flush=True)


def check_configuration(config: Json) -> None:
    names = [each.split("=", 1)[0] for each in config["Env"]]
    assert config["User"] == "65532:65532", config["User"]
    assert config["Entrypoint"] == ["circulation-gateway"], config["Entrypoint"]
    assert list(config["ExposedPorts"]) == ["8081/tcp"], config["ExposedPorts"]
    assert config["StopSignal"] == "SIGTERM", config["StopSignal"]
    assert not config.get("Volumes"), config["Volumes"]
    assert not [name for name in names if SECRETIVE.search(name) or name.startswith("PIP_")], names
    print_step(f"the image's environment is {', '.join(names)}")


def check_content(root: Path) -> None:
    programs = {each.name for each in (root / "opt/gateway/bin").iterdir()}
    assert "circulation-gateway" in programs
    assert not {name for name in programs if name.startswith("pip")}, programs
    packages = next((root / "opt/gateway/lib").glob("python*/site-packages"))
    assert list(packages.glob("gateway/__pycache__/app.*.pyc")), "the modules are not compiled"
    for name in ("build", "tests", "schema.graphql", "Dockerfile"):
        assert not (root / name).exists(), name
    assert not list(packages.glob("tests"))
    assert not (root / "etc/pip.conf").exists()
    print_step("the image holds the gateway, compiled, and neither pip nor tests nor anything of the builder")


def check_refusal(config: Json, root: Path) -> None:
    command, environment = command_of(config, root, config["Entrypoint"], {})
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    assert ended.returncode == 2, ended
    assert len(lines) == 1, lines
    assert "OKAPI_URL" in lines[0], lines
    print_step(f"without an upstream it exits with 2: {lines[0]}")


def check_process(pid: int, config: Json, variables: Mapping[str, str]) -> None:
    status = status_of(pid)
    assert status["Uid"].split() == ["65532"] * 4, status["Uid"]
    assert status["Gid"].split() == ["65532"] * 4, status["Gid"]
    assert status["Groups"] == "", status["Groups"]
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, (name, status[name])
    assert status["NoNewPrivs"] == "1"
    assert status["NSpid"].split()[-1] == "1", status["NSpid"]
    print_step("process 1 is user 65532 without groups, capabilities or a way to get any")
    environment = Path(f"/proc/{pid}/environ").read_bytes().decode().rstrip("\0").split("\0")
    given = dict(each.split("=", 1) for each in config["Env"]) | dict(variables)
    assert dict(each.split("=", 1) for each in environment) == given, environment
    print_step("its environment is that of the image and of its start, without a secret")


def check_service(config: Json, root: Path) -> None:
    port = free_port()
    variables = {"SANDBOX": "1", "PORT": str(port)}
    with running(config, root, variables) as (pid, started):
        healthy(port)
        print_step("/admin/health answers 200")
        check_process(pid, config, variables)
        before = files_of(root)
        loans = graphql(port, LOANS)["loans"]
        assert len(loans["nodes"]) == 2, loans
        assert all(each["borrower"]["barcode"] for each in loans["nodes"]), loans
        item = {
            "itemBarcode": "2000000001",
            "userBarcode": "1000000001",
            "servicePointId": "1df88d03-62ee-575e-8f87-51a3e14c5dd1",
        }
        lent = graphql(port, CHECK_OUT, {"input": item})["checkOut"]
        assert lent == {"__typename": "CheckedOut", "loan": {"item": {"barcode": "2000000001"}}}, lent
        print_step(f"it serves GraphQL: {loans['totalCount']} loans of the embedded library, and a check-out")
        healthcheck, environment = command_of(config, root, config["Healthcheck"]["Test"][1:], variables)
        subprocess.run(healthcheck, env=environment, check=True, timeout=60)
        print_step("the image's own health check passes")
        assert written_to(pid) == [], written_to(pid)
        for place in ("/", "/tmp", "/opt/gateway", "/dev"):  # noqa: S108 - the usual place for writes
            touch, environment = command_of(config, root, ["touch", f"{place}/written"], {})
            ended = subprocess.run(touch, env=environment, capture_output=True, text=True, check=False)
            assert ended.returncode == 1, (place, ended)
            assert "Read-only file system" in ended.stderr, ended
        assert files_of(root) == before
        print_step("no file is open for writing, none was written, and none can be")
        resident = status_of(pid)["VmRSS"]
        os.kill(pid, signal.SIGTERM)
        signalled = time.monotonic()
        output, _ = started.communicate(timeout=40)
        assert started.returncode == 0, (started.returncode, output)
        assert "Traceback" not in output, output
        print_step(f"SIGTERM ends it with 0 after {time.monotonic() - signalled:.1f} s; it held {resident}")


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--base", type=Path, help="root file system of an earlier run; made there if absent")
    options = parser.parse_args()
    missing = [name for name in ("debootstrap", "buildah", "unshare", "setpriv") if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        print(f"It needs root and these programs: {', '.join(missing) or 'all are there'}.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        base = options.base or Path(folder) / "base"
        if not base.exists():
            debian(base)
            print_step("Debian's root file system is there")
        builder = Builder(Path(folder))
        builder.base(base)
        config = builder.image()
        print_step("buildah built the Dockerfile")
        check_configuration(config)
        with builder.root() as root:
            check_content(root)
            check_refusal(config, root)
            check_service(config, root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
