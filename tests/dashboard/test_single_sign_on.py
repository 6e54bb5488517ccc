"""Signing in by OpenID Connect, against a provider that answers over HTTP with real signatures; and what it must not let in."""

import hashlib
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from django.test import Client
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from config.logs import redact
from tests import factories
from tests.dump import dump
from workflows.models import AuditEntry, Membership, Organisation, Role, User
from workflows.services import second_factor, single_sign_on

CLIENT_ID, CLIENT_SECRET = "flowdeck", "only for tests"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})


class Provider:
    """A small provider. `claims` and `header` say what its next ID token differs in."""

    def __init__(self, server: HTTPServer) -> None:
        self.issuer = server.url_for("").rstrip("/")
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.signs_with: Any = KEY
        self.keys = [KEY]
        self.document: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens = 0
        server.expect_request("/.well-known/openid-configuration").respond_with_handler(self.describe)
        server.expect_request("/keys").respond_with_handler(self.show_keys)
        server.expect_request("/token", method="POST").respond_with_handler(self.give_token)

    def describe(self, request: Request) -> Response:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return Response(orjson.dumps(document | self.document), content_type="application/json")

    def show_keys(self, request: Request) -> Response:
        keys = [key.as_dict(private=False) for key in self.keys]
        return Response(orjson.dumps({"keys": keys}), content_type="application/json")

    def authorize(self, url: str, code: str = "code") -> dict[str, str]:
        """Do what the person does at the provider; return what their browser brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(f"{self.issuer}/authorize?")
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT_ID)
        assert (asked["code_challenge_method"], asked["redirect_uri"]) == ("S256", "http://127.0.0.1:8000/login/oidc/back")
        assert set(asked["scope"].split()) == {"openid", "email", "profile"}
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def give_token(self, request: Request) -> Response:
        form = request.form
        asked = self.codes.pop(form["code"], None)
        secret = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        challenge = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if asked is None or secret != f"{CLIENT_ID}:{CLIENT_SECRET}" or asked["code_challenge"] != challenge:
            return Response(orjson.dumps({"error": "invalid_grant"}), 400, content_type="application/json")
        self.tokens += 1
        answer = {"access_token": "opaque", "token_type": "Bearer", "id_token": self.sign(asked["nonce"])}
        return Response(orjson.dumps(answer), content_type="application/json")

    def sign(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "42", "aud": CLIENT_ID, "exp": now + 300, "iat": now, "nonce": nonce}
        claims |= {"email": "mara@acme.example", "email_verified": True, "name": "Mara"} | self.claims
        header = {"alg": "RS256", "kid": "one"} | self.header
        return jwt.encode(
            header,
            {name: value for name, value in claims.items() if value is not None},
            self.signs_with,
            algorithms=[header["alg"]],
        )


@pytest.fixture
def provider(httpserver: HTTPServer, settings: Any) -> Iterator[Provider]:
    made = Provider(httpserver)
    settings.OIDC = {
        "issuer": made.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "name": "Example",
        "scope": "openid email profile",
        "domains": {},
    }
    single_sign_on._kept.clear()
    yield made
    single_sign_on._kept.clear()


def go(provider: Provider, client: Client | None = None, path: str = "/login/oidc", **changed: str) -> tuple[Client, Any]:
    """Sign in; return the browser and the last answer."""
    browser = client or Client()
    there = browser.get(path)
    assert there.status_code == 302
    back = provider.authorize(there["Location"]) | changed
    return browser, browser.get("/login/oidc/back", back)


def assert_refused(browser: Client, answer: Any, reason: str, status: int = 403) -> None:
    assert answer.status_code == status
    assert 'role="alert"' in answer.content.decode()
    assert browser.get("/").status_code == 302
    assert AuditEntry.objects.get(action="sign_in.failed").after == {"factor": "single sign-on", "reason": reason}


def test_who_has_an_account_with_that_address_is_let_in_and_led_where_they_wanted(user: User, provider: Provider) -> None:
    assert "Sign in with Example" in Client().get("/login").content.decode()
    browser, answer = go(provider, path="/login/oidc?next=/executions")
    assert answer["Location"] == "/executions"
    assert browser.get("/").status_code == 200
    assert AuditEntry.objects.get(action="sign_in.succeeded").subject_id == str(user.pk)
    assert go(provider, path="/login/oidc?next=https://evil.example/")[1]["Location"] == "/"


def test_the_second_factor_is_asked_for_all_the_same(user: User, provider: Provider, monkeypatch: Any) -> None:
    monkeypatch.setattr(second_factor, "find_step", lambda factor, code, now=None: factor.last_step + 1)
    second_factor.begin_setup(user)
    second_factor.confirm_setup(user, "", None)
    browser, answer = go(provider)
    assert answer["Location"] == "/login/code"
    assert browser.get("/").status_code == 302


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"nonce": "another"}, "token"),
        ({"nonce": None}, "token"),
        ({"aud": "somebody-else"}, "token"),
        ({"aud": ["somebody-else"]}, "token"),
        ({"aud": [CLIENT_ID, "somebody-else"], "azp": "somebody-else"}, "token"),
        ({"iss": "https://evil.example"}, "token"),
        ({"exp": 1}, "token"),
        ({"exp": None}, "token"),
        ({"iat": 99999999999}, "token"),
        ({"sub": None}, "token"),
        ({"email_verified": False}, "unverified"),
        ({"email_verified": None}, "unverified"),
        ({"email_verified": "true"}, "unverified"),
        ({"email": None}, "unverified"),
        ({"email": "nobody@acme.example"}, "unknown"),
    ],
)
def test_a_token_that_says_anything_else_lets_nobody_in(
    user: User, provider: Provider, claims: dict[str, Any], reason: str
) -> None:
    provider.claims = claims
    before = dump()["workflows.User"]
    browser, answer = go(provider)
    assert_refused(browser, answer, reason)
    assert dump()["workflows.User"] == before


class TestSignatures:
    def test_a_token_of_another_key_is_refused(self, user: User, provider: Provider) -> None:
        provider.signs_with = OTHER_KEY
        assert_refused(*go(provider), "token")

    def test_a_token_without_a_signature_is_refused(self, user: User, provider: Provider, monkeypatch: Any) -> None:
        def unsigned(nonce: str) -> str:
            now = int(time.time())
            claims = {"iss": provider.issuer, "sub": "42", "aud": CLIENT_ID, "exp": now + 300, "iat": now, "nonce": nonce}
            claims |= {"email": "mara@acme.example", "email_verified": True}
            parts = [orjson.dumps({"alg": "none", "kid": "one"}), orjson.dumps(claims)]
            return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."

        monkeypatch.setattr(provider, "sign", unsigned)
        assert_refused(*go(provider), "token")

    @pytest.mark.parametrize("secret", [CLIENT_SECRET, "public key"])
    def test_a_token_that_is_signed_with_what_everybody_knows_is_refused(
        self, user: User, provider: Provider, secret: str
    ) -> None:
        text = KEY.as_pem(private=False).decode() if secret == "public key" else secret
        provider.header = {"alg": "HS256"}
        provider.signs_with = OctKey.import_key(urlsafe_b64encode(text.encode()).decode())
        assert_refused(*go(provider), "token")

    def test_new_keys_of_the_provider_are_asked_for(self, user: User, provider: Provider) -> None:
        assert go(provider)[1].status_code == 302
        provider.keys, provider.signs_with, provider.header = [OTHER_KEY], OTHER_KEY, {"kid": "two"}
        assert go(provider)[1].status_code == 302


class TestTheWayBack:
    @pytest.mark.parametrize("changed", [{"state": "another"}, {"state": ""}, {"iss": "https://evil.example"}])
    def test_a_state_that_is_not_ours_is_refused_before_the_provider_is_asked(
        self, user: User, provider: Provider, changed: dict[str, str]
    ) -> None:
        assert_refused(*go(provider, **changed), "state")
        assert provider.tokens == 0

    def test_an_answer_of_another_browser_is_refused(self, user: User, provider: Provider) -> None:
        back = provider.authorize(Client().get("/login/oidc")["Location"])
        other = Client()
        assert_refused(other, other.get("/login/oidc/back", back), "state")

    def test_an_answer_is_taken_once(self, user: User, provider: Provider) -> None:
        browser = Client()
        back = provider.authorize(browser.get("/login/oidc")["Location"])
        assert browser.get("/login/oidc/back", back).status_code == 302
        assert browser.get("/login/oidc/back", back).status_code == 403

    def test_a_code_that_was_begun_with_another_verifier_is_refused(self, user: User, provider: Provider) -> None:
        stolen = provider.authorize(Client().get("/login/oidc")["Location"], "stolen")
        assert_refused(*go(provider, code=stolen["code"]), "token")

    def test_who_changed_their_mind_is_told_what_to_do(self, user: User, provider: Provider) -> None:
        assert_refused(*go(provider, error="access_denied"), "refused")


class TestProvider:
    def test_one_that_calls_itself_otherwise_is_not_believed(self, user: User, provider: Provider) -> None:
        provider.document = {"issuer": "https://evil.example"}
        answer = Client().get("/login/oidc")
        assert answer.status_code == 502
        assert "evil" not in answer.content.decode()

    def test_what_it_names_elsewhere_must_be_a_public_address(
        self, user: User, provider: Provider, httpserver: HTTPServer
    ) -> None:
        provider.document = {"token_endpoint": f"http://127.0.0.1:{httpserver.port}/token"}
        assert_refused(*go(provider), "provider", 502)
        assert provider.tokens == 0

    def test_one_that_does_not_answer_is_said_so(self, user: User, provider: Provider, httpserver: HTTPServer) -> None:
        httpserver.clear()
        assert Client().get("/login/oidc").status_code == 502

    def test_without_settings_there_is_none(self, user: User) -> None:
        assert Client().get("/login/oidc").status_code == 404
        assert Client().get("/login/oidc/back").status_code == 404
        assert "/login/oidc" not in Client().get("/login").content.decode()


class TestDomains:
    def test_people_of_a_domain_are_taken_into_its_organisation(
        self, organisation: Organisation, provider: Provider, settings: Any
    ) -> None:
        settings.OIDC = settings.OIDC | {"domains": {"acme.example": ("acme", "viewer")}}
        provider.claims = {"email": "New@Acme.Example", "name": "New One"}
        browser, answer = go(provider)
        assert answer.status_code == 302
        assert browser.get("/").status_code == 200
        made = Membership.objects.get(user__email="new@acme.example")
        assert (made.organisation, made.role, made.user.name) == (organisation, Role.VIEWER, "New One")
        assert not made.user.has_usable_password()
        go(provider)
        assert User.objects.filter(email="new@acme.example").count() == 1

    @pytest.mark.parametrize("place", [("nowhere", "member"), ("acme", "emperor")])
    def test_a_place_that_is_not_there_takes_nobody(
        self, organisation: Organisation, provider: Provider, settings: Any, place: tuple[str, str]
    ) -> None:
        settings.OIDC = settings.OIDC | {"domains": {"acme.example": place}}
        provider.claims = {"email": "new@acme.example"}
        assert_refused(*go(provider), "unknown")
        assert not User.objects.exists()

    def test_a_domain_that_only_ends_alike_is_another(
        self, organisation: Organisation, provider: Provider, settings: Any
    ) -> None:
        settings.OIDC = settings.OIDC | {"domains": {"acme.example": ("acme", "member")}}
        provider.claims = {"email": "new@evil-acme.example"}
        assert_refused(*go(provider), "unknown")


def test_what_comes_back_is_not_logged() -> None:
    event = redact(None, "", {"event": "GET /login/oidc/back?code=opens&state=doors HTTP/1.1"})
    assert event["event"] == "GET /login/oidc/back?code=•••&state=••• HTTP/1.1"


def test_who_may_not_sign_in_any_more_is_not_let_in(organisation: Organisation, provider: Provider) -> None:
    user = factories.make_user(organisation, "mara@acme.example", "Mara")
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert_refused(*go(provider), "unknown")
