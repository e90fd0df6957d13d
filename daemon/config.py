"""The configuration: one TOML file into frozen typed settings.

An unknown key, a wrong type or a value out of range is a ConfigError that names the
file, the key and what would be right. A missing file means all defaults.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from daemon.config_problems import problem
from daemon.config_types import Host, LineName, Port, TimeOfDay, Zone
from daemon.errors import ConfigError
from daemon.paths import config_file


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class BoxConfig(_Section):
    """[box]: who and where this appliance is."""

    name: str = Field("branchline", min_length=1, description="What the status page calls it.")
    timezone: Zone = Field(
        "Asia/Shanghai",
        description="IANA time zone of the branch; spoken dates and times are meant in it.",
    )


class LineConfig(_Section):
    """[lines.NAME]: one telephone line."""

    type: Literal["sip"] = Field("sip", description="Kind of line.")
    proxy: Host = Field("", description="Where calls are sent to; empty: the domain.")
    domain: Host = Field("", description="SIP domain; empty: the proxy.")
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
    threads: int = Field(1, ge=1, le=64, description="Processor threads of the recogniser.")


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
        problems = [problem(dict(item), Config) for item in error.errors()]
        raise ConfigError(f"{file}: {'; '.join(problems)}") from error


def effective(config: Config) -> dict[str, Any]:
    """The settings in force, ready to be printed.

    No secret can appear: passwords live in files and only the file's name is a setting.
    """
    return config.model_dump(mode="json", by_alias=True)
