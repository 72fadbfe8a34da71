"""Asking everything once, side by side, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway import errors
from gateway.doctor.checks import ACTS, Act, Question, questions
from gateway.doctor.verdict import Verdict, verdict
from gateway.identity import Caller
from gateway.settings import Settings
from gateway.upstream.client import NotConfigured
from gateway.upstream.services import Services
from gateway.upstream.transport.transports import Limits, Transport

NOTICE = 1.0  # seconds until people are told what is waited for, and between two such notices

Waiting = Callable[[Sequence[str]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one question. `is_fine` is whether a gateway can do its work with that."""

    service: str
    path: str
    verdict: Verdict
    is_fine: bool
    milliseconds: int
    message: str | None = None
    permission: str | None = None
    """What FOLIO asks of the user there, by its own descriptors; upstream's answer is not repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActFinding:
    """Whether the user may do an act, by their permissions; an act cannot be tried."""

    act: str
    verdict: Literal["may", "may not", "not tried"]
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Everything that was found out."""

    tenant: str
    is_fine: bool
    permissions_are_known: bool
    questions: tuple[Finding, ...]
    acts: tuple[ActFinding, ...]


def services_to_examine(
    settings: Settings, transport: Callable[[Limits], Transport] | None = None
) -> Services:
    """The services as they are configured, but each question is sent once and none is held back."""
    return Services(settings.model_copy(update={"read_attempts": 1, "breaker": False}), transport)


async def examine(services: Services, caller: Caller, waiting: Waiting = lambda names: None) -> Examination:
    """Ask every question in the name of this caller, as many at once as are allowed.

    `waiting` is told once a second which questions are open. Every question ends within READ_TIMEOUT, or
    OPERATION_TIMEOUT where that is shorter, after its turn has come.
    """
    asked = questions(caller.tenant)
    turns = asyncio.Semaphore(services.settings.upstream_concurrency)
    open_questions = {id(question): f"{question.service} {question.path}" for question in asked}

    async def ask(question: Question) -> Finding:
        async with turns:
            finding = await _asked(services, caller, question)
        del open_questions[id(question)]
        return finding

    notices = asyncio.create_task(_notices(open_questions, waiting))
    try:
        findings, permissions = await asyncio.gather(
            asyncio.gather(*map(ask, asked)), _permissions(services, caller)
        )
    finally:
        notices.cancel()
    return Examination(
        tenant=caller.tenant,
        is_fine=all(finding.is_fine for finding in findings),
        permissions_are_known=permissions is not None,
        questions=tuple(findings),
        acts=tuple(_act(each, permissions) for each in ACTS),
    )


async def _asked(services: Services, caller: Caller, question: Question) -> Finding:
    began = time.perf_counter()
    word, message = Verdict.REACHABLE, None
    try:
        if question.service == "polaris" and isinstance(services.polaris, NotConfigured):
            raise services.polaris.fail()  # before an identity is asked for that nobody needs
        await question.ask(services.of(caller))  # an operation of its own, with the whole time of one
    except errors.GatewayError as error:
        if not (question.may_be_refused and error.status == 422):
            word, message = verdict(error), error.message
    fine = {Verdict.REACHABLE, Verdict.NOT_CONFIGURED, Verdict.NOT_TRIED}
    return Finding(
        service=question.service,
        path=question.path,
        verdict=word,
        is_fine=word in fine or (word is Verdict.ABSENT and not question.required),
        milliseconds=round(1000 * (time.perf_counter() - began)),
        message=message,
        permission=question.permission,
    )


async def _permissions(services: Services, caller: Caller) -> frozenset[str] | None:
    """What the user may do, from whichever service of the two is there; None where neither tells."""
    own_user = services.of(caller).own_user
    for ask in (own_user.permissions_by_users_bl, own_user.permissions_by_keycloak):
        try:
            return await ask()
        except errors.GatewayError:
            continue
    return None


def _act(act: Act, held: frozenset[str] | None) -> ActFinding:
    if held is None or act.permissions is None:
        return ActFinding(act=act.name, verdict="not tried")
    lacks = tuple(each for each in act.permissions if each not in held)
    return ActFinding(act=act.name, verdict="may not" if lacks else "may", lacks=lacks)


async def _notices(open_questions: dict[int, str], waiting: Waiting) -> None:
    while True:
        await asyncio.sleep(NOTICE)
        waiting(list(open_questions.values()))
