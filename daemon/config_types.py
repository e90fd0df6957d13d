"""The kinds of values that settings have, and how each is described to a person."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints
from pydantic.fields import FieldInfo

_ZONE = "an IANA time zone such as Asia/Shanghai"
_TIME = 'a time of day such as "09:00"'
_HOST = "host or host:port"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"allowed is {_ZONE}") from error
    return name


def _time_of_day(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f"allowed is {_TIME}")
    return text


def _host(text: str) -> str:
    if re.search(r"[@\s/]", text):
        raise ValueError(f"allowed is {_HOST}; an account goes into username and password_file")
    return text


_VALIDATED = {_known_zone: _ZONE, _time_of_day: _TIME, _host: _HOST}
Zone = Annotated[str, AfterValidator(_known_zone)]
Host = Annotated[str, AfterValidator(_host)]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
Port = Annotated[int, Field(ge=0, le=65535)]
LineName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]


def setting_name(field: str, info: FieldInfo) -> str:
    """The key a field has in the file."""
    return info.alias or field


def allowed_values(info: FieldInfo) -> str:
    """A setting's range in words: "a whole number from 1 to 64", "one of sip"."""
    text = repr(info.annotation)
    if "Literal" in text:
        choices = text.partition("Literal[")[2].partition("]")[0].replace("'", "")
        return f"a list of {choices}" if "tuple" in text else f"one of {choices}"
    if info.annotation is bool:
        return "true or false"
    if info.annotation is int:
        low = next((m.ge for m in info.metadata if hasattr(m, "ge")), None)
        high = next((m.le for m in info.metadata if hasattr(m, "le")), None)
        return f"a whole number from {low} to {high}"
    for mark in info.metadata:
        if isinstance(mark, AfterValidator) and mark.func in _VALIDATED:
            return _VALIDATED[mark.func]
    if info.annotation is not str:
        return ""
    return "text, not empty" if any(hasattr(m, "min_length") for m in info.metadata) else "text"
