"""The process of the simulated customers: `python -m hw.sim.customer --help`."""

from __future__ import annotations

import gc
import json
import logging
import signal
import sys
from pathlib import Path

import click

from hw.base import LineError
from hw.sim.personas import Persona, load_personas
from hw.sim.phone import Phone
from hw.sim.voices import load_voices
from hw.sip.pacing import raise_priority

_COLLECT_AFTER = 50_000


def _address(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, int]:
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdigit():
        raise click.BadParameter(f"{value!r} is not HOST:PORT, such as 127.0.0.1:5070")
    return host, int(port)


@click.command(
    epilog="Example: python -m hw.sim.customer --listen 127.0.0.1:5070 "
    "--personas hw/sim/people --voices /tmp/voices --record /tmp/heard --json"
)
@click.option(
    "--listen",
    default="127.0.0.1:0",
    show_default=True,
    callback=_address,
    help="Where to take calls (SIP over UDP); port 0 picks a free one.",
)
@click.option(
    "--personas",
    "persona_paths",
    required=True,
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A YAML file, or a directory of them. May be repeated.",
)
@click.option(
    "--voices",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory with a WAV file for every line the personas speak.",
)
@click.option(
    "--record",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep a stereo WAV per call (left: said, right: heard) and a JSON of facts.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per happening.")
@click.option("--until-stdin-closes", is_flag=True, help="End when standard input ends.")
def main(
    listen: tuple[str, int],
    persona_paths: tuple[Path, ...],
    voices: Path,
    record: Path | None,
    as_json: bool,
    until_stdin_closes: bool,
) -> None:
    """Take calls as simulated customers until SIGTERM, which ends calls with BYE."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    try:
        personas: list[Persona] = [each for path in persona_paths for each in load_personas(path)]
        sounds = load_voices(personas, voices)

        def report(fact: dict[str, object]) -> None:
            words = " ".join(f"{key}={value}" for key, value in fact.items())
            click.echo(json.dumps(fact) if as_json else words)

        phone = Phone(personas, sounds, report, record)
        host, port = phone.open(*listen)
    except LineError as error:
        raise click.ClickException(str(error)) from error

    def stop(*_: object) -> None:
        phone.stop_requested = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    raise_priority()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    report({"listening": f"{host}:{port}"})
    phone.run(sys.stdin.fileno() if until_stdin_closes else None)


if __name__ == "__main__":
    main()
