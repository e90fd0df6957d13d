"""Where a running call writes: its events, and refusals that must not be lost."""

from __future__ import annotations

import logging
from collections.abc import Callable

from daemon.clock import Clock
from daemon.dialog.reply import DoNotCall, Effect
from daemon.errors import StoreError
from daemon.events import CallEvent
from daemon.store.write import Store

log = logging.getLogger(__name__)

Listener = Callable[[str, CallEvent], None]


class CallLedger:
    """One call's daemon.call.driver.CallLog on top of the store.

    A store that refuses events does not end the conversation; the refusal of further
    calls is tried again with every later event, and `settle` raises if it never worked.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        call_id: str,
        number: str,
        listener: Listener | None = None,
    ) -> None:
        """`listener` sees every event too, in the driver's thread."""
        self._store, self._clock = store, clock
        self._call_id, self._number, self._listener = call_id, number, listener
        self._unwritten: list[tuple[DoNotCall, int]] = []

    def note(self, event: CallEvent) -> None:
        """Store one event and show it to the listener."""
        self._retry()
        try:
            self._store.append_event(self._call_id, event)
        except StoreError as error:
            log.error("event %s is lost: %s", event.kind, error)
        self._show(event)

    def _show(self, event: CallEvent) -> None:
        if self._listener is None:
            return
        try:
            self._listener(self._call_id, event)
        except Exception:
            log.exception("whoever watched call %s is gone; the call goes on", self._call_id)
            self._listener = None

    def carry(self, effect: Effect, at_ms: int) -> None:
        """Write a refusal durably now; other effects are carried by the outcome."""
        if isinstance(effect, DoNotCall):
            self._unwritten.append((effect, at_ms))
            self._retry()

    def settle(self) -> None:
        """The call is over: every refusal must be written.

        Raises:
            StoreError: one is not, and dialling must not go on.
        """
        while self._unwritten:
            self._write(*self._unwritten[0])
            self._unwritten.pop(0)

    def _retry(self) -> None:
        try:
            self.settle()
        except StoreError as error:
            log.error("a do-not-call request is not written yet: %s", error)

    def _write(self, effect: DoNotCall, at_ms: int) -> None:
        self._store.add_do_not_call(
            self._number,
            reason="asked for in a call",
            now=self._clock.now(),
            wording=effect.wording,
            call_id=self._call_id,
            at_ms=at_ms,
        )
