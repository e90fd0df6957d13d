"""The models on this box: fetched once, verified, never loaded unverified.

Layout: DIRECTORY/NAME/FILE, and in each model's directory a stamp that records size,
modification time and hash of every file, so that loading need not hash 150 MB again.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.base import ModelError, ModelMissingError
from models.fetch import Progress, fetch, part_file
from models.manifest import DEFAULT_MANIFEST, ModelFile, ModelSpec, Source, load_manifest
from models.stamp import Stamp, hash_matches

log = logging.getLogger(__name__)

SPACE_MARGIN_BYTES = 64 << 20


class Registry:
    """What models there are, which of them are here, and how to get the others."""

    def __init__(self, manifest: Path | None, directory: Path) -> None:
        """Read the manifest (None: the one that ships); `directory` need not exist yet."""
        self.specs = load_manifest(manifest or DEFAULT_MANIFEST)
        self.directory = directory

    def spec(self, name: str) -> ModelSpec:
        """The manifest's entry of a model.

        Raises:
            ModelError: there is no such model.
        """
        if name not in self.specs:
            raise ModelError(f"there is no model {name!r}; there are: {', '.join(self.specs)}")
        return self.specs[name]

    def defaults(self) -> list[str]:
        """The models that a plain `pull` fetches."""
        return [name for name, spec in self.specs.items() if spec.default]

    def installed(self, name: str) -> bool:
        """Whether all files are here in their right size (`path` checks their hashes)."""
        spec = self.spec(name)
        home = self.directory / name
        return all(_has_size(home / file.name, file) for file in spec.files) and (
            not spec.unpack or (home / spec.root).is_dir()
        )

    def path(self, name: str) -> Path:
        """The directory to load a model from, its files verified.

        Raises:
            ModelMissingError: it is not here.
            ModelError: a file is not what it should be.
        """
        spec = self.spec(name)
        if not self.installed(name):
            raise ModelMissingError(
                f"model {name} is not installed in {self.directory}; "
                f"fetch it with `branchline models pull {name}`"
            )
        self._check(spec, thorough=False)
        return self.directory / name / spec.root

    def verify(self, names: Iterable[str] = ()) -> dict[str, str]:
        """Hash installed models anew: for each name "ok", "missing" or what is wrong."""
        result = {}
        for name in names or self.specs:
            if not (self.directory / self.spec(name).name).is_dir():
                result[name] = "missing"
                continue
            try:
                if not self.installed(name):
                    raise ModelError(f"model {name} is incomplete: pull it again")
                self._check(self.specs[name], thorough=True)
                result[name] = "ok"
            except ModelError as error:
                result[name] = str(error)
        return result

    def pull(
        self,
        names: Iterable[str] = (),
        progress: Progress | None = None,
        source: Path | None = None,
    ) -> list[str]:
        """Fetch what is not here yet; returns the names that were fetched.

        Args:
            names: models; none means the default set.
            progress: called as bytes arrive.
            source: a directory written by `bundle`, used instead of the network.

        Raises:
            ModelError: no source had it, a hash was wrong, or the disk is full.
        """
        specs = [self.spec(name) for name in (list(names) or self.defaults())]
        with _disk_errors(self.directory):
            self.directory.mkdir(parents=True, exist_ok=True)
            with _locked(self.directory / ".lock"):
                return [s.name for s in specs if self._pull(s, progress or _silent, source)]

    def bundle(self, directory: Path, names: Iterable[str] = ()) -> list[str]:
        """Copy installed models to `directory`, for `pull` with `source` elsewhere.

        Without names: every installed model. Returns the names copied.
        """
        chosen = list(names) or [name for name in self.specs if self.installed(name)]
        with _disk_errors(directory):
            for name in chosen:
                self.path(name)
                for file in self.specs[name].files:
                    target = directory / name / file.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(self.directory / name / file.name, target)
        return chosen

    def _pull(self, spec: ModelSpec, progress: Progress, source: Path | None) -> bool:
        home = self.directory / spec.name
        missing = [file for file in spec.files if not self._is_good(home, file)]
        if missing:
            self._require_space(spec, missing)
            local = Source(kind="directory", folder=str(source / spec.name)) if source else None
            self._fetch_from_any(spec, missing, progress, (local,) if local else spec.sources)
        stale = bool(spec.unpack) and (bool(missing) or _wrong_unpacked(spec, home) is not None)
        if stale:
            _unpack(home / spec.unpack, home, spec.root)
        if missing or stale:
            Stamp(home).write(_all_files(spec, home))
        return bool(missing or stale)

    def _fetch_from_any(
        self,
        spec: ModelSpec,
        missing: list[ModelFile],
        progress: Progress,
        sources: Iterable[Source],
    ) -> None:
        incoming = self.directory / ".incoming" / spec.name
        reasons = []
        for source in sources:
            try:
                fetch(source, missing, incoming, progress)
                for file in missing:
                    self._accept(spec, file, incoming, source)
                shutil.rmtree(incoming, ignore_errors=True)
                return
            except ModelError as error:
                log.info("model %s: %s", spec.name, error)
                reasons.append(str(error))
        raise ModelError(
            f"model {spec.name} could not be fetched: {'; '.join(reasons)}. Check the network or "
            "pip's index, or copy a bundle here: `branchline models pull --from DIR`"
        )

    def _accept(self, spec: ModelSpec, file: ModelFile, incoming: Path, source: Source) -> None:
        part = part_file(incoming, file)
        if part.stat().st_size < file.size:
            raise ModelError(f"{file.name} from {source} broke off; pull again to continue it")
        if not hash_matches(part, file):
            part.unlink(missing_ok=True)
            raise ModelError(f"{file.name} from {source} has the wrong hash and was thrown away")
        final = self.directory / spec.name / file.name
        final.parent.mkdir(parents=True, exist_ok=True)
        part.replace(final)

    def _is_good(self, home: Path, file: ModelFile) -> bool:
        path = home / file.name
        return _has_size(path, file) and (Stamp(home).vouches(file) or hash_matches(path, file))

    def _check(self, spec: ModelSpec, *, thorough: bool) -> None:
        home = self.directory / spec.name
        stamp = Stamp(home)
        doubtful = [f for f in spec.files if thorough or not stamp.vouches(f)]
        wrong = next((f.name for f in doubtful if not hash_matches(home / f.name, f)), None)
        if wrong is None and spec.unpack:
            wrong = _wrong_unpacked(spec, home, thorough=thorough)
        if wrong is not None:
            raise ModelError(
                f"model {spec.name} is damaged: {home / wrong} is not what was published; "
                f"fetch it again with `branchline models pull {spec.name}`"
            )
        if doubtful:
            stamp.write(_all_files(spec, home))

    def _require_space(self, spec: ModelSpec, missing: list[ModelFile]) -> None:
        need = 2 * sum(file.size for file in missing) + SPACE_MARGIN_BYTES
        free = shutil.disk_usage(self.directory).free
        if free < need:
            raise ModelError(
                f"model {spec.name} needs {need >> 20} MB while it is fetched, but "
                f"{self.directory} has {free >> 20} MB free; make room there"
            )


def _silent(_what: str, _done: int, _total: int) -> None:
    """Report no progress."""


def _has_size(path: Path, file: ModelFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size


def _all_files(spec: ModelSpec, home: Path) -> list[str]:
    """Names of the fetched and the unpacked files of a model."""
    names = [file.name for file in spec.files]
    if spec.unpack:
        unpacked = (p for p in sorted((home / spec.root).rglob("*")) if p.is_file())
        names += [path.relative_to(home).as_posix() for path in unpacked]
    return names


def _wrong_unpacked(spec: ModelSpec, home: Path, *, thorough: bool = False) -> str | None:
    """The first unpacked file that is not as the stamp recorded it, or None.

    Unpacked files have no hash in the manifest; what counts is the one taken when the
    verified archive was unpacked. A file that nobody recorded is wrong too.
    """
    stamp = Stamp(home)
    present = set(_all_files(spec, home))
    odd = sorted(present ^ stamp.names())
    return odd[0] if odd else stamp.first_changed(thorough=thorough)


def _unpack(archive: Path, home: Path, root: str) -> None:
    """Unpack a verified zip; it must hold one directory called `root`."""
    shutil.rmtree(home / root, ignore_errors=True)
    with zipfile.ZipFile(archive) as zipped:
        strays = [name for name in zipped.namelist() if not name.startswith(root + "/")]
        if strays:
            raise ModelError(f"{archive.name} holds {strays[0]}, outside {root}/")
        zipped.extractall(home)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One puller at a time; a second one waits."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def _disk_errors(directory: Path) -> Iterator[None]:
    """Say in words what the operating system says in numbers."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ModelError(f"the disk of {directory} is full; make room there") from error
        raise ModelError(f"{error.filename or directory}: {error.strerror or error}") from error
