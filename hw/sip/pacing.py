"""What paces the media process: absolute 20 ms deadlines, and the priority to meet them."""

from __future__ import annotations

import contextlib
import logging
import os
import time

from hw.base import FRAME_MS

log = logging.getLogger(__name__)

_PERIOD_NS = FRAME_MS * 1_000_000
_LONGEST_CATCH_UP_NS = 1_000_000_000
_PRIORITY = 10
_NICE = -10


class Deadlines:
    """One deadline every 20 ms; missed ones are made up for, up to a second of them."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Count from now."""
        self._next_ns = time.monotonic_ns() + _PERIOD_NS

    def remaining_s(self) -> float:
        """Seconds to the next deadline, never negative."""
        return max(0, self._next_ns - time.monotonic_ns()) / 1e9

    def take(self) -> bool:
        """Whether a deadline has come; it is then used up."""
        behind_ns = time.monotonic_ns() - self._next_ns
        if behind_ns < 0:
            return False
        self._next_ns += _PERIOD_NS
        if behind_ns > _LONGEST_CATCH_UP_NS:
            log.warning("the media loop stood still for %d ms", behind_ns // 1_000_000)
            self.restart()
        return True


def raise_priority() -> None:
    """Real time if we may, else nicer than others if we may, else as we are."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY))
    except OSError:
        with contextlib.suppress(OSError):
            os.nice(_NICE)
