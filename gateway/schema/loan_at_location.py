"""The result of changing the use of an item at the location."""

import strawberry

from gateway.fields.link import link
from gateway.schema.loan import Loan
from gateway.upstream.record_types import FROM_CIRCULATION, Record


@strawberry.type
class UseAtLocationChanged:
    """The loan of an item for use at the location, of which upstream returns what its storage has."""

    record: strawberry.Private[Record]  # upstream's response
    loan: Loan | None = link(
        "The loan after the change. Its id, dates, action and use at the location cost no upstream call.",
        loader="loan",
        key="id",
        embedded={
            **{
                name: name
                for name in ("itemId", "loanDate", "dueDate", "action", "actionComment", "renewalCount")
            },
            "status.name": "status.name",
            **{
                f"forUseAtLocation.{name}": f"forUseAtLocation.{name}"
                for name in ("status", "statusDate", "holdShelfExpirationDate")
            },
            FROM_CIRCULATION: FROM_CIRCULATION,
        },
    )
