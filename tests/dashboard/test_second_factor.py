"""The second factor: set up with a device, asked for after the password, codes good once, taken away by who may."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command
from django.test import Client

from tests import factories
from tests.dump import dump
from workflows.models import AuditEntry, Membership, Organisation, RecoveryCode, Role, SecondFactor, Session, User
from workflows.permissions import Actor
from workflows.sealing import unseal
from workflows.services import second_factor

PASSWORD = "correct horse battery"
NOON = datetime(2026, 11, 26, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def browser(user: User, clock: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def secret_of(user: User) -> str:
    return unseal(SecondFactor.objects.get(user=user).secret)


def code_of(user: User) -> str:
    return pyotp.TOTP(secret_of(user)).now()


def set_up(client: Client, user: User) -> list[str]:
    """Set the factor up in the browser; return the recovery codes."""
    answer = client.post("/preferences/second-factor/begin", {"password": PASSWORD})
    assert answer["Location"] == "/preferences/second-factor"
    page = client.get("/preferences/second-factor").content.decode()
    assert 'src="data:image/svg+xml' in page
    assert " ".join(re.findall("....", secret_of(user))) in page
    shown = client.post("/preferences/second-factor", {"code": code_of(user)})
    assert shown.status_code == 200
    return codes_on(shown)


def codes_on(answer: Any) -> list[str]:
    return re.findall(r"<code>([A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4})</code>", answer.content.decode())


def after_password(user: User, path: str = "/login") -> Client:
    client = Client()
    answer = client.post(path, {"username": user.email, "password": PASSWORD})
    assert answer["Location"] == "/login/code"
    assert client.get("/").status_code == 302
    assert client.get("/login/code").status_code == 200
    return client


def enters(client: Client, code: str) -> bool:
    answer = client.post("/login/code", {"code": code})
    assert answer.status_code in (302, 422)
    return bool(answer.status_code == 302 and client.get("/").status_code == 200)


def test_the_code_of_the_device_is_asked_for_after_the_password_and_is_good_once(browser: Client, user: User, clock: Any) -> None:
    set_up(browser, user)
    assert not enters(after_password(user), code_of(user)), "it was used for setting up"
    clock.shift(30)
    code = code_of(user)
    assert enters(after_password(user), f"{code[:3]} {code[3:]}")
    assert not enters(after_password(user), code)
    clock.shift(30)
    assert not enters(after_password(user), code), "neither once another one could be used"
    found = AuditEntry.objects.filter(action__startswith="sign_in.", actor_id=user.pk).values_list("action", flat=True)
    assert set(found) == {"sign_in.succeeded"}
    failed = AuditEntry.objects.filter(action="sign_in.failed")
    assert [entry.after["factor"] for entry in failed] == ["code"] * 3


def test_a_clock_that_is_wrong_by_half_a_minute_is_forgiven_and_more_is_not(browser: Client, user: User, clock: Any) -> None:
    set_up(browser, user)
    clock.shift(300)
    totp, now = pyotp.TOTP(secret_of(user)), NOON + timedelta(seconds=300)
    for seconds, is_right in ((-60, False), (60, False), (-30, True), (30, True)):
        assert enters(after_password(user), totp.at(now + timedelta(seconds=seconds))) is is_right, seconds


def test_recovery_codes_let_in_once_each_and_lie_in_the_database_as_hashes(browser: Client, user: User) -> None:
    codes = set_up(browser, user)
    assert len(set(codes)) == 10
    kept = str(list(RecoveryCode.objects.values()))
    assert not any(code.replace("-", "") in kept for code in codes)
    assert enters(after_password(user), codes[3].lower().replace("-", " "))
    assert not enters(after_password(user), codes[3])
    assert AuditEntry.objects.get(action="second_factor.recovery_code_used").after == {"left": 9}
    assert "9 recovery codes" in browser.get("/preferences/account").content.decode()
    renewed = codes_on(browser.post("/preferences/second-factor/codes", {"password": PASSWORD}))
    assert len(renewed) == 10
    assert not enters(after_password(user), codes[4])
    assert enters(after_password(user), renewed[4])


def test_nothing_that_opens_is_in_the_trail_or_the_row(browser: Client, user: User) -> None:
    codes = set_up(browser, user)
    told = str(list(AuditEntry.objects.values("before", "after"))) + str(list(SecondFactor.objects.values()))
    sealed = SecondFactor.objects.get().secret
    assert sealed not in str(list(AuditEntry.objects.values("before", "after")))
    assert not any(text in told for text in (secret_of(user), *codes))


def test_setting_up_ends_the_sessions_that_were_opened_without_it(browser: Client, user: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(user)
    set_up(browser, user)
    assert [browser.get("/").status_code, elsewhere.get("/").status_code] == [200, 302]


@pytest.mark.parametrize("code", ["", "000000x", "123", "²²²²²²", "A" * 5000, "ABCD-EFGH-JKLM"])
def test_what_is_no_code_of_the_person_lets_nobody_in(browser: Client, user: User, code: str) -> None:
    set_up(browser, user)
    assert not enters(after_password(user), code)


def test_too_many_wrong_codes_close_the_account_to_that_address_like_wrong_passwords(browser: Client, user: User) -> None:
    set_up(browser, user)
    client = after_password(user)
    statuses = [client.post("/login/code", {"code": "000000"}).status_code for _ in range(10)]
    assert statuses == [422] * 9 + [429]
    assert client.post("/login/code", {"code": code_of(user)}).status_code == 429
    assert Client().post("/login", {"username": user.email, "password": PASSWORD}).status_code == 429
    assert AuditEntry.objects.filter(action="sign_in.locked_out").exists()
    assert "000000" not in str(list(AccessAttempt.objects.values()))


class TestFromManyAddresses:
    """Wrong codes of somebody who has the password, each few of them from another address."""

    def tries(self, user: User, address: str, *codes: str) -> list[int]:
        client = Client(REMOTE_ADDR=address)
        client.post("/login", {"username": user.email, "password": PASSWORD})
        return [client.post("/login/code", {"code": code}).status_code for code in codes]

    def wrong(self, user: User, most: int = 20, network: str = "192.0.2") -> list[int]:
        return [status for n in range(most // 5) for status in self.tries(user, f"{network}.{n}", *["000000"] * 5)]

    def test_twenty_in_an_hour_close_the_step_for_all_addresses_in_words_and_in_the_trail(
        self, browser: Client, user: User, clock: Any
    ) -> None:
        set_up(browser, user)
        assert self.wrong(user) == [422] * 19 + [429]
        act = AuditEntry.objects.get(action="sign_in.locked_out")
        assert (act.subject_id, act.after) == (str(user.pk), {"factor": "code"})
        clock.shift(60)
        client = Client(REMOTE_ADDR="198.51.100.1")
        assert client.post("/login", {"username": user.email, "password": PASSWORD})["Location"] == "/login/code"
        answer = client.post("/login/code", {"code": code_of(user)})
        assert (answer.status_code, answer["Retry-After"]) == (429, "3540")
        assert "Try again in 59 minutes" in answer.content.decode()
        clock.shift(3541)
        assert self.tries(user, "198.51.100.1", code_of(user)) == [302]

    def test_a_right_code_begins_the_count_anew(self, browser: Client, user: User, clock: Any) -> None:
        set_up(browser, user)
        assert self.wrong(user, 15) == [422] * 15
        clock.shift(60)
        assert self.tries(user, "198.51.100.1", code_of(user)) == [302]
        clock.shift(60)
        assert self.wrong(user, 15, "203.0.113") == [422] * 15
        clock.shift(60)
        assert self.tries(user, "198.51.100.2", code_of(user)) == [302]

    def test_nobody_without_the_password_closes_it(self, browser: Client, user: User, clock: Any) -> None:
        set_up(browser, user)
        for n in range(5):
            stranger = Client(REMOTE_ADDR=f"192.0.2.{n}")
            for _ in range(5):
                stranger.post("/login", {"username": user.email, "password": "wrong"})
                stranger.post("/login/code", {"code": "000000"})
        clock.shift(60)
        assert self.tries(user, "198.51.100.1", code_of(user)) == [302]


def test_a_right_code_forgets_the_failures_before_it_and_a_right_password_alone_does_not(
    browser: Client, user: User, clock: Any
) -> None:
    set_up(browser, user)
    clock.shift(30)
    client = after_password(user)
    client.post("/login/code", {"code": "000000"})
    client = after_password(user)
    assert AccessAttempt.objects.get().failures_since_start == 1
    assert enters(client, code_of(user))
    assert not AccessAttempt.objects.exists()


class TestHalfWay:
    """Between the password and the code."""

    def test_nobody_gets_there_without_the_password(self, browser: Client, user: User) -> None:
        set_up(browser, user)
        assert Client().get("/login/code")["Location"] == "/login"
        assert Client().post("/login/code", {"code": code_of(user)})["Location"] == "/login"

    def test_it_ends_after_five_minutes(self, browser: Client, user: User, clock: Any) -> None:
        set_up(browser, user)
        client = after_password(user)
        clock.shift(301)
        assert client.post("/login/code", {"code": code_of(user)})["Location"] == "/login"
        assert client.get("/").status_code == 302

    @pytest.mark.parametrize("change", ["password", "deactivation"])
    def test_it_ends_with_the_password_and_the_account(self, browser: Client, user: User, clock: Any, change: str) -> None:
        set_up(browser, user)
        client = after_password(user)
        clock.shift(30)
        if change == "password":
            user.set_password("something else entirely")
            user.save()
        else:
            User.objects.filter(pk=user.pk).update(is_active=False)
        assert client.post("/login/code", {"code": code_of(user)})["Location"] == "/login"

    def test_it_leads_where_the_person_wanted_to_go_and_nowhere_else(self, browser: Client, user: User, clock: Any) -> None:
        set_up(browser, user)
        for wanted, target in (("/executions", "/executions"), ("https://evil.example/", "/")):
            clock.shift(60)
            client = Client()
            client.post("/login", {"username": user.email, "password": PASSWORD, "next": wanted})
            assert client.post("/login/code", {"code": code_of(user)})["Location"] == target


class TestSetUp:
    def test_a_wrong_code_switches_nothing_on(self, browser: Client, user: User) -> None:
        browser.post("/preferences/second-factor/begin", {"password": PASSWORD})
        assert browser.post("/preferences/second-factor", {"code": "000000"}).status_code == 422
        assert Client().post("/login", {"username": user.email, "password": PASSWORD})["Location"] == "/"

    @pytest.mark.parametrize("path", ["begin", "codes", "off"])
    def test_each_step_asks_for_the_password(self, browser: Client, user: User, path: str) -> None:
        if path != "begin":
            set_up(browser, user)
        before = {name: dump()[f"workflows.{name}"] for name in ("SecondFactor", "RecoveryCode")}
        assert browser.post(f"/preferences/second-factor/{path}", {"password": "wrong"}).status_code == 422
        assert {name: dump()[f"workflows.{name}"] for name in before} == before

    def test_it_is_switched_off_with_the_password(self, browser: Client, user: User) -> None:
        set_up(browser, user)
        assert browser.post("/preferences/second-factor/off", {"password": PASSWORD})["Location"].endswith("?done=off")
        assert Client().post("/login", {"username": user.email, "password": PASSWORD})["Location"] == "/"
        assert AuditEntry.objects.filter(action="secondfactor.deleted", actor_id=user.pk).exists()

    def test_it_cannot_be_set_up_over_one_that_is_there(self, browser: Client, user: User) -> None:
        set_up(browser, user)
        before = secret_of(user)
        assert browser.post("/preferences/second-factor/begin", {"password": PASSWORD}).status_code == 422
        assert secret_of(user) == before
        assert browser.get("/preferences/second-factor").status_code == 404

    def test_who_has_no_password_shows_a_code_instead(self, browser: Client, user: User, clock: Any) -> None:
        user.set_unusable_password()
        user.save()
        browser.force_login(user)
        browser.post("/preferences/second-factor/begin")
        assert len(codes_on(browser.post("/preferences/second-factor", {"code": code_of(user)}))) == 10
        assert browser.post("/preferences/second-factor/off", {"password": "000000"}).status_code == 422
        clock.shift(30)
        assert browser.post("/preferences/second-factor/off", {"password": code_of(user)}).status_code == 302


class TestAdministration:
    def test_the_admin_site_is_behind_it(self, browser: Client, user: User, clock: Any) -> None:
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
        set_up(browser, user)
        client = Client()
        assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"
        assert client.get("/admin/login/?next=/admin/")["Location"] == "/login?next=%2Fadmin%2F"
        assert client.post("/admin/login/", {"username": user.email, "password": PASSWORD}).status_code == 405
        client.post("/login", {"username": user.email, "password": PASSWORD, "next": "/admin/"})
        assert client.get("/admin/").status_code == 302
        clock.shift(30)
        assert client.post("/login/code", {"code": code_of(user)})["Location"] == "/admin/"
        assert client.get("/admin/").status_code == 200

    @pytest.mark.parametrize("path", ["/admin/", "/admin/workflows/user/", "/admin/login/?next=/admin/", "/admin/nothing"])
    def test_staff_without_it_see_nothing_of_the_site_where_their_organisation_demands_it(
        self, browser: Client, user: User, path: str, other_organisation: Organisation
    ) -> None:
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
        # Not the one that they are at work in, which is the first.
        Membership.objects.create(user=user, organisation=other_organisation, role=Role.OWNER)
        assert browser.get("/admin/").status_code == 200
        Organisation.objects.filter(pk=other_organisation.pk).update(second_factor_required=True)
        answer = browser.get(path)
        assert (answer.status_code, answer["Location"], answer.content) == (302, "/preferences/account?demanded", b"")
        assert browser.post("/admin/workflows/organisation/add/", {"name": "New", "slug": "new"}).status_code == 302
        assert not Organisation.objects.filter(slug="new").exists()
        set_up(browser, user)
        assert browser.get("/admin/").status_code == 200

    def test_who_owes_it_can_still_sign_out_there(self, browser: Client, user: User) -> None:
        User.objects.filter(pk=user.pk).update(is_staff=True)
        Organisation.objects.update(second_factor_required=True)
        browser.post("/admin/logout/")
        assert browser.get("/")["Location"].startswith("/login")

    def test_who_is_no_staff_is_told_so_and_sent_nowhere_else(self, browser: Client) -> None:
        assert browser.get("/admin/login/?next=/admin/").status_code == 403
        assert Client().get("/admin/login/?next=https://evil.example/")["Location"] == "/login?next=%2Fadmin%2F"


class TestOrganisation:
    @pytest.fixture
    def jan(self, organisation: Organisation) -> User:
        return factories.make_user(organisation, "jan@acme.example", "Jan")

    def test_an_owner_demands_it_and_members_set_it_up_before_anything_else(self, browser: Client, jan: User, user: User) -> None:
        theirs = Client()
        theirs.force_login(jan)
        browser.post("/organisation/second-factor", {"demanded": "on"})
        for client in (browser, theirs):
            assert client.get("/")["Location"] == "/preferences/account?demanded"
            assert client.get("/", headers={"HX-Request": "true"})["HX-Redirect"] == "/preferences/account?demanded"
            assert client.get("/preferences/account?demanded").status_code == 200
        set_up(theirs, jan)
        assert theirs.get("/").status_code == 200
        assert AuditEntry.objects.filter(action="organisation.changed", after={"second_factor_required": True}).exists()

    def test_a_manager_cannot_demand_it(self, jan: User, organisation: Organisation) -> None:
        Membership.objects.filter(user=jan).update(role=Role.MANAGER)
        client = Client()
        client.force_login(jan)
        assert client.post("/organisation/second-factor", {"demanded": "on"}).status_code == 403
        assert not Organisation.objects.get(pk=organisation.pk).second_factor_required

    def test_an_owner_resets_it_for_a_member_who_lost_the_device(self, browser: Client, jan: User, clock: Any) -> None:
        theirs = Client()
        theirs.force_login(jan)
        set_up(theirs, jan)
        assert "Device lost" in browser.get("/organisation/members").content.decode()
        assert browser.post(f"/organisation/members/{jan.pk}/second-factor/reset").status_code == 302
        assert theirs.get("/").status_code == 302, "whoever has the device is signed out"
        assert Client().post("/login", {"username": jan.email, "password": PASSWORD})["Location"] == "/"
        act = AuditEntry.objects.get(action="second_factor.reset")
        assert (act.subject_id, act.actor_id) == (str(jan.pk), browser.session["_auth_user_id"])

    @pytest.mark.parametrize("case", ["elsewhere", "staff", "not here", "member asks"])
    def test_it_is_not_reset_where_that_would_open_more(
        self, browser: Client, jan: User, other_organisation: Organisation, case: str, actor: Actor
    ) -> None:
        theirs = Client()
        theirs.force_login(jan)
        set_up(theirs, jan)
        if case == "elsewhere":
            Membership.objects.create(organisation=other_organisation, user=jan)
        elif case == "staff":
            User.objects.filter(pk=jan.pk).update(is_staff=True)
        elif case == "not here":
            Membership.objects.filter(user=jan).update(organisation=other_organisation)
        else:
            browser = theirs
        target = actor.id if case == "member asks" else jan.pk
        answer = browser.post(f"/organisation/members/{target}/second-factor/reset")
        assert answer.status_code == {"not here": 404, "member asks": 403}.get(case, 422)
        assert SecondFactor.objects.filter(user=jan).exists()

    def test_the_operator_resets_it_on_the_command_line(self, browser: Client, user: User, capsys: Any) -> None:
        set_up(browser, user)
        call_command("secondfactor", "reset", user.email.upper())
        assert not SecondFactor.objects.exists()
        assert not Session.objects.filter(user=user).exists()
        assert user.email in capsys.readouterr().out
        with pytest.raises(CommandError):
            call_command("secondfactor", "reset", "nobody@acme.example")


def test_of_two_requests_with_one_code_one_is_let_in(browser: Client, user: User, clock: Any) -> None:
    set_up(browser, user)
    clock.shift(30)
    code = code_of(user)
    assert [second_factor.take_code(user, code), second_factor.take_code(user, code)] == [True, False]
