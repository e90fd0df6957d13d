"""What is wrong with a configuration file, in words that help: key, value, what is allowed."""

from __future__ import annotations

import difflib
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from daemon.config_types import allowed_values, setting_name


def problem(error: dict[str, Any], root: type[BaseModel]) -> str:
    """One of pydantic's errors about the settings `root`, as one clause."""
    location: tuple[str, ...] = tuple(str(part) for part in error["loc"])
    key = ".".join(part for part in location if part != "[key]")
    if error["type"] == "extra_forbidden":
        section = _section_at(root, location[:-1])
        names = [setting_name(name, info) for name, info in section.model_fields.items()]
        near = difflib.get_close_matches(location[-1], names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known names are {', '.join(names)}"
        return f"unknown key {key}: {hint}"
    if location and location[-1] == "[key]":
        return f"line name {key!r} must be letters, digits, - and _, at most 32"
    if error["type"] in {"dict_type", "model_type"}:
        reason = f"must be a section, [{key}]"
    elif error["type"] == "value_error":
        reason = str(error["ctx"]["error"])
    else:
        reason = _allowed(root, location) or str(error["msg"])
    value = "" if isinstance(error["input"], dict) else f" = {error['input']!r}"
    return f"{key}{value}: {reason}"


def tables(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The sections below a section: by name, or "*" after the name where names are free."""
    found: dict[str, type[BaseModel]] = {}
    for field, info in model.model_fields.items():
        kind = info.annotation
        name = setting_name(field, info)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found[name] = kind
        elif get_origin(kind) is dict:
            found[f"{name}.*"] = get_args(kind)[1]
    return found


def _section_at(root: type[BaseModel], location: tuple[str, ...]) -> type[BaseModel]:
    """The model whose fields are the keys at this place of the file."""
    section = root
    parts = iter(location)
    for part in parts:
        below = tables(section)
        if f"{part}.*" in below:
            section = below[f"{part}.*"]
            next(parts, None)  # the name somebody chose
        else:
            section = below.get(part, section)
    return section


def _allowed(root: type[BaseModel], location: tuple[str, ...]) -> str:
    """What the setting's own declaration allows, "" where it says nothing useful."""
    for depth in range(len(location), 0, -1):  # a list's item has the list's declaration
        section = _section_at(root, location[: depth - 1])
        for name, info in section.model_fields.items():
            if setting_name(name, info) == location[depth - 1]:
                described = allowed_values(info)
                return f"allowed is {described}" if described else ""
    return ""
