"""Change the due date of a loan."""

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.look_up import look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.scalars import DateTime
from gateway.live.changed_records import changes_by_loan_id
from gateway.schema.loan import Loan
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `changeDueDate`.")
class ChangeDueDateInput:
    loan_id: strawberry.ID = strawberry.field(description="The open loan.")
    due_date: DateTime = strawberry.field(description="The new due date, such as `2026-11-21T10:00:00Z`.")


@strawberry.type(description="The due date was changed.")
class DueDateChanged:
    record: strawberry.Private[Record]  # the key for the link; upstream sends no body
    loan: Loan | None = link(
        "The loan after the change. Its id costs no upstream call.", loader="loan", key="loanId"
    )


ChangeDueDateResult = Annotated[
    DueDateChanged | Refusal,
    strawberry.union("ChangeDueDateResult", description="The result of `changeDueDate`."),
]


@mutation(
    "Change the due date of a loan. Sent once; the patron may receive a notice for each change.",
    changes=changes_by_loan_id,
)
async def change_due_date(info: Info, input: ChangeDueDateInput) -> ChangeDueDateResult:
    loan_id = arguments.check_uuid(input.loan_id, "loanId")
    body = body_of(input, "loanId")
    try:
        await begin_mutation(info).circulation.change_due_date(loan_id, body)
    except errors.OutcomeUnknown as unknown:
        # Its action stays that of the former change (mod-circulation, ChangeDueDateResource).
        await look_up(info, unknown, lambda look: look.changed_loan(loan_id, body))
    return DueDateChanged(record={"loanId": loan_id})
