"""Parts made from the configuration: lines, and how turns are timed."""

from __future__ import annotations

from types import MappingProxyType

from daemon.call.turns import TurnSettings
from daemon.config import Config, LineConfig
from daemon.dialog.reply import Expects
from hw.base import Line
from hw.sip.line import SipLine, SipSettings


def build_line(name: str, settings: LineConfig) -> Line:
    """A line from its configuration.

    Raises:
        ConfigError: the password file cannot be read.
    """
    return SipLine(
        SipSettings(
            name=name,
            proxy=settings.proxy,
            domain=settings.domain,
            local_host=settings.local_host,
            local_port=settings.local_port,
            username=settings.username,
            password=settings.password(),
            register=settings.register_,
            register_expires_s=settings.register_expires_s,
            caller=settings.caller,
            channels=settings.channels,
            codecs=settings.codecs,
        )
    )


def turn_settings(config: Config) -> TurnSettings:
    """[turns] as the turn detector takes it."""
    turns = config.turns
    return TurnSettings(
        speculate_after_ms=turns.speculate_after_ms,
        endpoint_ms=MappingProxyType(
            {
                Expects.YES_NO: turns.endpoint_yes_no_ms,
                Expects.OPEN: turns.endpoint_open_ms,
                Expects.NUMBER: turns.endpoint_number_ms,
                Expects.DATE_TIME: turns.endpoint_date_time_ms,
                Expects.NOTHING: turns.endpoint_open_ms,
            }
        ),
        barge_in_ms=turns.barge_in_ms,
    )
