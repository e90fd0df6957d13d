"""Composition root: the only place that chooses the parts and puts them together."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from daemon import paths
from daemon.call.core import CallCore, CallSettings
from daemon.call.driver import CallDriver, CallPlan, Senses
from daemon.call.playout import PromptBook
from daemon.call.recorder import Recorder
from daemon.call.result import CallResult
from daemon.clock import Clock, SystemClock
from daemon.config import Config
from daemon.dialog.engine import Engine
from daemon.dialog.scenario import load_scenario
from daemon.errors import BranchlineError, StoreError
from daemon.ledger import CallLedger, Listener
from daemon.log import bound_call
from daemon.parts import build_line, turn_settings
from daemon.store.rows import CallEnd, CallStart
from daemon.store.write import Store, open_store
from hw.base import Leg, Line
from models.asr import load_recogniser
from models.registry import Registry
from models.tts import load_synthesiser

log = logging.getLogger(__name__)

POOL_THREADS = 4


@dataclass(frozen=True)
class CallOrder:
    """One call to place.

    Attributes:
        number: the person's canonical number, for the do-not-call list and the store.
        address: what the line dials; "" for the number.
        lead: what is known of the person, as text.
        timezone: IANA name of the person's zone, for spoken dates; "" for the box's.
    """

    number: str
    scenario: str
    lang: str
    lead: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    address: str = ""
    lead_id: int | None = None
    campaign_id: int | None = None
    max_call_s: int | None = None
    timezone: str = ""


class Box:
    """The appliance's parts. Constructing does no I/O; `start` opens everything."""

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        """Parts come from the configuration; the clock may be a test's."""
        self.config = config
        self.clock = clock or SystemClock()
        self.zone = ZoneInfo(config.box.timezone)
        self.lines: dict[str, Line] = {}
        self.registry = Registry(None, paths.models_dir())
        self._senses: dict[str, Senses] = {}
        self._engines: dict[tuple[str, str], Engine] = {}
        self._prepared: set[tuple[str, str]] = set()
        self._loading = threading.Lock()
        self._pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="models")
        self._drivers: set[CallDriver] = set()
        self._winding_up = False
        self._unsettled: list[CallLedger] = []
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """The database, opened by `start`."""
        if self._store is None:
            raise RuntimeError("Box.start() has not been called")
        return self._store

    def start(self) -> None:
        """Open the database and the lines."""
        self._store = open_store(paths.database_file())
        for name, settings in self.config.lines.items():
            self.lines[name] = build_line(name, settings)
            self.lines[name].start()

    def stop(self) -> None:
        """Close lines, pool and database. Idempotent."""
        self.hang_up()
        self.lines.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._store is None:
            return
        try:
            self.settle_refusals()
        except StoreError as error:
            log.critical("%d refusal(s) could not be written: %s", len(self._unsettled), error)
        self._store.close()

    def senses(self, lang: str) -> Senses:
        """The models of a language, loaded at first use and kept.

        Raises:
            ModelError: one is missing or broken; the message names the command.
        """
        with self._loading:
            if lang not in self._senses:
                speech = self.config.speech
                recogniser = load_recogniser(
                    self.registry, lang, speech.engine, threads=speech.threads
                )
                book = PromptBook(load_synthesiser(self.registry, lang), paths.prompts_dir())
                self._senses[lang] = Senses(lang, recogniser, book)
            return self._senses[lang]

    def engine(self, scenario: str, lang: str) -> Engine:
        """The dialogue engine of a scenario in a language, loaded at first use.

        Raises:
            ScenarioError: the scenario is unknown or its files are wrong.
        """
        with self._loading:
            key = (scenario, lang)
            if key not in self._engines:
                self._engines[key] = Engine(load_scenario(scenario, lang), lang)
            return self._engines[key]

    def prepare(
        self, wanted: Iterable[tuple[str, str]], done: Callable[[], None] = lambda: None
    ) -> None:
        """Load the models and render the fixed prompts of (scenario, lang) pairs, once."""
        for scenario, lang in set(wanted) - self._prepared:
            self.senses(lang).book.prepare(self.engine(scenario, lang).cached_sentences(), done)
            self._prepared.add((scenario, lang))

    def place(
        self, order: CallOrder, line_name: str, listener: Listener | None = None
    ) -> CallResult:
        """Make one call and talk until it is over; blocks for as long as that takes.

        Raises:
            LineError: the line refuses to dial at all.
            ModelError, ScenarioError, StoreError: a part is missing or broken.
            BranchlineError: the box is stopping.
        """
        self.settle_refusals()
        if self._winding_up:
            raise BranchlineError("the box is stopping; no new call is placed")
        self.prepare([(order.scenario, order.lang)])
        call_id = new_call_id(self.clock.now().astimezone(self.zone))
        senses, engine = self.senses(order.lang), self.engine(order.scenario, order.lang)
        ledger = CallLedger(self.store, self.clock, call_id, order.number, listener)
        started = self.clock.now()
        address = order.address or order.number
        self.store.begin_call(
            CallStart(
                call_id=call_id,
                address=address,
                number=order.number,
                lang=order.lang,
                scenario=order.scenario,
                line=line_name,
                started=started,
                lead_id=order.lead_id,
                campaign_id=order.campaign_id,
            )
        )
        recording = paths.recordings_dir() / f"{started:%Y-%m-%d}" / f"{call_id}.wav"
        core = CallCore(engine, order.lead, self._call_settings(order))
        zone = ZoneInfo(order.timezone) if order.timezone else self.zone
        plan = CallPlan(call_id, line_name, core, senses, turn_settings(self.config), zone)
        leg = self._dial(line_name, address, call_id)
        driver = CallDriver(plan, leg, ledger, Recorder(recording), self._pool, self.clock)
        with bound_call(call_id):
            result = self._run(driver, ledger)
        heard = result.answered_ms is not None and recording.is_file()
        end = call_end(result, self.clock, str(recording) if heard else None)
        try:
            self.store.finish_call(call_id, end)
        except StoreError as error:
            log.error("call %s stays open in the database: %s", call_id, error)
        return result

    def _dial(self, line_name: str, address: str, call_id: str) -> Leg:
        timeout_s = self.config.lines[line_name].ring_timeout_s
        try:
            return self.lines[line_name].dial(address, ring_timeout_s=timeout_s)
        except Exception as error:
            end = CallEnd("configuration", "", self.clock.now(), raw={"reason": str(error)})
            self.store.finish_call(call_id, end)
            raise

    def _run(self, driver: CallDriver, ledger: CallLedger) -> CallResult:
        self._drivers.add(driver)
        if self._winding_up:
            driver.wind_up()
        try:
            return driver.run()
        except Exception:
            log.exception("a call broke off")
            return driver.broken_off()
        finally:
            self._drivers.discard(driver)
            try:
                ledger.settle()
            except StoreError as error:
                log.critical("nobody is called until a refusal is written: %s", error)
                self._unsettled.append(ledger)

    def settle_refusals(self) -> None:
        """Write refusals that could not be written during their call.

        Raises:
            StoreError: they still cannot; nobody may be called.
        """
        while self._unsettled:
            self._unsettled[0].settle()
            self._unsettled.pop(0)

    def wind_up(self) -> None:
        """Ask every running call to say goodbye; no new call is placed after this."""
        self._winding_up = True
        for driver in list(self._drivers):
            driver.wind_up()

    def hang_up(self) -> None:
        """End every running call at once, without a word."""
        for line in self.lines.values():
            line.stop()

    @property
    def calls_running(self) -> int:
        """How many calls are going on."""
        return len(self._drivers)

    def _call_settings(self, order: CallOrder) -> CallSettings:
        limits = self.config.turns
        seconds = order.max_call_s or limits.max_call_s
        return CallSettings(silence_ms=limits.silence_ms, max_call_ms=seconds * 1000)


def new_call_id(now: datetime) -> str:
    """An id that sorts by time and cannot be guessed."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def call_end(result: CallResult, clock: Clock, recording: str | None) -> CallEnd:
    """A result as the store takes it."""
    return CallEnd(
        disposition=str(result.disposition),
        outcome=result.outcome,
        ended=clock.now(),
        answered_ms=result.answered_ms,
        duration_ms=result.duration_ms,
        raw=asdict(result.raw),
        recording=recording,
    )
