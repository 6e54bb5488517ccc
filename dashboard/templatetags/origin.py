"""Where an answer comes from."""

from django import template

from workflows.origin import present

register = template.Library()


@register.simple_tag
def request_id() -> str:
    """Return the id that the request at hand bears in the log; empty outside of requests."""
    return present().request_id
