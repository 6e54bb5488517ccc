"""Secrets of integrations as they lie in the database: encrypted, under a key that is not in it.

The key is derived from SECRET_KEY. After SECRET_KEY was changed, what was sealed under an old one can still be read while the old
one stands in SECRET_KEY_FALLBACKS; whatever is sealed anew takes the new one.
"""

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """The secret was sealed under a key that this installation does not have any more."""


def seal(text: str) -> str:
    """Return a text in its sealed form."""
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return what was sealed. Raises Unreadable."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("The secret cannot be read: SECRET_KEY was changed since; save the secret again") from error


def new_signing_secret() -> str:
    """Return a secret in the form of Standard Webhooks: 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _box() -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _derive(key: str) -> bytes:
    return base64.urlsafe_b64encode(hmac.new(key.encode(), b"flowdeck sealed secrets", hashlib.sha256).digest())
