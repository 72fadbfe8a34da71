"""Roots that find one record by exactly one of its natural keys."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import strawberry
from aiodataloader import DataLoader

from gateway.context import Info
from gateway.engine.core import StrawberryField, to_camel_case
from gateway.fields import arguments
from gateway.fields.page import argument
from gateway.fields.selection import loaders_for, needs_of


class LookupField(StrawberryField):
    """One record by one of several keys, each with its loader. Any: Strawberry's own signatures are wide."""

    loaders: Mapping[str, str]

    def __copy__(self) -> LookupField:
        made = super().__copy__()
        made.loaders = self.loaders
        return made

    @property
    def is_basic_field(self) -> bool:
        return False

    @cached_property
    def python_names(self) -> Mapping[str, str]:
        """The Python names of the keys, by those of the graph."""
        return {to_camel_case(each.python_name): each.python_name for each in self.arguments}

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        loader, key = self.asking(info, kwargs)
        return loader.load(key)

    def asking(self, info: Info, kwargs: Mapping[str, Any]) -> tuple[DataLoader[str, Any], str]:
        """The loader for the one key that was given, and the key. Raises `BadUserInput`."""
        names = self.python_names
        name, key = arguments.exactly_one(**{name: kwargs.get(names[name]) for name in self.loaders})
        key = arguments.uuid(key, name) if name == "id" else arguments.text(key, name)
        return getattr(loaders_for(info, needs_of(info)), self.loaders[name]), key


def lookup(description: str, **keys: tuple[str, str]) -> Any:
    """Declare a root by its keys: argument = (loader, meaning). A single key is a required argument.

    Any: the annotation beside the declaration is the type.
    """
    made = LookupField(description=description)
    made.loaders = {to_camel_case(name): loader for name, (loader, _) in keys.items()}
    required = len(keys) == 1
    made.arguments = [
        argument(name, _type_of(name, required), meaning, **({} if required else {"default": None}))
        for name, (_, meaning) in keys.items()
    ]
    return made


def _type_of(name: str, required: bool) -> Any:
    kind: Any = strawberry.ID if name == "id" else str
    return kind if required else kind | None
