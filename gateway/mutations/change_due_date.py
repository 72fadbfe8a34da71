"""Give a loan another due date."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.scalars import DateTime
from gateway.schema.loan import Loan
from gateway.schema.refusal import Refusal


@strawberry.input(description="Which loan is due when.")
class ChangeDueDateInput:
    loan_id: strawberry.ID = strawberry.field(description="The open loan.")
    due_date: DateTime = strawberry.field(description="When it is due from now on.")


@strawberry.type(description="The loan has another due date.")
class DueDateChanged:
    record: strawberry.Private[Any]  # Any: the key that the link reads; upstream answers nothing
    loan: Loan | None = link(
        "The loan as it is now. Its id costs no upstream call.", loader="loan", key="loanId"
    )


ChangeDueDateResult = Annotated[
    DueDateChanged | Refusal,
    strawberry.union("ChangeDueDateResult", description="What came of changing a due date."),
]


@mutation("Give a loan another due date. Sent once; the patron may get a notice each time.")
async def change_due_date(
    info: Info, input: Annotated[ChangeDueDateInput, strawberry.argument(description="Which and when.")]
) -> ChangeDueDateResult | None:
    loan_id = arguments.uuid(input.loan_id, "loanId")
    await begin_mutation(info).circulation.change_due_date(loan_id, body_of(input, "loanId"))
    return DueDateChanged(record={"loanId": loan_id}, loan=None)  # the link reads the record
