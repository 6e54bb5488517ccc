"""htmx as it is set in the browser: it runs nothing that a page brings, keeps no page, and asks its own host only."""

import json

import pytest
from playwright.sync_api import Browser

from tests.browser.looks import LOOKS, Visitors
from tests.browser.pages import NOBODY, OWNER
from tests.browser.world import PARTNER
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.browser]

SETTINGS = {
    "allowEval": False,
    "allowScriptTags": False,
    "includeIndicatorStyles": False,
    "historyCacheSize": 0,
    "selfRequestsOnly": True,
}
READ = "names => Object.fromEntries(names.map(name => [name, window.htmx.config[name]]))"


def test_it_is_set_so_on_pages_of_members_partners_customers_and_nobody(browser: Browser, product: Product) -> None:
    told = product.manage("shell", "-v0", "-c", "from tests.browser.world import build; build()")
    world = json.loads(told.splitlines()[-1])
    visitors = Visitors(browser, product.url)
    found = {}
    for who, address in (
        (NOBODY, "/login"),
        (NOBODY, "/invitation/{invitation}"),
        (NOBODY, "/portal/{customer}"),
        (PARTNER, "/shared"),
        (PARTNER, "/shared/{shared_flow}/{shared_task}"),
        (OWNER, "/"),
        (OWNER, "/executions/{flow}"),
    ):
        page, faults = visitors.open(who, LOOKS[0])
        page.goto(address.format_map(world))
        found[address] = page.evaluate(READ, list(SETTINGS))
        assert faults == []
    visitors.close()
    assert found == dict.fromkeys(found, SETTINGS)
