"""A SIP line: dials over our signalling core, speaks through the media process."""

from __future__ import annotations

import logging
import re
import threading

from hw.base import Answered, Digit, Ended, Leg, LegEvent, Line, LineError, Ringing
from hw.sip import stack
from hw.sip.address import Uri, host_port
from hw.sip.call import Call, Callee
from hw.sip.digest import Credentials
from hw.sip.identity import Identity
from hw.sip.media_client import MediaEvent, MediaLost, MediaPort, MediaServer
from hw.sip.phone import CallHandle, Phone
from hw.sip.registration import Registrar, Registration
from hw.sip.sdp import LocalDescription, Media
from hw.sip.settings import SipSettings
from hw.sip.transport import own_address

__all__ = ["SipLeg", "SipLine", "SipSettings"]

log = logging.getLogger(__name__)

_ANY_HOST = ("", "0.0.0.0")
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
_SPACING = re.compile(r"[\s().\-/]")


class SipLeg(Leg):
    """One call on a SIP line."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._port: MediaPort | None = None
        self._handle: CallHandle | None = None
        self._media: Media | None = None
        self._answered = False

    def play(self, token: str, pcm: bytes) -> None:
        """Queue sound; see `hw.base.Leg.play`."""
        if self._port is not None and not self._over.is_set():
            self._port.play(token, pcm)

    def stop_playback(self) -> None:
        """Drop queued sound; see `hw.base.Leg.stop_playback`."""
        if self._port is not None and not self._over.is_set():
            self._port.stop_playback()

    def hangup(self) -> None:
        """End the call; see `hw.base.Leg.hangup`."""
        if self._handle is not None:
            self._handle.hangup()

    @property
    def is_over(self) -> bool:
        """True once Ended is among the events."""
        return self._over.is_set()

    def attach_media(self, port: MediaPort) -> None:
        """Give the leg its RTP port (by the line, before dialling)."""
        self._port = port

    def attach_call(self, handle: CallHandle) -> None:
        """Give the leg its call (by the line)."""
        self._handle = handle

    def discard(self) -> None:
        """Give the RTP port back: the call was never placed (by the line)."""
        self._close()

    def on_media(self, event: MediaEvent) -> None:
        """An event of the media port (its reader thread)."""
        if not isinstance(event, MediaLost):
            self._put(event)
        elif self._handle is not None and (event.final or self._expects_sound):
            self._handle.lose_media(event.reason)

    def on_call(self, event: stack.CallEvent) -> None:
        """An event of the signalling core (its thread)."""
        if isinstance(event, stack.CallRinging):
            if event.media != self._media:
                self._connect(event.media)
            self._put(Ringing(event.status, early_media=event.media is not None))
        elif isinstance(event, stack.CallAnswered):
            self._answered = True
            self._connect(event.media)
            self._put(Answered())
        elif isinstance(event, stack.MediaChanged):
            self._connect(event.media)
        elif isinstance(event, stack.KeyPressed):
            self._put(Digit(event.digit))
        elif isinstance(event, stack.CallClosing):
            self._close()
        else:
            self._close()
            self._put(Ended(event.disposition, event.raw))

    @property
    def _expects_sound(self) -> bool:
        """Silence on the wire is a fault only in an answered call that is not on hold."""
        return self._answered and self._media is not None and self._media.send

    def _connect(self, media: Media | None) -> None:
        """Tell the media port; the answer starts its watch for missing RTP anew."""
        if media is None or self._port is None:
            return
        self._media = media
        try:
            self._port.connect(
                media.remote,
                media.codec,
                media.telephone_event,
                send=media.send,
                receive=media.receive,
            )
        except (LineError, OSError) as error:
            log.warning("media port refused %s: %s", media, error)
            if self._handle is not None:
                self._handle.lose_media(f"media port: {error}")

    def _close(self) -> None:
        if self._port is not None:
            self._port.close()

    def _put(self, event: LegEvent) -> None:
        """Queue the event unless the leg is over; Ended is put once, and last."""
        with self._lock:
            if self._over.is_set():
                return
            self.events.put(event)
            if isinstance(event, Ended):
                self._over.set()


class SipLine(Line):
    """A SIP trunk, a registered account, or plain SIP on the local network."""

    def __init__(self, settings: SipSettings, media: MediaServer | None = None) -> None:
        """No I/O here. `media` is the media process to use; by default the line's own."""
        self.name = settings.name
        self.channels = settings.channels
        self._settings = settings
        self._given_media = media
        self._media: MediaServer | None = None
        self._phone: Phone | None = None
        self._identity: Identity | None = None
        self._registration: Registration | None = None
        self._legs: list[SipLeg] = []
        self._lock = threading.Lock()
        self._last_error = ""

    def start(self) -> None:
        """Open the socket and the media process, and register if so configured.

        Raises:
            LineError: port in use, no route, or the media process does not start.
        """
        if self._phone is not None:
            return
        settings = self._settings
        host = self._own_host()
        server = host_port(settings.proxy or settings.domain or host)
        account = (settings.username, settings.password)
        phone = Phone(settings.local_host, settings.local_port, server, account)
        media = self._given_media or MediaServer(host)
        media.start()
        try:
            phone.start()
        except LineError as error:
            media.stop()
            self._last_error = str(error)
            raise
        home = settings.home.partition(":")[0] if settings.home else f"{host}:{phone.local_port}"
        user = settings.caller or settings.username or "branchline"
        self._identity = Identity(user, host, phone.local_port, settings.domain or home)
        self._media, self._phone = media, phone
        if settings.register:
            self._register(phone, self._identity)

    def stop(self) -> None:
        """End every leg with CANCEL or BYE, wait at most 2 s, then close."""
        with self._lock:
            phone, self._phone = self._phone, None
            media, self._media = self._media, None
            self._registration = None
        if phone is not None:
            phone.stop()
        if media is not None:
            media.stop()

    def dial(self, address: str, *, ring_timeout_s: float = 45.0) -> Leg:
        """Start a call; see `hw.base.Line.dial`.

        A sip: address goes to its own host, or through the proxy if there is one; a
        number goes to the domain, or the proxy.
        """
        uri = self._uri(address)
        hop = host_port(self._settings.proxy) if self._settings.proxy else uri.hop
        with self._lock:
            phone, media, identity = self._phone, self._media, self._identity
            if phone is None or media is None or identity is None:
                raise LineError(f"line {self.name} is not started; call start() first")
            self._legs = [leg for leg in self._legs if not leg.is_over]
            if len(self._legs) >= self.channels:
                raise LineError(f"line {self.name} is full: {self.channels} calls are going on")
            leg = SipLeg()
            self._legs.append(leg)
        try:
            port = media.open(leg.on_media)
            leg.attach_media(port)
            call = Call(
                phone.sip.endpoint,
                identity,
                Callee(str(uri), hop, ring_timeout_s),
                LocalDescription(port.host, port.port, self._settings.codecs),
                Credentials(self._settings.username, self._settings.password),
            )
            leg.attach_call(phone.place(call, leg.on_call))
        except LineError as error:
            self._last_error = str(error)
            leg.discard()
            with self._lock:
                self._legs.remove(leg)
            raise
        return leg

    def status(self) -> dict[str, object]:
        """Facts for the status page; `registered` is None for a trunk without registration."""
        registration = self._registration
        identity, started = self._identity, self._phone is not None
        return {
            "name": self.name,
            "channels": self.channels,
            "channels_in_use": sum(not leg.is_over for leg in self._legs),
            "registered": self._is_registered(),
            "last_error": (registration.last_error if registration else "") or self._last_error,
            "address": f"{identity.host}:{identity.port}" if identity and started else "",
        }

    def _is_registered(self) -> bool | None:
        registration = self._registration
        if not self._settings.register:
            return None
        return registration is not None and registration.registered

    def _register(self, phone: Phone, identity: Identity) -> None:
        settings = self._settings
        domain = settings.domain or settings.proxy
        registrar = Registrar(
            domain.partition(":")[0],
            host_port(settings.proxy or domain),
            settings.register_expires_s,
        )
        account = Identity(settings.username, identity.host, identity.port, registrar.domain)
        credentials = Credentials(settings.username, settings.password)
        self._registration = Registration(phone.sip.endpoint, account, registrar, credentials)
        phone.keep_registered(self._registration)

    def _own_host(self) -> str:
        settings = self._settings
        if settings.local_host not in _ANY_HOST:
            return settings.local_host
        if not settings.home:
            raise LineError(
                f"line {self.name}: local_host {settings.local_host!r} needs a proxy or domain "
                "to find the right address by; set local_host to one of this machine's addresses"
            )
        return own_address(host_port(settings.proxy or settings.domain))

    def _uri(self, address: str) -> Uri:
        if address.lower().startswith(("sip:", "sips:")):
            uri = Uri.parse(address)
            return Uri(uri.user, uri.host, uri.port)
        number = _SPACING.sub("", address)
        if not _NUMBER.fullmatch(number):
            raise LineError(f"{address!r} cannot be dialled; give a number or sip:user@host:port")
        if not self._settings.home:
            raise LineError(
                f"line {self.name} cannot call numbers: it has neither proxy nor domain"
            )
        return Uri.parse(f"sip:{number}@{self._settings.home}")
