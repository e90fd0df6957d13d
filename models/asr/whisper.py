"""Whisper in a short window, on CTranslate2.

Whisper was trained on windows of 30 s and is usually given 30 s, most of it silence.
The encoder accepts less, and what a telephone turn costs falls to a fifth. Measured on
50 short telephone sentences (8 kHz): 30 s window 500 ms, 12.6 % of Chinese characters
wrong; 5 s window 80 ms, 13.2 %. Below 5 s the decoder, missing its usual silence, says
the sentence again; timestamps tell where the repetition begins. A prompt of expected
words or of punctuation made the short window worse in both languages (English 2.8 % to
16 % of words wrong), hence there is none.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer

from models.asr import guards
from models.asr.text import clean
from models.base import MODEL_RATE_HZ, Audio, ModelError, Recogniser, RecogniserStream, Transcript

LANGUAGES = ("zh", "en")
LEAD_S = 0.2
TAIL_S = 0.5
WINDOW_AT_LEAST_S = 5.0
"""Silence is put before and after the speech, the latter to fill the window."""

AFTER_THE_END_S = 0.3
"""A segment ending within this of the end of the audio is the last one."""

SHORTEST_S = 0.15
"""Less than this is a click, not a word."""

LONGEST_S = 28.0
"""A longer utterance is decoded in pieces: the model's positions end at 30 s."""

NEW_TOKENS_PER_S = 10
NEW_TOKENS_AT_LEAST = 12
MAX_TOKENS = 448
TIMESTAMP_STEP_S = 0.02
BEAM = 1
"""Three or five beams cost a third more and were not better."""


class WhisperRecogniser(Recogniser):
    """One loaded Whisper model for all its languages; decoding releases the GIL."""

    engine = "whisper"

    def __init__(self, directory: Path, threads: int = 1, compute_type: str = "int8") -> None:
        """Load from a verified directory.

        Args:
            directory: model.bin, config.json, tokenizer.json, vocabulary.txt.
            threads: processor threads of one decode; on two processors a second one did
                not shorten it. Decodes queue behind each other.
            compute_type: as CTranslate2 names it.

        Raises:
            ModelError: the files are not a Whisper model.
        """
        try:
            self._model = ctranslate2.models.Whisper(
                str(directory),
                device="cpu",
                compute_type=compute_type,
                intra_threads=threads,
            )
            vocabulary = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
        except Exception as error:
            raise ModelError(
                f"the recogniser in {directory} cannot be loaded ({error}); "
                "fetch it again with `branchline models pull whisper-base`"
            ) from error
        self._features = FeatureExtractor()
        self._tokenizers = {
            lang: Tokenizer(vocabulary, multilingual=True, task="transcribe", language=lang)
            for lang in LANGUAGES
        }

    def stream(self, lang: str) -> RecogniserStream:
        """Begin one utterance in "zh" or "en".

        Raises:
            ModelError: another language.
        """
        if lang not in self._tokenizers:
            raise ModelError(f"Whisper is set up for {', '.join(LANGUAGES)}, not {lang!r}")
        return WhisperStream(self, lang)

    def transcribe(self, audio: Audio, lang: str) -> Transcript:
        """Understand 16 kHz audio of any length."""
        started = time.perf_counter()
        limit = int(LONGEST_S * MODEL_RATE_HZ)
        pieces = [audio[at : at + limit] for at in range(0, len(audio), limit)]
        found = [self._piece(piece, lang) for piece in pieces]
        said = [(text, confidence) for text, confidence in found if text]
        joint = "" if lang == "zh" else " "
        return Transcript(
            text=joint.join(text for text, _ in said),
            confidence=min((confidence for _, confidence in said), default=0.0),
            engine=self.engine,
            decode_ms=(time.perf_counter() - started) * 1000,
        )

    def _piece(self, audio: Audio, lang: str) -> tuple[str, float]:
        """Text and confidence of up to LONGEST_S of audio."""
        audio_s = len(audio) / MODEL_RATE_HZ
        if audio_s < SHORTEST_S:
            return "", 0.0
        tokenizer = self._tokenizers[lang]
        prompt = list(tokenizer.sot_sequence)
        room = NEW_TOKENS_AT_LEAST + int(NEW_TOKENS_PER_S * audio_s)
        try:
            result = self._model.generate(
                self._window(audio),
                [prompt],
                beam_size=BEAM,
                max_length=min(MAX_TOKENS, len(prompt) + room),
                return_scores=True,
                return_no_speech_prob=True,
            )[0]
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"the recogniser failed on {audio_s:.1f} s of audio: {error}"
            ) from error
        tokens = result.sequences_ids[0]
        mean_log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)
        words = _before_echo(tokens, tokenizer.timestamp_begin, LEAD_S + audio_s)
        text = clean(tokenizer.decode(words), lang)
        text = guards.believable(text, lang, audio_s, result.no_speech_prob, mean_log_probability)
        return text, math.exp(mean_log_probability) if text else 0.0

    def _window(self, audio: Audio) -> ctranslate2.StorageView:
        """Log-mel features of the audio between silences."""
        lead = np.zeros(int(LEAD_S * MODEL_RATE_HZ), dtype=np.float32)
        padded = np.concatenate((lead, audio))
        tail_s = max(TAIL_S, WINDOW_AT_LEAST_S - len(padded) / MODEL_RATE_HZ)
        features = self._features(padded, padding=int(tail_s * MODEL_RATE_HZ))
        return ctranslate2.StorageView.from_array(np.ascontiguousarray(features[np.newaxis]))


class WhisperStream(RecogniserStream):
    """One utterance: audio is collected, and decoded as a whole when asked."""

    def __init__(self, recogniser: WhisperRecogniser, lang: str) -> None:
        """Begin with no audio."""
        self._recogniser = recogniser
        self._lang = lang
        self._blocks: list[Audio] = []
        self._last: Transcript | None = None

    def feed(self, audio: Audio) -> None:
        """Keep the audio."""
        if len(audio):
            self._blocks.append(np.array(audio, dtype=np.float32))
            self._last = None

    def partial(self) -> str:
        """What the last decode found, "" if audio came since: words cost a decode."""
        return self._last.text if self._last else ""

    def decode(self) -> Transcript:
        """Decode everything fed so far; free when nothing came since the last time."""
        if self._last is None:
            audio = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.float32)
            self._blocks = [audio]
            self._last = self._recogniser.transcribe(audio, self._lang)
        return self._last


def _before_echo(tokens: Sequence[int], timestamp_begin: int, end_s: float) -> list[int]:
    """The words of the segments that end no later than the audio does.

    `tokens` are segments of (start time, words, end time); the first end time at about
    `end_s` closes the utterance, whatever the decoder adds.
    """
    words: list[int] = []
    times = 0
    for token in tokens:
        if token < timestamp_begin:
            words.append(token)
            continue
        times += 1
        time_s = (token - timestamp_begin) * TIMESTAMP_STEP_S
        if times % 2 == 0 and time_s >= end_s - AFTER_THE_END_S:
            break
    return words
