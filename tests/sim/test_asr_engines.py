"""Recognisers hear what our voices say over a telephone line, and nothing in silence."""

import json
import subprocess
import unicodedata
import wave
from concurrent.futures import ThreadPoolExecutor
from difflib import SequenceMatcher

import numpy as np
import pytest
from click.testing import CliRunner

from daemon import paths
from daemon.commands.asr import command
from hw.sip.g711 import PCMU
from models.asr import load_recogniser
from models.base import LINE_RATE_HZ, MODEL_RATE_HZ, ModelError
from models.registry import Registry
from models.resample import float_to_pcm, line_to_model, pcm_to_float, resample
from models.sound_file import read_audio, write_wav
from models.tts import load_synthesiser

CHINESE = ["利率是多少", "你们是怎么知道我的电话的", "我再考虑一下", "每个月要还多少钱"]
ENGLISH = ["What is the interest rate?", "How did you get my number?", "Stop calling me."]
KOREAN = [
    "안녕하세요",
    "오늘 날씨가 아주 좋습니다",
    "내일 오후 세 시에 다시 전화해 주세요",
    "저는 한국어를 공부하고 있습니다",
    "은행에서 전화가 왔습니다",
    "학교에 갑니다 그리고 집에 옵니다",
    "서울에서 부산까지 기차를 타고 갑니다",
    "대한민국의 수도는 서울입니다",
]


@pytest.fixture(scope="module")
def registry():
    found = Registry(None, paths.models_dir())
    found.pull([*found.defaults(), "vosk-small-ko"])
    return found


@pytest.fixture(scope="module")
def voices(registry):
    return {lang: load_synthesiser(registry, lang) for lang in ("zh", "en")}


@pytest.fixture(scope="module")
def whisper(registry):
    return load_recogniser(registry, "zh", "whisper")


@pytest.fixture(scope="module")
def vosk(registry):
    return load_recogniser(registry, "ko", "vosk")


def likeness(one, other):
    return SequenceMatcher(None, one.lower(), other.lower(), autojunk=False).ratio()


def hear(recogniser, audio, lang):
    stream = recogniser.stream(lang)
    for at in range(0, len(audio), 320):
        stream.feed(audio[at : at + 320])
    return stream.decode()


@pytest.mark.parametrize(("lang", "sentences"), [("zh", CHINESE), ("en", ENGLISH)])
def test_whisper_hears_our_voice_over_a_telephone_line(whisper, voices, lang, sentences):
    alike = []
    for said in sentences:
        line = PCMU.decode(PCMU.encode(voices[lang].synthesise(said)))
        heard = hear(whisper, line_to_model(line), lang)
        assert heard.engine == "whisper" and 0 < heard.confidence <= 1
        alike.append(likeness(said.strip("?."), heard.text.strip("?.")))
    assert np.mean(alike) > 0.8, alike


def test_whisper_is_loaded_once_for_both_languages(registry, whisper):
    assert load_recogniser(registry, "en", "whisper") is whisper
    with pytest.raises(ModelError, match="not 'fr'"):
        load_recogniser(registry, "fr", "whisper")


def test_whisper_makes_nothing_of_silence_noise_and_tones(whisper):
    rng = np.random.default_rng(1)
    time_s = np.arange(2 * MODEL_RATE_HZ) / MODEL_RATE_HZ
    sounds = {
        "nothing": np.zeros(0),
        "click": np.zeros(1600),
        "silence": np.zeros(32000),
        "noise": rng.normal(0, 0.01, 32000),
        "tone": 0.1 * np.sin(2 * np.pi * 450 * time_s),
    }
    for lang in ("zh", "en"):
        for name, sound in sounds.items():
            heard = hear(whisper, sound.astype(np.float32), lang)
            assert (heard.text, heard.confidence) == ("", 0.0), name


def test_whisper_decodes_again_as_the_person_goes_on(whisper, voices):
    first = line_to_model(voices["zh"].synthesise("我再考虑一下"))
    more = line_to_model(voices["zh"].synthesise("明天下午三点再打给我"))
    stream = whisper.stream("zh")
    assert stream.decode().text == ""
    stream.feed(first)
    early = stream.decode()
    assert early.text == hear(whisper, first, "zh").text == stream.partial()
    assert stream.decode() is early
    stream.feed(more)
    assert stream.partial() == ""
    assert len(stream.decode().text) >= len(early.text) + 5


def test_whisper_takes_an_utterance_longer_than_its_window(whisper, voices):
    sentence = line_to_model(voices["en"].synthesise("How much do I pay each month?"))
    pause = np.zeros(MODEL_RATE_HZ, dtype=np.float32)
    audio = np.concatenate([sentence, pause] * 14)
    assert len(audio) > 30 * MODEL_RATE_HZ
    assert "pay each month" in hear(whisper, audio, "en").text


