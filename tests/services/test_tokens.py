"""Tokens: only a keyed hash is stored, and a revoked or expired one is refused at once."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests import factories
from tests.api.client import Client
from tests.dump import dump
from workflows.models import ActorKind, ApiToken, Organisation, Role
from workflows.permissions import FINISH, Actor, Guest, Limits, PermissionRefused
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.tokens import create_token, issue_token, renew_token, revoke_token

PATH = "/v1/workflows/closing-reasons"


def test_the_secret_is_nowhere_in_the_database(organisation: Organisation) -> None:
    _, bearer = create_token(organisation, "t", Role.INTEGRATION)
    secret = bearer.partition(".")[2]
    assert len(secret) >= 43
    assert secret not in str(dump())


def test_a_revoked_or_expired_token_is_refused_on_the_next_request(organisation: Organisation) -> None:
    token, bearer = create_token(organisation, "t", Role.INTEGRATION)
    client = Client(bearer)
    assert client.get(PATH).status == 200
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(PATH).status == 401
    ApiToken.objects.update(expires_at=None)
    revoke_token(token)
    assert client.get(PATH).status == 401


def test_a_viewers_token_reads_and_changes_nothing(organisation: Organisation) -> None:
    client = Client(create_token(organisation, "t", Role.VIEWER)[1])
    assert client.get(PATH).status == 200
    before = dump()
    answer = client.post(PATH, {"title": "x"})
    assert (answer.status, list(answer.json)) == (403, ["message"])
    assert dump() == before


def test_the_command_prints_only_the_token(organisation: Organisation) -> None:
    out = StringIO()
    call_command("createtoken", "acme", "--name", "x", stdout=out)
    assert Client(out.getvalue().strip()).get(PATH).status == 200


@pytest.mark.parametrize("arguments", [["nowhere"], ["no/slug", "--create-org"]])
def test_the_command_refuses_an_organisation_that_is_none(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("createtoken", *arguments, "--name", "x")
    assert not Organisation.objects.exists()


def test_a_token_does_no_more_than_its_scopes_and_its_role(organisation: Organisation) -> None:
    narrow = Client(create_token(organisation, "t", Role.INTEGRATION, scopes=["workflow:definition:*"])[1])
    assert narrow.get(PATH).status == 200
    assert narrow.post("/v1/entity/contact", {"first_name": "Ada"}).status == 403
    wide = Client(create_token(organisation, "t", Role.VIEWER, scopes=["entity:*", "workflow:*"])[1])
    assert wide.post("/v1/entity/contact", {"first_name": "Ada"}).status == 403


def test_a_token_that_only_reads_changes_nothing(organisation: Organisation) -> None:
    client = Client(create_token(organisation, "t", Role.OWNER, read_only=True)[1])
    assert client.get(PATH).status == 200
    before = dump()
    assert client.post(PATH, {"title": "x"}).status == 403
    assert dump() == before


@pytest.mark.parametrize(("scopes", "said"), [(["dreams:*"], "no action"), (["webhook:edit"], "yourself"), (["*"], "yourself")])
def test_nobody_makes_a_token_that_may_more_than_they_do(actor: Actor, scopes: list[str], said: str) -> None:
    narrow = replace(actor, limits=Limits(("token:create", "workflow:*")))
    before = dump()
    with pytest.raises(InvalidInput, match=said):
        issue_token(narrow, "t", scopes=scopes)
    assert dump() == before


def test_a_token_made_by_a_narrow_token_is_as_narrow(actor: Actor) -> None:
    token, _bearer = issue_token(replace(actor, limits=Limits(("token:create", "workflow:*"))), "t")
    assert token.scopes.split() == ["token:create", "workflow:*"]


@pytest.mark.parametrize("days", [0, 366])
def test_a_token_lives_a_year_at_most(actor: Actor, days: int) -> None:
    with pytest.raises(InvalidInput, match="365"):
        issue_token(actor, "t", lifetime=timedelta(days=days))


def test_tokens_that_people_make_end_after_ninety_days_and_those_of_the_command_do_not(actor: Actor) -> None:
    token, _bearer = issue_token(actor, "t")
    assert token.expires_at is not None
    assert abs(token.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)
    call_command("createtoken", "acme", "--name", "x", stdout=StringIO())
    assert ApiToken.objects.get(name="x").expires_at is None
    call_command("createtoken", "acme", "--name", "y", "--days", "30", stdout=StringIO())
    assert ApiToken.objects.get(name="y").expires_at is not None


def test_after_a_renewal_the_secret_before_is_taken_for_as_long_as_was_chosen(actor: Actor) -> None:
    token, old = issue_token(actor, "t")
    _token, new = renew_token(actor, token.id, timedelta(hours=1))
    assert [Client(bearer).get(PATH).status for bearer in (old, new)] == [200, 200]
    ApiToken.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
    assert [Client(bearer).get(PATH).status for bearer in (old, new)] == [401, 200]
    _token, newest = renew_token(actor, token.id, timedelta(0))
    assert [Client(bearer).get(PATH).status for bearer in (old, new, newest)] == [401, 401, 200]


def test_a_revoked_token_is_not_renewed_and_that_of_others_is_not_found(actor: Actor, other_organisation: Organisation) -> None:
    token, _bearer = issue_token(actor, "t")
    revoke_token(token)
    with pytest.raises(InvalidInput):
        renew_token(actor, token.id, timedelta(0))
    other, _bearer = create_token(other_organisation, "t", Role.OWNER)
    with pytest.raises(NotFound):
        renew_token(actor, other.id, timedelta(0))


def test_who_may_do_something_to_some_things_renews_no_token_of_another_role_that_does_it_to_all(actor: Actor) -> None:
    own = [{"attribute": "assigned_to", "operation": "equals_current_user"}]
    grants = [
        {"action": "token:create", "effect": "allow"},
        {"action": "workflow:execution:view", "effect": "allow", "conditions": own},
    ]
    careful = replace(actor, id="77", role="careful", grants=orjson.dumps(grants).decode())
    token, _ = issue_token(actor, "of all", scopes=["workflow:execution:view"])
    before = dump()
    with pytest.raises(InvalidInput):
        renew_token(careful, token.id, timedelta(0))
    assert dump() == before
    mine, _ = issue_token(careful, "of mine", scopes=["workflow:execution:view"])
    assert renew_token(careful, mine.id, timedelta(0))


def test_nobody_renews_a_token_that_may_more_than_they_do(actor: Actor) -> None:
    """Its new secret would be theirs."""
    manager = factories.actor_of(factories.make_user(actor.organisation, "m@acme.example", "M", Role.MANAGER), actor.organisation)
    owners, narrow = (
        issue_token(actor, "t")[0],
        create_token(actor.organisation, "t", Role.OWNER, scopes=["role:edit"])[0],
    )
    before = dump()
    with pytest.raises(PermissionRefused):
        renew_token(manager, owners.id, timedelta(0))
    with pytest.raises(InvalidInput, match="yourself"):
        renew_token(manager, narrow.id, timedelta(0))
    assert dump() == before
    for own in (issue_token(manager, "t")[0], create_token(actor.organisation, "t", Role.INTEGRATION)[0]):
        renew_token(manager, own.id, timedelta(0))


def test_a_narrow_token_renews_none_that_may_all_of_its_role(actor: Actor) -> None:
    wide, _bearer = issue_token(actor, "wide")
    same, _bearer = issue_token(actor, "same", scopes=["token:create"])
    narrow = replace(actor, limits=Limits(("token:create",)))
    before = dump()
    with pytest.raises(PermissionRefused):
        renew_token(narrow, wide.id, timedelta(0))
    assert dump() == before
    assert renew_token(narrow, same.id, timedelta(0))


def test_secrets_stay_good_when_the_key_is_changed_and_take_the_new_one_with_their_use(
    organisation: Organisation, settings: Any
) -> None:
    _token, bearer = create_token(organisation, "t", Role.INTEGRATION)
    old_key = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key " * 6, [old_key]
    assert Client(bearer).get(PATH).status == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert Client(bearer).get(PATH).status == 200
    settings.SECRET_KEY = "a third key " * 6
    assert Client(bearer).get(PATH).status == 401


def test_hashes_from_before_keys_had_names_are_still_understood(organisation: Organisation) -> None:
    token, bearer = create_token(organisation, "t", Role.INTEGRATION)
    ApiToken.objects.filter(pk=token.pk).update(secret_hash=token.secret_hash.partition("$")[2])
    assert Client(bearer).get(PATH).status == 200
    assert "$" in ApiToken.objects.get(pk=token.pk).secret_hash
    assert Client(bearer + "x").get(PATH).status == 401


def test_of_fifty_tokens_nothing_is_in_the_database_or_the_log(
    actor: Actor, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level("DEBUG"):
        bearers = [issue_token(actor, f"t{number}")[1] for number in range(50)]
        for bearer in bearers:
            assert Client(bearer).get(PATH).status == 200
            assert Client(bearer).get("/v1/nowhere").status == 404
            assert Client(bearer).post(PATH, {"title": 7}).status == 400
    written = str(dump()) + caplog.text + "".join(capfd.readouterr())
    assert not [bearer for bearer in bearers if bearer.partition(".")[2] in written]


def test_a_token_that_only_reads_does_so_as_a_guest_too(organisation: Organisation) -> None:
    guest = Guest(may_work=True, partner_id=1)
    assert Actor(organisation, ActorKind.TOKEN, "t", guest=guest).policy.reach(FINISH).allowed
    narrow = Actor(organisation, ActorKind.TOKEN, "t", guest=guest, limits=Limits(read_only=True))
    assert not narrow.policy.reach(FINISH).allowed
