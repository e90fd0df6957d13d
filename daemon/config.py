"""The configuration: one TOML file into frozen typed settings.

An unknown key, a wrong type or a value out of range is a ConfigError that names the
file, the key and what would be right. A missing file means all defaults.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from daemon.errors import ConfigError
from daemon.paths import config_file


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("allowed is an IANA time zone such as Asia/Shanghai") from error
    return name


def _time_of_day(text: str) -> str:
    try:
        parsed = time.fromisoformat(text)
    except ValueError as error:
        raise ValueError('allowed is a time of day such as "09:00"') from error
    if len(text) != 5 or parsed.tzinfo is not None:
        raise ValueError('allowed is a time of day such as "09:00"')
    return text


TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
Port = Annotated[int, Field(ge=0, le=65535)]
LineName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]


class BoxConfig(_Section):
    """[box]: who and where this appliance is."""

    name: str = Field("branchline", min_length=1, description="What the status page calls it.")
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "Asia/Shanghai",
        description="IANA time zone of the branch; spoken dates and times are meant in it.",
    )


class LineConfig(_Section):
    """[lines.NAME]: one telephone line."""

    type: Literal["sip"] = Field("sip", description="Kind of line.")
    proxy: str = Field(
        "",
        pattern=r"^[^@\s]*$",
        description="host or host:port that calls are sent to; empty: the domain.",
    )
    domain: str = Field("", pattern=r"^[^@\s]*$", description="SIP domain; empty: the proxy.")
    local_host: str = Field("127.0.0.1", min_length=1, description="Address of ours to bind.")
    local_port: Port = Field(0, description="UDP port of ours; 0: any free one.")
    username: str = Field("", description="Account at the provider; empty: no authentication.")
    password_file: str = Field(
        "",
        description="File with the account's password. A bare name is a systemd credential "
        "(LoadCredential=), a path is read as it is.",
    )
    register_: bool = Field(
        False, alias="register", description="Register with the domain, as a telephone does."
    )
    register_expires_s: int = Field(
        300, ge=30, le=7200, description="Registration is renewed within this time."
    )
    caller: str = Field("branchline", min_length=1, description="Caller number or name shown.")
    channels: int = Field(1, ge=1, le=64, description="Calls at the same time.")
    codecs: tuple[Literal["PCMA", "PCMU"], ...] = Field(
        ("PCMA", "PCMU"), min_length=1, strict=False, description="Codecs offered, best first."
    )
    ring_timeout_s: int = Field(45, ge=5, le=180, description="How long a call may ring.")

    def password(self) -> str:
        """The account's password, read now; "" where none is configured.

        Raises:
            ConfigError: the file cannot be read.
        """
        if not self.password_file:
            return ""
        path = Path(self.password_file)
        if path.name == self.password_file:
            directory = os.environ.get("CREDENTIALS_DIRECTORY")
            if not directory:
                raise ConfigError(
                    f"password_file = {self.password_file!r} names a systemd credential, but "
                    "$CREDENTIALS_DIRECTORY is not set; give the full path of a file, or add "
                    f"LoadCredential={self.password_file}:/path/to/file to the service"
                )
            path = Path(directory) / path
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"password file {path} cannot be read: {error}; "
                "create it, readable by the service's user only"
            ) from error


class SpeechConfig(_Section):
    """[speech]: recognition and synthesis."""

    engine: Literal["auto", "vosk", "whisper"] = Field(
        "auto", description="Recogniser; auto: vosk where the language has a model installed."
    )
    threads: int = Field(2, ge=1, le=64, description="Processor threads of the recogniser.")


class TurnsConfig(_Section):
    """[turns]: when the person has finished, interrupted, or fallen silent."""

    speculate_after_ms: int = Field(
        160, ge=40, le=1000, description="Silence after which a reply is prepared in advance."
    )
    endpoint_yes_no_ms: int = Field(
        320, ge=100, le=3000, description="Silence that ends an answer to a yes-or-no question."
    )
    endpoint_open_ms: int = Field(
        420, ge=100, le=3000, description="Silence that ends a free answer."
    )
    endpoint_number_ms: int = Field(
        600, ge=100, le=3000, description="Silence that ends a spoken number."
    )
    endpoint_date_time_ms: int = Field(
        550, ge=100, le=3000, description="Silence that ends a spoken date or time."
    )
    barge_in_ms: int = Field(
        260, ge=60, le=2000, description="Speech over ours that stops our sound."
    )
    silence_ms: int = Field(
        5000, ge=1000, le=30000, description="Silence before the question is asked again."
    )
    max_call_s: int = Field(300, ge=10, le=3600, description="A longer call is ended politely.")


class RetryMinutesConfig(_Section):
    """[campaign.retry_minutes]: how long to wait after an attempt that reached nobody."""

    busy: int = Field(15, ge=1, le=10080, description="After a busy line.")
    no_answer: int = Field(120, ge=1, le=10080, description="After nobody picked up.")
    unreachable: int = Field(60, ge=1, le=10080, description="After a phone was off or away.")
    network_failure: int = Field(5, ge=1, le=10080, description="After a fault on the way.")
    voicemail: int = Field(1440, ge=1, le=10080, description="After a voicemail answered.")


class CampaignConfig(_Section):
    """[campaign]: what holds for every campaign that does not say otherwise."""

    max_attempts: int = Field(3, ge=1, le=20, description="Attempts per lead and campaign.")
    retry_minutes: RetryMinutesConfig = RetryMinutesConfig()
    window_start: TimeOfDay = Field(
        "09:00", description="No call before this time at the called person's place."
    )
    window_end: TimeOfDay = Field(
        "20:00", description="No call from this time on at the called person's place."
    )

    @model_validator(mode="after")
    def _start_before_end(self) -> CampaignConfig:
        if self.window_start >= self.window_end:
            raise ValueError(
                f"window_start {self.window_start} must be before window_end {self.window_end}"
            )
        return self


class WebConfig(_Section):
    """[web]: the status page."""

    host: str = Field("127.0.0.1", min_length=1, description="Address the page listens on.")
    port: int = Field(8080, ge=1, le=65535, description="TCP port the page listens on.")


class StorageConfig(_Section):
    """[storage]: the disk."""

    min_free_mb: int = Field(
        500, ge=10, le=1_000_000, description="Dialling stops below this much free space."
    )


class Config(_Section):
    """Every setting of the appliance."""

    box: BoxConfig = BoxConfig()
    lines: dict[LineName, LineConfig] = Field(default_factory=dict)
    speech: SpeechConfig = SpeechConfig()
    turns: TurnsConfig = TurnsConfig()
    campaign: CampaignConfig = CampaignConfig()
    web: WebConfig = WebConfig()
    storage: StorageConfig = StorageConfig()


def load_config(path: Path | None = None) -> Config:
    """Read and check the configuration file; all defaults where there is none.

    Args:
        path: the file; None for daemon.paths.config_file().

    Raises:
        ConfigError: the file cannot be read, or says something it may not say.
    """
    file = path or config_file()
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}; give the service's user the right to read it"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}; correct that line") from error
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        problems = [_problem(dict(item)) for item in error.errors()]
        raise ConfigError(f"{file}: {'; '.join(problems)}") from error


def effective(config: Config) -> dict[str, Any]:
    """The settings in force, ready to be printed.

    No secret can appear: passwords live in files and only the file's name is a setting.
    """
    return config.model_dump(mode="json", by_alias=True)


def setting_name(field: str, info: FieldInfo) -> str:
    """The key a field has in the file."""
    return info.alias or field


def _problem(error: dict[str, Any]) -> str:
    """One pydantic error in words that help: the key, the value, what is allowed."""
    location: tuple[str, ...] = tuple(str(part) for part in error["loc"])
    key = ".".join(part for part in location if part != "[key]")
    if error["type"] == "extra_forbidden":
        section = _section_at(location[:-1])
        names = [setting_name(name, info) for name, info in section.model_fields.items()]
        near = difflib.get_close_matches(location[-1], names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known names are {', '.join(names)}"
        return f"unknown key {key}: {hint}"
    if location and location[-1] == "[key]":
        return f"line name {key!r} must be letters, digits, - and _, at most 32"
    if error["type"] == "value_error":
        reason = str(error["ctx"]["error"])
    else:
        reason = _allowed(location) or str(error["msg"])
    value = "" if isinstance(error["input"], dict) else f" = {error['input']!r}"
    return f"{key}{value}: {reason}"


def _section_at(location: tuple[str, ...]) -> type[BaseModel]:
    """The model whose fields are the keys at this place of the file."""
    section: type[BaseModel] = Config
    parts = iter(location)
    for part in parts:
        if section is Config and part == "lines":
            section = LineConfig
            next(parts, None)  # the line's own name
            continue
        annotation = section.model_fields[part].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            section = annotation
    return section


def _allowed(location: tuple[str, ...]) -> str:
    """What the setting's own declaration allows, "" where it says nothing useful."""
    for depth in range(len(location), 0, -1):  # a list's item has the list's declaration
        section = _section_at(location[: depth - 1])
        for name, info in section.model_fields.items():
            if setting_name(name, info) == location[depth - 1]:
                described = allowed_values(info)
                return f"allowed is {described}" if described else ""
    return ""


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
    return "text" if info.annotation is str and not info.metadata else ""
