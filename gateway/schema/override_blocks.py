"""Overrides of blocks, sent after a refusal."""

import strawberry

from gateway.fields.scalars import DateTime, upstream_text
from gateway.upstream.record_types import Record


@strawberry.input(description="An override to lend an item that is not loanable.")
class ItemNotLoanableBlockInput:
    due_date: DateTime = strawberry.field(
        description="The due date, such as `2026-11-21T10:00:00Z`; must be after the loan date."
    )


@strawberry.input(description="An override to renew a loan if no due date can be calculated.")
class RenewalDueDateRequiredBlockInput:
    due_date: DateTime = strawberry.field(description="The new due date, such as `2026-11-21T10:00:00Z`.")


@strawberry.input(
    description="Blocks to override. Each name comes from `overridableBlock` of the refusal. Upstream "
    "checks the permissions and requires a comment."
)
class OverrideBlocksInput:
    item_not_loanable_block: ItemNotLoanableBlockInput | None = strawberry.field(
        default=None, description="An override to lend an item that is not loanable."
    )
    patron_block: bool = strawberry.field(default=False, description="Override a block of the patron.")
    item_limit_block: bool = strawberry.field(default=False, description="Override the patron's item limit.")
    renewal_block: bool = strawberry.field(
        default=False, description="Override a renewal block; for renewals only."
    )
    renewal_due_date_required_block: RenewalDueDateRequiredBlockInput | None = strawberry.field(
        default=None, description="Override a missing due date; for renewals only."
    )
    comment: str | None = strawberry.field(
        default=None, description="The reason. Upstream rejects an override without it."
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
