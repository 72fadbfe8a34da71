"""Small lists to choose from: kinds of addresses, departments, material types, loan types, labels."""

from __future__ import annotations

import strawberry

from gateway.fields import arguments
from gateway.fields.arguments import condition
from gateway.fields.page import Connection, connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema.metadata import Metadata
from gateway.upstream import cql


@strawberry.type(description="A kind of address that the library keeps.")
class AddressType:
    id: strawberry.ID = field("The id, a UUID.")
    address_type: str | None = field("The name, such as `Home`.")
    desc: str | None = field("What the kind is for.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A department that users belong to.")
class Department:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("A short name.")
    usage_number: int | None = field("How many users belong to it, where upstream counts them.")
    source: str | None = field("Where the record comes from.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="What kind of thing an item is.")
class MaterialType:
    id: strawberry.ID | None = field("The id, a UUID.")
    name: str | None = field("The name, such as `book`.")
    source: str | None = field("Where the record comes from.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="How items may be lent.")
class LoanType:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name, such as `Can circulate`.")
    source: str | None = field("Where the record comes from.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A label that records can be given.")
class Tag:
    id: strawberry.ID = field("The id, a UUID.")
    label: str | None = field("The label, as it stands in the tags of a record.")
    description: str | None = field("What it is for.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A page of kinds of addresses.")
class AddressTypeConnection(Connection[AddressType]):
    pass


@strawberry.type(description="A page of departments.")
class DepartmentConnection(Connection[Department]):
    pass


@strawberry.type(description="A page of material types.")
class MaterialTypeConnection(Connection[MaterialType]):
    pass


@strawberry.type(description="A page of loan types.")
class LoanTypeConnection(Connection[LoanType]):
    pass


@strawberry.type(description="A page of labels.")
class TagConnection(Connection[Tag]):
    pass


@strawberry.input(
    description='Which rows of a small table. All conditions must hold. By name: `{ name: ["book"] }`.'
)
class ReferenceFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", arguments.ids)
    name: list[str] | None = condition("Any of these names.", "name", arguments.exact)


@strawberry.input(
    description='Which kinds of addresses. All conditions must hold. By name: `{ addressType: ["Home"] }`.'
)
class AddressTypeFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", arguments.ids)
    address_type: list[str] | None = condition("Any of these names.", "addressType", arguments.exact)


@strawberry.input(
    description='Which labels. All conditions must hold. By their beginning: `{ label: "urg*" }`.'
)
class TagFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", arguments.ids)
    label: str | None = condition(
        "The label; `*` stands for anything, as in `urg*`.", "label", arguments.pattern
    )


QUERIES = [
    root(
        "address_types",
        AddressTypeConnection,
        connection(
            "Kinds of addresses, a page at a time.",
            ask=lambda upstream: upstream.users.address_types,
            filter=AddressTypeFilter,
            default_sort=[cql.SortKey("addressType")],
            table="address_types",
        ),
    ),
    root(
        "departments",
        DepartmentConnection,
        connection(
            "Departments, a page at a time.",
            ask=lambda upstream: upstream.users.departments,
            filter=ReferenceFilter,
            default_sort=[cql.SortKey("name")],
            table="departments",
        ),
    ),
    root(
        "material_types",
        MaterialTypeConnection,
        connection(
            "Material types, a page at a time.",
            ask=lambda upstream: upstream.inventory.material_types,
            filter=ReferenceFilter,
            default_sort=[cql.SortKey("name")],
            table="material_types",
        ),
    ),
    root(
        "loan_types",
        LoanTypeConnection,
        connection(
            "Loan types, a page at a time.",
            ask=lambda upstream: upstream.inventory.loan_types,
            filter=ReferenceFilter,
            default_sort=[cql.SortKey("name")],
            table="loan_types",
        ),
    ),
    root(
        "tags",
        TagConnection,
        connection(
            "Labels, a page at a time.",
            ask=lambda upstream: upstream.tags.tags,
            filter=TagFilter,
            default_sort=[cql.SortKey("label")],
        ),
    ),
]
