"""Where people are signed in: the sessions of browsers, in a form of which a stolen database opens none."""

import hashlib
from datetime import timedelta
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone

from workflows import origin
from workflows.models.organisation import User

# "Last seen" is true to so much; more would be a write for each page.
SEEN_EVERY = timedelta(minutes=5)


def hash_key(key: str) -> str:
    """Return under what a session lies: a hash of the key that the browser holds."""
    return hashlib.sha256(b"flowdeck session\0" + key.encode()).hexdigest()[:40]


class Session(AbstractBaseSession):
    """One browser. Nobody is signed in where `user` is empty; then it remembers little, such as that a link was followed."""

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    address = models.CharField(max_length=45, blank=True)
    device = models.CharField(max_length=200, blank=True)

    @classmethod
    def get_session_store_class(cls) -> type["SessionStore"]:
        return SessionStore


class SessionStore(DatabaseStore):
    """Django's sessions in the database, stored under hashes. What a row says about the browser is kept along, for no query more.

    Only the synchronous methods know of the hashes: the others find nothing.
    """

    row: Session | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        rows = Session.objects.filter(session_key=hash_key(self.session_key or ""), expire_date__gt=timezone.now())
        self.row = rows.first()
        if self.row is None:
            self._session_key = None
        elif self.row.user_id is not None:
            self._note_use(self.row)
        return self.row

    def _note_use(self, row: Session) -> None:
        now, here = timezone.now(), origin.present()
        if now - row.last_seen_at >= SEEN_EVERY:
            row.last_seen_at, row.address = now, here.address or row.address
            Session.objects.filter(pk=row.pk).update(last_seen_at=row.last_seen_at, address=row.address)

    def create(self) -> None:
        self.row = None
        super().create()

    def exists(self, session_key: str) -> bool:
        return super().exists(hash_key(session_key))

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            Session.objects.filter(session_key=hash_key(key)).delete()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = super().create_model_instance(data)
        assert isinstance(row, Session)  # noqa: S101 - says of what type it is
        here, before = origin.present(), self.row
        row.session_key = hash_key(row.session_key)
        row.user_id = int(data["_auth_user_id"]) if "_auth_user_id" in data else None
        row.address, row.device = here.address, here.device
        if before is not None:
            row.created_at = before.created_at
            row.address, row.device = here.address or before.address, here.device or before.device
        self.row = row
        return row
