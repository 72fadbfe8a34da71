"""Override blocks: rules that staff with the permission may override."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gateway.sandbox.clock import parse_timestamp
from gateway.sandbox.http.errors import Refused, reason
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.http.request import HttpRequest
from gateway.sandbox.http.validation import is_date
from gateway.sandbox.library import Record

PERMISSIONS = {
    "patronBlock": "circulation.override-patron-block.post",
    "itemLimitBlock": "circulation.override-item-limit-block.post",
    "itemNotLoanableBlock": "circulation.override-item-not-loanable-block.post",
    "renewalBlock": "circulation.override-renewal-block.post",
    "renewalDueDateRequiredBlock": "circulation.override-renewal-block.post",
}
BLOCKS_WITH_DUE_DATE = ("itemNotLoanableBlock", "renewalDueDateRequiredBlock")
NO_PERMISSION = "Insufficient override permissions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """The blocks that the caller overrides: a block is overridden if its key is present."""

    blocks: Record = field(default_factory=dict)
    comment: str | None = None

    def includes(self, name: str) -> bool:
        return name in self.blocks

    def due_date(self) -> datetime | None:
        block = self.blocks.get("itemNotLoanableBlock")
        return None if block is None else parse_timestamp(block["dueDate"])


def parse_overrides(http_request: HttpRequest, value: object) -> Overrides:
    """Parse `overrideBlocks`.

    Raises the service's error for an unknown key or a missing due date, and Refused without a comment.
    """
    if value is None:
        return Overrides()
    if not isinstance(value, dict):
        raise http_request.invalid_input("overrideBlocks is not an object")
    blocks = {name: block for name, block in value.items() if name != "comment" and block is not None}
    for name, block in blocks.items():
        allowed = {"dueDate"} if name in BLOCKS_WITH_DUE_DATE else set()
        if name not in PERMISSIONS or not isinstance(block, dict) or set(block) - allowed:
            raise http_request.invalid_input(f"overrideBlocks.{name} is not valid")
        if name in BLOCKS_WITH_DUE_DATE and not is_date(block.get("dueDate")):
            raise http_request.invalid_input(f"overrideBlocks.{name}.dueDate is not valid")
    comment = value.get("comment")
    if comment is not None and not isinstance(comment, str):
        raise http_request.invalid_input("overrideBlocks.comment is not text")
    if blocks and not (comment or "").strip():
        raise Refused([reason("Override should be performed with the comment specified", {"comment": None})])
    return Overrides(blocks=blocks, comment=comment)


def overridable_block(caller: Caller, name: str) -> Record:
    """Build the `overridableBlock` of a refusal, with the permissions that the caller lacks for it."""
    permission = PERMISSIONS[name]
    return {"name": name, "missingPermissions": [] if caller.has_permission(permission) else [permission]}


def missing_permission_reasons(caller: Caller, overrides: Overrides) -> list[Record]:
    return [
        reason(NO_PERMISSION, code="INSUFFICIENT_OVERRIDE_PERMISSIONS", block=overridable_block(caller, name))
        for name in overrides.blocks
        if not caller.has_permission(PERMISSIONS[name])
    ]
