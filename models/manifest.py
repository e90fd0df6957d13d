"""The manifest: what models exist, what their files hash to, where they come from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from models.base import ModelError

DEFAULT_MANIFEST = Path(__file__).with_name("manifest.toml")


@dataclass(frozen=True)
class ModelFile:
    """One file of a model; exactly one of `sha256` and `md5` is set.

    Attributes:
        name: path inside the model's directory, with forward slashes.
        size: bytes.
        sha256: hex digest, or "".
        md5: hex digest where the publisher states only that, or "".
    """

    name: str
    size: int
    sha256: str = ""
    md5: str = ""


@dataclass(frozen=True)
class Source:
    """One place a model can come from.

    Attributes:
        kind: "wheel" (a package used as a mirror), "url" (the publisher) or "directory".
        folder: where the files lie in that place.
        packages: "name==version" of each wheel; empty for other kinds.
        paths: places of a file that is elsewhere; several are concatenated.
    """

    kind: str
    folder: str
    packages: tuple[str, ...] = ()
    paths: Mapping[str, tuple[str, ...]] | None = None

    def places(self, file_name: str) -> tuple[str, ...]:
        """Where `file_name` is in this source, in the order to concatenate."""
        if self.paths and file_name in self.paths:
            return self.paths[file_name]
        return (f"{self.folder.rstrip('/')}/{file_name}",)

    def __str__(self) -> str:
        """What a message calls it."""
        return "package " + ", ".join(self.packages) if self.packages else self.folder


@dataclass(frozen=True)
class ModelSpec:
    """One model of the manifest.

    Attributes:
        name: how commands call it.
        purpose: what it does, in words.
        languages: codes it is for.
        licence: under which terms.
        files: what has to be fetched.
        sources: where from, in the order tried.
        default: fetched by `branchline models pull` without names.
        evaluation_only: the licence forbids production use.
        unpack: name of the file that is a zip archive to unpack, or "".
        root: directory to load from, inside the model's own, or "".
    """

    name: str
    purpose: str
    languages: tuple[str, ...]
    licence: str
    files: tuple[ModelFile, ...]
    sources: tuple[Source, ...]
    default: bool = False
    evaluation_only: bool = False
    unpack: str = ""
    root: str = ""

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(file.size for file in self.files)


def load_manifest(path: Path = DEFAULT_MANIFEST) -> dict[str, ModelSpec]:
    """Read a manifest.

    Raises:
        ModelError: the file cannot be read, or an entry is not as described above.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: _spec(name, table) for name, table in tables.items()}
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the model manifest {path} cannot be used: {error!r}") from error


def _spec(name: str, table: dict[str, Any]) -> ModelSpec:
    files = tuple(_file(name, entry) for entry in table["files"])
    sources = tuple(_source(entry) for entry in table["sources"])
    rest = {k: v for k, v in table.items() if k not in ("files", "sources", "languages")}
    return ModelSpec(
        name=name, languages=tuple(table["languages"]), files=files, sources=sources, **rest
    )


def _file(model: str, entry: dict[str, Any]) -> ModelFile:
    file = ModelFile(**entry)
    path = PurePosixPath(file.name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{model}: {file.name} leaves the model's directory")
    if bool(file.sha256) == bool(file.md5):
        raise ValueError(f"{model}: {file.name} needs one of sha256 and md5")
    return file


def _source(entry: dict[str, Any]) -> Source:
    paths = {name: tuple(places) for name, places in entry.get("paths", {}).items()}
    return Source(
        kind=entry["kind"],
        folder=entry["folder"],
        packages=tuple(entry.get("packages", ())),
        paths=paths or None,
    )
