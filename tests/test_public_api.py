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
