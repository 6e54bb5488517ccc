"""Browsers in words."""

from functools import lru_cache

from django.utils.translation import gettext as _
from ua_parser import parse_os, parse_user_agent


@lru_cache(maxsize=256)
def read_device(text: str) -> tuple[str, str]:
    """Return the names of the browser and of the system in a User-Agent header; empty ones when they are not known."""
    browser, system = parse_user_agent(text), parse_os(text)
    return browser.family if browser else "", system.family if system else ""


def describe_device(text: str) -> str:
    """Return a User-Agent header as people would say it."""
    browser, system = read_device(text)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("An unknown device")
