"""What keeps other web sites out of a page that has no login.

The page listens on this machine only. That is not enough by itself: a page from
elsewhere, opened in a browser on this machine, can send requests here. So the name
in the Host header must be ours (against DNS rebinding), a form must come from our
own page and carry a token only that page knows, and nothing but our own files runs.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "media-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(), camera=(), geolocation=()",
}
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def host_name(authority: str) -> str:
    """The name in a Host header: no port, no brackets, lower case; "" if malformed."""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


def protect(app: Flask, *, host: str) -> None:
    """Check every request and add the headers to every answer.

    Args:
        app: the application.
        host: the address it is configured to listen on; allowed as a name.
    """
    allowed = LOCAL_NAMES | {host.lower()}
    app.config["TOKEN"] = secrets.token_urlsafe(24)

    @app.before_request
    def check() -> None:
        if host_name(request.headers.get("Host", "")) not in allowed:
            abort(400, "The Host header names another machine; use http://127.0.0.1.")
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            _check_form()

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def _check_form() -> None:
    """Refuse a form that another site sent, or that is older than this process."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.host_url.rstrip("/"):
        abort(403, "The form came from another site.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        abort(403, "The form came from another site.")
    sent = request.form.get("token", "")
    if not secrets.compare_digest(sent.encode(), str(current_app.config["TOKEN"]).encode()):
        abort(403, "The page is older than the service; reload it and try again.")
