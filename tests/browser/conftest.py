"""A running product with the demo in it, a browser, and a signed-in page that watches for faults."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.chromium import find_chromium
from tests.contract.test_clients import HERE as CONTRACT
from tests.contract.test_clients import document
from tests.product import Product, run_product
from workflows.demo.people import LOGIN, PASSWORD

# What comes about comes about within this time also on a machine with much else to do; how fast it is, benches say.
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try what fails in a browser once more, and say so at the end: docs/decisions.md has the reason."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """The demo's people know the pages: without --tour nobody meets the tour of them."""
    with run_product() as running:
        running.manage("demo")
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    running = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
    yield running
    running.close()


@pytest.fixture
def context(browser: Browser, product: Product) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=product.url, viewport={"width": 1280, "height": 800}, locale="en-GB")
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of the demo's owner. Faults in the console or of the security policy fail the test."""
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
    sign_in(opened)
    yield opened
    assert not faults


def is_fault(message: Any) -> bool:
    """Refusals are answered with 4xx, which Chromium reports in the console; they are no faults."""
    return message.type == "error" and "the server responded with a status of 4" not in message.text


def sign_in(page: Page, email: str = LOGIN) -> None:
    """Sign in as the demo's owner or another person of the demo, whatever the language of the page."""
    page.goto("/login")
    page.locator("[name=username]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button.primary").click()
    page.wait_for_url("**/")


def let_everybody_in(product: Product) -> None:
    """Give all people of the demo the owner's password; as it is loaded only the owner can sign in."""
    code = "from workflows.models import User; from workflows.demo.people import PASSWORD\n"
    code += "for user in User.objects.all(): user.set_password(PASSWORD); user.save()"
    product.manage("shell", "-c", code)


class Api:
    """A client of the running product."""

    def __init__(self, product: Product) -> None:
        self.url = product.url
        self.token = product.manage("createtoken", "demo-energy", "--name", "browser tests")

    def send(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def start(self, template: dict[str, Any]) -> Any:
        """Create a template, and start it about a new contact."""
        contact = self.send("POST", "/v1/entity/contact", {"first_name": "Ada", "last_name": "Berg"})
        created = self.send("POST", "/v2/flows/templates", template)
        contexts = [{"entity_id": contact["_id"], "entity_schema": "contact"}]
        return self.send("POST", "/v2/flows/executions", {"flow_template_id": created["id"], "contexts": contexts})


@pytest.fixture(scope="module")
def api(product: Product) -> Api:
    return Api(product)


def onboarding() -> dict[str, Any]:
    """The documented example, "Customer Onboarding"."""
    operation = document("workflow-definition")["paths"]["/v2/flows/templates"]["post"]
    example: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["example"]
    return example


AXE = (CONTRACT / "node_modules" / "axe-core" / "axe.min.js").read_text() if (CONTRACT / "node_modules").exists() else ""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page, within: str = "html", foreign: tuple[str, ...] = ()) -> list[str]:
    """Return what axe finds once the page stands still: a pane that is fading in has no contrast of its own yet.

    `within` is for what lies in front of the page, as notes of some seconds do.
    """
    page.evaluate("Promise.allSettled(document.getAnimations().map(animation => animation.finished))")
    page.evaluate(AXE)
    # Without preload: for the one rule that needs it axe writes style sheets into the page, which our policy refuses.
    found = page.evaluate(
        "([where, rules]) => axe.run(where, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations'], preload: false})",
        [{"include": [within], "exclude": list(foreign)}, RULES],
    )
    return [f"{v['id']}: {v['help']}: {[node['html'][:160] for node in v['nodes'][:3]]}" for v in found["violations"]]
