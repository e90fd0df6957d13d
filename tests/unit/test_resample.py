"""From the line to the models."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.resample import Upsampler, float_to_pcm, line_to_model, pcm_to_float, resample


def tone(hz, rate_hz, seconds=1.0, level=0.5):
    return (level * np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz)).astype(
        np.float32
    )


def level_db(audio, hz, rate_hz):
    """Level of one frequency relative to a full-scale sine."""
    window = np.hanning(len(audio))
    spectrum = np.abs(np.fft.rfft(audio * window)) / (window.sum() / 2)
    return 20 * np.log10(spectrum[round(hz * len(audio) / rate_hz)] + 1e-9)


def test_pcm_survives_the_way_through_float():
    pcm = np.arange(-32768, 32768, 7, dtype="<i2").tobytes()
    assert float_to_pcm(pcm_to_float(pcm)) == pcm
    assert float_to_pcm(np.array([2.0, -2.0], np.float32)) == b"\xff\x7f\x00\x80"


@given(st.lists(st.integers(0, 400), max_size=12))
def test_live_blocks_of_any_size_make_the_same_sound(sizes):
    audio = tone(440, 8000, 0.2)
    whole = Upsampler().feed_float(audio)
    live, at, parts = Upsampler(), 0, []
    for size in [*sizes, len(audio)]:
        parts.append(live.feed_float(audio[at : at + size]))
        at += size
    assert np.allclose(np.concatenate(parts), whole, atol=1e-6)
    assert len(whole) == 2 * len(audio)


def test_the_live_path_is_two_milliseconds_late_and_flat():
    click = np.zeros(800, dtype=np.float32)
    click[100] = 1.0
    assert np.argmax(Upsampler().feed_float(click)) == 200 + Upsampler.DELAY_SAMPLES
    for hz in (300, 1000, 3400):
        up = Upsampler().feed_float(tone(hz, 8000))[2000:14000]
        assert abs(level_db(up, hz, 16000) - level_db(tone(hz, 16000)[:12000], hz, 16000)) < 0.5
        assert level_db(up, 8000 - hz, 16000) < -50


def test_a_whole_recording_keeps_its_length_and_tone():
    sound = line_to_model(float_to_pcm(tone(1000, 8000)))
    assert len(sound) == 16000
    assert abs(level_db(sound[2000:14000], 1000, 16000) + 6) < 0.5
    assert len(resample(np.zeros(0, np.float32), 8000, 16000)) == 0
