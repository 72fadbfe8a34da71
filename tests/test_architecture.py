"""Imports have one direction: from the schema to the upstream services."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "gateway"

# The parts of the gateway that each part may import, in addition to itself. From the bottom to the top.
ALLOWED = {
    "errors": set[str](),
    "version": set[str](),
    "host_name": set[str](),
    "settings": {"host_name", "settings_group"},
    "settings_group": set[str](),
    "sandbox": set[str](),
    "redis_store": {"observability"},
    "identity": {"errors"},
    "observability": {"errors", "settings", "settings_group"},
    "upstream": {"errors", "settings", "settings_group", "identity", "observability"},
    "live": {"errors", "observability", "redis_store", "settings"},
    "loaders": {"errors", "settings", "upstream", "observability"},
    "context": {
        "errors",
        "fields",
        "loaders",
        "identity",
        "live",
        "observability",
        "settings",
        "upstream",
    },  # fields for its types only
    "fields": {"errors", "context", "live", "loaders", "upstream", "observability"},
    "schema": {"errors", "context", "fields", "live", "loaders", "upstream"},
    "mutations": {"errors", "context", "fields", "live", "schema", "upstream"},
    "graph": {"fields", "mutations", "schema"},
    "engine": {
        "errors",
        "context",
        "fields",
        "live",
        "loaders",
        "identity",
        "observability",
        "redis_store",
        "settings",
        "upstream",
    },
    "http": {"errors", "engine", "identity", "observability", "sandbox", "settings", "version"},
    "server": {"errors", "settings"},
    "app": {
        "context",
        "engine",
        "graph",
        "http",
        "identity",
        "live",
        "loaders",
        "observability",
        "redis_store",
        "sandbox",
        "settings",
        "settings_group",
        "upstream",
    },
    "doctor": {"errors", "identity", "live", "redis_store", "settings", "upstream"},
    "cli": {
        "app",
        "doctor",
        "engine",
        "errors",
        "fields",
        "graph",
        "http",
        "identity",
        "observability",
        "sandbox",
        "server",
        "settings",
        "settings_group",
        "upstream",
    },
    "__main__": {"cli"},
}


def imports(file: Path) -> Iterator[str]:
    """Return the parts of the gateway that a file imports at run time or for its types."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gateway":
            names = (node.module or "").split(".")[1:2] or [alias.name for alias in node.names]
            if node.module == "gateway.engine.core":
                continue  # it imports only errors of the gateway, so that fields and types may import it
            yield from (name for name in names if name != "__version__")
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("gateway."))


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_each_part_imports_only_what_lies_below_it(part: str) -> None:
    """A part of the gateway imports the parts below it and no others."""
    files = [ROOT / f"{part}.py"] if (ROOT / f"{part}.py").exists() else sorted((ROOT / part).rglob("*.py"))
    assert files

    result = {name for file in files for name in imports(file)} - {part}

    assert result <= ALLOWED[part]


def test_every_part_is_listed() -> None:
    """A new file or folder at the top of the gateway has its place in the order."""
    parts = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert parts - {"__init__"} == set(ALLOWED)


def test_only_transports_import_httpx_and_aiohttp() -> None:
    """Only the package of the transports imports httpx and aiohttp."""
    users = {
        file.relative_to(ROOT).as_posix()
        for file in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
        )
        if name.split(".")[0] in ("httpx", "aiohttp")
    }

    assert {user.rpartition("/")[0] for user in users} == {"upstream/transport"}


# The only files, or folders, that may import the internals of a library: its submodules, and of uvicorn and
# aiohttp the package itself. An upgrade of the library is then a change of one place.
DOORS = {
    "uvicorn": "server/",
    "aiohttp": "upstream/transport/",
    "graphql": "engine/core.py",
    "strawberry": "engine/core.py",
}
PUBLIC_MODULES = {"graphql", "strawberry", "strawberry.schema.config", "strawberry.tools"}


def libraries(file: Path) -> Iterator[str]:
    """Return the modules of listed libraries that a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module in DOORS:
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name for name in submodules if find_spec(name) is not None] or [node.module]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (name for name in names if name.partition(".")[0] in DOORS)


def test_each_library_is_imported_in_one_place() -> None:
    """Internals of a library are imported in one place."""
    elsewhere = {
        f"{file.relative_to(ROOT).as_posix()}: {name}"
        for file in ROOT.rglob("*.py")
        for name in libraries(file)
        if name not in PUBLIC_MODULES
        and not file.relative_to(ROOT).as_posix().startswith(DOORS[name.partition(".")[0]])
    }

    assert elsewhere == set()


def test_annotations_of_types_are_no_texts() -> None:
    """No file of GraphQL types has its annotations as texts, each of which Strawberry would compile."""
    files = [*(ROOT / "schema").glob("*.py"), *(ROOT / "mutations").glob("*.py")]
    assert files

    assert [file.name for file in files if "from __future__ import annotations" in file.read_text()] == []


def test_imports_are_not_circular() -> None:
    """No file imports a file that imports it, even for types only, except among the types of the graph."""
    modules = {
        ".".join(file.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): file
        for file in ROOT.rglob("*.py")
        if "node_modules" not in file.parts
    }
    graph = {name: set(_files_imported(file, modules)) - {name} for name, file in modules.items()}
    circular = {name for name in graph if name in _reached(graph, name)}
    assert {name for name in circular if not name.startswith("gateway.schema.")} == set()


def _reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += graph[name]
    return reached


def _files_imported(file: Path, modules: Collection[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module in modules:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in modules else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
