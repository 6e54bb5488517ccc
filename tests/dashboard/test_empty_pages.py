"""A page on which there is nothing says what it is for, and offers the next act: one that this person may do."""

import pytest
from django.test import Client

from tests import factories
from workflows.models import Organisation, Role, User
from workflows.permissions import Actor
from workflows.services.tasks import patch_task

START, IMPORT = 'hx-get="/start"', 'href="/templates"'
# Addresses of pages, what each says when it is empty, and what an owner is offered there.
PAGES = {
    "/": ("Your tasks will stand here", IMPORT),
    "/board?by=status&show=all": ("All tasks of all flows stand here", IMPORT),
    "/board?by=status&view=list": ("Nothing is to be done", IMPORT),
    "/board?by=phase": ("There is no process yet", IMPORT),
    "/executions": ("All that run or have run stand here", IMPORT),
    "/templates": ("A template is a process", 'for="file"'),
    "/automation": ("Each run stands here", IMPORT),
    "/automation?status=given-up": ("Nothing was given up", 'href="/automation"'),
    "/automation/webhooks": ("No webhooks yet", 'hx-get="/automation/webhooks/new"'),
    "/automation/agents": ("No agents yet", 'hx-get="/automation/agents/new"'),
    "/organisation/tokens": ("No tokens yet", 'hx-get="/organisation/tokens/new"'),
    "/organisation/members": ("Nobody else is here yet", "An administrator adds people"),
    "/organisation/roles": ("No roles of your own yet", 'href="/organisation/roles/new"'),
    "/shared": ("Nothing is shared with you", 'href="/"'),
}
# Filters that nothing matches, and the way out.
UNMATCHED = {
    "/board?by=status&q=nothing": "Remove all filters",
    "/board?by=status&view=list&q=nothing": "Remove all filters",
    "/executions?q=nothing": "Show all executions",
    "/executions?status=CLOSED": "Show all executions",
    "/automation?status=failed": "Show all runs",
    "/organisation/audit?q=nothing": "Show all changes",
}


def sign_in(organisation: Organisation, role: str) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(factories.make_user(organisation, f"{role}@acme.example", role.title(), role))
    return client


def empty_part(client: Client, path: str) -> str:
    """Return what stands on the page from where it says that there is nothing."""
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode().partition('class="empty"')[2].partition("</main>")[0]


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_page_says_what_it_is_for_and_offers_the_next_act(organisation: Organisation, path: str) -> None:
    words, act = PAGES[path]
    found = empty_part(sign_in(organisation, Role.OWNER), path)
    assert words in found
    assert act in found


@pytest.mark.parametrize("path", [path for path in PAGES if not path.startswith("/organisation")])
def test_who_may_only_look_is_offered_nothing_else(organisation: Organisation, path: str) -> None:
    viewer = sign_in(organisation, Role.VIEWER)
    answer = viewer.get(path)
    if path == "/automation/webhooks":
        assert answer.status_code == 403
        return
    page = answer.content.decode()
    for forbidden in (START, "/new", 'for="file"', "Import a template", 'href="/organisation'):
        assert forbidden not in page
    assert PAGES[path][0] in page


@pytest.mark.parametrize("path", UNMATCHED)
def test_filters_that_nothing_matches_are_taken_off_from_there(organisation: Organisation, path: str) -> None:
    assert UNMATCHED[path] in empty_part(sign_in(organisation, Role.OWNER), path)


def test_where_there_is_a_process_a_flow_is_started_from_the_empty_page(organisation: Organisation, actor: Actor) -> None:
    factories.make_template(actor)
    for path in ("/", "/board?by=status&show=all", "/executions", "/automation"):
        assert START in empty_part(sign_in_as(actor), path)
    assert START not in empty_part(sign_in(organisation, Role.VIEWER), "/executions")


def sign_in_as(actor: Actor) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(User.objects.get(pk=actor.id))
    return client


def test_who_has_finished_everything_is_not_told_that_nothing_was_ever_started(actor: Actor) -> None:
    execution = factories.start(actor, factories.sequence(1))
    patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"status": "COMPLETED"})
    found = empty_part(sign_in_as(actor), "/")
    assert "All done" in found
    assert "Your tasks will stand here" not in found


def test_mentions_say_what_they_are_before_there_is_one(actor: Actor) -> None:
    assert "mentions you with @" in sign_in_as(actor).get("/").content.decode()


def test_a_palette_without_hits_says_how_to_find_more(organisation: Organisation) -> None:
    client = sign_in(organisation, Role.VIEWER)
    assert "data-palette-all" not in client.get("/palette").content.decode()
    partner = sign_in(organisation, Role.PARTNER)
    found = partner.get("/palette?q=xyzzy").content.decode()
    assert "Nothing found for “xyzzy”" in found
    assert "data-palette-all" in found


def test_the_menu_leads_nowhere_that_is_refused(organisation: Organisation) -> None:
    for role in (Role.OWNER, Role.MANAGER, Role.MEMBER, Role.VIEWER, Role.PARTNER):
        client = sign_in(organisation, role)
        top = client.get("/").content.decode().partition('<header class="top">')[2].partition("</header>")[0]
        links = {part.partition('"')[0] for part in top.split('href="')[1:]}
        for link in sorted(link for link in links if link.startswith("/") and not link.startswith("/api")):
            assert client.get(link).status_code == 200, (role, link)
