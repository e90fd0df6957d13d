"""G.711 against the ITU's algorithm, its decision values and CPython's own codec."""

import struct
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.sip.g711 import BY_PAYLOAD_TYPE, PCMA, PCMU

ALL_SAMPLES = struct.pack("<65536h", *range(-32768, 32768))
ALL_CODES = bytes(range(256))


def itu_alaw(sample: int) -> int:
    """alaw_compress of ITU-T G.191."""
    magnitude = (~sample if sample < 0 else sample) >> 4
    if magnitude > 15:
        exponent = 1
        while magnitude > 31:
            magnitude >>= 1
            exponent += 1
        magnitude += (exponent << 4) - 16
    return (magnitude | (0x80 if sample >= 0 else 0)) ^ 0x55


def itu_ulaw(sample: int) -> int:
    """ulaw_compress of ITU-T G.191."""
    magnitude = min(((~sample if sample < 0 else sample) >> 2) + 33, 0x1FFF)
    segment = (magnitude >> 6).bit_length() + 1
    code = ((8 - segment) << 4) | (0xF - ((magnitude >> segment) & 0xF))
    return code | (0x80 if sample >= 0 else 0)


@pytest.mark.parametrize(("codec", "reference"), [(PCMA, itu_alaw), (PCMU, itu_ulaw)])
def test_every_sample_is_coded_as_the_itu_does(codec, reference):
    assert codec.encode(ALL_SAMPLES) == bytes(map(reference, range(-32768, 32768)))


def test_reference_values():
    assert (PCMA.silence, PCMU.silence) == (0xD5, 0xFF)
    assert PCMA.decode(b"\xd5\x55\xaa\x2a") == struct.pack("<4h", 8, -8, 32256, -32256)
    assert PCMU.decode(b"\xff\x7f\x80\x00") == struct.pack("<4h", 0, 0, 32124, -32124)
    assert {number: codec.name for number, codec in BY_PAYLOAD_TYPE.items()} == {
        0: "PCMU",
        8: "PCMA",
    }


def test_agrees_with_cpython():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop

    assert PCMA.encode(ALL_SAMPLES) == audioop.lin2alaw(ALL_SAMPLES, 2)
    assert PCMA.decode(ALL_CODES) == audioop.alaw2lin(ALL_CODES, 2)
    assert PCMU.decode(ALL_CODES) == audioop.ulaw2lin(ALL_CODES, 2)
    theirs, ours = audioop.lin2ulaw(ALL_SAMPLES, 2), PCMU.encode(ALL_SAMPLES)
    assert ours[32768:] == theirs[32768:]
    # CPython folds negative samples by two's complement, which moves its steps by 4.
    assert ours[:32764] == theirs[4:32768]


@given(st.sampled_from([PCMA, PCMU]), st.lists(st.integers(-32768, 32767), min_size=1))
def test_coding_again_changes_nothing_and_errs_by_at_most_half_a_step(codec, samples):
    once = codec.decode(codec.encode(struct.pack(f"<{len(samples)}h", *samples)))
    assert codec.decode(codec.encode(once)) == once
    for sample, coded in zip(samples, struct.unpack(f"<{len(samples)}h", once), strict=True):
        clipped = max(-32635, min(32635, sample))
        assert abs(coded - clipped) <= max(8, (abs(sample) + 132) / 32 + 1)


def test_half_a_sample_is_refused():
    with pytest.raises(ValueError, match="3 bytes"):
        PCMA.encode(b"abc")
