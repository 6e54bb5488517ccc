"""Cards of a board, rendered once for each state in which they are shown."""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Any

from django import template
from django.template import loader
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from dashboard.cards import Card

register = template.Library()

# About one kilobyte each.
MOST_KEPT = 4096
_kept: OrderedDict[tuple[Any, ...], SafeString] = OrderedDict()
_lock = Lock()


@register.simple_tag
def show_cards(cards: Iterable[Card]) -> SafeString:
    return mark_safe("".join(map(show_card, cards)))  # noqa: S308 - each of them comes from a template


def show_card(card: Card) -> SafeString:
    """Return a card as HTML.

    An edit answers with the whole board, of which it changed few; the others are kept. The template sees the card and the
    execution's id and nothing else, and the key holds all that a card says: what is kept is never out of date.
    """
    key = get_language(), card.key
    with _lock:
        found = _kept.get(key)
        if found is not None:
            _kept.move_to_end(key)
            return found
    html = loader.render_to_string("dashboard/_card.html", {"card": card, "execution": {"id": card.board.execution.id}})
    with _lock:
        _kept[key] = html
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return html
