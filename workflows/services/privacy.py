"""What is kept about one person: told to them as JSON, and forgotten.

Forgetting makes a person a pseudonym. What they did is part of what happened to others' flows, so it stays, in its order and
under the number of their account; the account no longer says whose it was. Names and addresses are taken out of the trail and
the history, where they were written down in values, in one transaction that opens both for that and says so at its end.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from axes.models import AccessAttempt
from django.contrib.auth.hashers import make_password
from django.db.models import Model, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.forms.models import model_to_dict
from django.utils import timezone

from workflows.models import (
    ApiToken,
    Assignment,
    AuditEntry,
    Comment,
    Entity,
    Event,
    ExecutionDocument,
    IdempotencyKey,
    Membership,
    Mention,
    Preferences,
    Presence,
    RecoveryCode,
    Role,
    SecondFactor,
    Session,
    Share,
    User,
)
from workflows.models.audit import note
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.forgetting import forgetting
from workflows.services.sign_ins import organisation_of
from workflows.services.transactions import in_transaction

DOMAIN = "erased.invalid"
PAGE = 500


def find_account(email: str) -> User:
    """Raises NotFound."""
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise NotFound
    return user


@in_transaction
def export_person(user: User) -> dict[str, Any]:
    """Return all that is kept about a person. Secrets are left out: they say nothing about them and open doors."""
    key = str(user.pk)
    found: dict[str, Any] = {
        "account": model_to_dict(user, ["id", "email", "name", "language", "time_zone", "is_active", "is_staff"])
        | {"created_at": user.created_at, "last_login": user.last_login},
        "memberships": _values(Membership.objects.filter(user=user), "organisation__slug", "role"),
        "preferences": _values(Preferences.objects.filter(user=user), "theme", "density", "single_keys"),
        "sessions": _values(Session.objects.filter(user=user), "address", "device", "created_at", "last_seen_at"),
        "second_factor": _values(SecondFactor.objects.filter(user=user), "created_at", "confirmed_at"),
        "shares": _values(_shares(user), "id", "organisation__slug", "audience", "email", "created_at", "revoked_at"),
        "tokens_made": _values(ApiToken.objects.filter(created_by=user), "id", "name", "created_at"),
        "comments": _values(
            Comment.objects.filter(author=user), "id", "execution_id", "task_id", "text", "created_at", "deleted_at"
        ),
        "mentions": _values(Mention.objects.filter(user=user), "comment_id", "comment__text"),
        "assignments": _values(
            Assignment.objects.filter(assignee__in=[key, user.email]), "execution_id", "execution__name", "task_id", "task__name"
        ),
        "failures_to_sign_in": _values(
            AccessAttempt.objects.filter(username=user.email), "ip_address", "user_agent", "attempt_time"
        ),
        "trail": _values(
            AuditEntry.objects.filter(Q(actor_id=key) | _about(key) | Q(subject=user.email)),
            *("at", "action", "subject_id", "subject", "before", "after", "address", "device"),
        ),
        "history": _values(
            Event.objects.filter(actor_id=key), "at", "action", "execution_id", "task_id", "before", "after", "address"
        ),
        # Written down about them by others, as customers for example.
        "entities": _values(_entities(user), "id", "schema", "attributes"),
    }
    counts = {name: len(rows) for name, rows in found.items() if isinstance(rows, list)}
    note("privacy.exported", subject_id=key, subject=str(user), after=counts, organisation_id=organisation_of(user))
    return found


@in_transaction
def erase_person(user: User) -> dict[str, int]:
    """Have nothing say any more who a person was; return what was changed, by kind. Raises InvalidInput for an only owner.

    `entities` counts what has their address in it and is left: those are records of an organisation, which deletes them itself.
    """
    _keep_owners(user)
    key, home = str(user.pk), organisation_of(user)
    former = Former(user)
    left = _entities(user).count()
    organisations = _organisations(user)
    counts = {"memberships": Membership.objects.filter(user=user).delete()[0]}
    for model in (Session, RecoveryCode, SecondFactor, Preferences, Presence):
        model._base_manager.filter(user=user).delete()
    AccessAttempt.objects.filter(username=user.email).delete()
    IdempotencyKey.objects.filter(credential=key).delete()
    counts["comments"] = _rewrite(_comments(user), former, "text")
    Mention.objects.filter(user=user).delete()
    shares = Share._base_manager.filter(pk__in=list(_shares(user).values_list("pk", flat=True)))
    shares.filter(revoked_at=None).update(revoked_at=timezone.now())
    counts["shares"] = shares.update(email=former.pseudonym)
    held = Assignment.objects.filter(assignee=user.email)
    ExecutionDocument.objects.filter(execution_id__in=list(held.values_list("execution_id", flat=True))).delete()
    counts["assignments"] = held.update(assignee=former.pseudonym)
    with forgetting(f"account {key} is erased"):
        counts["trail"] = _forget(AuditEntry.objects.all(), former, organisations, "subject", "before", "after")
        counts["history"] = _forget(Event.objects.all(), former, organisations, "before", "after")
    # Past the trail, which would write down what is being forgotten.
    nothing: dict[str, Any] = dict.fromkeys(("is_active", "is_staff", "is_superuser"), False)
    nothing |= {"password": make_password(None), "language": "", "time_zone": "", "last_login": None}
    User._base_manager.filter(pk=user.pk).update(email=former.pseudonym, name=former.name, **nothing)
    user.groups.clear()
    user.user_permissions.clear()
    note("privacy.erased", subject_id=key, subject=former.name, after=counts, organisation_id=home)
    return counts | {"entities": left}


class Former:
    """What stood for a person, and what stands for them now."""

    def __init__(self, user: User) -> None:
        self.key = str(user.pk)
        self.pseudonym = f"erased-{user.pk}@{DOMAIN}"
        self.name = f"Erased {user.pk}"
        self.email = user.email
        self.texts = {user.email: self.pseudonym} | ({user.name: self.name} if len(user.name) > 2 else {})
        # A name is a whole word: Jan is not in January.
        words = "|".join(re.escape(text) for text in sorted(self.texts, key=len, reverse=True))
        self.pattern = re.compile(rf"(?<![\w.-])({words})(?![\w@-])", re.IGNORECASE)
        self.by_folded = {text.casefold(): other for text, other in self.texts.items()}

    def blot(self, value: Any) -> Any:
        """Return a value of JSON without the person's name and address."""
        if isinstance(value, str):
            return self.pattern.sub(lambda found: self.by_folded.get(found[1].casefold(), self.name), value)
        if isinstance(value, list):
            return [self.blot(item) for item in value]
        if isinstance(value, dict):
            return {name: self.blot(item) for name, item in value.items()}
        return value


