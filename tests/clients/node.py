"""Node.js, the packages of the scripts, and a gateway process."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.settings import Settings

DOCUMENTED = "http://127.0.0.1:8081"  # the URL in the snippets of the manual
PATIENCE = 60.0  # seconds for a gateway to start, on a slow and busy machine
NODE_PATIENCE = 300.0  # seconds for a script, and for packages over a slow line

needs_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="Node.js and npm are not installed"
)


def program(name: str) -> str:
    """Return the path of a program; tests that need it are skipped if it is missing."""
    result = shutil.which(name)
    assert result is not None, name
    return result


def environment() -> dict[str, str]:
    """Return the environment of processes: without settings of a gateway, and without a proxy."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.declarations()}
    return {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def run_command(command: list[str], folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end, with a text on its standard input."""
    return subprocess.run(  # noqa: S603 - our own commands
        command,
        cwd=folder,
        env=environment(),
        input=given,
        text=True,
        capture_output=True,
        timeout=NODE_PATIENCE,
        check=False,
    )


def packages(manifest: Path, cache: pytest.Cache) -> Path:
    """Install what the lock file in a folder pins; return the `node_modules`.

    It is kept in pytest's cache under the hash of the lock file: only the first run calls the registry that
    npm is configured for. No script of a package is executed.
    """
    lock = (manifest / "package-lock.json").read_bytes()
    kept = cache.mkdir(f"npm-{hashlib.sha256(lock).hexdigest()[:16]}")
    if not (kept / "node_modules").is_dir():
        with tempfile.TemporaryDirectory(dir=kept) as folder:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(manifest / name, folder)
            options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            installed = run_command([program("npm"), "ci", *options], Path(folder))
            assert installed.returncode == 0, installed.stderr
            with suppress(FileExistsError):  # another run was faster
                (Path(folder) / "node_modules").rename(kept / "node_modules")
    return kept / "node_modules"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with scripts and the packages that they import."""

    folder: Path

    def node(self, script: str, *arguments: str, given: str = "") -> str:
        """Run a script; return its output. It must exit with 0 and print no warning.

        Packages are loaded in their development form, which prints warnings.
        """
        command = [program("node"), "--conditions=development", script, *arguments]
        ended = run_command(command, self.folder, given)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
        return ended.stdout

    def package(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program of an installed package to its end, with any exit status."""
        return run_command([str(self.folder / "node_modules" / ".bin" / name), *arguments], self.folder)


def workspace(folder: Path, sources: Mapping[str, str], node_modules: Path) -> Workspace:
    """Write sources into a folder with the packages that they import."""
    for name, text in sources.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "node_modules").symlink_to(node_modules, target_is_directory=True)
    return Workspace(folder)


@contextmanager
def gateway_over_sandbox() -> Iterator[str]:
    """A gateway process over a separate embedded library; yields its URL."""
    command = [sys.executable, "-W", "error", "-m", "gateway", "--port", "0", "--sandbox"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        too_late = threading.Timer(PATIENCE, process.kill)
        too_late.start()
        try:
            assert process.stdout is not None
            line = next((each for each in process.stdout if each.startswith("  GraphQL  ")), None)
            assert line is not None, f"the gateway ended with {process.wait()}"
            too_late.cancel()
            yield line.split()[1].removesuffix("/graphql")
        finally:
            too_late.cancel()
            process.kill()
