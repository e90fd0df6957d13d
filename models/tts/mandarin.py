"""The Mandarin evaluation voice: FastSpeech2 and MB-MelGAN on LiteRT.

Trained on the Baker corpus, which is for non-commercial use: good for trying and
testing; a production campaign takes the Piper voice.
"""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from models.base import Audio, ModelError, Synthesiser
from models.tts.levels import to_line
from models.tts.litert import replace_random_uniform
from models.tts.normalise import normalise
from models.tts.pinyin import phones, sentences

log = logging.getLogger(__name__)

VOICE_RATE_HZ = 24000
SENTENCE_GAP_MS = 180
THREADS = 2


class MandarinVoice(Synthesiser):
    """One loaded voice; calls from several threads take turns."""

    voice = "zh-cn-baker"
    lang = "zh"
    evaluation_only = True

    def __init__(self, directory: Path) -> None:
        """Load both networks from a verified directory.

        Raises:
            ModelError: the files are not the ones this voice consists of.
        """
        try:
            table = json.loads((directory / "baker_mapper.json").read_text(encoding="utf-8"))
            self._ids: dict[str, int] = table["symbol_to_id"]
            self._syllables: dict[str, list[str]] = table["pinyin_dict"]
            acoustic = (directory / "fastspeech2_quan.tflite").read_bytes()
            vocoder = (directory / "mb_melgan.tflite").read_bytes()
            self._acoustic = Interpreter(
                model_content=replace_random_uniform(acoustic), num_threads=THREADS
            )
            self._vocoder = Interpreter(model_content=vocoder, num_threads=THREADS)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(
                f"the voice in {directory} cannot be loaded ({error}); "
                "fetch it again with `branchline models pull zh-cn-baker`"
            ) from error
        self._lock = threading.Lock()
        log.warning(
            "voice %s is for evaluation: its training corpus is for non-commercial use; "
            "install zh-cn-huayan before a production campaign",
            self.voice,
        )

    def synthesise(self, text: str) -> bytes:
        """Speak Chinese text; empty when nothing in it can be spoken.

        Raises:
            ModelError: a network failed on this text.
        """
        gap = np.zeros(VOICE_RATE_HZ * SENTENCE_GAP_MS // 1000, dtype=np.float32)
        parts: list[Audio] = []
        for sentence in sentences(normalise(text, self.lang)):
            symbols = phones(sentence, self._syllables)
            ids = [self._ids[s] for s in symbols if s in self._ids]
            if ids:
                parts += [gap] if parts else []
                parts.append(self._speak([*ids, self._ids["eos"]]))
        return to_line(np.concatenate(parts), VOICE_RATE_HZ) if parts else b""

    def _speak(self, ids: list[int]) -> Audio:
        """24 kHz audio of one sentence's symbols."""
        one = np.ones(1, dtype=np.float32)
        speaker = np.zeros(1, dtype=np.int32)
        sequence = np.array([ids], dtype=np.int32)
        try:
            with self._lock:
                # The second output is the mel spectrum after the post-net.
                mel = _run(self._acoustic, [sequence, speaker, one, one, one], output=1)
                audio = _run(self._vocoder, [mel], output=0)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"voice {self.voice} failed on a sentence: {error}") from error
        spoken: Audio = audio[0, :, 0]
        return spoken


def _run(network: Interpreter, inputs: list[np.ndarray], output: int) -> np.ndarray:
    """Run a network whose first input varies in length; a copy of the output asked for."""
    slots = network.get_input_details()
    network.resize_tensor_input(slots[0]["index"], inputs[0].shape)
    network.allocate_tensors()
    for slot, value in zip(slots, inputs, strict=True):
        network.set_tensor(slot["index"], value)
    network.invoke()
    result: np.ndarray = network.get_tensor(network.get_output_details()[output]["index"])
    return result
