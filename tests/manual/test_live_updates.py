"""The page on live updates lists the fields of the subscription."""

from __future__ import annotations

import re

from graphql import get_named_type

from gateway.engine.core import core_schema
from gateway.graph import schema
from tests.manual.pages import PAGES

ROW = re.compile(r"^\| `(\w+Changed|\w+CheckedIn)` \| (.+) \| (.+) \|$", re.MULTILINE)
NAME = re.compile(r"`(\w+)`")
OF_ALL = {"kind", "occurredAt"}


def test_each_field_with_its_keys_and_results() -> None:
    """The table has each field of the subscription, its arguments, and what its results have."""
    kind = core_schema(schema).subscription_type
    assert kind is not None
    fields = {
        name: ([*field.args], {*get_named_type(field.type).fields} - OF_ALL)
        for name, field in kind.fields.items()
    }

    table = {
        name: (NAME.findall(keys), {*NAME.findall(results)} - {"accounts"})
        for name, keys, results in ROW.findall(PAGES["live-updates"])
    }

    assert table == fields
