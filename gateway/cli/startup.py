"""How a command begins: plain words where it cannot, and a sign of life where it takes its time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

SLOW = 1.0  # seconds after which people wonder
EVERY = 5.0  # seconds between two signs of life


class CannotStart(click.ClickException):
    """What the operator must change before the command can do its work: plain lines, no traceback."""

    exit_code = 2

    def show(self, file: Any = None) -> None:  # Any: as click declares it
        click.echo(self.message, err=True)


@contextmanager
def notice_when_slow(doing: str, *, after: float = SLOW, every: float = EVERY) -> Iterator[None]:
    """Tell people who wait longer than a moment what for, and again and again how long it has taken."""
    began = time.monotonic()
    done = threading.Event()

    def tell() -> None:
        if done.wait(after):
            return
        click.echo(f"{doing} ...", err=True)
        while not done.wait(every):
            click.echo(f"{doing} ... {time.monotonic() - began:.0f} s so far", err=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
