"""`import gateway` offers the version and `create_app`, and is cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gateway
from gateway.app import create_app


def test_the_public_names() -> None:
    """`__all__` lists the complete public surface."""
    assert gateway.__all__ == ["__version__", "create_app"]
    assert gateway.create_app is create_app


def test_another_name_is_an_attribute_error() -> None:
    """The lazy import does not hide misspelled names."""
    with pytest.raises(AttributeError, match="module 'gateway' has no attribute 'creat_app'"):
        getattr(gateway, "creat_app")  # noqa: B009 - mypy would find the attribute


def test_import_is_cheap() -> None:
    """Importing the package builds no schema."""
    script = "import sys, gateway; sys.exit(bool({'strawberry', 'starlette', 'httpx'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0  # noqa: S603


UNUSED = {"aiohttp", "opentelemetry", "redis"}


@pytest.mark.slow
def test_a_start_imports_only_what_it_uses() -> None:
    """A gateway over the embedded library starts without the libraries of other settings."""
    script = (
        "import sys; from gateway.app import create_app; from gateway.settings import Settings;"
        f"create_app(Settings(sandbox=True)); print(*{UNUSED} & set(sys.modules))"
    )

    result = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603

    assert result.stdout == "\n"


def test_the_collector_is_off_only_until_a_server_is_ready() -> None:
    """The command line starts without garbage collections; a server enables them with its own settings."""
    script = (
        "import contextlib, gc, sys; from gateway.__main__ import main; sys.argv = ['gateway', '--version']\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "print(gc.isenabled()); from gateway.server.lifecycle import tune_garbage_collector\n"
        "tune_garbage_collector(); print(gc.isenabled(), gc.get_threshold())"
    )

    result = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603

    assert result.stdout.splitlines()[1:] == ["False", "True (10000, 5, 10)"]
