"""Of fifty tokens, made in every way that there is, nothing is left in the database, the sessions, the log or the broker."""

import html
import re
from io import StringIO
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.db import connection
from django.test import Client
from kombu.transport.memory import Channel

from config.celery import app
from tests import factories
from tests.api.client import Client as Api
from workflows.dispatch import ring
from workflows.models import ApiToken, Organisation, Role, Session, User
from workflows.services.queue import due_jobs

pytestmark = pytest.mark.django_db
BEARER = re.compile(r"api_[0-9a-f]{16}\.[\w-]{40,}")


def by_page(owner: Client, number: int) -> str:
    return find(owner.post("/organisation/tokens/create", {"name": f"page {number}", "days": "7"}).content.decode())


def by_renewal(owner: Client, number: int) -> str:
    token = ApiToken.objects.order_by("created_at")[number]
    return find(owner.post(f"/organisation/tokens/{token.pk}/renew", {"overlap": "day"}).content.decode())


def by_command(owner: Client, number: int) -> str:
    out = StringIO()
    call_command("createtoken", "acme", "--name", f"command {number}", stdout=out)
    return find(out.getvalue())


def by_administration(owner: Client, number: int) -> str:
    organisation = Organisation.objects.get(slug="acme")
    form = {"organisation": organisation.pk, "name": f"admin {number}", "role": Role.VIEWER}
    answer = owner.post("/admin/workflows/apitoken/add/", form)
    assert answer.status_code == 302
    # It is shown on the next page, and only there.
    return find(" ".join(str(message) for message in get_messages(owner.get("/admin/workflows/apitoken/").wsgi_request)))


WAYS = [(by_page, 13), (by_renewal, 12), (by_command, 13), (by_administration, 12)]


def find(text: str) -> str:
    found = BEARER.search(html.unescape(text))
    assert found, text[:500]
    return found[0]


def everything_in_the_database() -> str:
    """Return all tables, of whatever application, and what is in the sessions."""
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            parts += [str(row) for row in cursor.fetchall()]
    return "\n".join([*parts, *(str(session.get_decoded()) for session in Session.objects.all())])


def everything_in_the_broker() -> str:
    """Ring for all jobs, and return the messages."""
    assert app.conf.broker_url == "memory://localhost/"
    for job in due_jobs(100):
        ring(job)
    return "\n".join(str(message) for queue in Channel.queues.values() for message in list(queue.queue))


def test_nothing_of_fifty_tokens_is_kept_anywhere(
    actor: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], mailoutbox: list[Any]
) -> None:
    user = User.objects.get(pk=actor.id)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    owner = Client()
    owner.force_login(user)
    with caplog.at_level("DEBUG"):
        bearers = [make(owner, number) for make, count in WAYS for number in range(count)]
        for bearer in bearers:
            use(bearer)
        factories.start(actor, factories.with_automation("00000000-0000-4000-8000-000000000000"))
        messages = everything_in_the_broker()
    assert len(set(bearers)) == 50
    assert "run_job" in messages
    written = "\n".join(
        [everything_in_the_database(), messages, caplog.text, *capfd.readouterr(), *(mail.body for mail in mailoutbox)]
    )
    assert [bearer for bearer in bearers if bearer.partition(".")[2] in written] == []


def use(bearer: str) -> None:
    """Ask well, wrongly, for what is not there, and with the token where it does not belong."""
    client = Api(bearer)
    assert client.get("/v1/workflows/closing-reasons").status == 200
    assert client.get("/v1/nowhere").status == 404
    assert client.post("/v1/workflows/closing-reasons", {"title": 7}).status in (400, 403)
    assert client.get("/v2/flows/executions/none").status == 404
    assert Api(f"{bearer}x").get("/v1/workflows/closing-reasons").status == 401
