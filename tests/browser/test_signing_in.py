"""Signing in and one's own account in a browser: the whole way of a second factor and of a forgotten password; and no fault of
accessibility, on a phone, in both looks and languages.
"""

from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import PASSWORD, sign_in, violations
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.browser]

PERSON = "aylin.kaya@demo-energy.example"
OTHER = "jonas.weber@demo-energy.example"


# Of the demo's people only the owner has a password.
COLLEAGUE = f"""
from workflows.models import User
user = User.objects.get(email="{PERSON}")
user.set_password("{PASSWORD}")
user.save()
"""


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_second_factor_is_set_up_asked_for_and_switched_off(context: BrowserContext, product: Product) -> None:
    product.manage("shell", "-v0", "-c", COLLEAGUE)
    page = context.new_page()
    sign_in(page, PERSON)
    page.goto("/preferences/account")
    page.get_by_role("button", name="Set up").focus()
    page.locator("[action$='begin'] [name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator(".qr").wait_for()
    assert page.locator(".qr").evaluate("image => image.naturalWidth > 100")
    assert not violations(page)
    totp = pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", ""))
    page.locator("[name=code]").fill(totp.now())
    page.keyboard.press("Enter")
    page.locator("#codes li").first.wait_for()
    codes = page.locator("#codes li").all_inner_texts()
    assert len(codes) == 10
    assert not violations(page)
    page.get_by_role("link", name="I have kept them").click()
    page.locator("#factor-title .chip").wait_for()
    assert not violations(page)
    context.clear_cookies()
    page.goto("/login")
    page.locator("[name=username]").fill(PERSON)
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/login/code")
    assert not violations(page)
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    page.locator("[role=alert]").wait_for()
    assert not violations(page)
    page.locator("[name=code]").fill(codes[0])
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    page.goto("/preferences/account")
    page.locator("[action$='codes'] [name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Switch off").click()
    page.locator(".note").wait_for()


def test_a_forgotten_password_is_set_anew_by_the_link_in_the_mail(context: BrowserContext, product: Product) -> None:
    page = context.new_page()
    page.goto("/login")
    page.get_by_role("link", name="Forgotten your password?").click()
    assert not violations(page)
    page.keyboard.type(OTHER)
    page.keyboard.press("Enter")
    page.wait_for_url("**/reset/sent")
    assert not violations(page)
    page.goto(link_for(product, OTHER))
    page.locator("[name=new_password1]").fill("short but long")
    page.locator("[name=new_password2]").fill("not the same one")
    page.keyboard.press("Enter")
    page.locator("[role=alert]").wait_for()
    assert not violations(page)
    for name in ("new_password1", "new_password2"):
        page.locator(f"[name={name}]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/reset/done")
    assert not violations(page)
    sign_in(page, OTHER)


def link_for(product: Product, email: str) -> str:
    """Return the path that the mail leads to: in the log, where mails go here, it is blotted out."""
    code = (
        "from workflows.models import User; from workflows.services.account_mails import links; "
        f"print(links(User.objects.get(email='{email}'))['reset_url'])"
    )
    return urlsplit(product.manage("shell", "-v0", "-c", code)).path


def test_a_session_in_another_browser_is_ended(page: Page, browser: Browser, product: Product) -> None:
    other = browser.new_context(base_url=product.url)
    there = other.new_page()
    sign_in(there)
    page.goto("/preferences/account")
    assert page.get_by_text("this browser").count() == 1
    assert not violations(page)
    page.get_by_role("button", name="Sign out everywhere else").click()
    page.locator(".note").wait_for()
    there.goto("/")
    assert there.url.endswith("/login?next=%2F")
    other.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_pages_fit_a_phone_and_can_be_read_by_everybody(browser: Browser, product: Product, scheme: str, locale: str) -> None:
    context = browser.new_context(
        base_url=product.url,
        viewport={"width": 320, "height": 700},
        locale=locale,
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    for path in ("/login", "/reset", "/reset/sent", "/reset/x/y-z", "/reset/done"):
        page.goto(path)
        assert fits(page), path
        assert not violations(page), path
    sign_in(page)
    for path in ("/preferences", "/preferences/account", "/organisation/members"):
        page.goto(path)
        assert fits(page), path
        assert not violations(page), path
    context.close()
