"""API tokens: a public id and a secret of which only a keyed hash is stored, so that a stolen database opens nothing."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workflows.models.audit import Audited
from workflows.models.organisation import Organisation, Role, User


def hash_secret(secret: str) -> str:
    """Return the keyed hash under which a token's secret is stored: HMAC-SHA256, behind the name of its key."""
    name, key = next(_keys())
    return f"{name}${_hash(key, secret)}"


def is_hash_of(stored: str, secret: str) -> bool:
    """Compare in constant time. What was hashed under a key that is neither SECRET_KEY's nor a fallback's matches nothing."""
    name, _sign, digest = stored.rpartition("$")
    # Hashes from before keys had names were made under any of them.
    keys = [key for named, key in _keys() if name in (named, "")]
    return True in [hmac.compare_digest(digest, _hash(key, secret)) for key in keys]


def is_current(stored: str) -> bool:
    """Whether a hash was made under the key that is derived from SECRET_KEY as it is now."""
    return stored.startswith(next(_keys())[0] + "$")


def _keys() -> Iterator[tuple[str, bytes]]:
    """Yield the keys that are derived from SECRET_KEY and its fallbacks, each with the name that tells it from the others."""
    for text in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        key = hashlib.sha256(b"flowdeck api token\0" + text.encode()).digest()
        yield hashlib.sha256(b"name\0" + key).hexdigest()[:8], key


def _hash(key: bytes, secret: str) -> str:
    return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()


def new_token_id() -> str:
    return "api_" + secrets.token_hex(8)


class ApiToken(Audited):
    """A credential of an integration. The bearer string is `<id>.<secret>`, shown once when it is made.

    `scopes`: the actions that it may do at most, separated by spaces; none: all that its role may. `previous_hash` is the secret
    from before a rotation, which is taken until `previous_until`.
    """

    MASKED = frozenset({"secret_hash", "previous_hash"})

    id = models.CharField(max_length=32, primary_key=True, default=new_token_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="tokens", verbose_name=_("Organisation")
    )
    name = models.CharField(max_length=200, verbose_name=_("Name"))
    role = models.CharField(max_length=64, default=Role.INTEGRATION, verbose_name=_("Role"))
    secret_hash = models.CharField(max_length=80, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("Created"))
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, verbose_name=_("Ends"))
    revoked_at = models.DateTimeField(null=True, blank=True, verbose_name=_("Revoked"))
    last_used_on = models.DateField(null=True, blank=True, editable=False, verbose_name=_("Last used"))
    scopes = models.TextField(blank=True, default="")
    read_only = models.BooleanField(default=False)
    previous_hash = models.CharField(max_length=80, blank=True, default="", editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name

    def matches(self, secret: str) -> bool:
        """Compare with the secret, and with the one before it as far as that is there, in constant time."""
        return True in [bool(stored) and is_hash_of(stored, secret) for stored in (self.secret_hash, self.previous_hash)]

    def is_usable(self) -> bool:
        now = timezone.now()
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
