"""The admin site: what each list costs and shows, to whom, and that services have the last word."""

import json
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.functional import Promise

from tests import factories
from tests.api.test_executions import statements
from tests.dump import dump
from workflows.models import (
    ApiToken,
    AuditEntry,
    AutomationFlow,
    ClosingReason,
    FlowTemplate,
    Membership,
    Organisation,
    Role,
    User,
    Webhook,
)
from workflows.permissions import Actor
from workflows.services.automation_flows import create_automation
from workflows.services.closing_reasons import create_closing_reason
from workflows.services.executions import patch_execution
from workflows.services.tokens import create_token
from workflows.services.webhooks import create_webhook

ADMIN = "/admin/workflows"
HOOK = {"name": "Shop {}", "eventName": "shop", "url": "https://hooks.example/secret-path?key=secret-key", "httpMethod": "POST"}


def staff(organisation: Organisation, role: str = Role.OWNER, *, is_superuser: bool = False) -> Client:
    user = factories.make_user(organisation, f"staff-{role}@acme.example", "Staff", role)
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=is_superuser)
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(User.objects.get(pk=user.pk))
    return client


def make(actor: Actor, model: str, number: int) -> Any:
    """One more row of a list."""
    match model:
        case "closingreason":
            return create_closing_reason(actor, f"Reason {number}")
        case "flowtemplate":
            return factories.make_template(actor, factories.sequence(1, name=f"Template {number}"))
        case "automationflow":
            return create_automation(actor, factories.automation(factories.set_city(), flow_name=f"Flow {number}"))[0]
        case "webhook":
            return create_webhook(actor, HOOK | {"name": f"Shop {number}"})[0]
        case "apitoken":
            return create_token(actor.organisation, f"Token {number}", Role.INTEGRATION)[0]
        case "user":
            return factories.make_user(actor.organisation, f"person-{number}@acme.example", f"Person {number}")
        case "organisation":
            return factories.make_organisation(f"organisation-{number}")
    raise AssertionError(model)


MODELS = ["closingreason", "flowtemplate", "automationflow", "webhook", "apitoken", "user", "organisation"]


@pytest.mark.parametrize("model", MODELS)
def test_a_list_takes_the_same_statements_for_1_and_for_30_rows(actor: Actor, model: str) -> None:
    client = staff(actor.organisation, is_superuser=True)
    make(actor, model, 0)

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"{ADMIN}/{model}/").status_code == 200
        return len(statements(captured))

    cost()
    before = cost()
    for number in range(1, 30):
        make(actor, model, number)
    assert cost() == before


@pytest.mark.parametrize("model", MODELS)
def test_a_list_is_searched_and_shows_no_other_organisation(actor: Actor, other_organisation: Organisation, model: str) -> None:
    client = staff(actor.organisation, Role.MANAGER)
    other = factories.actor_of(factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER), other_organisation)
    foreign = make(other, model, 77777)
    if model == "user":
        Membership.objects.filter(user=foreign).update(organisation=other_organisation)
    for number in (1, 2) if model != "organisation" else ():
        make(actor, model, number)
    page = client.get(f"{ADMIN}/{model}/").content.decode()
    assert "77777" not in page.partition('id="result_list"')[2].partition("</table>")[0]
    assert client.get(f"{ADMIN}/{model}/{quote(foreign.pk)}/change/").status_code == 302
    if model != "organisation":
        found = client.get(f"{ADMIN}/{model}/?q=1").content.decode()
        assert "1 result" in found or 'name="q" value="1"' in found
    assert client.get(f"{ADMIN}/{model}/?q=acme").status_code == 200


def test_no_list_and_no_form_shows_a_secret(actor: Actor) -> None:
    client = staff(actor.organisation, is_superuser=True)
    rows = {model: make(actor, model, 1) for model in ("webhook", "automationflow", "apitoken", "user")}
    hook, flow, token = Webhook.objects.get(), AutomationFlow.objects.get(), ApiToken.objects.get()
    secrets = ["secret-path", "secret-key", hook.signing_secret, flow.signing_secret, token.secret_hash, rows["user"].password]
    for model, row in rows.items():
        for path in (f"{ADMIN}/{model}/", f"{ADMIN}/{model}/{quote(row.pk)}/change/"):
            page = client.get(path)
            assert page.status_code == 200
            assert not [secret for secret in secrets if secret in page.content.decode()]
    assert "hooks.example" in client.get(f"{ADMIN}/webhook/").content.decode()


