"""What several commands print the same way."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click


def echo_json(value: Any) -> None:
    """One JSON line on stdout; dataclasses become objects."""
    content = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    click.echo(json.dumps(content, ensure_ascii=False, default=str))


def local_time(moment: datetime, timezone: str) -> str:
    """A moment as the operator reads it: date, hour and minute in the box's zone."""
    return moment.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M")
