"""Voices: what reaches the line is level, without dead air, and says the text."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from click.testing import CliRunner

from daemon import paths
from daemon.commands.tts import command
from models.base import LINE_RATE_HZ, MODEL_RATE_HZ, ModelError
from models.registry import Registry
from models.resample import line_to_model, pcm_to_float
from models.sound_file import read_audio
from models.tts import load_synthesiser
from models.tts.levels import active_level_dbov
from models.tts.litert import replace_random_uniform
from models.tts.pinyin import phones, sentences
from models.vad import CHUNK_SAMPLES, VoiceDetector

SENTENCES = {
    "zh": ["您好，请问是王先生吗？", "每期手续费0.6%，每月还¥1,072。", "好的，再见。"],
    "en": ["Hello, may I speak with Mr. Smith?", "It is $287.54 a month.", "Goodbye."],
}


@pytest.fixture(scope="module")
def registry():
    found = Registry(None, paths.models_dir())
    found.pull()
    return found


@pytest.fixture(scope="module")
def voices(registry):
    return {lang: load_synthesiser(registry, lang) for lang in ("zh", "en")}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_speech_is_level_and_begins_at_once(voices, lang):
    for said in SENTENCES[lang]:
        sound = pcm_to_float(voices[lang].synthesise(said))
        assert 0.4 < len(sound) / LINE_RATE_HZ < 0.45 * len(said)
        assert -24 < active_level_dbov(sound, LINE_RATE_HZ) < -19.5
        assert np.abs(sound).max() < 0.9
        loud = np.flatnonzero(np.abs(sound) > 0.02)
        assert loud[0] < 0.12 * LINE_RATE_HZ
        assert len(sound) - loud[-1] < 0.2 * LINE_RATE_HZ
        assert abs(sound[0]) < 0.001 and abs(sound[-1]) < 0.001


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_numbers_are_read_out(voices, lang):
    short, long = ("还1元", "还1,234,567元") if lang == "zh" else ("pay $1", "pay $1,234,567")
    seconds = [len(voices[lang].synthesise(text)) / 16000 for text in (short, long)]
    assert seconds[1] > 2 * seconds[0]


def test_threads_share_a_voice(voices):
    for lang in ("zh", "en"):
        alone = [len(voices[lang].synthesise(said)) for said in SENTENCES[lang]]
        with ThreadPoolExecutor(3) as pool:
            together = [len(p) for p in pool.map(voices[lang].synthesise, SENTENCES[lang] * 2)]
        tolerance = 0.0 if lang == "zh" else 0.25
        assert np.allclose(together, alone * 2, rtol=tolerance)


def test_what_cannot_be_said_is_left_out(voices):
    for text in ("", "  ", "，。！", "☎️", "@#"):
        assert voices["zh"].synthesise(text) == b""
    assert voices["en"].synthesise("  ") == b""
    with_sign = voices["zh"].synthesise("好的☎️再见")
    assert with_sign == voices["zh"].synthesise("好的再见")
    assert len(voices["zh"].synthesise("VIP卡")) > len(voices["zh"].synthesise("卡"))


def test_a_long_text_is_spoken_whole(voices):
    sentence = "我们想看看这个句子能不能被完整地念出来，"
    once = len(voices["zh"].synthesise(sentence))
    assert len(voices["zh"].synthesise(sentence * 6)) > 5 * once


def test_the_evaluation_voice_says_so(voices):
    if voices["zh"].voice == "zh-cn-baker":
        assert voices["zh"].evaluation_only
    assert not voices["en"].evaluation_only


def test_chinese_text_becomes_the_phones_of_the_voice(voices, registry):
    from models.tts.mandarin import MandarinVoice

    table = MandarinVoice(registry.path("zh-cn-baker"))._syllables

    def say(text):
        return " ".join(phones(text, table))

    assert say("你好") == "sil n i2 #0 h ao3 sil"
    assert say("好，是。") == "sil h ao3 #3 sh iii4 sil"
    assert say("银行的") == "sil ^ in2 #0 h ang2 #0 d e5 sil"
    assert say("还款") == "sil h uan2 #0 k uan3 sil"
    assert say("还有") == "sil h ai2 #0 ^ iou3 sil"
    assert say("一个") == "sil ^ i2 #0 g e4 sil"
    assert say("不是") == "sil b u2 #0 sh iii4 sil"
    assert say("嗯") == "sil ^ en2 sil"
    assert say("绿") == "sil l v4 sil"
    assert say("这儿") == "sil zh e4 #0 er5 sil" or say("这儿").endswith("er5 sil")
    assert phones("☎", table) == []


def test_a_long_sentence_is_cut_at_commas():
    assert sentences("好。再见！") == ["好。", "再见！"]
    pieces = sentences("我们想看看这个句子能不能，" * 8)
    assert len(pieces) > 2 and all(len(piece) <= 40 for piece in pieces)
    assert "".join(pieces) == "我们想看看这个句子能不能，" * 8


def test_a_model_without_the_missing_operator_is_refused(registry):
    vocoder = (registry.path("zh-cn-baker") / "mb_melgan.tflite").read_bytes()
    with pytest.raises(ModelError, match="FlexRandomUniform"):
        replace_random_uniform(vocoder)


def test_the_detector_tells_speech_from_noise(voices):
    speech = line_to_model(voices["en"].synthesise("How did you get my number?"))
    detector = VoiceDetector()
    found = detector.feed(speech)
    assert [end for end, _ in found] == [CHUNK_SAMPLES * (i + 1) for i in range(len(found))]
    assert np.mean([probability > 0.5 for _, probability in found]) > 0.7
    detector.reset()
    blocks = [
        hit for at in range(0, len(speech), 320) for hit in detector.feed(speech[at : at + 320])
    ]
    assert blocks == found
    detector.reset()
    noise = np.random.default_rng(2).normal(0, 0.01 * 32768, 32000).astype(np.int16)
    assert max(probability for _, probability in detector.feed(noise)) < 0.3


def test_the_command_writes_a_file_at_the_rate_asked_for(tmp_path):
    path = tmp_path / "out.wav"
    done = CliRunner().invoke(
        command, ["Goodbye, Mr. Smith.", "--lang", "en", "-o", str(path), "--rate", "16000"]
    )
    assert done.exit_code == 0, done.output
    assert len(read_audio(path, MODEL_RATE_HZ)) > 0.7 * MODEL_RATE_HZ
    failed = CliRunner().invoke(command, ["@#", "--lang", "zh", "-o", str(path)])
    assert "nothing in '@#' can be spoken" in str(failed.exception)
