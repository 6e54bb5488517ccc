"""How people are shown."""

from collections.abc import Iterable

from django import template

from dashboard import people

register = template.Library()
register.filter("initials", people.initials)


@register.filter
def named(everybody: people.People, keys: Iterable[str]) -> list[people.Person]:
    """Return the people with these ids."""
    return [everybody.find(key) for key in keys]
