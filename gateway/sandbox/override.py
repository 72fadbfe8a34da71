"""Blocks that a privileged member of staff may lift."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gateway.sandbox.body import is_date
from gateway.sandbox.clock import moment_of
from gateway.sandbox.exchange import Exchange
from gateway.sandbox.library import Record
from gateway.sandbox.permissions import Caller
from gateway.sandbox.refusals import Refused, reason

PERMISSIONS = {
    "patronBlock": "circulation.override-patron-block.post",
    "itemLimitBlock": "circulation.override-item-limit-block.post",
    "itemNotLoanableBlock": "circulation.override-item-not-loanable-block.post",
    "renewalBlock": "circulation.override-renewal-block.post",
    "renewalDueDateRequiredBlock": "circulation.override-renewal-block.post",
}
NO_PERMISSION = "Insufficient override permissions"
WITH_DUE_DATE = ("itemNotLoanableBlock", "renewalDueDateRequiredBlock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the caller asked to lift; the presence of a key is the asking."""

    blocks: Record = field(default_factory=dict)
    comment: str | None = None

    def lifts(self, name: str) -> bool:
        return name in self.blocks

    def due_date(self) -> datetime | None:
        block = self.blocks.get("itemNotLoanableBlock")
        return None if block is None else moment_of(block["dueDate"])


def overrides(exchange: Exchange, asked: object) -> Overrides:
    """Read `overrideBlocks`.

    Raises what the service answers to an unknown key or a missing due date, and Refused without a comment.
    """
    if asked is None:
        return Overrides()
    if not isinstance(asked, dict):
        raise exchange.unreadable("overrideBlocks is not an object")
    blocks = {name: block for name, block in asked.items() if name != "comment" and block is not None}
    for name, block in blocks.items():
        allowed = {"dueDate"} if name in WITH_DUE_DATE else set()
        if name not in PERMISSIONS or not isinstance(block, dict) or set(block) - allowed:
            raise exchange.unreadable(f"overrideBlocks.{name} is not valid")
        if name in WITH_DUE_DATE and not is_date(block.get("dueDate")):
            raise exchange.unreadable(f"overrideBlocks.{name}.dueDate is not valid")
    comment = asked.get("comment")
    if comment is not None and not isinstance(comment, str):
        raise exchange.unreadable("overrideBlocks.comment is not text")
    if blocks and not (comment or "").strip():
        raise Refused([reason("Override should be performed with the comment specified", {"comment": None})])
    return Overrides(blocks=blocks, comment=comment)


def block(caller: Caller, name: str) -> Record:
    """`overridableBlock` of a refusal: who may lift it is said by what this caller lacks."""
    permission = PERMISSIONS[name]
    return {"name": name, "missingPermissions": [] if caller.may(permission) else [permission]}


def without_permission(caller: Caller, asked: Overrides) -> list[Record]:
    return [
        reason(NO_PERMISSION, code="INSUFFICIENT_OVERRIDE_PERMISSIONS", block=block(caller, name))
        for name in asked.blocks
        if not caller.may(PERMISSIONS[name])
    ]
