"""Reference data: address types, departments, material types, loan types and labels."""

import strawberry

from gateway.fields.arguments import condition
from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema import filters
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.upstream import cql


@strawberry.type(description="A type of address, configured by the library.")
class AddressType:
    id: strawberry.ID = field("The id, a UUID.")
    address_type: str | None = field("The name, such as `Home`.")
    desc: str | None = field("A description of the type.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A department that users belong to.")
class Department:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    code: str | None = field("The code.")
    usage_number: int | None = field(
        "The number of users of the department. Null if upstream does not count them."
    )
    source: str | None = field("The source of the record.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="The material type of an item.")
class MaterialType:
    id: strawberry.ID | None = field("The id, a UUID.")
    name: str | None = field("The name, such as `book`.")
    source: str | None = field("The source of the record.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="The loan type of an item.")
class LoanType:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name, such as `Can circulate`.")
    source: str | None = field("The source of the record.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A label for records.")
class Tag:
    id: strawberry.ID = field("The id, a UUID.")
    label: str | None = field("The label, as it appears in the tags of a record.")
    description: str | None = field("A description.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of address types.")
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
    description='Conditions on reference records. All must hold. By name: `{ name: ["book"] }`.'
)
class ReferenceFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    name: list[str] | None = condition("Any of these names.", "name", filters.exact)


@strawberry.input(
    description='Conditions on address types. All must hold. By name: `{ addressType: ["Home"] }`.'
)
class AddressTypeFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    address_type: list[str] | None = condition("Any of these names.", "addressType", filters.exact)


@strawberry.input(description='Conditions on labels. All must hold. By prefix: `{ label: "urg*" }`.')
class TagFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    label: str | None = condition("The label; `*` is a wildcard, as in `urg*`.", "label", filters.pattern)


QUERIES = [
    root(
        "address_types",
        AddressTypeConnection,
        connection(
            "A page of address types.",
            collection="users.address_types",
            filter=AddressTypeFilter,
            default_sort=[cql.SortKey("addressType")],
            table="address_types",
        ),
    ),
    root(
        "departments",
        DepartmentConnection,
        connection(
            "A page of departments.",
            collection="users.departments",
            filter=ReferenceFilter,
            default_sort=[cql.SortKey("name")],
            table="departments",
        ),
    ),
    root(
        "material_types",
        MaterialTypeConnection,
        connection(
            "A page of material types.",
            collection="inventory.material_types",
            filter=ReferenceFilter,
            default_sort=[cql.SortKey("name")],
            table="material_types",
        ),
    ),
    root(
        "loan_types",
        LoanTypeConnection,
        connection(
            "A page of loan types.",
            collection="inventory.loan_types",
            filter=ReferenceFilter,
            default_sort=[cql.SortKey("name")],
            table="loan_types",
        ),
    ),
    root(
        "tags",
        TagConnection,
        connection(
            "A page of labels.",
            collection="tags.tags",
            filter=TagFilter,
            default_sort=[cql.SortKey("label")],
        ),
    ),
]
