"""The simulated customer as a SIP peer: called by hand-written SIP and real RTP."""

import json
import math
import os
import queue
import re
import signal
import socket
import struct
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from hw.base import Digit, Frame, LineError, PlaybackFinished
from hw.sim.personas import Persona, lines, voice_file
from hw.sim.process import SimCustomers
from hw.sip.media_client import MediaServer

PATIENCE_S = 30.0


def tone(hertz: float, ms: int) -> bytes:
    count = 8 * ms
    wave_ = (round(8000 * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(count))
    return struct.pack(f"<{count}h", *wave_)


def peak(pcm: bytes) -> int:
    return max(map(abs, struct.unpack(f"<{len(pcm) // 2}h", pcm)), default=0)


def person(name: str, number: int, **changes: object) -> Persona:
    facts = {"name": name, "lang": "en", "number": f"+1202555{number:04d}"}
    return Persona.model_validate(facts | {"answer": {"after_s": 0.1}} | changes)


PEOPLE = [
    person(
        "talks",
        101,
        answer={"after_s": 0.3},
        prompt_gap_ms=400,
        turns=[
            {"when": "prompt_end", "pause_ms": 100, "say": "yes"},
            {"when": "prompt_start", "after_ms": 300, "say": "wait"},
            {"when": "prompt_end", "press": "1#"},
        ],
        then={"hang_up": {"after_ms": 200}},
    ),
    person("silent", 102),
    person("busy", 103, answer={"kind": "busy", "after_s": 0}),
    person("rejects", 104, answer={"kind": "reject", "after_s": 0.1}),
    person("never", 105, answer={"kind": "never"}),
    person("gone", 106, answer={"kind": "unknown_number"}),
    person("mailbox", 107, answer={"kind": "voicemail", "after_s": 0, "greeting": "leave word"}),
]


def write_voices(directory: Path) -> None:
    for lang, text in lines(PEOPLE):
        with wave.open(str(directory / voice_file(lang, text)), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(tone(500, 600))


class Caller:
    """One call placed by hand: plain SIP text, sound through a media process."""

    def __init__(self, address: str, media: MediaServer) -> None:
        host, port = address.split(":")
        self.there = (host, int(port))
        self.events: queue.SimpleQueue = queue.SimpleQueue()
        self.port = media.open(self.events.put)
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind(("127.0.0.1", 0))
        self.sip.settimeout(PATIENCE_S)
        self.me = f"127.0.0.1:{self.sip.getsockname()[1]}"
        self.call_id = os.urandom(6).hex()
        self.to_tag = ""
        self.branch = os.urandom(6).hex()

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.sip.close()
        self.port.close()

    def send(
        self, method: str, user: str, number: int = 1, body: str = "", ack_of: str = ""
    ) -> None:
        branch = self.branch if ack_of or method == "CANCEL" else os.urandom(6).hex()
        if method == "INVITE":
            branch = self.branch
        tag = f";tag={self.to_tag}" if self.to_tag and method != "CANCEL" else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.sip.sendto(
            (
                f"{method} sip:{user}@sim SIP/2.0\r\n"
                f"v: SIP/2.0/UDP {self.me};rport;branch=z9hG4bK{branch}\r\n"
                f"Record-Route: <sip:{self.me};lr>\r\n"
                f'f: "Branch" <sip:us@{self.me}>;tag=us\r\nTo: <sip:{user}@sim>{tag}\r\n'
                f"i: {self.call_id}\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\n"
                f"m: <sip:us@{self.me}>\r\n{kind}l: {len(body)}\r\n\r\n{body}"
            ).encode(),
            self.there,
        )

    def receive(self) -> tuple[str, str]:
        """First line and whole text of the next message."""
        text = self.sip.recv(65535).decode()
        found = re.search(r"^To:.*;tag=(\S+)", text, re.M)
        if found and text.startswith("SIP/"):
            self.to_tag = found.group(1)
        return text.split("\r\n")[0], text

    def until(self, *prefixes: str) -> str:
        """Read on until a first line starts with one of `prefixes`; the whole text."""
        while True:
            first, text = self.receive()
            if first.startswith(prefixes):
                return text

    def offer(self, formats: str = "8 0 101", more: str = "") -> str:
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self.port.port} RTP/AVP {formats}\r\n"
            f"a=rtpmap:101 telephone-event/8000\r\n{more}"
        )

    def call(self, user: str, formats: str = "8 0 101") -> str:
        """INVITE until 200, ACK, connect the sound; the answer's SDP."""
        self.send("INVITE", user, body=self.offer(formats))
        text = self.until("SIP/2.0 200")
        self.send("ACK", user)
        self.connect(text)
        return text

    def connect(self, answer: str) -> None:
        media = re.search(r"m=audio (\d+) RTP/AVP (\d+)", answer)
        codec = {"8": "PCMA", "0": "PCMU"}[media.group(2)]
        self.port.connect(("127.0.0.1", int(media.group(1))), codec, 101)

    def wait(self, kind: type, test=lambda event: True):
        while True:
            event = self.events.get(timeout=PATIENCE_S)
            if isinstance(event, kind) and test(event):
                return event

    def wait_loud(self) -> Frame:
        return self.wait(Frame, lambda frame: peak(frame.heard) > 4000)

    def wait_quiet(self) -> Frame:
        quiet = 0
        while quiet < 5:
            quiet = quiet + 1 if peak(self.wait(Frame).heard) < 200 else 0