class TestClosingReasons:
    def test_the_list_says_how_often_each_was_selected(self, actor: Actor, other_organisation: Organisation) -> None:
        client = staff(actor.organisation)
        used, unused = create_closing_reason(actor, "Lost"), create_closing_reason(actor, "Duplicate")
        for _ in range(2):
            execution = factories.start(actor, factories.sequence(1, closing_reasons=[{"id": used.id}, {"id": unused.id}]))
            closing = {"selected_reasons": [{"id": used.id, "title": "Lost"}]}
            patch_execution(actor, execution.id, {"status": "CLOSED", "closing_reason": closing})
        rows = client.get(f"{ADMIN}/closingreason/").context["cl"].queryset
        assert {row.title: row.used for row in rows} == {"Lost": 2, "Duplicate": 0}
        assert client.get(f"{ADMIN}/closingreason/?o=-4").context["cl"].queryset[0].title == "Lost"

    def test_a_new_one_comes_last_and_they_are_put_in_order(self, actor: Actor) -> None:
        client = staff(actor.organisation)
        first = create_closing_reason(actor, "First")
        body = {"organisation": actor.organisation.pk, "title": "Second", "status": "ACTIVE"}
        assert client.post(f"{ADMIN}/closingreason/add/", body).status_code == 302
        second = ClosingReason.objects.get(title="Second")
        assert second.position == first.position + 1
        form = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2, "_save": "Save"}
        form |= {"form-0-id": first.pk, "form-0-position": 5, "form-1-id": second.pk, "form-1-position": 2}
        assert client.post(f"{ADMIN}/closingreason/", form).status_code == 302
        assert list(ClosingReason.objects.values_list("title", flat=True)) == ["Second", "First"]
        entry = AuditEntry.objects.filter(action__startswith="closingreason.").last()
        assert entry is not None
        assert (entry.organisation_id, entry.actor_kind) == (actor.organisation.pk, "user")

    def test_who_may_not_edit_them_changes_nothing(self, actor: Actor) -> None:
        reason = create_closing_reason(actor, "First")
        client = staff(actor.organisation, Role.VIEWER)
        before = dump()
        for path in (f"{ADMIN}/closingreason/", f"{ADMIN}/closingreason/{reason.pk}/change/"):
            assert client.post(path, {"action": "deactivate", "_selected_action": [reason.pk]}).status_code == 403
        assert dump() == before


class TestMembers:
    def change(self, client: Client, organisation: Organisation, *rows: tuple[Membership | None, User, str]) -> Any:
        form: dict[str, Any] = {"name": organisation.name, "time_zone": organisation.time_zone}
        known = sum(member is not None for member, _user, _role in rows)
        form |= {"memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": known}
        for number, (member, user, role) in enumerate(rows):
            form |= {f"memberships-{number}-user": user.pk, f"memberships-{number}-role": role}
            form |= {f"memberships-{number}-organisation": organisation.pk}
            if member is not None:
                form[f"memberships-{number}-id"] = member.pk
        return client.post(f"{ADMIN}/organisation/{organisation.pk}/change/", form, follow=True)

    def test_a_manager_cannot_become_an_owner(self, actor: Actor) -> None:
        client = staff(actor.organisation, Role.MANAGER)
        mine = Membership.objects.get(role=Role.MANAGER)
        owner = Membership.objects.get(role=Role.OWNER)
        before = dump()
        answer = self.change(client, actor.organisation, (owner, owner.user, Role.OWNER), (mine, mine.user, Role.OWNER))
        assert answer.status_code == 403
        assert {k: v for k, v in dump().items() if "session" not in k} == {k: v for k, v in before.items() if "session" not in k}

    def test_the_last_owner_stays_and_the_reason_is_told(self, actor: Actor) -> None:
        owner = Membership.objects.get()
        User.objects.filter(pk=owner.user_id).update(is_staff=True)
        client = Client(headers={"Accept-Language": "en"})
        client.force_login(owner.user)
        answer = self.change(client, actor.organisation, (owner, owner.user, Role.MEMBER))
        assert "needs an owner" in answer.content.decode()
        assert Membership.objects.get().role == Role.OWNER

    def test_members_are_added_and_changed_by_the_rules(self, actor: Actor) -> None:
        client = staff(actor.organisation, is_superuser=True)
        rows = list(Membership.objects.order_by("pk"))
        newcomer = User.objects.create_user("new@acme.example", "correct horse battery", name="New")
        known = [(row, row.user, row.role) for row in rows]
        assert self.change(client, actor.organisation, *known, (None, newcomer, Role.VIEWER)).status_code == 200
        assert Membership.objects.get(user=newcomer).role == Role.VIEWER
        answer = self.change(client, actor.organisation, *known, (Membership.objects.get(user=newcomer), newcomer, "nonsense"))
        assert "there is no such role" in answer.content.decode()
        assert Membership.objects.get(user=newcomer).role == Role.VIEWER


