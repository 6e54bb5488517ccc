"""The page of the templates: what each of them is, how many flows of it run, and what can be done with it from there."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from workflows.models import Execution, Organisation, Role, User
from workflows.permissions import Actor


@pytest.fixture
def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def rows(browser: Client) -> list[str]:
    page = browser.get("/templates").content.decode()
    return [" ".join(part.split()) for part in page.split('class="tr"')[1:]]


def test_a_template_tells_its_size_and_how_many_of_its_flows_run(browser: Client, actor: Actor) -> None:
    template = factories.make_template(actor, factories.sequence(3))
    started = [factories.start(actor, template=template) for _ in range(3)]
    Execution.objects.filter(pk=started[0].pk).update(status="CLOSED")
    [row] = rows(browser)
    assert "3 tasks" in row
    assert "2 running" in row
    assert f'href="/board?template={template.id}"' in row


def test_flows_that_one_may_not_see_are_not_counted(organisation: Organisation, actor: Actor) -> None:
    template = factories.make_template(actor)
    factories.start(actor, template=template)
    partner = Client()
    partner.force_login(factories.make_user(organisation, "own@acme.example", "Own", Role.PARTNER))
    assert partner.get("/templates").status_code == 403
    viewer = Client()
    viewer.force_login(factories.make_user(organisation, "vera@acme.example", "Vera", Role.VIEWER))
    [row] = rows(viewer)
    assert "1 running" in row
    assert f"start?template={template.id}" not in row


def test_starting_from_a_row_has_its_template_chosen(browser: Client, actor: Actor) -> None:
    template = factories.make_template(actor, factories.sequence(1))
    factories.make_template(actor, {**factories.sequence(1), "name": "Other"})
    assert any(f'hx-get="/start?template={template.id}"' in row for row in rows(browser))
    dialog = browser.get(f"/start?template={template.id}").content.decode()
    assert f'<option value="{template.id}" selected>' in dialog
    assert dialog.count(" selected") == 1


def test_thirty_templates_take_as_many_statements_as_one(browser: Client, actor: Actor, django_assert_num_queries: Any) -> None:
    factories.make_template(actor)
    browser.get("/templates")
    with CaptureQueriesContext(connection) as one:
        browser.get("/templates")
    for _ in range(29):
        factories.make_template(actor)
    with django_assert_num_queries(len(one)):
        assert len(rows(browser)) == 30
