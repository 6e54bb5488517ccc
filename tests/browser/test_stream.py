"""Events of a server that can hold connections: a real ASGI server tells a page of changes, and the page asks no more by the clock."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.conftest import Api, sign_in
from tests.browser.test_board import CHOICE, card
from tests.product import ROOT, Product, free_port, wait_until_ready

pytestmark = [pytest.mark.product, pytest.mark.browser]

PROMISED = 3.0


@pytest.fixture(scope="module")
def streaming(product: Product) -> Iterator[str]:
    """The same database served once more, by granian over ASGI."""
    port = free_port()
    options = ["--interface", "asgi", "--workers", "1", "--no-ws", "--log-level", "warning"]
    command = [sys.executable, "-m", "granian", *options, "--host", "127.0.0.1", "--port", str(port), "config.asgi:application"]
    log = product.log.with_name("asgi.log")
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=product.environment, stdout=out, stderr=out, start_new_session=True)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            # An open stream would keep it for as long as it lasts.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@pytest.fixture
def page(browser: Browser, streaming: str) -> Iterator[Page]:
    context = browser.new_context(base_url=streaming, viewport={"width": 1280, "height": 800}, locale="en-GB")
    opened = context.new_page()
    sign_in(opened)
    yield opened
    context.close()


def asks(request: Request) -> bool:
    return "live" in request.headers


def test_a_change_comes_by_the_stream_and_the_page_does_not_ask_by_the_clock(page: Page, api: Api) -> None:
    flow: Any = api.start(CHOICE)
    task = flow["tasks"][0]["id"]
    polls: list[float] = []
    page.on("request", lambda request: polls.append(time.monotonic()) if asks(request) else None)
    with page.expect_request(f"**/executions/{flow['id']}/live") as opened:
        page.goto(f"/executions/{flow['id']}")
    assert opened.value.resource_type == "eventsource"
    # One question may have been planned before the stream was open; without one there are four in this time.
    page.wait_for_timeout(8500)
    assert len(polls) <= 1
    polls.clear()
    began = time.monotonic()
    api.send("PATCH", f"/v2/flows/executions/{flow['id']}/tasks/{task}", {"name": "Ask them by the stream"})
    expect(card(page, "Ask them by the stream")).to_be_visible(timeout=6000)
    took = time.monotonic() - began
    assert took < PROMISED, f"{took:.1f} s"
    page.wait_for_timeout(3000)
    assert len(polls) == 1


def test_a_stream_that_breaks_off_is_followed_by_questions(page: Page, api: Api) -> None:
    flow: Any = api.start(CHOICE)
    page.route("**/live", lambda route: route.abort())
    page.goto(f"/executions/{flow['id']}")
    api.send("PATCH", f"/v2/flows/executions/{flow['id']}/tasks/{flow['tasks'][0]['id']}", {"name": "Found without it"})
    expect(card(page, "Found without it")).to_be_visible(timeout=6000)