class TestTokens:
    def test_nobody_gives_a_token_more_than_they_have(self, actor: Actor) -> None:
        client = staff(actor.organisation, Role.MANAGER)
        body = {"organisation": actor.organisation.pk, "name": "Shop", "role": "owner"}
        assert client.post(f"{ADMIN}/apitoken/add/", body).status_code == 403
        assert not ApiToken.objects.exists()
        assert client.post(f"{ADMIN}/apitoken/add/", body | {"role": "integration"}).status_code == 302
        assert ApiToken.objects.get().role == "integration"

    def test_they_are_revoked_and_not_deleted(self, actor: Actor) -> None:
        client = staff(actor.organisation)
        token = create_token(actor.organisation, "Shop", Role.INTEGRATION)[0]
        client.post(f"{ADMIN}/apitoken/", {"action": "revoke", "_selected_action": [token.pk]})
        assert ApiToken.objects.get().revoked_at is not None
        assert client.post(f"{ADMIN}/apitoken/{token.pk}/delete/", {"post": "yes"}).status_code == 403


class TestReading:
    def test_templates_are_exported_as_a_file_that_can_be_imported(self, actor: Actor, other_organisation: Organisation) -> None:
        client = staff(actor.organisation)
        made = [make(actor, "flowtemplate", number) for number in (1, 2)]
        page = client.get(f"{ADMIN}/flowtemplate/").content.decode()
        assert 'href="/templates"' in page
        answer = client.post(f"{ADMIN}/flowtemplate/", {"action": "export", "_selected_action": [row.pk for row in made]})
        assert {each["name"] for each in json.loads(answer.content)} == {"Template 1", "Template 2"}
        assert "attachment" in answer["Content-Disposition"]

    @pytest.mark.parametrize(("model", "page"), [("automationflow", "/automation"), ("webhook", "/automation/webhooks")])
    def test_lists_lead_to_the_pages_where_the_rows_are_at_home(self, actor: Actor, model: str, page: str) -> None:
        client = staff(actor.organisation)
        assert f'href="{page}"' in client.get(f"{ADMIN}/{model}/").content.decode()
        assert client.get(page).status_code == 200

    @pytest.mark.parametrize("model", ["flowtemplate", "automationflow", "webhook"])
    def test_what_is_kept_elsewhere_is_not_changed_here(self, actor: Actor, model: str) -> None:
        client = staff(actor.organisation, is_superuser=True)
        row = make(actor, model, 1)
        before = dump()
        for path in ("add/", f"{row.pk}/delete/", f"{row.pk}/change/"):
            assert client.post(f"{ADMIN}/{model}/{path}", {"name": "x", "post": "yes"}).status_code == 403
        assert dump() == before

    def test_a_webhook_is_paused_and_goes_on(self, actor: Actor) -> None:
        client = staff(actor.organisation)
        hook = make(actor, "webhook", 1)
        for action, enabled in (("pause", False), ("go_on", True)):
            client.post(f"{ADMIN}/webhook/", {"action": action, "_selected_action": [hook.pk]})
            assert Webhook.objects.get().enabled is enabled

    def test_what_was_deleted_is_not_listed(self, actor: Actor) -> None:
        client = staff(actor.organisation)
        for model, table in (("flowtemplate", FlowTemplate), ("automationflow", AutomationFlow)):
            make(actor, model, 1)
            table.objects.update(deleted_at="2026-01-01T00:00:00Z")
            assert "0 " in client.get(f"{ADMIN}/{model}/").content.decode()
            assert client.get(f"{ADMIN}/{model}/").context["cl"].result_count == 0


def test_everything_in_the_lists_and_forms_is_named_in_the_readers_language() -> None:
    unnamed = []
    for model, registered in admin.site._registry.items():
        unnamed += [model.__name__] * (not isinstance(model._meta.verbose_name_plural, Promise))
        for name in [*registered.list_display, *(registered.fields or ())]:
            if hasattr(model, name) and not hasattr(registered, name) and name != "id":
                field = model._meta.get_field(name)
                unnamed += [f"{model.__name__}.{name}"] * (not isinstance(field.verbose_name, Promise))
    assert unnamed == []
