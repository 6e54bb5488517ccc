"""The pages of guests and the dialog that lets them in; the pages of roles and members."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests import factories
from tests.dump import dump
from workflows.models import CustomRole, Execution, Membership, Organisation, Role, Share, Task, User
from workflows.permissions import VIEW, Actor
from workflows.services import sharing
from workflows.services.sharing import NewShare
from workflows.services.tasks import add_task, patch_task

pytestmark = pytest.mark.django_db
HIDDEN = ("Task t1", "Task t2", "secret note", "Mara")


@pytest.fixture
def flow(actor: Actor) -> Execution:
    """t1 is current and opened for everybody, t2 for nobody, t3 for everybody later on."""
    data = factories.sequence(3, available_in_ecp=True)
    words = {"enabled": True, "label": "Mount the meter", "description": "Bring a ladder"}
    data["tasks"][0] |= dict.fromkeys(("partner", "ecp", "installer"), words) | {
        "description": {"enabled": True, "value": "secret note"}
    }
    data["tasks"][2] |= {"partner": {"enabled": True}, "ecp": {"enabled": True}}
    return factories.start(actor, data)


@pytest.fixture
def owner(client: Client, actor: Actor) -> Client:
    client.force_login(User.objects.get(pk=actor.id))
    return client


def fitter(role: str = Role.MEMBER) -> Client:
    partner = Organisation.objects.filter(slug="fitters").first() or factories.make_organisation("fitters")
    client = Client()
    client.force_login(factories.make_user(partner, f"{role}@fitters.example", "Fritz", role))
    return client


def link_in(text: str) -> str:
    found = re.search(r"http://[^\"\s]+(/(?:invitation|portal)/[^\"\s]+)", text)
    assert found
    return found[1]


# Partners


def test_a_partner_sees_and_finishes_what_is_shared_until_it_is_revoked(actor: Actor, flow: Execution) -> None:
    client = fitter()
    share = sharing.share_execution(actor, flow.id, NewShare(partner="fitters"))
    text = client.get("/shared").content.decode()
    assert "Mount the meter" in text
    assert "Task t3" in text
    assert not [word for word in HIDDEN if word in text]
    task = factories.task_of(flow, "t1")
    address = f"/shared/{flow.id}/{task.id}"
    assert "Bring a ladder" in client.get(address).content.decode()
    assert client.post(f"{address}/finish").status_code == 302
    assert factories.current(flow) == ["t2"]
    assert client.get(f"/executions/{flow.id}").status_code == 404
    sharing.revoke_share(actor, share.id)
    before = dump()
    assert "Mount the meter" not in client.get("/shared").content.decode()
    assert [client.get(address).status_code, client.post(f"{address}/finish").status_code] == [404, 404]
    assert dump() == before


def test_a_branch_that_was_not_taken_is_left_out_and_comes_back_with_the_decision(actor: Actor) -> None:
    data = factories.choice()
    for task in data["tasks"]:
        task["partner"] = {"enabled": True}
    execution = factories.start(actor, data)
    client = fitter()
    sharing.share_execution(actor, execution.id, NewShare(partner="fitters"))

    def told() -> set[str]:
        page = client.get("/shared").content.decode()
        return {key for key in ("yes", "no") if f"Task {key}<" in page}

    assert told() == {"yes", "no"}
    ask, decide = (factories.task_of(execution, key) for key in ("ask", "decide"))
    patch_task(actor, execution.id, ask.id, {"status": "COMPLETED"})
    patch_task(actor, execution.id, decide.id, {"status": "COMPLETED", "next_condition_id": "c-yes"})
    assert told() == {"yes"}
    left_out = factories.task_of(execution, "no")
    assert client.get(f"/shared/{execution.id}/{left_out.id}").status_code == 404
    patch_task(actor, execution.id, decide.id, {"status": "PENDING", "revert_execution": True})
    assert told() == {"yes", "no"}


def test_a_task_that_was_added_by_hand_is_still_told(actor: Actor, flow: Execution) -> None:
    before, behind = (factories.task_of(flow, key) for key in ("t2", "t3"))
    added = add_task(actor, flow.id, before.id, behind.id, {"name": "Measure again"})
    Task.objects.filter(pk=added.pk).update(for_partner=True, extra={"partner": {"enabled": True}})
    client = fitter()
    sharing.share_execution(actor, flow.id, NewShare(partner="fitters"))
    assert "Measure again" in client.get("/shared").content.decode()


def test_a_partner_comments_on_a_shared_task_and_sees_no_comment_of_others(actor: Actor, flow: Execution) -> None:
    from workflows.services.comments import add_comment

    task = factories.task_of(flow, "t1")
    add_comment(actor, flow.id, "between ourselves", task.id)
    client = fitter()
    sharing.share_execution(actor, flow.id, NewShare(partner="fitters"))
    address = f"/shared/{flow.id}/{task.id}"
    assert client.post(f"{address}/comment", {"text": "The ladder is too short"}).status_code == 302
    text = client.get(address).content.decode()
    assert ("The ladder is too short" in text, "between ourselves" in text) == (True, False)
    before = dump()
    assert client.post(f"/shared/{flow.id}/{factories.task_of(flow, 't2').id}/comment", {"text": "x"}).status_code == 404
    assert dump() == before


def test_a_partner_who_may_only_look_is_offered_nothing_and_refused(actor: Actor, flow: Execution) -> None:
    client = fitter(Role.VIEWER)
    sharing.share_execution(actor, flow.id, NewShare(partner="fitters"))
    address = f"/shared/{flow.id}/{factories.task_of(flow, 't1').id}"
    assert "Mark as done" not in client.get(address).content.decode()
    before = dump()
    assert client.post(f"{address}/finish").status_code == 403
    assert dump() == before


def test_the_list_takes_the_same_statements_for_1_and_for_30_tasks(
    actor: Actor, flow: Execution, django_assert_max_num_queries: Any
) -> None:
    client = fitter()
    sharing.share_execution(actor, flow.id, NewShare(partner="fitters"))
    counts = []
    for _ in range(2):
        with django_assert_max_num_queries(12) as queries:
            assert client.get("/shared").status_code == 200
        counts.append(len(queries))
        for _number in range(10):
            other = factories.start(
                actor,
                factories.sequence(
                    3, tasks=[factories.task(k, partner={"enabled": True}) for k in ("t1", "t2", "t3")], phases=[]
                ),
            )
            sharing.share_execution(actor, other.id, NewShare(partner="fitters"))
    assert counts[0] == counts[1]


def test_a_decision_is_finished_by_its_branch(actor: Actor) -> None:
    data = factories.choice()
    data["tasks"][1] |= {"partner": {"enabled": True}}
    data["edges"] = data["edges"][1:]
    data["tasks"] = data["tasks"][1:]
    flow = factories.start(actor, data)
    client = fitter()
    sharing.share_execution(actor, flow.id, NewShare(partner="fitters"))
    address = f"/shared/{flow.id}/{factories.task_of(flow, 'decide').id}"
    assert "Yes" in client.get(address).content.decode()
    assert client.post(f"{address}/finish").status_code == 422
    assert client.post(f"{address}/finish", {"branch": "c-no"}).status_code == 302
    assert factories.current(flow) == ["no"]


# Invitations


def test_who_is_invited_by_mail_makes_an_account_and_is_nowhere_else(owner: Client, flow: Execution) -> None:
    shown = owner.post(f"/executions/{flow.id}/share", {"audience": "partner", "email": "ina@fit.example"}).content.decode()
    link = link_in(shown)
    [message] = mail.outbox
    assert message.to == ["ina@fit.example"]
    assert link in message.body
    guest = Client()
    assert guest.get(link).status_code == 200
    assert not User.objects.filter(email="ina@fit.example").exists()
    refused = guest.post(link, {"name": "Ina", "password": "short"})
    assert (refused.status_code, User.objects.filter(email="ina@fit.example").exists()) == (422, False)
    assert guest.post(link, {"name": "Ina", "password": "a fine long passphrase"}).status_code == 302
    assert "Mount the meter" in guest.get("/shared").content.decode()
    for address in ("/", "/executions", f"/executions/{flow.id}", "/board", "/organisation/members"):
        assert guest.get(address).headers["Location"] == "/shared"
    for header, value in (("Referrer-Policy", "no-referrer"), ("X-Robots-Tag", "noindex, nofollow")):
        assert guest.get(link).headers[header] == value


def test_who_has_an_account_signs_in_first(actor: Actor, flow: Execution) -> None:
    client = fitter()
    share = sharing.share_execution(actor, flow.id, NewShare(email="member@fitters.example"))
    link = f"/invitation/{sharing.make_link(share)}"
    stranger = Client()
    assert "/login?next=" in stranger.get(link).content.decode()
    before = dump()
    assert stranger.post(link, {"name": "X", "password": "a fine long passphrase"}).status_code == 409
    assert dump() == before
    assert client.post(link).status_code == 302
    assert "Mount the meter" in client.get("/shared").content.decode()


# Links


@pytest.mark.parametrize(("audience", "names"), [("ecp", ["Mount the meter", "Task t3"]), ("installer", ["Mount the meter"])])
def test_a_link_shows_what_is_opened_for_its_audience_and_marks_it_done(
    owner: Client, flow: Execution, audience: str, names: list[str]
) -> None:
    link = link_in(owner.post(f"/executions/{flow.id}/share", {"audience": audience}).content.decode())
    guest = Client()
    response = guest.get(link)
    text = response.content.decode()
    assert [name for name in ("Mount the meter", "Task t3") if name in text] == names
    # Whole words: one of the tokens of a form has these three letters in it now and then.
    assert not [word for word in (*HIDDEN, "Ada", "Berg", "Sequence") if re.search(rf"\b{word}\b", text)]
    assert (response.headers["Referrer-Policy"], response.headers["X-Robots-Tag"]) == ("no-referrer", "noindex, nofollow")
    before = dump()
    for key, status in (("t2", 404), ("t3", 422 if audience == "ecp" else 404)):
        assert guest.post(link, {"task": str(factories.task_of(flow, key).id)}).status_code == status
    assert guest.post(link, {"task": "x"}).status_code == 404
    assert dump() == before
    assert guest.post(link, {"task": str(factories.task_of(flow, "t1").id)}).status_code == 302
    assert factories.current(flow) == ["t2"]
    assert owner.get(f"/executions/{flow.id}").status_code == 200
    share = Share.objects.get()
    owner.post(f"/executions/{flow.id}/share/{share.id}/revoke")
    assert guest.get(link).status_code == 404


def test_a_process_that_is_not_for_customers_shows_them_nothing(actor: Actor, owner: Client) -> None:
    flow = factories.start(actor, factories.sequence(1, tasks=[factories.task("t1", ecp={"enabled": True})], phases=[], edges=[]))
    link = link_in(owner.post(f"/executions/{flow.id}/share", {"audience": "ecp"}).content.decode())
    assert "Task t1" not in Client().get(link).content.decode()


def test_a_link_of_one_kind_is_none_of_another(actor: Actor, flow: Execution) -> None:
    partner = sharing.share_execution(actor, flow.id, NewShare(email="a@b.example"))
    customer = sharing.share_execution(actor, flow.id, NewShare(audience="ecp"))
    assert Client().get(f"/portal/{sharing.make_link(partner)}").status_code == 404
    assert Client().get(f"/invitation/{sharing.make_link(customer)}").status_code == 404


def test_the_dialog_says_with_whom_and_refuses_nonsense(owner: Client, flow: Execution) -> None:
    address = f"/executions/{flow.id}/share"
    assert owner.get(address).status_code == 200
    factories.make_organisation("fitters")
    assert "Fitters" in owner.post(address, {"audience": "partner", "partner": "fitters", "all": "on"}).content.decode()
    assert Share.objects.get().entity_id is not None
    before = dump()
    for values in (
        {"audience": "partner"},
        {"audience": "ecp", "until": "soon"},
        {"audience": "ecp", "until": "2020-01-01"},
        {"audience": "x"},
    ):
        assert owner.post(address, values).status_code == 422
    assert dump() == before


# Roles and members


def test_a_role_is_made_changed_and_deleted(owner: Client) -> None:
    further = '[{"action": "workflow:execution:*", "effect": "deny"}]'
    assert (
        owner.post("/organisation/roles/new", {"name": "Reader", "action": [VIEW, "kanban:view"], "further": further}).status_code
        == 302
    )
    role = CustomRole.objects.get()
    assert [grant["action"] for grant in role.grants] == [VIEW, "kanban:view", "workflow:execution:*"]
    assert "workflow:execution:*" in owner.get(f"/organisation/roles/{role.slug}").content.decode()
    before = dump()
    for further in ("{", "{}", '[{"action": "x"}]'):
        assert owner.post(f"/organisation/roles/{role.slug}", {"name": "R", "further": further}).status_code == 422
    assert dump() == before
    assert owner.get("/organisation/roles").status_code == 200
    assert (
        f'action="/organisation/roles/{role.slug}/delete"'
        in owner.get(f"/organisation/roles/{role.slug}/delete/ask").content.decode()
    )
    assert owner.post(f"/organisation/roles/{role.slug}/delete").status_code == 302
    assert not CustomRole.objects.exists()


def test_a_member_gets_another_role_and_the_last_owner_stays(owner: Client, actor: Actor, organisation: Organisation) -> None:
    user = factories.make_user(organisation, "n@acme.example", "N", Role.MEMBER)
    assert owner.get("/organisation/members").status_code == 200
    assert owner.post(f"/organisation/members/{user.pk}", {"role": "viewer"}).status_code == 302
    assert Membership.objects.get(user=user).role == "viewer"
    before = dump()
    assert owner.post(f"/organisation/members/{actor.id}", {"role": "viewer"}).status_code == 422
    assert owner.post(f"/organisation/members/{actor.id}", {"remove": "1"}).status_code == 422
    assert dump() == before
    asked = owner.get(f"/organisation/members/{user.pk}/remove/ask").content.decode()
    assert f'action="/organisation/members/{user.pk}"' in asked
    assert 'name="remove"' in asked
    assert owner.post(f"/organisation/members/{user.pk}", {"remove": "1"}).status_code == 302
    assert not Membership.objects.filter(user=user).exists()


@pytest.mark.parametrize("address", ["/organisation/roles", "/organisation/members", "/organisation/roles/new"])
def test_members_do_not_see_who_may_what(organisation: Organisation, address: str) -> None:
    client = Client()
    client.force_login(factories.make_user(organisation, "n@acme.example", "N", Role.MEMBER))
    assert client.get(address).status_code == 403
