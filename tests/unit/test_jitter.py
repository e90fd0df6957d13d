"""The reorder buffer against a scripted network: every 20 ms, the right 20 ms."""

import math
import random
import struct
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from hw.base import FRAME_BYTES, FRAME_SAMPLES
from hw.sip.jitter import JitterBuffer

SSRC = 0xABCD
START = 0xFFFFFFFF - 5 * FRAME_SAMPLES  # the timestamp wraps during every test


def frame(number: int) -> bytes:
    """A frame that can be told from all others by each of its samples."""
    return struct.pack("<h", 1000 + number) * FRAME_SAMPLES


def numbers(frames: list[bytes]) -> list[int]:
    """Which frame each popped one is, by its last sample (the first may be blended)."""
    return [struct.unpack("<h", each[-2:])[0] - 1000 for each in frames]


def run(arrivals: list[tuple[float, int]], ticks: int, sound=frame) -> tuple[JitterBuffer, list]:
    """Deliver (time in frames, packet number) and pop once per frame."""
    buffer, out = JitterBuffer(), []
    waiting = sorted(arrivals, key=lambda each: each[0])
    for tick in range(ticks):
        while waiting and waiting[0][0] <= tick:
            number = waiting.pop(0)[1]
            timestamp = (START + number * FRAME_SAMPLES) & 0xFFFFFFFF
            buffer.push(SSRC, timestamp, sound(number))
        out.append(buffer.pop())
    assert all(len(each) == FRAME_BYTES for each in out)
    return buffer, out


def test_packets_in_order_come_out_unchanged_after_40_ms():
    buffer, out = run([(n, n) for n in range(100)], 102)
    assert out[2:] == [frame(n) for n in range(100)]
    assert buffer.counts.concealed_samples == 2 * FRAME_SAMPLES


def test_nothing_received_is_silence():
    assert run([], 3)[1] == [bytes(FRAME_BYTES)] * 3


def test_reordered_and_doubled_packets_are_put_right():
    order = [0, 1, 3, 2, 4, 4, 6, 5, 7, 8, 8, 8, 9]
    times = [0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 8.5, 12, 9]
    buffer, out = run(list(zip(times, order, strict=True)), 12)
    assert out[2:] == [frame(n) for n in range(10)]
    assert (buffer.counts.duplicates, buffer.counts.late) == (2, 0)


def test_a_lost_packet_costs_its_own_time_only():
    out = run([(n, n) for n in range(60) if n not in (20, 40, 41)], 62)[1]
    got = numbers(out[2:])
    assert [n for n in range(60) if got[n] != n] == [20, 40, 41]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 0.2), st.floats(0, 1.9))
def test_lossy_jittery_network_keeps_order_and_time(seed, loss, jitter):
    """Delays up to 38 ms are covered by the delay of 40 ms, so all that arrives plays."""
    chance = random.Random(seed)
    arrivals = [(0.0, 0)]
    for number in range(1, 150):
        if chance.random() >= loss:
            arrivals.append((number + jitter * chance.random(), number))
            if chance.random() < 0.1:
                arrivals.append((number + 6 * chance.random(), number))
    out = run(arrivals, 156)[1]
    came = {number for _, number in arrivals}
    got = numbers(out[2:152])
    assert all(got[number] == number for number in came)


def test_delay_grows_for_a_slow_network_and_shrinks_for_a_fast_one():
    slow = [(n + (4 if n >= 50 else 0), n) for n in range(200)]
    buffer, out = run(slow, 210)
    assert numbers(out[-20:-6]) == list(range(186, 200))
    assert buffer.counts.late == 0
    quiet = run([(n, n) for n in range(400)], 400, sound=lambda n: struct.pack("<h", n % 250) * 160)
    assert struct.unpack("<h", quiet[1][-1][-2:])[0] == 398 % 250  # 20 ms behind, not 40


