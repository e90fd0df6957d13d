"""Where things lie on the box. Everything that lasts is under one state directory."""

from __future__ import annotations

import os
from pathlib import Path


def state_dir() -> Path:
    """The state directory: systemd's, else $BRANCHLINE_STATE, else ~/.local/state."""
    for variable in ("STATE_DIRECTORY", "BRANCHLINE_STATE"):
        if value := os.environ.get(variable):
            return Path(value)
    return Path.home() / ".local" / "state" / "branchline"


def models_dir() -> Path:
    """Model weights: $BRANCHLINE_MODELS, else `models` in the state directory."""
    if value := os.environ.get("BRANCHLINE_MODELS"):
        return Path(value)
    return state_dir() / "models"


def recordings_dir() -> Path:
    """Call recordings, one WAV file per call."""
    return state_dir() / "recordings"


def prompts_dir() -> Path:
    """Prompts rendered before they are needed."""
    return state_dir() / "prompts"


def database_file() -> Path:
    """The one database."""
    return state_dir() / "branchline.db"


def config_file() -> Path:
    """The configuration: $BRANCHLINE_CONFIG, else /etc/branchline/branchline.toml."""
    return Path(os.environ.get("BRANCHLINE_CONFIG", "/etc/branchline/branchline.toml"))
