"""No page is forgotten: every route that answers with HTML has a row in pages.py, or a reason here why it has none."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tests.browser.pages import PAGES
from workflows.models import User
from workflows.permissions import Actor

ID = UUID(int=7)
# Answers in JSON or in a word, for machines; the rest of the admin site has the looks of its rows in pages.py.
OTHERS = ("v1/", "v2/", "api/schema", "(?P<rest>", "health/", "favicon.ico", "admin/")
EXCUSED = {
    "single-sign-on": "sends on to another system",
    "single-sign-on-back": "comes back from another system, and goes on",
    "session": "JSON for a page that asks whether its session goes on",
    "language": "sends back to the page from which it was asked",
    "audit-csv": "a file",
    "audit-json": "a file",
    "download-template": "a file",
    "stream": "events",
    "execution-stream": "events",
    "more-tasks": "more rows of the same list",
    "more-cards": "more rows of the same list",
    "offer-entities": "choices of a field in a dialog that is walked over",
    "offer-subjects": "choices of a field in a menu that is walked over",
}


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield each route with its name."""
    for each in patterns:
        route = before + str(each.pattern).lstrip("^")
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        elif not route.startswith(OTHERS):
            yield route, each.name or route


def example(route: str) -> str:
    """Return an address of a route."""
    parts = [
        str(ID) if part.startswith("<") and "int:" not in part else "7" if part.startswith("<") else part
        for part in route.split("/")
    ]
    return "/" + "/".join(parts)


def walked() -> set[str]:
    """Return the names of the routes that the rows of pages.py open."""
    world = {name: str(ID) for shown in PAGES for name in shown.needs()}
    addresses = {shown.at(world).partition("?")[0] for shown in PAGES}
    return {name for shown in PAGES for name in shown.opens} | {name_of(address) for address in addresses}


def name_of(address: str) -> str:
    return "" if address == "/nowhere" else resolve(address).view_name


@pytest.fixture
def browser(client: Client, actor: Actor) -> Client:
    client.force_login(User.objects.get(pk=actor.id))
    return client


def test_every_page_is_in_the_list_or_excused(browser: Client) -> None:
    known = walked() | EXCUSED.keys()
    missing = [(route, name) for route, name in routes(get_resolver().url_patterns) if name not in known]
    # What only takes what is sent to it is no page.
    pages = [(route, name) for route, name in missing if browser.get(example(route)).status_code != 405]
    rows = [f'    Shown("{name}", "/{route}", ...),' for route, name in pages]
    assert not rows, (
        "These routes are on no page that is walked over. For each, add a row to PAGES in tests/browser/pages.py, with the address and what is "
        "clicked to come there, or its name to `opens` of the row whose dialog it is; or a reason to EXCUSED in tests/browser/test_routes.py:\n"
        + "\n".join(rows)
    )


def test_no_excuse_outlives_its_route() -> None:
    assert EXCUSED.keys() <= {name for _route, name in routes(get_resolver().url_patterns)}
    assert not EXCUSED.keys() & walked()