@pytest.fixture(scope="module")
def media():
    server = MediaServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def heard_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("heard")


@pytest.fixture(scope="module")
def customers(tmp_path_factory, heard_dir):
    voices = tmp_path_factory.mktemp("voices")
    write_voices(voices)
    facts: queue.SimpleQueue = queue.SimpleQueue()
    with SimCustomers(PEOPLE, voices, record=heard_dir, on_fact=facts.put) as running:
        running.facts = facts
        yield running


def ended(customers, call_id: str) -> dict:
    while True:
        fact = customers.facts.get(timeout=PATIENCE_S)
        if fact["event"] == "ended" and fact["call_id"] == call_id:
            return fact


def runs(pcm: bytes) -> list[tuple[int, int]]:
    """(start, end) in samples of the loud stretches; pauses under 100 ms do not count."""
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    loud = [n for n, sample in enumerate(samples) if abs(sample) > 2000]
    starts = [n for before, n in zip([-10_000, *loud], loud, strict=False) if n - before > 800]
    ends = [n for n, after in zip(loud, [*loud[1:], 10**9], strict=True) if after - n > 800]
    return list(zip(starts, ends, strict=True))


def test_a_conversation_and_its_recording(customers, media, heard_dir):
    with Caller(customers.address, media) as caller:
        answer = caller.call("%2B12025550101")
        assert "PCMA/8000" in answer
        prompt = tone(400, 1000)
        caller.port.play("question", prompt)
        caller.wait(PlaybackFinished)
        caller.wait_loud()
        caller.wait_quiet()
        caller.port.play("explanation", tone(400, 3000))
        caller.wait_loud()
        caller.port.stop_playback()
        caller.wait_quiet()
        caller.port.play("answer", prompt)
        assert [caller.wait(Digit).digit for _ in range(2)] == ["1", "#"]
        text = caller.until("BYE")
        assert f"Route: <sip:{caller.me};lr>" in text
        assert re.search(r"^CSeq: \d+ BYE", text, re.M)
        caller.sip.sendto(ok(text), caller.there)
        fact = ended(customers, caller.call_id)
    notes = json.loads(Path(fact["recording"]).with_suffix(".json").read_text())
    assert notes["persona"] == "talks"
    assert notes["call_id"] == caller.call_id
    assert notes["ended_by"] == "customer"
    assert [u["text"] for u in notes["utterances"]] == ["yes", "wait"]
    assert [u["interrupts"] for u in notes["utterances"]] == [False, True]
    assert [d["digit"] for d in notes["digits"]] == ["1", "#"]
    assert 0 < notes["playout_delay_ms"] < 200
    with wave.open(fact["recording"]) as file:
        assert file.getparams()[:3] == (2, 2, 8000)
        both = file.readframes(file.getnframes())
    said = b"".join(both[at : at + 2] for at in range(0, len(both), 4))
    heard = b"".join(both[at : at + 2] for at in range(2, len(both), 4))
    assert len(said) // 16 == notes["duration_ms"]
    spoken = runs(said)
    for (start, end), noted in zip(spoken, notes["utterances"], strict=True):
        assert abs(start / 8 - noted["start_ms"]) < 2
        assert abs(end / 8 - noted["end_ms"]) < 2
    question = runs(heard)[0]
    assert abs(question[1] - question[0] - 8000) < 40
    assert 495 <= (spoken[0][0] - question[1]) / 8 <= 620


