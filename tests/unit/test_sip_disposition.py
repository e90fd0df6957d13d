"""The table of why calls end."""

from __future__ import annotations

import pytest

from hw.base import Disposition, Raw
from hw.sip.disposition import Verdict, disposition

D = Disposition


@pytest.mark.parametrize(
    ("cause", "word"),
    [
        *[(c, D.BUSY) for c in (17,)],
        *[(c, D.NO_ANSWER) for c in (18, 19)],
        *[(c, D.REJECTED) for c in (21,)],
        *[(c, D.INVALID) for c in (1, 22, 28)],
        *[(c, D.UNREACHABLE) for c in (20, 27)],
        *[(c, D.NETWORK_FAILURE) for c in (3, 34, 38, 41, 42, 44, 47, 102, 127)],
        *[(c, D.BLOCKED) for c in (8, 52, 55, 57, 87)],
        *[(c, D.CONFIGURATION) for c in (65, 88)],
    ],
)
def test_cause_outranks_status(cause: int, word: Disposition) -> None:
    assert disposition(Raw(status=480, q850=cause)) is word


@pytest.mark.parametrize("cause", [16, 31, 99])
def test_a_cause_that_says_nothing_leaves_it_to_the_status(cause: int) -> None:
    assert disposition(Raw(status=486, q850=cause)) is D.BUSY


@pytest.mark.parametrize(
    ("statuses", "word"),
    [
        ((486, 600), D.BUSY),
        ((487,), D.NO_ANSWER),
        ((603,), D.REJECTED),
        ((404, 410, 484, 485, 604), D.INVALID),
        ((408, 500, 501, 502, 503, 504), D.NETWORK_FAILURE),
        ((401, 407, 402, 403, *range(428, 439), 607, 608), D.BLOCKED),
        ((415, 488, 606), D.CONFIGURATION),
        ((480,), D.UNREACHABLE),
    ],
)
def test_status_without_ringing(statuses: tuple[int, ...], word: Disposition) -> None:
    assert {disposition(Raw(status=status)) for status in statuses} == {word}
    assert {disposition(Raw(status=s, last_provisional=100)) for s in statuses} == {word}


@pytest.mark.parametrize("provisional", [180, 181, 183])
def test_ringing_changes_three_codes(provisional: int) -> None:
    words = [disposition(Raw(status=s, last_provisional=provisional)) for s in (403, 408, 480)]
    assert words == [D.REJECTED, D.NO_ANSWER, D.NO_ANSWER]


def test_every_status_has_a_word() -> None:
    words = {disposition(Raw(status=status)) for status in (None, *range(300, 700))}
    assert words == set(D) - {D.ANSWERED, D.VOICEMAIL, D.ANNOUNCEMENT}


def test_answered_and_our_own_deeds_outrank_the_rest() -> None:
    raw = Raw(status=486, q850=1)
    assert disposition(raw, answered=True) is D.ANSWERED
    assert disposition(raw, verdict=Verdict.RING_TIMEOUT) is D.NO_ANSWER
    assert disposition(raw, verdict=Verdict.NO_COMMON_CODEC) is D.CONFIGURATION
