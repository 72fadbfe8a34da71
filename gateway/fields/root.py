"""Fields of Query that are declared outside a class."""

from __future__ import annotations

from strawberry.annotation import StrawberryAnnotation
from strawberry.types.field import StrawberryField


def root(name: str, type_: type, field: StrawberryField) -> StrawberryField:
    """Name a root field and give it its type, made nullable: one failure must not null the others."""
    field.python_name = name
    field.type_annotation = StrawberryAnnotation(type_ | None)
    return field