def _forget(rows: QuerySet[Any], former: Former, organisations: set[int], *names: str) -> int:
    """Take the person out of rows of the trail or the history: where they acted, their addresses; everywhere, their name."""
    acted = Q(actor_id=former.key)
    if rows.model is AuditEntry:
        # Who signs in is not known before they have.
        acted |= _about(former.key) & (Q(action__startswith="sign_in.") | Q(action__startswith="password."))
    blank = {"address": ""} | ({"device": ""} if rows.model is AuditEntry else {})
    changed = rows.filter(acted).update(**blank)
    texts = [part for text in former.texts for part in {text, json.dumps(text)[1:-1]}]
    condition = Q(pk__in=[])
    for name in names:
        rows = rows.annotate(**{f"{name}_text": Cast(name, TextField())})
        for text in texts:
            condition |= Q(**{f"{name}_text__icontains": text})
    told = Q(organisation_id__in=organisations) | Q(actor_id=former.key)
    if rows.model is AuditEntry:
        told |= Q(organisation_id=None) | _about(former.key)
    return changed + _rewrite(rows.filter(condition & told), former, *names)


def _rewrite(rows: QuerySet[Any], former: Former, *names: str) -> int:
    """Blot the person out of the named columns; return in how many rows that changed something."""
    changed = 0
    for row in _in_pages(rows):
        values = {name: former.blot(getattr(row, name)) for name in names}
        if any(values[name] != getattr(row, name) for name in names):
            type(row)._base_manager.filter(pk=row.pk).update(**values)
            changed += 1
    return changed


def _in_pages(rows: QuerySet[Any]) -> Iterator[Model]:
    rows = rows.order_by("pk")
    page = list(rows[:PAGE])
    while page:
        yield from page
        page = list(rows.filter(pk__gt=page[-1].pk)[:PAGE])


def _keep_owners(user: User) -> None:
    for membership in Membership.objects.filter(user=user, role=Role.OWNER).select_related("organisation"):
        others = Membership.objects.filter(organisation=membership.organisation, role=Role.OWNER).exclude(user=user)
        if not others.filter(user__is_active=True).exists():
            raise InvalidInput(
                "email", f"they are the only owner of {membership.organisation.slug}; make somebody else one first"
            )


def _organisations(user: User) -> set[int]:
    """Return where the person may have been written down."""
    key = str(user.pk)
    return {
        *Membership.objects.filter(user=user).values_list("organisation_id", flat=True),
        *_shares(user).values_list("organisation_id", flat=True),
        *AuditEntry.objects.filter(Q(actor_id=key) | _about(key), organisation__isnull=False).values_list(
            "organisation_id", flat=True
        ),
    }


def _about(key: str) -> Q:
    """Return the condition for acts on a person's account: other things have ids that look like theirs."""
    kinds = Q()
    for kind in ("user.", "sign_in.", "password.", "session.", "second_factor.", "privacy."):
        kinds |= Q(action__startswith=kind)
    return Q(subject_id=key) & kinds


def _comments(user: User) -> QuerySet[Comment]:
    """Return those that the person wrote, and those that name them."""
    naming = Mention.objects.filter(user=user).values_list("comment_id", flat=True)
    return Comment.objects.filter(Q(author=user) | Q(pk__in=list(naming)))


def _shares(user: User) -> QuerySet[Share]:
    return Share.objects.filter(Q(user=user) | Q(email__iexact=user.email))


def _entities(user: User) -> QuerySet[Entity]:
    words = Q(as_text__icontains=user.email)
    return Entity.objects.annotate(as_text=Cast("attributes", TextField())).filter(words, deleted_at=None).order_by("pk")


def _values(rows: QuerySet[Any], *names: str) -> list[dict[str, Any]]:
    return list(rows.order_by("pk").values(*names))
