"""docs/configuration.md, written from the settings themselves.

`python -m daemon.config_table > docs/configuration.md` after a setting has changed;
a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from daemon.config import Config
from daemon.config_problems import tables
from daemon.config_types import allowed_values, setting_name

_HEAD = """# Configuration

One TOML file: `/etc/branchline/branchline.toml`, or the one that `$BRANCHLINE_CONFIG`
names. Every setting has a default, and without a file all defaults apply. An unknown
key, a wrong type or a value out of range is an error that names the key and what would
be right; at a reload (`systemctl reload branchline`) the last good configuration stays
in force.

A line is a section of its own, with a name of your choice:

```toml
[lines.main]
proxy = "192.0.2.10:5060"
username = "box1"
password_file = "sip-main"   # LoadCredential=sip-main:/etc/branchline/sip-main.secret
channels = 2
```
"""


@dataclass(frozen=True)
class Setting:
    """One row of the documentation. `default` and `name` are as written in the file."""

    section: str
    name: str
    default: str
    allowed: str
    meaning: str


def settings() -> list[Setting]:
    """Every setting there is, in the order of the sections."""
    return list(_settings(Config, ""))


def _settings(model: type[BaseModel], section: str) -> Iterator[Setting]:
    below = tables(model)
    for field, info in model.model_fields.items():
        name = setting_name(field, info)
        if name not in below and f"{name}.*" not in below:
            yield _setting(section, name, info)
    for name, table in below.items():
        yield from _settings(table, f"{section}.{name}".lstrip(".").replace("*", "NAME"))


def _setting(section: str, name: str, info: FieldInfo) -> Setting:
    default = list(info.default) if isinstance(info.default, tuple) else info.default
    return Setting(
        section=section,
        name=name,
        default=json.dumps(default),
        allowed=allowed_values(info),
        meaning=info.description or "",
    )


def markdown() -> str:
    """The whole of docs/configuration.md."""
    parts = [_HEAD]
    section = ""
    for setting in settings():
        if setting.section != section:
            section = setting.section
            parts.append(f"\n## [{section}]\n\n| setting | default | allowed | meaning |")
            parts.append("\n|---|---|---|---|\n")
        parts.append(
            f"| `{setting.name}` | `{setting.default}` | {setting.allowed} | {setting.meaning} |\n"
        )
    return "".join(parts)


if __name__ == "__main__":
    click.echo(markdown(), nl=False)
