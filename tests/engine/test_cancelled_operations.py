"""An operation executed by graphql-core that is cancelled awaits, closes or cancels all that it started."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from contextlib import suppress
from typing import Any

import pytest

from tests.engine.plans.test_cancelled_plans import ANSWERS, Client, Held

pytestmark = pytest.mark.anyio

TURNS = 100  # of the event loop; all of these operations take fewer until they wait
LINKS = "id borrower { username } item { copyNumber openLoan { dueDate } }"


@pytest.mark.parametrize("held", [[], ["/users"], ["/inventory/items"]], ids=["none", "users", "items"])
@pytest.mark.parametrize(
    ("query", "accept"),
    [
        (f"{{ loans(first: 120) {{ nodes {{ {LINKS} }} }} a: loans {{ nodes {{ id }} }} }}", None),
        ("{ users { nodes { departments { name } openLoans { nodes { borrower { type } } } "
         "automatedBlocks { message } } } }", None),
        ("{ __schema { types { fields { args { name } } } } loans(first: 60) { nodes { " + LINKS + " } } }",
         None),
        (f"{{ loans(first: 120) {{ nodes {{ id ... @defer {{ {LINKS} }} }} }} }}",
         "multipart/mixed;incrementalSpec=v0.2"),
    ],
    ids=["links", "lists", "introspection", "defer"],
)  # fmt: skip
async def test_nothing_is_left_of_a_cancelled_operation(
    query: str, accept: str | None, held: list[str]
) -> None:
    """Cancelled in any turn, it leaves no task, no call, no coroutine never awaited and no lost error."""
    loop = asyncio.get_running_loop()
    lost: list[str] = []
    before_handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: lost.append(context["message"]))
    try:
        for turns in range(0, TURNS, 4):
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                await cancel_after(turns, Held(*held, fine=list(ANSWERS)), query, accept)
                gc.collect()
            assert [str(each.message) for each in warned] == [], turns
            assert lost == [], turns
    finally:
        loop.set_exception_handler(before_handler)


async def cancel_after(turns: int, upstream: Held, query: str, accept: str | None) -> None:
    """Cancel an operation after some turns of the event loop; assert that no task and no call remain."""
    before = asyncio.all_tasks()
    client = Client(upstream, query, accept=accept, execution="generic")
    execution: asyncio.Task[Any] = asyncio.create_task(client.execute())
    for _ in range(turns):
        await asyncio.sleep(0)
    execution.cancel()
    with suppress(asyncio.CancelledError):  # not raised if it had ended before
        await execution
    started = time.monotonic()
    while asyncio.all_tasks() - before:
        assert time.monotonic() - started < 2, (turns, asyncio.all_tasks() - before)
        await asyncio.sleep(0)
    assert upstream.open == 0
