"""State directories for tests: their own database, the user's models and prompts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon import paths


@contextmanager
def private_state(directory: Path) -> Iterator[Path]:
    """Everything of the box lies in `directory`, but what is costly to make is shared."""
    models, prompts = paths.models_dir(), paths.prompts_dir()
    prompts.mkdir(parents=True, exist_ok=True)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "prompts").symlink_to(prompts.absolute())
    before = dict(os.environ)
    os.environ.update(
        BRANCHLINE_STATE=str(directory),
        BRANCHLINE_MODELS=str(models.absolute()),
        BRANCHLINE_CONFIG=str(directory / "branchline.toml"),
    )
    try:
        yield directory
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory for one test."""
    with private_state(tmp_path / "state") as directory:
        yield directory


@pytest.fixture(scope="module")
def module_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state directory for all tests of a file."""
    with private_state(tmp_path_factory.mktemp("state")) as directory:
        yield directory
