"""Log lines: one JSON object each in production, coloured text elsewhere. Bodies, tokens and cookies are never logged."""

import re
from collections.abc import MutableMapping
from typing import Any

from structlog.dev import ConsoleRenderer
from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_log_level

from workflows.origin import present

render_json = JSONRenderer()
render_line = ConsoleRenderer(colors=False)
add_time = TimeStamper(fmt="iso", utc=True)
add_level = add_log_level
add_exception = format_exc_info
SECRETS = re.compile(
    r"(api_[0-9a-f]{16}\.|whsec_|Bearer |sessionid=|csrftoken=|flowdeck=|flowdeck-csrf="
    r"|/confirm/|/reset/[^/]+/|[?&]code=|[?&]state=)[^\s\"'&;,]+"
)
BREAKS = {ord("\r"): "\\r", ord("\n"): "\\n", 0: "\\0", 0x1B: "\\e"}


def add_request(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the request or job that a line is about, and who acts in it."""
    origin = present()
    if origin.request_id:
        event["request_id"] = origin.request_id
        if origin.actor_id:
            event["actor"] = f"{origin.actor_kind} {origin.actor_id}"
    return event


def redact(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take out what opens doors, wherever it came from: bearer tokens, signing secrets, links that let in; and line breaks, with
    which a caller could write lines of their own.
    """
    for name, value in event.items():
        if isinstance(value, str):
            text = SECRETS.sub(lambda found: f"{found[1]}•••", value)
            event[name] = text if name == "exception" else text.translate(BREAKS)
    return event


drop_internals = ProcessorFormatter.remove_processors_meta
