"""Reference data of fees and fines: owners, types, payment methods, transfer accounts and reasons."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.arguments import condition
from gateway.fields.link import link
from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema import filters
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.account import Account
    from gateway.schema.service_point import ServicePoint


@strawberry.type(description="A service point at which a fee and fine owner collects.")
class FeeFineOwnerServicePoint:
    label: str | None = field("The name of the service point when the owner was last written.")
    service_point: Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None = link(
        "The service point. Its id costs no upstream call.", loader="service_point", key="value"
    )


@strawberry.type(description="An owner of fees and fines: the part of the library to which they are owed.")
class FeeFineOwner:
    id: strawberry.ID = field("The id, a UUID.")
    owner: str | None = field("The name, such as `Main circulation`.")
    desc: str | None = field("A description.")
    service_point_owner: list[FeeFineOwnerServicePoint | None] | None = field(
        "The service points that belong to the owner."
    )
    default_charge_notice_id: strawberry.ID | None = field(
        "The id of the notice template for charges of types without one."
    )
    default_action_notice_id: strawberry.ID | None = field(
        "The id of the notice template for actions on accounts of types without one."
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(
    description="A type of fee or fine. FOLIO charges automatic ones, staff the others, for one owner."
)
class FeeFineType:
    id: strawberry.ID = field("The id, a UUID.")
    fee_fine_type: str | None = field("The name, such as `Overdue fine`.")
    automatic: bool | None = field("True if FOLIO charges it.")
    default_amount: float | None = field("The amount that a form suggests, in the library's currency.")
    charge_notice_id: strawberry.ID | None = field("The id of the notice template for charges.")
    action_notice_id: strawberry.ID | None = field("The id of the notice template for actions.")
    owner: FeeFineOwner | None = link(
        "The owner that charges it. Null for automatic types.", loader="fee_fine_owner", key="ownerId"
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A method of payment that an owner accepts.")
class PaymentMethod:
    id: strawberry.ID = field("The id, a UUID.")
    name_method: str | None = field("The name, such as `Cash`: the `paymentMethod` of a payment.")
    allowed_refund_method: bool | None = field("True if refunds by this method are allowed.")
    owner: FeeFineOwner | None = link("The owner that accepts it.", loader="fee_fine_owner", key="ownerId")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A reason for waiving a fee or fine.")
class WaiveReason:
    id: strawberry.ID = field("The id, a UUID.")
    name_reason: str | None = field("The name: the `paymentMethod` of a waiver.")
    description: str | None = field("A description.")
    account: Annotated["Account", strawberry.lazy("gateway.schema.account")] | None = link(
        "An account, in FOLIO's schema only: it is never set there.", loader="account", key="accountId"
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(
    description="An account outside the library, such as the bursar's, to which an owner transfers fees and "
    "fines."
)
class TransferAccount:
    id: strawberry.ID = field("The id, a UUID.")
    account_name: str | None = field("The name: the `paymentMethod` of a transfer.")
    desc: str | None = field("A description.")
    owner: FeeFineOwner | None = link(
        "The owner that transfers to it.", loader="fee_fine_owner", key="ownerId"
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A reason for the refund of a payment or a transfer.")
class RefundReason:
    id: strawberry.ID = field("The id, a UUID.")
    name_reason: str | None = field("The name: the `paymentMethod` of a refund.")
    description: str | None = field("A description.")
    account: Annotated["Account", strawberry.lazy("gateway.schema.account")] | None = link(
        "An account, in FOLIO's schema only: it is never set there.", loader="account", key="accountId"
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of fee and fine owners.")
class FeeFineOwnerConnection(Connection[FeeFineOwner]):
    pass


@strawberry.type(description="A page of types of fees and fines.")
class FeeFineTypeConnection(Connection[FeeFineType]):
    pass


@strawberry.type(description="A page of payment methods.")
class PaymentMethodConnection(Connection[PaymentMethod]):
    pass


@strawberry.type(description="A page of waive reasons.")
class WaiveReasonConnection(Connection[WaiveReason]):
    pass


@strawberry.type(description="A page of transfer accounts.")
class TransferAccountConnection(Connection[TransferAccount]):
    pass


@strawberry.type(description="A page of refund reasons.")
class RefundReasonConnection(Connection[RefundReason]):
    pass


@strawberry.input(
    description='Conditions on owners. All must hold. By name: `{ owner: ["Main circulation"] }`.'
)
class FeeFineOwnerFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    owner: list[str] | None = condition("Any of these names.", "owner", filters.exact)


@strawberry.input(
    description="Conditions on types of fees and fines. All must hold. Those that staff may charge: "
    "`{ automatic: false }`."
)
class FeeFineTypeFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    owner_id: list[strawberry.ID] | None = condition("Ids of owners.", "ownerId", filters.ids)
    fee_fine_type: list[str] | None = condition("Any of these names.", "feeFineType", filters.exact)
    automatic: bool | None = condition(
        "True for those that FOLIO charges, false for the others.", "automatic", filters.flag
    )


@strawberry.input(
    description='Conditions on payment methods. All must hold. By name: `{ nameMethod: ["Cash"] }`.'
)
class PaymentMethodFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    owner_id: list[strawberry.ID] | None = condition("Ids of owners.", "ownerId", filters.ids)
    name_method: list[str] | None = condition("Any of these names.", "nameMethod", filters.exact)


@strawberry.input(
    description='Conditions on transfer accounts. All must hold. By name: `{ accountName: ["Bursar"] }`.'
)
class TransferAccountFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    owner_id: list[strawberry.ID] | None = condition("Ids of owners.", "ownerId", filters.ids)
    account_name: list[str] | None = condition("Any of these names.", "accountName", filters.exact)


@strawberry.input(
    description='Conditions on reasons. All must hold. By name: `{ nameReason: ["First offence"] }`.'
)
class FeeFineReasonFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    name_reason: list[str] | None = condition("Any of these names.", "nameReason", filters.exact)


QUERIES = [
    root(
        "fee_fine_owners",
        FeeFineOwnerConnection,
        connection(
            "A page of fee and fine owners.",
            collection="fees.owners",
            filter=FeeFineOwnerFilter,
            default_sort=[cql.SortKey("owner")],
            table="fee_fine_owners",
        ),
    ),
    root(
        "fee_fine_types",
        FeeFineTypeConnection,
        connection(
            "A page of types of fees and fines.",
            collection="fees.types",
            filter=FeeFineTypeFilter,
            default_sort=[cql.SortKey("feeFineType")],
            table="fee_fine_types",
        ),
    ),
    root(
        "payment_methods",
        PaymentMethodConnection,
        connection(
            "A page of payment methods.",
            collection="fees.payment_methods",
            filter=PaymentMethodFilter,
            default_sort=[cql.SortKey("nameMethod")],
            table="payment_methods",
        ),
    ),
    root(
        "waive_reasons",
        WaiveReasonConnection,
        connection(
            "A page of reasons for waiving fees and fines.",
            collection="fees.waive_reasons",
            filter=FeeFineReasonFilter,
            default_sort=[cql.SortKey("nameReason")],
            table="waive_reasons",
        ),
    ),
    root(
        "transfer_accounts",
        TransferAccountConnection,
        connection(
            "A page of accounts to which fees and fines are transferred.",
            collection="fees.transfer_accounts",
            filter=TransferAccountFilter,
            default_sort=[cql.SortKey("accountName")],
            table="transfer_accounts",
        ),
    ),
    root(
        "refund_reasons",
        RefundReasonConnection,
        connection(
            "A page of reasons for refunds.",
            collection="fees.refund_reasons",
            filter=FeeFineReasonFilter,
            default_sort=[cql.SortKey("nameReason")],
            table="refund_reasons",
        ),
    ),
]