def ok(request: str) -> bytes:
    kept = [
        row
        for row in request.split("\r\n")
        if row.lower().startswith(("via", "from", "to", "call-id", "cseq"))
    ]
    return ("SIP/2.0 200 OK\r\n" + "\r\n".join(kept) + "\r\nContent-Length: 0\r\n\r\n").encode()


@pytest.mark.parametrize(
    ("user", "status"),
    [("busy", 486), ("+12025550104", 603), ("gone", 404), ("nobody", 404)],
)
def test_refusals_are_repeated_until_the_ack(customers, media, user, status):
    with Caller(customers.address, media) as caller:
        caller.send("INVITE", user, body=caller.offer())
        caller.until(f"SIP/2.0 {status}")
        caller.until(f"SIP/2.0 {status}")
        caller.send("ACK", user, ack_of="INVITE")
        caller.sip.settimeout(1.5)
        with pytest.raises(TimeoutError):
            caller.receive()


def test_an_offer_without_our_codecs_is_refused(customers, media):
    with Caller(customers.address, media) as caller:
        caller.send("INVITE", "silent", body=caller.offer("9 18"))
        caller.until("SIP/2.0 488")
        caller.send("ACK", "silent", ack_of="INVITE")


def test_cancel_ends_the_ringing(customers, media):
    with Caller(customers.address, media) as caller:
        caller.send("INVITE", "never", body=caller.offer())
        caller.until("SIP/2.0 180")
        caller.send("CANCEL", "never")
        got = {caller.receive()[0], caller.receive()[0]}
        assert got == {"SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"}
        caller.send("ACK", "never", ack_of="INVITE")
        assert ended(customers, caller.call_id)["by"] == "caller"


def test_lost_acks_and_invites_are_survived(customers, media):
    with Caller(customers.address, media) as caller:
        caller.send("INVITE", "silent", body=caller.offer("0 101"))
        first = caller.until("SIP/2.0 200")
        caller.send("INVITE", "silent", body=caller.offer("0 101"))
        assert caller.until("SIP/2.0 200") == first
        assert caller.until("SIP/2.0 200") == first
        caller.send("ACK", "silent")
        caller.connect(first)
        caller.send("OPTIONS", "silent", 2)
        caller.until("SIP/2.0 200")
        caller.send("BYE", "silent", 3)
        assert "CSeq: 3 BYE" in caller.until("SIP/2.0 200")
        assert ended(customers, caller.call_id)["by"] == "caller"
        caller.send("BYE", "silent", 4)
        caller.until("SIP/2.0 481")


def test_hold_and_another_codec_by_reinvite(customers, media):
    with Caller(customers.address, media) as caller:
        caller.call("silent")
        caller.wait(Frame)
        caller.branch = os.urandom(6).hex()
        caller.send("INVITE", "silent", 2, body=caller.offer("0 101", "a=sendonly\r\n"))
        answer = caller.until("SIP/2.0 200")
        caller.send("ACK", "silent", 2)
        assert "a=recvonly" in answer
        assert "PCMU" in answer
        caller.send("BYE", "silent", 3)
        caller.until("SIP/2.0 200 OK")


def test_voicemail_greets_beeps_and_listens(customers, media):
    with Caller(customers.address, media) as caller:
        caller.call("mailbox")
        caller.wait_loud()
        caller.wait_quiet()
        caller.send("BYE", "mailbox", 2)
        fact = ended(customers, caller.call_id)
    notes = json.loads(Path(fact["recording"]).with_suffix(".json").read_text())
    greeting, beep = notes["utterances"]
    assert (greeting["when"], beep["when"]) == ("greeting", "beep")
    assert beep["end_ms"] - beep["start_ms"] == 500
    assert 0 <= beep["start_ms"] - greeting["end_ms"] <= 60


def test_sigterm_says_goodbye(tmp_path, media):
    write_voices(tmp_path)
    customers = SimCustomers(PEOPLE, tmp_path)
    customers.start()
    with Caller(customers.address, media) as caller:
        caller.call("silent")
        customers._process.send_signal(signal.SIGTERM)
        caller.sip.sendto(ok(caller.until("BYE")), caller.there)
        customers.stop()


def test_a_missing_voice_is_named(tmp_path):
    with pytest.raises(LineError, match=voice_file("en", "yes")):
        SimCustomers(PEOPLE, tmp_path).start()


def test_the_command_line_explains_itself():
    program = [sys.executable, "-m", "hw.sim.customer", "--help"]
    shown = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert "Example:" in shown
