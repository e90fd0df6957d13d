"""A box whose only line leads to simulated people: for the demo, the benchmarks and tests.

Everything is real but the people: SIP, RTP, codec, recognition, dialogue, database.
"""

from __future__ import annotations

import logging
import wave
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from daemon import paths
from daemon.app import Box
from daemon.config import Config, LineConfig
from hw.base import SAMPLE_RATE_HZ
from hw.sim.personas import Persona, lines, load_personas, voice_file
from hw.sim.process import SimCustomers
from models.base import Synthesiser

log = logging.getLogger(__name__)

LINE = "loopback"
RING_TIMEOUT_S = 8


def people(langs: Iterable[str]) -> list[Persona]:
    """The simulated people that come with the program, of some languages."""
    wanted = set(langs)
    import hw.sim as sim

    directory = Path(str(sim.__file__)).parent / "people"
    return [persona for persona in load_personas(directory) if persona.lang in wanted]


def voices_dir() -> Path:
    """Where the lines of simulated people are kept once they have been spoken."""
    return paths.prompts_dir() / "people"


def render_voices(
    personas: Sequence[Persona],
    synthesiser: Callable[[str], Synthesiser],
    directory: Path,
    done: Callable[[], None] = lambda: None,
) -> None:
    """Speak every line of theirs into a WAV file, before any call; keeps what is there."""
    directory.mkdir(parents=True, exist_ok=True)
    voice = cache(synthesiser)
    for lang, text in lines(personas):
        path = directory / voice_file(lang, text)
        if not path.exists():
            part = path.with_suffix(".part")
            with wave.open(str(part), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(SAMPLE_RATE_HZ)
                file.writeframes(voice(lang).synthesise(text))
            part.replace(path)
        done()


def rehearsal_config(config: Config, address: str, channels: int) -> Config:
    """The configuration with one line, which leads to the simulated people."""
    line = LineConfig(
        proxy=address,
        domain=address,
        local_host="127.0.0.1",
        channels=channels,
        ring_timeout_s=RING_TIMEOUT_S,
    )
    return config.model_copy(update={"lines": {LINE: line}})


class Rehearsal:
    """Simulated people in their own process, and a started Box that can only call them."""

    def __init__(
        self,
        personas: Sequence[Persona],
        config: Config,
        *,
        channels: int = 1,
        record: Path | None = None,
    ) -> None:
        """Nothing is started before `with`. `record` keeps what the people heard."""
        self._personas, self._config, self._channels = personas, config, channels
        self._record = record
        self._customers: SimCustomers | None = None
        self._box: Box | None = None

    def __enter__(self) -> Box:
        """Start the people and the box; their voices must have been rendered."""
        self._customers = SimCustomers(self._personas, voices_dir(), record=self._record)
        try:
            self._customers.start()
            config = rehearsal_config(self._config, self._customers.address, self._channels)
            self._box = Box(config)
            self._box.start()
        except BaseException:
            self.__exit__()
            raise
        return self._box

    def __exit__(self, *_: object) -> None:
        """Stop both."""
        if self._box is not None:
            self._box.stop()
        if self._customers is not None:
            self._customers.stop()