def test_a_burst_after_a_standstill_neither_breaks_time_nor_stays_late():
    arrivals = [(n, n) for n in range(50)]
    arrivals += [(80, n) for n in range(50, 80)] + [(n, n) for n in range(80, 400)]
    got = numbers(run(arrivals, 400)[1])
    assert got[-1] >= 399 - 7


def test_stream_restarts_resync():
    buffer, out = JitterBuffer(), []
    streams = [(1, 0), (2, 90_000), (2, 900_000), (2, 1_000)]
    for ssrc, base in streams:
        for number in range(20):
            buffer.push(ssrc, base + number * FRAME_SAMPLES, frame(number))
            out.append(buffer.pop())
    assert buffer.counts.resyncs == len(streams)
    got = numbers(out)
    assert all(got[20 * k + 2 : 20 * k + 20] == list(range(18)) for k in range(len(streams)))


def test_talkspurts_whose_timestamps_stand_still_are_heard():
    """Broken senders stop their clock while silent; the marker says where to go on."""
    buffer, out = JitterBuffer(), []
    for number in range(100):
        if number % 25 == 0:
            out += [buffer.pop() for _ in range(30)]
        buffer.push(SSRC, number * FRAME_SAMPLES, frame(number), marker=number % 25 == 0)
        out.append(buffer.pop())
    out += [buffer.pop() for _ in range(10)]
    assert set(range(100)) <= set(numbers(out))


def test_odd_packet_lengths_are_cut_to_frames():
    samples = struct.pack("<2400h", *range(2400))
    buffer = JitterBuffer()
    pieces = [(0, 240), (240, 80), (320, 1), (321, 479), (800, 1600)]
    for begin, length in pieces:
        buffer.push(SSRC, begin, samples[2 * begin : 2 * (begin + length)])
    out = b"".join(buffer.pop() for _ in range(17))
    assert out[2 * 2 * FRAME_SAMPLES :] == samples


def voice(number: int) -> bytes:
    """120 Hz with harmonics, like a vowel."""
    times = [(number * FRAME_SAMPLES + n) / 8000 for n in range(FRAME_SAMPLES)]
    wave = [
        sum(3000 / k * math.sin(2 * math.pi * 120 * k * t + k) for k in range(1, 9)) for t in times
    ]
    return struct.pack(f"<{FRAME_SAMPLES}h", *map(round, wave))


def test_concealment_goes_on_with_the_pitch_then_falls_silent():
    lost = {30, 50, 51, 52, 53, 54, 55}
    out = run([(n, n) for n in range(80) if n not in lost], 82, sound=voice)[1][2:]

    def energy(a: bytes, b: bytes = bytes(FRAME_BYTES)) -> float:
        pairs = zip(struct.unpack("<160h", a), struct.unpack("<160h", b), strict=True)
        return sum((x - y) ** 2 for x, y in pairs)

    assert energy(out[30], voice(30)) < 0.25 * energy(voice(30))
    assert energy(out[52]) < 0.3 * energy(voice(52))
    assert 0 < energy(out[54]) < 160 * 100**2
    assert out[57] == voice(57)


def test_comfort_noise_is_as_loud_as_announced():
    buffer = JitterBuffer()
    for number in range(10):
        buffer.push(SSRC, number * FRAME_SAMPLES, voice(number))
        buffer.pop()
    for _ in range(2):
        buffer.pop()
    buffer.comfort_noise(-50)
    noise = b"".join(buffer.pop() for _ in range(50))
    samples = struct.unpack("<8000h", noise)
    level_dbov = 10 * math.log10(sum(s * s for s in samples) / len(samples) / 32767**2)
    assert abs(level_dbov + 50) < 1


def test_memory_stays_bounded_under_garbage():
    buffer, chance = JitterBuffer(), random.Random(1)
    tracemalloc.start()
    for _ in range(20_000):
        length = chance.choice([0, 1, 160, 160, 800, 40_000])
        buffer.push(chance.choice([1, 1, 1, 2]), chance.getrandbits(13), bytes(2 * length))
        if chance.random() < 0.1:
            buffer.pop()
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used < 4_000_000
