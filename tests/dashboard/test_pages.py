"""Pages and fragments: who sees them, what they cost, and what they refuse."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.test_executions import statements
from tests.dump import dump
from tests.lint_templates import find_problems
from workflows.models import Execution, Membership, Role, User
from workflows.permissions import Actor
from workflows.services.executions import patch_execution
from workflows.services.tasks import patch_task

HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def sign_in_as(actor: Actor, role: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(factories.make_user(actor.organisation, f"{role}@acme.example", role.title(), role))
    return client


def path_of(execution: Execution, key: str, field: str) -> str:
    return f"/executions/{execution.id}/tasks/{factories.task_of(execution, key).id}/{field}"


class TestAccess:
    def test_strangers_are_sent_to_sign_in_and_back(self, client: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        answer = client.get(f"/executions/{execution.id}?task=x")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/login?next=%2Fexecutions%2F{execution.id}%3Ftask%3Dx")
        fragment = client.get("/", headers=HTMX)
        assert (fragment.status_code, fragment.headers["HX-Retarget"]) == (401, "#alerts")
        assert 'href="/login?next=/signed-in"' in fragment.content.decode()

    def test_signing_in_works_whatever_the_case_of_the_address(self, client: Client, user: User) -> None:
        answer = client.post("/login", {"username": "MARA@acme.example", "password": "correct horse battery", "next": "/?q=x"})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/?q=x")

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example"])
    def test_signing_in_never_leads_elsewhere(self, client: Client, user: User, elsewhere: str) -> None:
        answer = client.post("/login", {"username": user.email, "password": "correct horse battery", "next": elsewhere})
        assert answer.headers["Location"] == "/"

    def test_a_wrong_password_is_told_without_telling_which_was_wrong(self, client: Client, user: User) -> None:
        known = client.post("/login", {"username": user.email, "password": "wrong"})
        unknown = client.post("/login", {"username": "nobody@acme.example", "password": "wrong"})
        assert "do not match" in known.content.decode()
        assert "do not match" in unknown.content.decode()

    def test_people_of_no_organisation_are_told_what_to_do(self, client: Client, db: None) -> None:
        client.force_login(User.objects.create_user("lost@x.example", "pw"))
        answer = client.get("/")
        assert (answer.status_code, "lost@x.example" in answer.content.decode()) == (403, True)

    def test_other_organisations_pages_are_not_there(self, browser: Client, other_organisation: Any) -> None:
        stranger = factories.actor_of(
            factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER), other_organisation
        )
        execution = factories.start(stranger)
        before = dump()
        assert browser.get(f"/executions/{execution.id}").status_code == 404
        assert browser.get(f"/executions/{execution.id}?view=timeline").status_code == 404
        assert browser.get(path_of(execution, "t1", "moves")).status_code == 404
        assert browser.post(path_of(execution, "t1", "status"), {"status": "COMPLETED"}, headers=HTMX).status_code == 404
        assert browser.post(f"/executions/{execution.id}/delete", headers=HTMX).status_code == 404
        assert "Sequence" not in browser.get("/executions").content.decode()
        assert dump() == before

    def test_viewers_see_and_change_nothing(self, actor: Actor) -> None:
        execution = factories.start(actor)
        viewer = sign_in_as(actor, Role.VIEWER)
        page = viewer.get(f"/executions/{execution.id}?task={factories.task_of(execution, 't1').id}").content.decode()
        assert "Task t1" in page
        assert "data-lanes" not in page
        assert "card-menu" not in page
        menu = viewer.get(path_of(execution, "t1", "moves"), headers=HTMX).content.decode()
        assert "Move to" in menu
        assert "<button" not in menu
        before = dump()
        for field, body in (("status", {"status": "COMPLETED"}), ("name", {"name": "x"}), ("assignees", {}), ("due_date", {})):
            assert viewer.post(path_of(execution, "t1", field), body, headers=HTMX).status_code == 403
        assert viewer.post(f"/executions/{execution.id}/close", headers=HTMX).status_code == 403
        assert viewer.get("/start", headers=HTMX).status_code == 403
        assert dump() == before

    def test_a_form_from_elsewhere_is_refused(self, user: User, actor: Actor) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        execution = factories.start(actor)
        assert client.post(path_of(execution, "t1", "status"), {"status": "COMPLETED"}).status_code == 403
        assert factories.current(execution) == ["t1"]

    def test_looking_changes_nothing(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        before = dump()
        for path in (
            "",
            "?view=list",
            "?view=graph",
            "?view=timeline",
            "?view=timeline&kind=x&before=y",
            "/close",
            "/delete",
            "/tasks/new",
            f"?task={uuid4()}",
            "?task=x",
        ):
            assert browser.get(f"/executions/{execution.id}{path}").status_code == 200
        for path in (
            "/executions",
            "/start",
            "/start/entities?q=x",
            "/executions?after=x",
            "/executions?status=NOPE",
            "/executions?q=%00",
        ):
            assert browser.get(path).status_code == 200
        for path in ("/reopen", "/due_date", "/tasks/add"):
            assert browser.get(f"/executions/{execution.id}{path}").status_code == 405
        assert dump() == before


class TestHeaders:
    def test_the_policy_allows_nothing_inline(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        for path in ("/", f"/executions/{execution.id}", "/login", "/nowhere"):
            policy = browser.get(path).headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "script-src 'self'" in policy

    def test_fragments_are_never_kept(self, browser: Client, actor: Actor) -> None:
        answer = browser.get("/executions", headers=HTMX)
        assert answer.headers["Cache-Control"] == "no-store"
        assert "HX-Request" in answer.headers["Vary"]
        assert "<html" not in answer.content.decode()
        restored = browser.get("/executions", headers=HTMX | {"HX-History-Restore-Request": "true"})
        assert "<html" in restored.content.decode()

    @pytest.mark.parametrize(
        "bad", ['<a style="x">', '<a onclick="x">', "<script>x</script>", "{{ x|safe }}", '<a hx-on:click="x">']
    )
    def test_the_template_lint_finds_what_it_is_for(self, bad: str) -> None:
        assert list(find_problems(bad))


class TestCost:
    def test_the_list_needs_the_same_statements_for_1_and_30(self, browser: Client, actor: Actor) -> None:
        template = factories.make_template(actor)
        counts = []
        for start, end in ((0, 1), (1, 30)):
            for _ in range(start, end):
                execution = factories.start(actor, template=template)
                patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"assigned_to": [actor.id]})
            with CaptureQueriesContext(connection) as captured:
                assert browser.get("/executions").content.decode().count('role="row"') == end + 1
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1] <= 12

    def test_the_board_and_its_pane_need_the_same_statements_for_1_and_30_tasks(self, browser: Client, actor: Actor) -> None:
        counts = []
        for size in (1, 30):
            execution = factories.start(actor, factories.sequence(size, assigned_to=[actor.id]))
            for key in range(1, size):
                patch_task(actor, execution.id, factories.task_of(execution, f"t{key}").id, {"assigned_to": [actor.id]})
            task = factories.task_of(execution, "t1")
            browser.get(f"/executions/{execution.id}")
            with CaptureQueriesContext(connection) as captured:
                page = browser.get(f"/executions/{execution.id}?task={task.id}").content.decode()
            assert page.count("data-card") == size
            counts.append(len(statements(captured)))
        # Two of them are for the mark by which the page learns that it is out of date.
        assert counts[0] == counts[1] <= 14

    @pytest.mark.parametrize("words", ["sequence", "ADA LOV"])
    def test_the_list_is_searched_by_the_flows_name_and_whom_it_is_about(self, browser: Client, actor: Actor, words: str) -> None:
        factories.start(actor, factories.sequence(2) | {"name": "Sequence"}, _title="Ada Lovelace")
        factories.start(actor, factories.sequence(2) | {"name": "Other"}, _title="Grace Hopper")
        page = browser.get("/executions", {"q": words}).content.decode()
        assert page.count('class="td-main"') == 1
        assert "Ada Lovelace" in page

    def test_what_is_not_on_the_path_urges_nobody(self, browser: Client, actor: Actor) -> None:
        data = factories.choice()
        for task in data["tasks"]:
            task["due_date"] = "2020-01-01T00:00:00.000"
        execution = factories.start(actor, data)
        assert browser.get(f"/executions/{execution.id}").content.decode().count('class="due late"') == len(data["tasks"])
        patch_task(actor, execution.id, factories.task_of(execution, "ask").id, {"status": "COMPLETED"})
        taken: Any = {"status": "COMPLETED", "next_condition_id": "c-yes"}
        patch_task(actor, execution.id, factories.task_of(execution, "decide").id, taken)
        page = browser.get(f"/executions/{execution.id}").content.decode()
        assert page.count('class="due late"') == 1
        patch_execution(actor, execution.id, {"status": "CLOSED"})
        assert 'class="due late"' not in browser.get(f"/executions/{execution.id}").content.decode()

    def test_pages_of_the_list_show_each_execution_once(self, browser: Client, actor: Actor) -> None:
        template = factories.make_template(actor)
        made = {str(factories.start(actor, template=template).id) for _ in range(53)}
        seen: list[str] = []
        path = "/executions"
        while path:
            page = browser.get(path)
            seen += [str(row.execution.id) for row in page.context["rows"]]
            path = f"/executions{page.context['next']}" if page.context["next"] else ""
        assert (len(seen), set(seen)) == (53, made)


class TestEdits:
    def test_an_edit_answers_with_header_board_and_open_pane(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        task = factories.task_of(execution, "t1")
        answer = browser.post(
            path_of(execution, "t1", "status"), {"status": "COMPLETED", "was": "PENDING", "open": str(task.id)}, headers=HTMX
        )
        page = answer.content.decode()
        assert answer.status_code == 200
        assert [page.count(f'id="{part}"') for part in ("flow", "board", "pane", "open-task")] == [1, 1, 1, 1]
        assert "set the status to Completed" in page
        assert "Saved: Completed" in answer.headers["HX-Trigger"]
        assert factories.current(execution) == ["t2"]

    def test_a_day_is_saved_as_a_floating_date(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        browser.post(path_of(execution, "t1", "due_date"), {"due_date": "2031-05-28", "was": ""}, headers=HTMX)
        assert factories.task_of(execution, "t1").due_date == "2031-05-28T00:00:00.000"
        browser.post(path_of(execution, "t1", "due_date"), {"due_date": "", "was": "2031-05-28T00:00:00.000"}, headers=HTMX)
        assert factories.task_of(execution, "t1").due_date == ""

    def test_ids_that_only_a_client_knows_are_kept(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        task = factories.task_of(execution, "t1")
        patch_task(actor, execution.id, task.id, {"assigned_to": ["external-7"]})
        page = browser.get(f"/executions/{execution.id}?task={task.id}").content.decode()
        assert "external-7" in page
        both = {"assigned_to": ["external-7", actor.id], "was": ["external-7"]}
        assert browser.post(path_of(execution, "t1", "assignees"), both, headers=HTMX).status_code == 200

    def test_a_variable_that_stands_for_nobody_yet_is_named(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        task = factories.task_of(execution, "t1")
        patch_task(actor, execution.id, task.id, {"assigned_to": [{"variable": "{{entity.owner}}", "value": []}]})
        page = browser.get(f"/executions/{execution.id}?task={task.id}").content.decode()
        assert "nobody" in page
        assert "<code>{{entity.owner}}</code>" in page

    def test_who_was_assigned_by_a_variable_is_changed_like_others(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, owner="external-7")
        task = factories.task_of(execution, "t1")
        patch_task(actor, execution.id, task.id, {"assigned_to": [{"variable": "{{entity.owner}}"}]})
        both = {"assigned_to": ["external-7", actor.id], "was": ["external-7"]}
        assert browser.post(path_of(execution, "t1", "assignees"), both, headers=HTMX).status_code == 200

    @pytest.mark.parametrize(
        ("field", "patch", "body"),
        [
            ("due_date", {"due_date": "2031-01-01T00:00:00.000"}, {"due_date": "2031-05-28", "was": ""}),
            ("name", {"name": "Theirs"}, {"name": "Mine", "was": "Task t1"}),
            ("status", {"status": "ON_HOLD"}, {"status": "COMPLETED", "was": "PENDING"}),
            ("assignees", {"assigned_to": ["a"]}, {"assigned_to": ["b"], "was": []}),
            ("description", {"description": {"value": "Theirs"}}, {"description": "Mine", "was": ""}),
        ],
    )
    def test_a_clash_answers_409_with_both_values_and_saves_nothing(
        self, browser: Client, actor: Actor, field: str, patch: Any, body: Any
    ) -> None:
        execution = factories.start(actor)
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, patch)
        before = dump()
        answer = browser.post(path_of(execution, "t1", field), body, headers=HTMX)
        assert answer.status_code == 409
        page = answer.content.decode()
        assert 'role="alert"' in page
        assert "Mara set" in page
        assert "You entered" in page
        assert dump() == before

    def test_the_same_value_from_both_is_no_clash(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"status": "COMPLETED"})
        answer = browser.post(path_of(execution, "t1", "status"), {"status": "COMPLETED", "was": "PENDING"}, headers=HTMX)
        assert answer.status_code == 200

    def test_a_description_is_saved_over_the_one_that_was_seen(self, browser: Client, actor: Actor) -> None:
        tasks = [factories.task("t1", description={"value": "As\ndesigned"}), factories.task("t2")]
        execution = factories.start(actor, factories.sequence(2) | {"tasks": tasks, "phases": []})
        path = path_of(execution, "t1", "description")
        # Browsers send line breaks as CRLF.
        first = browser.post(path, {"description": "By hand", "was": "As\r\ndesigned"}, headers=HTMX)
        second = browser.post(path, {"description": "Again", "was": "By hand"}, headers=HTMX)
        assert (first.status_code, second.status_code) == (200, 200)
        assert factories.task_of(execution, "t1").extra["description"] == {"enabled": True, "value": "Again"}

    @pytest.mark.parametrize(
        ("field", "body"),
        [
            ("status", {"status": "DREAMING", "was": "PENDING"}),
            ("status", {"status": "FAILED", "was": "PENDING"}),
            ("due_date", {"due_date": "not-a-date", "was": ""}),
            ("due_date", {"due_date": "not-a-date", "was": "2031-01-01T00:00:00.000"}),
            ("name", {"name": "   ", "was": "Task t1"}),
        ],
    )
    def test_a_refused_edit_is_told_and_changes_nothing(self, browser: Client, actor: Actor, field: str, body: Any) -> None:
        execution = factories.start(actor)
        before = dump()
        answer = browser.post(path_of(execution, "t1", field), body, headers=HTMX)
        assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, "#alerts")
        assert 'role="alert"' in answer.content.decode()
        assert dump() == before

    def test_names_are_shown_as_text(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        attack = "<img src=x onerror=alert(1)>"
        browser.post(path_of(execution, "t1", "name"), {"name": attack, "was": "Task t1"}, headers=HTMX)
        page = browser.get(f"/executions/{execution.id}?task={factories.task_of(execution, 't1').id}").content.decode()
        assert attack not in page
        assert "&lt;img" in page


class TestLifecycle:
    def test_a_flow_is_started_about_a_new_contact_or_an_entity(self, browser: Client, actor: Actor) -> None:
        template = factories.make_template(actor)
        entity = factories.make_entity(actor)
        first = browser.post("/start", {"template": template.id, "new_contact": "Grace"}, headers=HTMX)
        second = browser.post("/start", {"template": template.id, "entity": f"contact~{entity.id}"}, headers=HTMX)
        for answer in (first, second):
            assert answer.headers["HX-Redirect"].startswith("/executions/")
        assert Execution.objects.count() == 2

    @pytest.mark.parametrize(
        "body", [{}, {"template": "x"}, {"template": "nowhere1", "new_contact": "A"}, {"entity": "contact~7"}]
    )
    def test_a_start_that_lacks_something_creates_nothing(self, browser: Client, actor: Actor, body: dict[str, str]) -> None:
        before = dump()
        assert browser.post("/start", body, headers=HTMX).status_code == 422
        assert dump() == before

    def test_close_reopen_and_delete(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2, closing_reasons=[{"id": "lost"}]))
        path = f"/executions/{execution.id}"
        assert "lost" in browser.get(f"{path}/close", headers=HTMX).content.decode()
        browser.post(f"{path}/close", {"reason": "lost", "extra_description": "Why"}, headers=HTMX)
        execution.refresh_from_db()
        assert (execution.status, execution.extra["extra_description"]) == ("CLOSED", "Why")
        assert "reopen it to work" in browser.get(f"{path}?task={factories.task_of(execution, 't1').id}").content.decode()
        browser.post(f"{path}/reopen", headers=HTMX)
        assert factories.current(execution) == ["t1"]
        assert browser.post(f"{path}/delete", headers=HTMX).headers["HX-Redirect"] == "/executions"
        assert browser.get(path).status_code == 404

    def test_a_task_is_added_at_a_place_that_is_offered(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        form = browser.get(f"/executions/{execution.id}/tasks/new", headers=HTMX)
        place = form.context["places"][0][0]
        answer = browser.post(f"/executions/{execution.id}/tasks/add", {"name": "Extra", "place": place}, headers=HTMX)
        assert answer.status_code == 200
        assert "Extra" in answer.content.decode()
        assert browser.post(f"/executions/{execution.id}/tasks/add", {"name": "x", "place": "y"}, headers=HTMX).status_code == 422


class TestAdmin:
    def test_staff_see_their_own_organisation_only(self, actor: Actor, other_organisation: Any) -> None:
        from workflows.models import ClosingReason

        ClosingReason.objects.create(organisation=other_organisation, title="Theirs")
        mine = ClosingReason.objects.create(organisation=actor.organisation, title="Mine")
        User.objects.update(is_staff=True)
        client = Client()
        client.force_login(User.objects.get(pk=actor.id))
        page = client.get("/admin/workflows/closingreason/").content.decode()
        assert "Mine" in page
        assert "Theirs" not in page
        data = {"action": "deactivate", "_selected_action": [mine.pk]}
        assert client.post("/admin/workflows/closingreason/", data).status_code == 302
        assert ClosingReason.objects.get(pk=mine.pk).status == "INACTIVE"
        for model in ("flowtemplate", "apitoken", "organisation", "user"):
            page = client.get(f"/admin/workflows/{model}/?q=x").content.decode()
            assert "Other" not in page

    def test_a_token_is_shown_once(self, actor: Actor) -> None:
        User.objects.update(is_staff=True)
        client = Client()
        client.force_login(User.objects.get(pk=actor.id))
        body = {"organisation": actor.organisation.pk, "name": "Shop", "role": "integration"}
        page = client.post("/admin/workflows/apitoken/add/", body, follow=True).content.decode()
        assert "Copy the token now" in page
        assert "Copy the token now" not in client.get("/admin/workflows/apitoken/").content.decode()

    def test_who_administers_an_organisation_keeps_its_accounts_and_no_others(
        self, actor: Actor, other_organisation: Any
    ) -> None:
        User.objects.filter(pk=actor.id).update(is_staff=True)
        own = factories.make_user(actor.organisation, "own@acme.example", "Own", Role.MEMBER)
        foreign = factories.make_user(other_organisation, "foreign@other.example", "Foreign", Role.MEMBER)
        shared = factories.make_user(actor.organisation, "shared@acme.example", "Shared", Role.MEMBER)
        Membership.objects.create(organisation=other_organisation, user=shared)
        staff = factories.make_user(actor.organisation, "staff@acme.example", "Staff", Role.MEMBER)
        User.objects.filter(pk=staff.pk).update(is_staff=True)
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.get(pk=actor.id))
        page = client.get("/admin/workflows/user/?q=example").content.decode()
        assert "own@acme.example" in page
        assert "foreign@other.example" not in page
        body = {"password1": "a-new-long-password", "password2": "a-new-long-password", "usable_password": "true"}
        for account, changed in ((own, True), (foreign, False), (shared, False), (staff, False)):
            client.post(f"/admin/workflows/user/{account.pk}/password/", body)
            account.refresh_from_db()
            assert account.check_password("a-new-long-password") is changed, account.email
        body |= {"email": "new@acme.example", "name": "New"}
        assert client.post("/admin/workflows/user/add/", body).status_code == 302
        assert Membership.objects.get(user__email="new@acme.example").organisation == actor.organisation
        assert client.post(f"/admin/workflows/user/{own.pk}/delete/", {"post": "yes"}).status_code == 403
        rights = {"email": "own@acme.example", "name": "Own", "is_superuser": "on", "is_staff": "on", "is_active": "on"}
        client.post(f"/admin/workflows/user/{own.pk}/change/", rights)
        own.refresh_from_db()
        assert (own.is_staff, own.is_superuser, own.is_active) == (False, False, True)

    def test_people_who_are_no_staff_are_kept_out(self, browser: Client) -> None:
        assert browser.get("/admin/workflows/closingreason/").status_code == 302
