"""What is at which address."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any, cast

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response as BaseResponse

from daemon.store.rows import CallRow
from daemon.store.write import open_store
from daemon.web import stream
from daemon.web.live import shown
from daemon.web.site import Site
from daemon.web.source import problem
from daemon.web.transcript import Transcript, Turn
from daemon.web.words import LANGUAGES

page = Blueprint("page", __name__)

RETRY_S = 20
REQUESTS = {"start": "start_campaign", "stop": "stop_campaign"}
RAW_FACTS = ("status", "reason", "last_provisional", "q850", "ended_by")


def _site() -> Site:
    return cast(Site, current_app.extensions["site"])


@page.get("/")
def index() -> str:
    """The first page; it draws itself from `first` and then follows the stream."""
    first = _site().watcher.first() | {"token": current_app.config["TOKEN"]}
    return render_template("index.html", first=first)


@page.get("/events")
def events() -> Response:
    """Server-sent events; resumes after Last-Event-ID, or ?since= the first time."""
    known = request.headers.get("Last-Event-ID") or request.args.get("since", "0")
    since = int(known) if known.isascii() and known.isdigit() else 0
    site = _site()
    try:
        client, first = site.watcher.join(since, current_app.config["TOKEN"])
    except stream.CrowdedError:
        raise ServiceUnavailable(
            f"{site.hub.limit} pages are open already; close one.", retry_after=RETRY_S
        ) from None
    gone = request.environ.get("waitress.client_disconnected", lambda: False)
    response = Response(stream.body(client, first, gone), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(lambda: site.hub.leave(client))
    return response


@page.get("/calls/<call_id>")
def call(call_id: str) -> str:
    """One call: transcript, reply times, what the line said, and the recording."""
    site = _site()
    row = _call_or_404(call_id)
    reader = site.source.reader()
    transcript = Transcript(reader.events(call_id))
    campaign = reader.campaign_by_id(row.campaign_id) if row.campaign_id is not None else None
    facts = site.facts.call(row) | {
        "phase": transcript.phase if row.ended_utc_ms is None else "ended",
        "campaign": campaign.name if campaign else "",
    }
    raw = [(key, row.raw[key]) for key in RAW_FACTS if row.raw.get(key) not in (None, "")]
    return render_template(
        "call.html",
        call=facts,
        turns=[_readable(turn) for turn in transcript.turns],
        latency=reply_times(transcript.turns),
        raw=raw,
        recording=url_for("page.recording", call_id=row.id) if _recording(row) else None,
    )


def _readable(turn: Turn) -> dict[str, Any]:
    """A turn for the template: every field, the moment of a call-back in local time."""
    return vars(turn) | shown(turn.as_json(), _site().facts)


def reply_times(turns: list[Turn]) -> dict[str, int] | None:
    """Median and longest time to our reply in a call, None where there was none."""
    times = [turn.latency_ms for turn in turns if turn.latency_ms is not None]
    if not times:
        return None
    return {"median": round(statistics.median(times)), "worst": max(times), "n": len(times)}


@page.get("/calls/<call_id>/recording")
def recording(call_id: str) -> Response:
    """The call's WAV file, whole or a range of it."""
    file = _recording(_call_or_404(call_id))
    if file is None:
        abort(404)
    return send_file(file, mimetype="audio/wav", conditional=True)


def _call_or_404(call_id: str) -> CallRow:
    """The call, or the page that says there is none."""
    reader = _site().source.reader()
    if not reader.query("SELECT 1 FROM calls WHERE id = ?", (call_id,)):
        abort(404)
    return reader.call(call_id)


def _recording(row: CallRow) -> Path | None:
    """The recording's file, if there is one and it lies where recordings lie."""
    if not row.recording:
        return None
    directory = _site().recordings.resolve()
    file = (directory / row.recording).resolve()
    return file if file.is_relative_to(directory) and file.is_file() else None


@page.post("/campaigns/<action>")
def ask(action: str) -> BaseResponse:
    """Ask the daemon to start or stop a campaign; it does so when it next looks."""
    name = request.form.get("campaign", "")
    site = _site()
    if action not in REQUESTS or site.source.reader().campaign(name) is None:
        abort(404)
    with open_store(site.source.path) as store:
        store.submit_request(REQUESTS[action], {"campaign": name}, site.clock.now())
    lang = request.form.get("lang")
    back = url_for("page.index", lang=lang if lang in LANGUAGES else None)
    return redirect(back, 303)


@page.get("/healthz")
def healthz() -> tuple[Response, int]:
    """For monitoring: 200 while the database can be read and is being watched."""
    site = _site()
    error = problem(site.source)
    healthy = error is None and site.watcher.alive
    facts = {
        "status": "ok" if healthy else "failing",
        "database": "ok" if error is None else str(error),
        "watching": site.watcher.alive,
        "running_calls": site.watcher.running_calls,
        "pages": len(site.hub),
        "pages_limit": site.hub.limit,
    }
    return jsonify(facts), 200 if healthy else 503
