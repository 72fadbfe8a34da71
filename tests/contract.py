"""The published contract of the circulation BFF: its types, and generated responses."""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent.parent / "shared" / "contracts" / "circulation-bff.json"

Json = Any  # the contract is JSON, and so is a response
Leaf = tuple[tuple[str, ...], Json]


class Contract:
    """Operations and types by name. Each generated value is unique."""

    def __init__(self) -> None:
        content = json.loads(FILE.read_text())
        self.types: dict[str, Json] = content["types"]
        self.operations = {(each["method"], each["path"]): each for each in content["operations"]}
        self._number = itertools.count(1000)

    def response(self, method: str, path: str) -> Json:
        """Return a response of this operation with a unique value in each leaf."""
        responses = self.operations[method, path]["responses"]
        return self.value(next(shape for status, shape in responses.items() if status.startswith("2")))

    def value(self, shape: Json) -> Json:
        if "oneOf" in shape:
            return self.value(shape["oneOf"][0])
        if "ref" in shape:
            return self._object(self.types[shape["ref"]])
        if shape.get("fields") is not None:
            return self._object(shape["fields"])
        if shape["type"] == "array":
            return [self.value(shape["items"])]
        return self._leaf(shape)

    def _object(self, fields: Json) -> Json:
        values = {name: self.value(self._as_sent(name, each)) for name, each in fields.items()}
        for name, each in values.items():
            if isinstance(each, dict) and "id" in each and f"{name}Id" in values:
                each["id"] = values[f"{name}Id"]  # the services send the same id twice
        if isinstance(status := values.get("status"), dict) and "name" in status:
            status["name"] = "Checked out" if "date" in status else "Open"  # closed sets, typed as text
        if "holdShelfClosedLibraryDateManagement" in values:
            values["holdShelfClosedLibraryDateManagement"] = "Keep_the_current_due_date"
        if "totalRecords" in values:
            values["totalRecords"] = 1  # the number of records; a longer list would be read on
        return values

    def _as_sent(self, name: str, shape: Json) -> Json:
        """Return the shape that the services send if the contract says less or something else."""
        if name == "tags" and shape.get("format") == "uuid":  # typed as one id; the services send labels
            return {"type": "object", "ref": "Tags"}
        if (
            name == "metadata"
        ):  # untyped in the response to a check-out; the services send the same as elsewhere
            return {"type": "object", "ref": "Metadata"}
        if shape.get("type") != "string" or "format" in shape or shape.get("enum"):
            return shape
        if name.endswith(("Id", "ID", "patronGroup")) or name == "id":
            return {**shape, "format": "uuid"}
        if name in ("createdDate", "updatedDate"):
            return {**shape, "format": "date-time"}
        return shape

    def _leaf(self, shape: Json) -> Json:
        number = next(self._number)
        if shape.get("enum"):
            return shape["enum"][number % len(shape["enum"])]
        if shape["type"] == "boolean":
            return True
        if shape["type"] == "integer":
            return number
        if shape["type"] == "number":
            return number + 0.25
        if shape["type"] == "object":
            return {f"key{number}": f"value{number}"}
        if shape.get("format") == "uuid":
            return str(uuid.UUID(int=number, version=4))
        if shape.get("format") == "date-time":
            return f"2026-01-01T{number % 24:02}:{number % 60:02}:{number % 59:02}.{number % 1000:03}+00:00"
        return f"text {number}"

    def body_paths(self, name: str) -> set[str]:
        """Return the leaves of a body, with dots for nesting; list elements share a path."""
        body = self.value({"type": "object", "ref": name})
        return {re.sub(r"\.key\d+$", "", ".".join(path)) for path, _ in leaves(body)}


def leaves(value: Json, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Yield every value that is neither object nor list, with its path."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from leaves(each, (*path, name))
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, path)
    else:
        yield path, value
