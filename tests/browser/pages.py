"""Every page of the product in every state that looks different: one list for all that walks over them.

A new page or state is a row: its name, its address, who looks, and what is done there to bring it into the state. Addresses name
what world.py made: `{flow}`. What is done must work in every language and at every width. `opens` are the routes that the state
loads beside the address; test_routes.py sees to it that no route is left out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from django.test import RequestFactory
from playwright.sync_api import Page, Route
from playwright.sync_api import expect as expecting

from dashboard.refusals import refuse
from tests import exports
from tests.browser.world import CAREFUL, EMPTY, PARTNER, STRANGER, VIEWER
from workflows.demo.people import LOGIN, PASSWORD

OWNER, NOBODY = LOGIN, ""
Act = Callable[[Page], None]


@dataclass(frozen=True, slots=True)
class Shown:
    """A page in one of its states. `who` is an e-mail; nobody: not signed in. `main`: has a picture of a phone, too."""

    name: str
    address: str
    who: str = OWNER
    act: Act | None = None
    opens: tuple[str, ...] = ()
    status: int = 200
    main: bool = False
    # Parts that are drawn by somebody else's code, which axe does not judge for us.
    foreign: tuple[str, ...] = ()
    # There is this language only.
    language: str = ""
    # What the browser rightly complains of.
    complaint: str = ""

    def at(self, world: dict[str, str]) -> str:
        return self.address.format_map(world)

    def expects(self, fault: str) -> bool:
        return bool(self.complaint) and self.complaint in fault

    def needs(self) -> list[str]:
        """Return which names of the world stand in the address."""
        return re.findall(r"\{(\w+)\}", self.address)


def click(*selectors: str, then: str = "") -> Act:
    """Click one after the other; at the end wait for `then`."""

    def act(page: Page) -> None:
        for selector in selectors:
            page.locator(selector).first.click()
        if then:
            page.locator(then).first.wait_for()

    return act


def dialog(*selectors: str) -> Act:
    return click(*selectors, then="dialog[open] h2")


def menu(selector: str) -> Act:
    """Open the menu with this summary, and wait for what is loaded into it."""
    return click(selector, then=f"{selector} + .sheet :is(.item, label, p, select)")


def keys(*pressed: str, then: str) -> Act:
    def act(page: Page) -> None:
        for key in pressed:
            page.keyboard.press(key)
        page.locator(then).first.wait_for()

    return act


def act_on_card(key: str) -> Act:
    """Open the sheet of one field beside the first card."""
    return keys("j", key, then="#popover:popover-open h2")


def select_cards(page: Page) -> None:
    keys("j", "x", "Shift+ArrowDown", then="#bulk")(page)


def bulk_sheet(field: str) -> Act:
    def act(page: Page) -> None:
        select_cards(page)
        click(f"#bulk-{field}", then="#popover:popover-open h2")(page)

    return act


def type_into(selector: str, text: str, then: str) -> Act:
    def act(page: Page) -> None:
        page.locator(selector).first.focus()
        page.keyboard.type(text)
        page.locator(then).first.wait_for()

    return act


def drop_file(content: bytes, then: str) -> Act:
    def act(page: Page) -> None:
        page.locator("#file").set_input_files({"name": "flow.json", "mimeType": "application/json", "buffer": content})
        page.locator("form[enctype] button").click()
        page.locator(then).first.wait_for()

    return act


def fill_in(*pairs: tuple[str, str], send: str, then: str) -> Act:
    def act(page: Page) -> None:
        for selector, text in pairs:
            page.locator(selector).fill(text)
        page.locator(send).first.click()
        page.locator(then).first.wait_for()

    return act


def in_turn(*acts: Act) -> Act:
    def act(page: Page) -> None:
        for each in acts:
            each(page)

    return act


def say_fault(page: Page) -> None:
    """A fault cannot be ordered: what answers one is asked here, and its answer put where a page would be."""
    request = RequestFactory().get("/fault", headers={"Accept-Language": str(page.evaluate("navigator.language"))})
    body = refuse(request, 500).content

    def answer(route: Route) -> None:
        route.fulfill(body=body, content_type="text/html")

    page.route("**/fault", answer)
    page.goto("/fault")
    page.unroute("**/fault")


def lose_server(page: Page) -> None:
    path = page.url
    page.route(path, lambda route: route.abort())
    expecting(page.locator("#live-state")).to_have_attribute("data-state", "lost", timeout=20_000)
    page.unroute(path)


CARD = "#board-scroll .card-menu summary"
BOARD, FLOW, HOOKS = "/board?by=status", "/executions/{flow}", "/automation/webhooks"
AGENTS, TOKENS = "/automation/agents", "/organisation/tokens"
FILE = orjson.dumps([exports.heat_pump() | {"from_the_future": 1}, {"name": "No tasks"}])
SHARED = "/shared/{shared_flow}/{shared_task}"

PAGES = (
    # Coming in
    Shown("sign in", "/login", NOBODY, main=True),
    Shown(
        "sign in refused",
        "/login",
        NOBODY,
        fill_in(("[name=username]", "who@nowhere.example"), ("[name=password]", "x"), send="form.stack button", then=".alert"),
    ),
    Shown(
        "sign in, code",
        "/login",
        NOBODY,
        fill_in(("[name=username]", CAREFUL), ("[name=password]", PASSWORD), send="form.stack button", then="[name=code]"),
        opens=("sign-in-code",),
    ),
    Shown("signed in again", "/signed-in"),
    Shown("forgotten password", "/reset", NOBODY),
    Shown("forgotten password, sent", "/reset/sent", NOBODY),
    Shown("forgotten password, new one", "/reset/{uid}/{reset}", NOBODY),
    Shown("forgotten password, link over", "/reset/{uid}/nothing", NOBODY),
    Shown("forgotten password, done", "/reset/done", NOBODY),
    Shown("invitation", "/invitation/{invitation}", NOBODY),
    Shown("invitation for an account", "/invitation/{known}", NOBODY),
    Shown("invitation to accept", "/invitation/{known}", STRANGER),
    Shown("invitation over", "/invitation/nothing", NOBODY, status=404),
    Shown("confirmation", "/confirm/{confirmation}", NOBODY),
    Shown("confirmation unknown", "/confirm/nothing", NOBODY, status=404),
    Shown("nowhere", "/", STRANGER, status=403),
    # My tasks
    Shown("my tasks", "/", main=True),
    Shown("my tasks with nothing", "/", EMPTY),
    Shown("my tasks, put off", "/", act=menu("[id^=snooze-]"), opens=("offer-days",)),
    Shown("my tasks, tour", "/?tour", act=click(then="#tour:popover-open")),
    Shown("my tasks, a task", "/?task={task}", main=True),
    Shown("my tasks, done just now", "/", act=click("[id^=snooze-]", "[id^=snooze-] + .sheet .item", then="#toast")),
    # The board over everything
    Shown("board by status", BOARD, main=True),
    Shown("board by person", "/board?by=assignee"),
    Shown("board by date", "/board?by=due"),
    Shown("board by phase", "/board?by=phase"),
    Shown("board by process", "/board?by=template&status=PENDING&assignee=me"),
    Shown("board, list", BOARD + "&view=list", main=True),
    Shown("board, calendar", BOARD + "&view=calendar", main=True),
    Shown("board, nothing found", BOARD + "&q=nothing-like-this"),
    Shown("board, filters", BOARD, act=menu("#filters")),
    Shown("board, views", BOARD, act=menu("#views")),
    Shown("board, columns of the list", BOARD + "&view=list", act=menu("#cols")),
    Shown("board, keep a view", BOARD, act=dialog("#views", "#save-view"), opens=("save-view",)),
    Shown("board, a kept view", "/board?saved={saved}"),
    Shown(
        "board, delete a view", "/board?saved={saved}", act=dialog("#views", "#work-head .item.danger"), opens=("delete-view",)
    ),
    Shown("board, move a card", BOARD, act=menu(CARD), opens=("offer-moves",)),
    Shown("board, a task", BOARD + "&task={task}"),
    Shown("board, change the status", BOARD, act=act_on_card("s"), opens=("edit-status",)),
    Shown("board, assign", BOARD, act=act_on_card("a"), opens=("edit-assignees",)),
    Shown("board, date", BOARD, act=act_on_card("d"), opens=("edit-due_date",)),
    Shown("board, selected", BOARD, act=select_cards),
    Shown("board, status of many", BOARD, act=bulk_sheet("status"), opens=("bulk-status",)),
    Shown("board, assign many", BOARD, act=bulk_sheet("assignees"), opens=("bulk-assignees",)),
    Shown("board, date of many", BOARD, act=bulk_sheet("due_date"), opens=("bulk-due_date",)),
    Shown("board, done for many", BOARD, act=in_turn(bulk_sheet("due_date"), click("#popover .item", then="#toast"))),
    Shown("board of a viewer", BOARD, VIEWER),
    Shown("change of many", "/bulk/{bulk}"),
    # One execution
    Shown("executions", "/executions", main=True),
    Shown("executions, nothing found", "/executions?q=nothing-like-this"),
    Shown("start a flow", "/executions", act=dialog(".top .primary"), opens=("start",)),
    Shown("execution, board", FLOW, main=True),
    Shown("execution, list", FLOW + "?view=list&sort=-due", main=True),
    Shown("execution, graph", FLOW + "?view=graph", main=True),
    Shown("execution, history", FLOW + "?view=timeline", main=True),
    Shown("execution, a task", FLOW + "?task={task}", main=True),
    Shown("execution, a decision", FLOW + "?task={decision}"),
    Shown("execution, a task in the graph", FLOW + "?view=graph&task={done}"),
    Shown("execution, what an automation did", "/executions/{failed_flow}?task={failed}"),
    Shown("execution, what an agent proposes", "/executions/{asked_flow}?task={asked}"),
    Shown("execution, closed", "/executions/{closed}"),
    Shown("execution of a viewer", FLOW + "?task={task}", VIEWER),
    Shown("execution, related", FLOW, act=click("#related", then="#subjects h2")),
    Shown("execution, move a card", FLOW, act=menu(CARD), opens=("task-moves",)),
    Shown("execution, assignees", FLOW + "?task={task}", act=menu("#assignees")),
    Shown("execution, go back", FLOW + "?task={done}", act=dialog("[id$=-back]"), opens=("task-back",)),
    Shown("execution, add a task", FLOW, act=dialog("[hx-get$='/tasks/new']"), opens=("new-task",)),
    Shown("execution, add beside a task", FLOW, act=keys("n", then="#quick-name"), opens=("edit-add",)),
    Shown("execution, add to a phase", FLOW, act=click("#quick-1", then="#quick-name"), opens=("show-quick-add",)),
    Shown("execution, close", FLOW, act=dialog("[hx-get$='/close']"), opens=("close",)),
    Shown(
        "execution, share",
        "/executions/{shared_flow}",
        act=dialog(".flow-actions summary", "[hx-get$='/share']"),
        opens=("share",),
    ),
    Shown("execution, delete", FLOW, act=dialog(".flow-actions summary", "[hx-get$='/delete']"), opens=("delete",)),
    Shown(
        "execution, mention",
        FLOW + "?task={task}",
        act=type_into("#comment-task", "@a", "[role=option]"),
        opens=("offer-people",),
    ),
    Shown(
        "execution, change a comment",
        FLOW + "?task={task}",
        act=click("[id^=edit-].button", then="#edited-text"),
        opens=("comment-form",),
    ),
    Shown(
        "execution, delete a comment", FLOW + "?task={task}", act=dialog("[hx-get$='/delete/ask']"), opens=("delete-comment-ask",)
    ),
    Shown("execution, not live", FLOW, act=lose_server, complaint="ERR_FAILED"),
    # Everywhere
    Shown("palette", BOARD, act=keys("j", "Control+k", then="#palette [role=option]"), opens=("palette",)),
    Shown(
        "palette, a search",
        BOARD,
        act=in_turn(
            keys("Control+k", then="#palette [role=option]"),
            type_into("#palette-words", "qqqq", "#palette [role=option]:only-of-type"),
        ),
    ),
    Shown("keys", BOARD, act=keys("?", then="#keys[open]")),
    Shown("menu of the person", BOARD, act=menu(".top details summary")),
    # Processes
    Shown("templates", "/templates", main=True),
    Shown("templates, what became of a file", "/templates", act=drop_file(FILE, "#report")),
    Shown("templates, a file refused", "/templates", act=drop_file(b"{", "[role=alert]")),
    # What runs by itself
    Shown("automation", "/automation", main=True),
    Shown("automation, attempts", "/automation", act=click("li.run details summary", then="li.run details[open]")),
    Shown("automation, given up", "/automation?status=given-up"),
    Shown("webhooks", HOOKS),
    Shown("webhook", HOOKS + "/{webhook}"),
    Shown("webhook, what was sent", HOOKS + "/{webhook}", act=click("li.run details:has(.payload) summary", then=".payload")),
    Shown("webhook, new", HOOKS, act=dialog("#new-webhook"), opens=("new-webhook",)),
    Shown("webhook, change", HOOKS + "/{webhook}", act=dialog("#edit-webhook"), opens=("webhook-form",)),
    Shown("webhook, delete", HOOKS + "/{webhook}", act=dialog("#delete-webhook"), opens=("webhook-delete-ask",)),
    Shown("webhook, secret", HOOKS + "/{webhook}", act=dialog("#rotate-secret"), opens=("webhook-secret",)),
    Shown("agents", AGENTS),
    Shown("agent, new", AGENTS, act=dialog("#new-agent"), opens=("new-agent",)),
    Shown("agent, change", AGENTS, act=dialog(".run [id^=edit-]"), opens=("agent-form",)),
    Shown("agent, delete", AGENTS, act=dialog(".run [id^=delete-]"), opens=("agent-delete-ask",)),
    # The organisation and oneself
    Shown("members", "/organisation/members"),
    Shown("member, remove", "/organisation/members", act=dialog("[id^=remove-]"), opens=("remove-member-ask",)),
    Shown("roles", "/organisation/roles"),
    Shown("role, delete", "/organisation/roles", act=dialog("[id^=delete-]"), opens=("delete-role-ask",)),
    Shown("role", "/organisation/roles/{role}"),
    Shown("role, new", "/organisation/roles/new"),
    Shown("tokens", TOKENS),
    Shown("token, new", TOKENS, act=dialog("#new-token"), opens=("new-token",)),
    Shown("token, renew", TOKENS, act=dialog("[id^=renew-]"), opens=("token-renew-ask",)),
    Shown("token, revoke", TOKENS, act=dialog("[id^=revoke-]"), opens=("token-revoke-ask",)),
    Shown("audit trail", "/organisation/audit"),
    Shown(
        "audit trail, what changed", "/organisation/audit?kind=task", act=click("#results details summary", then="#results dt")
    ),
    Shown("preferences", "/preferences"),
    Shown("preferences, saved", "/preferences?saved"),
    Shown("account", "/preferences/account"),
    Shown("account with a second factor", "/preferences/account", CAREFUL),
    Shown("second factor", "/preferences/second-factor", PARTNER),
    Shown(
        "recovery codes",
        "/preferences/account",
        CAREFUL,
        fill_in(("#main [name=password]", PASSWORD), send="[action$='/codes'] button", then="#codes"),
        opens=("renew-recovery-codes",),
    ),
    # Guests
    Shown("shared with you", "/shared", PARTNER, main=True),
    Shown("shared with you, nothing", "/shared"),
    Shown("shared task", SHARED, PARTNER),
    Shown("portal of a customer", "/portal/{customer}", NOBODY, main=True),
    Shown("portal of an installer", "/portal/{installer}", NOBODY),
    Shown("portal over", "/portal/nothing", NOBODY, status=404),
    # Others' code, and what is not there
    Shown(
        "API reference",
        "/api/docs",
        NOBODY,
        act=click(".opblock-tag", then=".opblock-tag"),
        foreign=(".swagger-ui",),
        language="en",
    ),
    Shown("administration", "/admin/"),
    Shown("administration, list", "/admin/workflows/closingreason/"),
    Shown("administration, form", "/admin/workflows/closingreason/add/"),
    Shown("not found", "/nowhere", status=404),
    Shown("not allowed", TOKENS, VIEWER, status=403),
    Shown("fault", "/login", NOBODY, act=say_fault),
)
