"""What became of longer texts, comments and descriptions, as the history tells it."""

from collections.abc import Mapping
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext as _

MOST_LETTERS = 200


def describe_text(event: Mapping[str, Any]) -> str:
    """Return what a history row says of a text; nothing for one that is about something else.

    What a comment said stays readable here, whatever was done to it later.
    """
    before, after = event["before"] or {}, event["after"] or {}
    match event["action"]:
        case "comment.added":
            return _("commented: “%s”") % _excerpt(after["text"])
        case "comment.deleted":
            return _("deleted a comment: “%s”") % _excerpt(before["text"])
        case "comment.edited":
            return f"{_('changed a comment')}: “{_excerpt(before['text'])}” → “{_excerpt(after['text'])}”"
        case "task.details" if "description" in after:
            old, new = (_excerpt((each.get("description") or {}).get("value") or "") for each in (before, after))
            return f"{_('changed the description')}: “{old}” → “{new}”"
    return ""


def _excerpt(text: str) -> str:
    return Truncator(" ".join(text.split())).chars(MOST_LETTERS)
