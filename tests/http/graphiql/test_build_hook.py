"""GraphiQL is bundled from pinned packages during the build of the package, which never fails with it."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.tags import platform_tags

from gateway.http.graphiql.build_hook import (
    NODE_PACKAGE,
    NODE_PLATFORMS,
    SOURCES,
    GraphiQLAssets,
    hash_sources,
    is_up_to_date,
)
from gateway.http.graphiql.page import FOLDER, MEDIA_TYPES, find_assets

PROJECT = Path(__file__).parents[3]
SHELL = shutil.which("sh")
FILES = ["explorer-1A.js", "licences-2B.txt"]


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    """Return a source tree as cloned: without a bundle."""
    for name in ("pyproject.toml", "README.md", ".gitignore"):
        shutil.copy(PROJECT / name, tmp_path / name)
    explorer = tmp_path / "gateway" / "http" / "graphiql"
    shutil.copytree(FOLDER, explorer, ignore=shutil.ignore_patterns("dist", "node_modules", "__pycache__"))
    for name in ("__init__.py", "version.py", "LICENSE"):
        shutil.copy(PROJECT / "gateway" / name, tmp_path / "gateway" / name)
    return tmp_path


def bundle(project: Path) -> Path:
    """Create the result of a build of this source tree: a folder with the hash of its sources."""
    explorer = project / "gateway" / "http" / "graphiql"
    dist = explorer / "dist"
    dist.mkdir()
    for name in FILES:
        (dist / f"{name}.gz").write_bytes(b"")
    manifest = {"sources": hash_sources(explorer), "script": "", "style": "", "licences": "", "files": FILES}
    (dist / "manifest.json").write_text(json.dumps(manifest))
    return dist


def hook(project: Path) -> GraphiQLAssets:
    return GraphiQLAssets(str(project), {}, None, None, "", "wheel")  # type: ignore[arg-type]


def without_node(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A machine without Node.js: nothing is on its path."""
    monkeypatch.setenv("PATH", str(folder))


def with_node(monkeypatch: pytest.MonkeyPatch, folder: Path, version: str, npm_ends_with: int) -> None:
    """A machine with a Node.js of this version, whose npm has this exit status and records its call."""
    commands = {"node": f"echo {version}", "npm": f"echo $@ > {folder}/ran; exit {npm_ends_with}"}
    for name, does in commands.items():
        (folder / name).write_text(f"#!{SHELL}\n{does}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


# Pinned packages


def test_packages_are_pinned() -> None:
    """Each package has one exact version, and the lock has the hash of every installed file."""
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    dependencies = package["dependencies"] | package["devDependencies"]

    assert [version for version in dependencies.values() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    assert lock["packages"][""]["dependencies"] == package["dependencies"]
    installed = {name: each for name, each in lock["packages"].items() if name}
    assert {name: each["version"] for name, each in installed.items() if name[13:] in dependencies} == {
        f"node_modules/{name}": version for name, version in dependencies.items()
    }
    assert [name for name, each in installed.items() if not each["integrity"].startswith("sha512-")] == []


def test_no_registry_is_named() -> None:
    """The packages are fetched from the registry that the machine is configured for."""
    lock = (FOLDER / "package-lock.json").read_text(encoding="utf-8")

    assert "resolved" not in lock
    assert "registry" not in lock


# Conditions of a build


def test_a_bundle_is_built_once(project: Path, tmp_path: Path) -> None:
    """A bundle of the same sources is not rebuilt, and needs no Node.js."""
    dist = bundle(project)

    assert is_up_to_date(dist.parent)
    assert hook(project).dependencies() == []
    hook(project).initialize("standard", {})
    assert (dist / f"{FILES[0]}.gz").exists()


@pytest.mark.parametrize("source", [*SOURCES[:-1], "src/main.jsx", "src/fonts.css", "dist/manifest.json"])
def test_a_bundle_of_other_sources(project: Path, source: str) -> None:
    """If a source changed, or the bundle has no hash, it is outdated."""
    dist = bundle(project)
    (dist.parent / source).write_text("{}")

    assert not is_up_to_date(dist.parent)


def test_incomplete_bundle_is_outdated(project: Path) -> None:
    """If a file is missing, the bundle is rebuilt."""
    dist = bundle(project)
    (dist / f"{FILES[1]}.gz").unlink()

    assert not is_up_to_date(dist.parent)


def test_node_is_a_build_dependency_if_it_is_missing(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Node.js is a build dependency only on machines without it, or with one that is too old."""
    missing = [] if NODE_PLATFORMS.isdisjoint(platform_tags()) else [NODE_PACKAGE]

    without_node(monkeypatch, tmp_path)
    assert hook(project).dependencies() == missing
    with_node(monkeypatch, tmp_path, "v16.20.0", 0)
    assert hook(project).dependencies() == missing
    with_node(monkeypatch, tmp_path, "v18.0.0", 0)
    assert hook(project).dependencies() == []


def test_without_node_the_installation_continues(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without Node.js the build reports it and continues, and leaves no bundle of older sources."""
    dist = bundle(project)
    (dist.parent / "build.mjs").write_text("")
    without_node(monkeypatch, tmp_path)

    hook(project).initialize("standard", {})

    assert not dist.exists()
    assert "GraphiQL was not built" in capfd.readouterr().err


def test_without_packages_the_installation_continues(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without access to packages the build continues; npm installs the locked packages without scripts."""
    with_node(monkeypatch, tmp_path, "v20.0.0", 1)

    hook(project).initialize("editable", {})

    assert (tmp_path / "ran").read_text().split()[:2] == ["ci", "--ignore-scripts"]
    assert find_assets(project / "gateway" / "http" / "graphiql" / "dist") is None
    assert "`npm ci` exited with 1" in capfd.readouterr().err


# Contents of the wheel


def test_the_wheel_has_the_bundle_and_not_its_sources(project: Path, tmp_path: Path) -> None:
    """The wheel has the page, its bundle, licences and operations, but not their sources and build tools."""
    bundle(project)

    (wheel,) = WheelBuilder(str(project)).build(directory=str(tmp_path / "wheels"), versions=["standard"])

    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("gateway/http/graphiql/")}
    folder = "gateway/http/graphiql"
    assert {name for name in names if "/operations/" not in name} == {
        f"{folder}/__init__.py",
        f"{folder}/example_operations.py",
        f"{folder}/page.py",
        f"{folder}/dist/manifest.json",
        *(f"{folder}/dist/{name}.gz" for name in FILES),
    }
    assert len([name for name in names if name.endswith(".graphql")]) == 10


def licences(text: str) -> dict[str, str]:
    """The text of each package in the file of licences."""
    rule = "=" * 80
    parts = re.split(rf"^{rule}\n(.*)\n{rule}\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.skipif(find_assets() is None, reason="GraphiQL was not built on this machine")
def test_built_bundle() -> None:
    """The bundle that is served here has files of known types only, and the licence of every package."""
    assets = find_assets()
    assert assets is not None
    texts = licences((assets.folder / "licences.txt").read_text(encoding="utf-8"))

    assert {Path(name).suffix for name in assets.manifest.files} == set(MEDIA_TYPES)
    assert {assets.manifest.script, assets.manifest.style, assets.manifest.licences} <= assets.manifest.files
    assert [name for name in assets.manifest.files if not re.search(r"-[0-9A-Za-z]{8}\.\w+$", name)] == []
    shown = {name.rsplit(" ", 2)[0] for name in texts}
    assert {"graphiql", "monaco-editor", "react", "@fontsource/roboto", "@graphiql/plugin-explorer"} <= shown
    assert [name for name, text in texts.items() if len(text) < 500] == []
