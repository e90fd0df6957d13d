"""What a simulated customer said and heard, kept for measuring: a WAV and its facts."""

from __future__ import annotations

import hashlib
import json
import wave
from array import array
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hw.base import FRAME_MS, SAMPLE_RATE_HZ, LineError


@dataclass
class Utterance:
    """Something the customer said; milliseconds since its answer, on the WAV's clock."""

    text: str
    when: str
    interrupts: bool
    start_ms: int = -1
    end_ms: int = -1


@dataclass
class Facts:
    """The sidecar of a recording.

    Attributes:
        playout_delay_ms: mean time between a packet's arrival and its place in the WAV.
        concealed_ms: how much of what was heard had to be made up.
        ended_by: "customer", "caller" or "lost".
    """

    persona: str
    lang: str
    call_id: str
    codec: str
    answered_unix_s: float
    duration_ms: int = 0
    playout_delay_ms: float = 0.0
    concealed_ms: int = 0
    ended_by: str = ""
    utterances: list[Utterance] = field(default_factory=list)
    digits: list[dict[str, object]] = field(default_factory=list)


class CallRecording:
    """Collects both directions frame by frame; left is said, right is heard."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._said = array("h")
        self._heard = array("h")

    def add(self, said: bytes, heard: bytes) -> None:
        """One frame: what was sent and what was played out in the same 20 ms."""
        self._said.frombytes(said)
        self._heard.frombytes(heard)
        self.facts.duration_ms += FRAME_MS

    def save(self, directory: Path, number: int) -> Path:
        """Write `<persona>-<number>-<hash of Call-ID>.wav` and the `.json` beside it.

        Raises:
            LineError: the directory cannot be written.
        """
        digest = hashlib.sha256(self.facts.call_id.encode()).hexdigest()[:12]
        path = directory / f"{self.facts.persona}-{number}-{digest}.wav"
        both = array("h", bytes(2 * 2 * len(self._said)))
        both[0::2] = self._said
        both[1::2] = self._heard
        for utterance in self.facts.utterances:
            if utterance.start_ms >= 0 and utterance.end_ms < 0:
                utterance.end_ms = self.facts.duration_ms
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with wave.open(str(path), "wb") as sound:
                sound.setnchannels(2)
                sound.setsampwidth(2)
                sound.setframerate(SAMPLE_RATE_HZ)
                sound.writeframes(both.tobytes())
            facts = json.dumps(asdict(self.facts), ensure_ascii=False, indent=1)
            path.with_suffix(".json").write_text(facts, encoding="utf-8")
        except OSError as error:
            raise LineError(f"cannot write the recording {path}: {error}") from error
        return path