def test_several_calls_are_understood_at_once(whisper, vosk, voices):
    sounds = [("zh", line_to_model(voices["zh"].synthesise(said))) for said in CHINESE]
    sounds += [("en", line_to_model(voices["en"].synthesise(said))) for said in ENGLISH]
    alone = [hear(whisper, audio, lang).text for lang, audio in sounds]
    with ThreadPoolExecutor(4) as pool:
        both = pool.submit(lambda: [hear(vosk, audio, "ko").text for _, audio in sounds[:3]])
        together = list(pool.map(lambda sound: hear(whisper, sound[1], sound[0]).text, sounds))
        assert together == alone
        assert len(both.result()) == 3


def korean_speech(tmp_path, sentence):
    path = tmp_path / "ko.wav"
    voice = ["espeak-ng", "-v", "ko", "-s", "120", "-g", "2", "-w", str(path)]
    subprocess.run([*voice, sentence], check=True)
    lead = np.zeros(3200, dtype=np.float32)
    return np.concatenate([lead, read_audio(path, MODEL_RATE_HZ)])


def letters(text):
    """The letters of the Korean syllables in a text."""
    return unicodedata.normalize("NFD", "".join(c for c in text if "\uac00" <= c <= "\ud7a3"))


def test_vosk_hears_korean(vosk, tmp_path):
    """A synthetic voice of formants is hard to hear, but not to tell apart."""
    own, others, recognised = [], [], 0
    for index, said in enumerate(KOREAN):
        heard = hear(vosk, korean_speech(tmp_path, said), "ko")
        assert heard.text and heard.engine == "vosk" and 0 < heard.confidence <= 1
        alike = [likeness(letters(heard.text), letters(other)) for other in KOREAN]
        recognised += int(np.argmax(alike)) == index
        own.append(alike.pop(index))
        others += alike
    assert recognised >= 5
    assert np.mean(own) > np.mean(others) + 0.1


def test_vosk_has_words_before_the_end_and_goes_on_after_a_decode(vosk, tmp_path):
    audio = korean_speech(tmp_path, KOREAN[5])
    stream = vosk.stream("ko")
    partials = []
    for at in range(0, len(audio), 320):
        stream.feed(audio[at : at + 320])
        partials.append(stream.partial())
    assert any(partials)
    early = stream.decode()
    assert early.text and stream.decode() is early and stream.partial() == early.text
    stream.feed(korean_speech(tmp_path, KOREAN[0]))
    later = stream.decode()
    assert later.text.startswith(early.text) and len(later.text) > len(early.text)
    with pytest.raises(ModelError, match="not 'zh'"):
        vosk.stream("zh")


def test_auto_takes_vosk_where_its_model_is(registry, tmp_path):
    assert load_recogniser(registry, "ko").engine == "vosk"
    assert load_recogniser(registry, "zh").engine == (
        "vosk" if registry.installed("vosk-small-cn") else "whisper"
    )
    with pytest.raises(ModelError, match="branchline models pull whisper-base"):
        load_recogniser(Registry(None, tmp_path), "zh")


def test_the_command_reads_any_sound_file(voices, tmp_path):
    pcm = voices["en"].synthesise("How did you get my number?")
    plain, wide, law = tmp_path / "a.wav", tmp_path / "b.wav", tmp_path / "c.wav"
    write_wav(plain, pcm, LINE_RATE_HZ)
    stereo = resample(pcm_to_float(pcm), LINE_RATE_HZ, 44100)
    with wave.open(str(wide), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(44100)
        out.writeframes(float_to_pcm(np.repeat(stereo, 2)))
    subprocess.run(["sox", str(plain), "-e", "mu-law", str(law)], check=True)
    paths_given = [str(plain), str(wide), str(law)]
    done = CliRunner().invoke(
        command, ["--lang", "en", "--engine", "whisper", "--json", *paths_given]
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["file"] for row in rows] == paths_given
    for row in rows:
        assert likeness(row["text"], "How did you get my number?") > 0.7, row
        assert abs(row["audio_s"] - len(pcm) / 2 / LINE_RATE_HZ) < 0.01


@pytest.mark.parametrize("body", [b"", b"RIFF\x24\0\0\0WAVEfmt ", b"no sound at all\n" * 40])
def test_a_file_without_sound_is_a_clear_error(tmp_path, body):
    path = tmp_path / "bad.wav"
    path.write_bytes(body)
    done = CliRunner().invoke(command, [str(path), "--lang", "en"])
    assert isinstance(done.exception, ModelError)
    assert "bad.wav" in str(done.exception)
