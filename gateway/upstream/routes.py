"""Routes: the REST calls that the gateway makes, each declared beside the method that makes it.

The module descriptor, the checks of the doctor and the labels of metrics and traces are derived from them
(see `gateway.upstream.services.declared_routes`). Ids, versions, paths and permissions are those of the
module descriptors of mod-circulation-bff, mod-circulation, mod-circulation-storage, mod-users, mod-inventory,
mod-inventory-storage, mod-feesfines, mod-patron-blocks, mod-notes, mod-audit, mod-calendar, mod-tags,
mod-requests-mediated, mod-users-bl and mod-users-keycloak.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Literal, TypeAlias

Method: TypeAlias = Literal["GET", "POST", "PUT", "DELETE"]

UPSTREAMS = ("folio", "bff", "polaris")
"""The names of the upstreams, in errors, logs and metrics."""

FAMILY_SEGMENTS = 2  # constant segments of a path that name its service, and the records in it

_PARAMETER = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class Interface:
    """A FOLIO interface: its id, and the versions that the gateway can use, as module descriptors write them.

    Alternative versions are separated by blanks; a module is compatible from its minor version on. A tenant
    may lack an interface that is not `required`: its fields then return UPSTREAM_BAD_RESPONSE.
    """

    id: str
    version: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One REST call: a read (GET, and POST if it only `reads`) or a write (everything else).

    `template` is the path with its parameters in braces, `/loans/{loanId}`: also the label of the call in
    metrics and traces, which therefore never contain an id. `interface` and `permission` are FOLIO's; None if
    the route belongs to Polaris or needs no permission. `since` is the version of the interface that added
    the route, if that is later than the version that is required: a tenant may lack it.
    """

    method: Method
    template: str
    interface: Interface | None = None
    permission: str | None = None
    reads: bool = False
    since: str | None = None
    pattern: str = field(init=False, repr=False, compare=False)
    """The template with `%s` for each parameter."""
    family: str = field(init=False, repr=False, compare=False)
    """The calls that fail together, reads apart from writes: `read /circulation-bff/loans`."""

    def __post_init__(self) -> None:
        pattern = _PARAMETER.sub("%s", self.template.replace("%", "%%"))
        object.__setattr__(self, "pattern", pattern)
        constant = takewhile(lambda segment: "{" not in segment, self.template.split("/")[1:])
        kind = "read" if self.is_read else "write"
        family = f"{kind} /{'/'.join(islice(constant, FAMILY_SEGMENTS))}"
        object.__setattr__(self, "family", family)

    @property
    def is_read(self) -> bool:
        """True for a call that changes nothing, so that it may be cancelled and repeated."""
        return self.method == "GET" or self.reads
