"""Signing in with an account of another place, by OpenID Connect: the authorization code flow with PKCE, state and nonce.

The operator's configuration names the one provider. Authlib speaks the protocol; every call is made by `outbound.send`. The
issuer's own host may be anywhere, as the operator has named it. What its documents name elsewhere is nobody's configuration, and
must be a public address like everything else.
"""

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from django.conf import settings
from django.db import IntegrityError, transaction
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from workflows import outbound
from workflows.models import Membership, Organisation, User
from workflows.models.audit import note
from workflows.permissions import BUILT_IN
from workflows.services.sign_ins import organisation_of
from workflows.services.transactions import in_transaction

# No symmetric ones, whose key would be the client's secret, and never none.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
# Between the button and coming back.
LASTS = 600
# What the provider says about itself is asked for again after so many seconds.
KEPT = 3600
LEEWAY = 60
SECONDS = 10.0

_kept: dict[str, tuple[float, dict[str, Any]]] = {}


class NotAdmitted(Exception):
    """Nobody is let in. `reason` is a word for the page and the trail; `email` what the provider has said, if it has."""

    def __init__(self, reason: str, email: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.email = email


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as Authlib reads it."""

    status_code: int
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise NotAdmitted("provider")


class Transport:
    """The session that Authlib calls with."""

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> Reply:
        address, given, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        answer = call("POST", address, body.encode(), given)
        return Reply(answer.status, answer.body)


def call(method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> outbound.Answer:
    """Call the provider. Raises NotAdmitted when it cannot be reached, or must not be."""
    try:
        return outbound.send(method, url, body, headers or {"Accept": "application/json"}, SECONDS, trusted=is_of_issuer(url))
    except (outbound.Refused, outbound.Unreachable) as error:
        raise NotAdmitted("provider") from error


def options() -> dict[str, Any]:
    """Return what the operator has configured."""
    assert settings.OIDC is not None  # noqa: S101 - the pages are not there without
    return settings.OIDC


def is_of_issuer(url: str) -> bool:
    own, other = urlsplit(options()["issuer"]), urlsplit(url)
    return (own.scheme, own.netloc) == (other.scheme, other.netloc)


def begin() -> tuple[str, dict[str, Any]]:
    """Return where the person is sent, and what their session has to keep until they come back. Raises NotAdmitted."""
    kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    url, _state = client().create_authorization_url(
        discover()["authorization_endpoint"], state=kept["state"], code_verifier=kept["verifier"], nonce=kept["nonce"]
    )
    return url, kept | {"at": int(time.time())}


def finish(kept: Mapping[str, Any], answer: Mapping[str, str]) -> User:
    """Return the person who has come back with an answer of the provider. Raises NotAdmitted."""
    if not 0 <= time.time() - kept.get("at", 0) <= LASTS or not hmac.compare_digest(
        answer.get("state", "").encode(), str(kept["state"]).encode()
    ):
        raise NotAdmitted("state")
    if answer.get("iss", options()["issuer"]) != options()["issuer"]:
        raise NotAdmitted("state")
    if answer.get("error") or not answer.get("code"):
        raise NotAdmitted("refused")
    try:
        token = client().fetch_token(
            discover()["token_endpoint"],
            grant_type="authorization_code",
            code=answer["code"],
            code_verifier=kept["verifier"],
        )
        claims = read_id_token(token, kept["nonce"])
    except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
        raise NotAdmitted("token") from error
    return find_person(claims)


def client() -> OAuth2Client:
    own = options()
    return OAuth2Client(
        Transport(),
        own["client_id"],
        own["client_secret"] or None,
        scope=own["scope"],
        redirect_uri=f"{settings.PUBLIC_URL}/login/oidc/back",
        code_challenge_method="S256",
    )


def read_id_token(token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
    """Return what an ID token says, after its signature, issuer, audience, times and nonce were checked."""
    text = str(token["id_token"])
    read = jwt.decode(text, find_keys(text), algorithms=ALGORITHMS)
    wanted = {
        "iss": {"essential": True, "value": options()["issuer"]},
        "aud": {"essential": True, "value": options()["client_id"]},
    }
    known = {"nonce": nonce, "client_id": options()["client_id"], "access_token": token.get("access_token")}
    CodeIDToken(read.claims, read.header, wanted, known).validate(leeway=LEEWAY)
    return dict(read.claims)


def find_keys(text: str) -> KeySet:
    """Return the provider's keys, asked for anew when a token names one that is not among those that are kept."""
    address = discover()["jwks_uri"]
    header = jws.extract_compact(text.encode()).headers()
    document = fetch(address)
    if header.get("kid") and header["kid"] not in {key.get("kid") for key in document.get("keys", ())}:
        document = fetch(address, fresh=True)
    return KeySet.import_key_set({"keys": [key for key in document.get("keys", ()) if key.get("use", "sig") == "sig"]})


def discover() -> dict[str, Any]:
    """Return what the provider says of itself; it must be the one that was asked."""
    issuer = options()["issuer"]
    document = fetch(issuer.rstrip("/") + "/.well-known/openid-configuration")
    secure = issuer.startswith("https://")
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if document.get("issuer") != issuer or not all(
        str(document.get(name, "")).startswith("https://" if secure else ("http://", "https://")) for name in names
    ):
        raise NotAdmitted("provider")
    return document


def fetch(url: str, *, fresh: bool = False) -> dict[str, Any]:
    at, document = _kept.get(url, (0.0, {}))
    if document and not fresh and time.monotonic() - at < KEPT:
        return document
    answer = call("GET", url)
    try:
        found = orjson.loads(answer.body)
    except ValueError as error:
        raise NotAdmitted("provider") from error
    if answer.status != 200 or not isinstance(found, dict):
        raise NotAdmitted("provider")
    _kept[url] = (time.monotonic(), found)
    return found


def find_person(claims: Mapping[str, Any]) -> User:
    """Return the account with the e-mail address that the provider vouches for. Raises NotAdmitted."""
    email = str(claims.get("email") or "").strip().lower()
    if not email or claims.get("email_verified") is not True:
        raise NotAdmitted("unverified", email)
    user = User.objects.filter(email=email).first() or _welcome(email, str(claims.get("name") or ""))
    if user is None or not user.is_active:
        raise NotAdmitted("unknown", email)
    return user


def _welcome(email: str, name: str) -> User | None:
    """Make an account for somebody of a domain that the operator has given an organisation; None for everybody else."""
    slug, role = options()["domains"].get(email.rpartition("@")[2], ("", ""))
    organisation = Organisation.objects.filter(slug=slug).first() if slug else None
    if organisation is None or not (role in BUILT_IN or organisation.roles.filter(slug=role).exists()):
        return None
    try:
        return _create(organisation, role, email, name.replace("\0", "").strip()[:200])
    except IntegrityError:
        # They came twice at the same moment.
        return User.objects.filter(email=email).first()


@in_transaction
def _create(organisation: Organisation, role: str, email: str, name: str) -> User:
    with transaction.atomic():
        user = User.objects.create_user(email, None, name=name)
        Membership.objects.create(organisation=organisation, user=user, role=role)
    return user


def note_refusal(error: NotAdmitted) -> None:
    """Tell the trail who was not let in, and why."""
    user = User.objects.filter(email=error.email).first() if error.email else None
    home = organisation_of(user) if user else None
    after = {"factor": "single sign-on", "reason": error.reason}
    note("sign_in.failed", subject_id=user.pk if user else "", subject=error.email, after=after, organisation_id=home)
