"""Blocks to be lifted by an act, as the desk asks for it after a refusal."""

from __future__ import annotations

import strawberry

from gateway.fields.scalars import DateTime, upstream_text
from gateway.upstream.response import Record


@strawberry.input(description="Lend an item that the rules do not lend.")
class ItemNotLoanableBlockInput:
    due_date: DateTime = strawberry.field(description="When it is due; after the loan date.")


@strawberry.input(description="Renew although no due date can be worked out.")
class RenewalDueDateRequiredBlockInput:
    due_date: DateTime = strawberry.field(description="The new due date.")


@strawberry.input(
    description="Blocks to lift, all in one go: each is named in the refusal's `overridableBlock`. "
    "Upstream checks that you may, and wants a comment."
)
class OverrideBlocksInput:
    item_not_loanable_block: ItemNotLoanableBlockInput | None = strawberry.field(
        default=None, description="Lend an item that the rules do not lend."
    )
    patron_block: bool = strawberry.field(default=False, description="Act for a blocked patron.")
    item_limit_block: bool = strawberry.field(default=False, description="Lend beyond the patron's limit.")
    renewal_block: bool = strawberry.field(
        default=False, description="Renew against the rules; renewals only."
    )
    renewal_due_date_required_block: RenewalDueDateRequiredBlockInput | None = strawberry.field(
        default=None, description="Renew to this due date; renewals only."
    )
    comment: str | None = strawberry.field(
        default=None, description="Why. Upstream refuses every override without it."
    )

    def body(self) -> Record:
        """Return the blocks in FOLIO's format: a key requests the override, even with an empty object."""
        body: Record = {}
        if self.item_not_loanable_block is not None:
            body["itemNotLoanableBlock"] = {"dueDate": upstream_text(self.item_not_loanable_block.due_date)}
        if self.patron_block:
            body["patronBlock"] = {}
        if self.item_limit_block:
            body["itemLimitBlock"] = {}
        if self.renewal_block:
            body["renewalBlock"] = {}
        if self.renewal_due_date_required_block is not None:
            body["renewalDueDateRequiredBlock"] = {
                "dueDate": upstream_text(self.renewal_due_date_required_block.due_date)
            }
        if self.comment is not None:
            body["comment"] = self.comment
        return body
