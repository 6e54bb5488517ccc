"""Numbers in drawings."""

from django import template

register = template.Library()


@register.filter
def add_number(value: float, other: float) -> str:
    """Return a sum as SVG writes it, whatever the language. Django's own filter knows whole numbers only."""
    return f"{value + other:g}"
