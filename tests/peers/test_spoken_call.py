"""`branchline call` to baresip, which asks a question in Mandarin: understood and answered."""

import json
import os
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np

from daemon import paths
from daemon.store.read import open_reader
from models.registry import Registry
from models.tts import load_synthesiser
from tests.peers.baresip import Baresip
from tests.peers.sound import assert_undistorted, read

RATE = 8000
SPOKEN_AT_S = {10.0: "我是李明，你说吧。", 24.0: "请问手续费是多少？"}
"""When baresip speaks, after its answer: into the pauses after our questions."""


def script(path: Path) -> None:
    """The callee's side of the call as one sound."""
    voice = load_synthesiser(Registry(None, paths.models_dir()), "zh")
    sound = np.zeros(30 * RATE, dtype="<i2")
    for at_s, text in SPOKEN_AT_S.items():
        words = np.frombuffer(voice.synthesise(text), dtype="<i2")
        sound[int(at_s * RATE) :][: len(words)] = words
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())


def call(uri: str, state: Path) -> dict[str, object]:
    """Run the command as a user does; its last line."""
    environment = {
        **os.environ,
        "BRANCHLINE_MODELS": str(paths.models_dir().absolute()),
        "BRANCHLINE_CONFIG": str(state / "none.toml"),
        "BRANCHLINE_STATE": str(state),
    }
    command = [sys.executable, "-m", "daemon", "call", uri, "--lang", "zh"]
    command += ["--scenario", "finance/credit_card_installment", "--lead", "name=李明", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def until_written(file: Path) -> None:
    """Wait until baresip has closed its recording."""
    size = -1
    while file.stat().st_size != size:
        size = file.stat().st_size
        time.sleep(1.0)


def test_a_mandarin_question_is_understood_and_answered(tmp_path: Path) -> None:
    script(tmp_path / "callee.wav")
    with Baresip(tmp_path / "callee", spoken=tmp_path / "callee.wav", seconds=200) as callee:
        result = call(callee.uri, tmp_path)
        until_written(callee.recording())
    assert result["disposition"] == "answered"
    assert result["duration_ms"] > 40_000
    assert result["raw"]["ended_by"] == "us"
    assert result["raw"]["status"] == 200
    turns = result["turns"]
    intents = [turn["intent"] for turn in turns if turn["who"] == "them"]
    assert "affirm" in intents
    assert "ask_fee" in intents
    asked = next(n for n, turn in enumerate(turns) if turn["intent"] == "ask_fee")
    assert "百分之零点六" in turns[asked + 1]["text"]
    assert turns[asked + 1]["latency_ms"] > 0

    with open_reader(tmp_path / "branchline.db") as reader:
        recording = reader.call(str(result["call_id"])).recording
    assert recording is not None
    with wave.open(recording) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    ours = both[: 8 * RATE, 0]  # the opening
    assert_undistorted(ours.tobytes(), read(callee.recording()), "PCMA")
