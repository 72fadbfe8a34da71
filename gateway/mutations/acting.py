"""What every act begins and ends with."""

from __future__ import annotations

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.schema.refusal import Refusal, refusal
from gateway.upstream.services import Upstream


def acting(info: Info) -> Upstream:
    """The services to act on. What was loaded before is forgotten, because the act may change it."""
    info.context.loaders.forget()
    return info.context.upstream


class RefusedAsData(strawberry.ExceptionHandler[errors.Refused, Refusal]):
    """The one place where the library's no becomes data: in every result that has a `Refusal`."""

    def handle(self, exception: errors.Refused, *, field: object, info: object) -> Refusal:
        return refusal(exception)
