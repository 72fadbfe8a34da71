"""Fields of Query, declared outside a class."""

from __future__ import annotations

from collections.abc import Callable

import strawberry

from gateway.engine.core import StrawberryAnnotation, StrawberryField


def root(name: str, type_: type, field: StrawberryField) -> StrawberryField:
    """Name a root field and give it its type, made nullable: one failure must not null the others."""
    field.python_name = name
    field.type_annotation = StrawberryAnnotation(type_ | None)
    return field


def query(description: str) -> Callable[[Callable[..., object]], StrawberryField]:
    """Declare a root field that its own function resolves."""

    def declare(resolver: Callable[..., object]) -> StrawberryField:
        declared: StrawberryField = strawberry.field(description=description)(resolver)
        return declared

    return declare
