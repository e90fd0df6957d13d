"""The stamp in a model's directory: which file had which hash when it was verified."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from pathlib import Path

from models.manifest import ModelFile

log = logging.getLogger(__name__)

STAMP_NAME = ".verified.json"


def file_hash(path: Path, algorithm: str) -> str:
    """Hex digest of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, algorithm).hexdigest()


def hash_matches(path: Path, file: ModelFile) -> bool:
    """Whether `path` has the size and hash the manifest states."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    algorithm = "sha256" if file.sha256 else "md5"
    return file_hash(path, algorithm) == (file.sha256 or file.md5)


class Stamp:
    """Size, modification time and SHA-256 of each verified file of one model.

    A file whose size and time are unchanged counts as verified; any other is hashed.
    """

    def __init__(self, home: Path) -> None:
        """Read the stamp of the model in `home`; none or an unreadable one is empty."""
        self._home = home
        self._seen: dict[str, dict[str, int | str]] = {}
        try:
            self._seen = json.loads((home / STAMP_NAME).read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            log.warning("stamp of %s cannot be read (%s); hashing anew", home, error)

    def vouches(self, file: ModelFile) -> bool:
        """Whether `file` was verified against this manifest and has not changed since."""
        entry = self._seen.get(file.name)
        if entry is None or not self._unchanged(file.name):
            return False
        return entry.get("sha256") == file.sha256 if file.sha256 else entry.get("md5") == file.md5

    def names(self) -> set[str]:
        """The files recorded."""
        return set(self._seen)

    def first_changed(self, *, thorough: bool = False) -> str | None:
        """The first recorded file whose content differs, or None; `thorough` hashes all."""
        for name, entry in self._seen.items():
            if not thorough and self._unchanged(name):
                continue
            path = self._home / name
            if not path.is_file() or file_hash(path, "sha256") != entry["sha256"]:
                return name
        return None

    def write(self, names: Iterable[str]) -> None:
        """Record the present state of `names`, just verified.

        A directory that cannot be written (a read-only image) is no error: it is
        hashed again next time.
        """
        self._seen = {}
        for name in names:
            path = self._home / name
            status = path.stat()
            self._seen[name] = {
                "size": status.st_size,
                "mtime_ns": status.st_mtime_ns,
                "sha256": file_hash(path, "sha256"),
                "md5": file_hash(path, "md5"),
            }
        draft = self._home / (STAMP_NAME + ".new")
        try:
            draft.write_text(json.dumps(self._seen, indent=1), encoding="utf-8")
            draft.replace(self._home / STAMP_NAME)
        except OSError as error:
            log.debug("stamp of %s not written: %s", self._home, error)

    def _unchanged(self, name: str) -> bool:
        entry = self._seen[name]
        try:
            status = (self._home / name).stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (entry["size"], entry["mtime_ns"])
