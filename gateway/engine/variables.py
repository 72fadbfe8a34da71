"""The variables of a request, of which only those that the operation declares are decoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from graphql import OperationDefinitionNode
from msgspec import UNSET

from gateway.engine.limits import limit_error
from gateway.errors import BadRequest

# Beyond it, decoded JSON could take many times the bytes of a body: `[],` becomes an object of 56.
MAX_VALUES = 20_000
FEW_BYTES = 40_000  # that cannot be more values: each takes two characters


class VariablesDecoder:
    """Decodes the declared variables of one operation."""

    def __init__(self, operation: OperationDefinitionNode) -> None:
        names = [each.variable.name.value for each in operation.variable_definitions or ()]
        self._names = {f"v{number}": name for number, name in enumerate(names)}
        self._decoder = _decoder_of(list(self._names), self._names, Any, UNSET)
        self._raw_decoder = _decoder_of(list(self._names), self._names, msgspec.Raw, msgspec.Raw())

    def decode(self, variables: msgspec.Raw) -> dict[str, Any]:
        """Decode a JSON object, or null. Any: JSON.

        Raises `BadRequest` for what is not JSON, and `GraphQLError` for a variable of too many values.
        """
        if not variables or bytes(variables) == b"null":
            return {}
        try:
            if len(memoryview(variables)) > FEW_BYTES:
                self._check_values(variables)
            decoded = self._decoder.decode(variables)
        except RecursionError:
            raise BadRequest("Member variables is nested too deeply.") from None
        except msgspec.ValidationError as error:  # a number that is out of range
            raise BadRequest(f"Member variables is not valid: {error}.") from None
        except msgspec.MsgspecError:
            raise BadRequest("Member variables is not JSON in UTF-8.") from None
        return {
            name: value
            for attribute, name in self._names.items()
            if (value := getattr(decoded, attribute)) is not UNSET
        }

    def _check_values(self, variables: msgspec.Raw) -> None:
        raw = self._raw_decoder.decode(variables)
        for attribute, name in self._names.items():
            text = bytes(getattr(raw, attribute))
            if text.count(b",") + text.count(b"[") + text.count(b"{") > MAX_VALUES:
                raise limit_error(
                    "MAX_VALUES", MAX_VALUES, f"Variable ${name} has more than {MAX_VALUES} values"
                )


def _decoder_of(
    attributes: Sequence[str], names: dict[str, str], kind: Any, default: Any
) -> msgspec.json.Decoder[Any]:  # Any: a Struct of these members, of any kind
    fields = [(each, kind, default) for each in attributes]
    return msgspec.json.Decoder(msgspec.defstruct("Variables", fields, rename=names))
