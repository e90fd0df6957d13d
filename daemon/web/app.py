"""The Flask application: filters, errors and the page's language around the views."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from daemon.errors import StoreError
from daemon.web.security import protect
from daemon.web.site import Site
from daemon.web.views import page
from daemon.web.words import choose, name_of, words

MAX_FORM_BYTES = 16 * 1024


def create_app(site: Site, *, host: str = "127.0.0.1") -> Flask:
    """The status page over a started Site.

    Args:
        site: the parts behind it; who made it starts and stops it.
        host: the address it is served on.
    """
    app = Flask("daemon.web")
    app.extensions["site"] = site
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM_BYTES
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.add_template_filter(clock, "clock")
    app.context_processor(page_language)
    protect(app, host=host)
    app.register_blueprint(page)
    app.register_error_handler(HTTPException, show_problem)
    app.register_error_handler(StoreError, show_store_error)
    return app


def clock(ms: int) -> str:
    """Milliseconds as minutes and seconds: "1:05"; "-0:03" before the answer."""
    seconds = abs(ms) // 1000
    return f"{'-' if ms <= -1000 else ''}{seconds // 60}:{seconds % 60:02d}"


def page_language() -> dict[str, Any]:
    """For every template: the language, its words, and the query that keeps it."""
    lang = choose(request.args.get("lang"), request.accept_languages)
    keep = {"lang": lang} if request.args.get("lang") == lang else {}
    return {"lang": lang, "t": words(lang), "keep": keep, "name_of": name_of}


def show_problem(error: HTTPException) -> Response:
    """An error as a page a person can read, or as JSON for a program."""
    code = error.code or 500
    if request.accept_mimetypes.best == "application/json":
        response = jsonify(error=error.description)
    else:
        message = words(page_language()["lang"])["not_found"] if code == 404 else error.description
        response = make_response(render_template("problem.html", message=message))
    response.status_code = code
    if "Retry-After" in (headers := dict(error.get_headers())):
        response.headers["Retry-After"] = headers["Retry-After"]
    return response


def show_store_error(error: StoreError) -> Response:
    """The database cannot be read just now."""
    response = make_response(render_template("problem.html", message=str(error)), 503)
    response.headers["Retry-After"] = "5"
    return response
