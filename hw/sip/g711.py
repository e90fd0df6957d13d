"""ITU-T G.711: 16-bit linear sound to and from 8-bit A-law and mu-law.

The quantiser is the one of the ITU's own reference code (G.191, `g711.c`):
negative samples are folded by one's complement, so both halves have the same
steps. Every code stands for one unbroken range of 16-bit samples, which is why
the encode table of 65,536 entries can be put together from 256 runs.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

_SEGMENTS = 8
_STEPS = 16
_ALAW_TOGGLE = 0x55
_ULAW_BIAS = 132
_ULAW_TOGGLE = 0x7F
_POSITIVE = 0x80


def _alaw_start(segment: int, step: int) -> int:
    """Lowest magnitude of a step: 16 samples wide up to segment 1, then doubling."""
    if segment == 0:
        return step << 4
    return (_STEPS + step) << (segment + 3)


def _alaw_level(segment: int, step: int) -> int:
    """Decoded magnitude: the middle of the step."""
    return _alaw_start(segment, step) + (8 << max(segment - 1, 0))


def _ulaw_start(segment: int, step: int) -> int:
    """Lowest magnitude of a step: 8 samples wide in segment 0, then doubling."""
    return max(0, ((2 * (_STEPS + step) << (segment + 2)) - _ULAW_BIAS))


def _ulaw_level(segment: int, step: int) -> int:
    """Decoded magnitude: the biased step's middle with the bias taken off."""
    return ((2 * (_STEPS + step) + 1) << (segment + 2)) - _ULAW_BIAS


@dataclass(frozen=True)
class Codec:
    """One G.711 law as lookup tables.

    Attributes:
        name: "PCMA" or "PCMU", as SDP writes it.
        payload_type: its static RTP payload type (RFC 3551).
        silence: the code of sample 0.
    """

    name: str
    payload_type: int
    silence: int
    _codes: bytes
    _low_bytes: bytes
    _high_bytes: bytes

    def encode(self, pcm: bytes | memoryview) -> bytes:
        """16-bit little-endian samples to one code each.

        Raises:
            ValueError: `pcm` does not hold whole samples.
        """
        if len(pcm) % 2:
            raise ValueError(f"{len(pcm)} bytes are not whole 16-bit samples")
        return bytes(map(self._codes.__getitem__, memoryview(pcm).cast("H")))

    def decode(self, codes: bytes) -> bytes:
        """Codes to 16-bit little-endian samples, two bytes each."""
        pcm = bytearray(2 * len(codes))
        pcm[0::2] = codes.translate(self._low_bytes)
        pcm[1::2] = codes.translate(self._high_bytes)
        return bytes(pcm)


def _build(
    name: str,
    payload_type: int,
    toggle: int,
    start: Callable[[int, int], int],
    level: Callable[[int, int], int],
) -> Codec:
    steps = [(segment, step) for segment in range(_SEGMENTS) for step in range(_STEPS)]
    starts = [start(*each) for each in steps] + [32768]
    runs = [
        (bytes([(index ^ toggle) & 0x7F]), end - begin)
        for index, (begin, end) in enumerate(pairwise(starts))
    ]
    negative_first = b"".join(code * width for code, width in runs)
    positive = bytes(code | _POSITIVE for code in negative_first)
    # Indexed by the sample read as unsigned: 0..32767, then -32768..-1.
    codes = positive + negative_first[::-1]
    levels = [0] * 256
    for index, each in enumerate(steps):
        code = (index ^ toggle) & 0x7F
        levels[code | _POSITIVE] = level(*each)
        levels[code] = -level(*each)
    packed = array("H", (value & 0xFFFF for value in levels))
    return Codec(
        name=name,
        payload_type=payload_type,
        silence=codes[0],
        _codes=codes,
        _low_bytes=bytes(value & 0xFF for value in packed),
        _high_bytes=bytes(value >> 8 for value in packed),
    )


PCMA = _build("PCMA", 8, _ALAW_TOGGLE, _alaw_start, _alaw_level)
PCMU = _build("PCMU", 0, _ULAW_TOGGLE, _ulaw_start, _ulaw_level)

BY_NAME = {codec.name: codec for codec in (PCMA, PCMU)}
BY_PAYLOAD_TYPE = {codec.payload_type: codec for codec in (PCMA, PCMU)}
