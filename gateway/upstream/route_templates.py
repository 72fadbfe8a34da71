"""Which question or act a path is: its template, without the ids that stand in it."""

from __future__ import annotations

from gateway.upstream.interfaces import routes

OTHER = "other"

# Behind `/Polaris.ApplicationServices/api/v1/` and five segments that settings and the workstation give.
_LOCKS = {0: "/objectlocks", 2: "/objectlocks/{objectTypeId}/{objectId}"}

_Parts = tuple[str | None, ...]


def _parts(template: str) -> _Parts:
    return tuple(None if part.startswith("{") else part for part in template.split("/"))


_TEMPLATES = {each.path for _, each in routes()}
_WHOLE = {path for path in _TEMPLATES if "{" not in path}
_BY_LENGTH: dict[int, list[tuple[_Parts, str]]] = {}
for _template in sorted(_TEMPLATES - _WHOLE):
    _BY_LENGTH.setdefault(_template.count("/"), []).append((_parts(_template), _template))


def templates() -> frozenset[str]:
    """Everything that `template_of` may answer."""
    return frozenset({*_TEMPLATES, *_LOCKS.values(), OTHER})


def template_of(path: str) -> str:
    """The template of a path below the base URL, as the module descriptors write it: `/loans/{loanId}`.

    Never a part of the path that is not in the template: `other` where there is no template for it.
    """
    if path in _WHOLE:
        return path
    parts = path.split("/")
    for template, name in _BY_LENGTH.get(len(parts) - 1, ()):
        if all(part is None or part == given for part, given in zip(template, parts, strict=True)):
            return name
    if parts[1:2] == ["Polaris.ApplicationServices"] and parts[9:10] == ["objectlocks"]:
        return _LOCKS.get(len(parts) - 10, OTHER)
    return OTHER
