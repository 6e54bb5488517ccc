"""The audit trail: who changed what, when, from where, from which value to which. Append-only, in the cause's transaction.

Models that derive from Audited write it by themselves, whoever saves them: a service, a command, the admin site. What happens to
executions is in their history (`Event`), which has the same properties; one thing is written down once.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone

from workflows import origin

Row_co = TypeVar("Row_co", bound="Audited", covariant=True)
MASK = "•••"
# A longer text is cut: the trail says what changed, the thing itself has the whole.
MOST = 2000
# Changes of these are no news: they follow from other changes, or from mere use.
UNTOLD = frozenset({"updated_at", "updated_by", "last_login", "last_used_on", "search_text", "runs", "last_step", "tour_seen"})


class AuditEntry(models.Model):
    """One act. `subject_id` and `organisation_id` are plain ids: the trail outlives what it speaks of."""

    organisation = models.ForeignKey(
        "workflows.Organisation", null=True, db_constraint=False, db_index=False, on_delete=models.DO_NOTHING, related_name="+"
    )
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=128, blank=True)
    action = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=128, blank=True)
    # How people call it, at the time.
    subject = models.CharField(max_length=200, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    request_id = models.CharField(max_length=36, blank=True)
    address = models.CharField(max_length=45, blank=True)
    device = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "-at", "-id"], name="audit_recent"),
            models.Index(fields=["subject_id", "-at"], name="audit_subject"),
            models.Index(fields=["actor_id", "-at"], name="audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.subject}"


class AuditOpening(models.Model):
    """While a row is here the trail may be shortened or made anonymous: a row exists only inside the transaction that does it."""

    reason = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.reason


def note(
    action: str,
    *,
    subject_id: object = "",
    subject: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    organisation_id: int | None = None,
) -> AuditEntry:
    """Write one act of whoever acts in the request or job at hand; without `organisation_id` in the organisation of that one."""
    here = origin.present()
    return AuditEntry.objects.create(
        organisation_id=here.organisation_id if organisation_id is None else organisation_id,
        at=timezone.now(),
        actor_kind=here.actor_kind,
        actor_id=here.actor_id,
        action=action,
        subject_id=str(subject_id)[:128],
        subject=subject[:200],
        before=_plain(before),
        after=_plain(after),
        request_id=here.request_id,
        address=here.address,
        device=here.device,
    )


class AuditedRows(models.QuerySet[Row_co]):
    """Rows whose changes are written to the trail also where they are changed or deleted many at a time."""

    def update(self, **values: Any) -> int:
        told = [name for name in values if name not in UNTOLD]
        if not told:
            return super().update(**values)
        with transaction.atomic(using=self.db):
            before = {row.pk: row.audited_values() for row in _locked(self)}
            changed = super().update(**values)
            for row in self.model._default_manager.filter(pk__in=list(before)):
                row.note_change(before[row.pk])
        return changed

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic(using=self.db):
            for row in self.all():
                row.note_deletion()
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class Audited(models.Model):
    """A thing whose every change is written to the trail. `MASKED`: columns of which only is told that they changed."""

    MASKED: ClassVar[frozenset[str]] = frozenset()

    objects = models.Manager.from_queryset(AuditedRows)()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            before = None
            if not self._state.adding and self._tells(kwargs.get("update_fields")):
                row = _locked(type(self)._default_manager.filter(pk=self.pk)).first()
                before = row.audited_values() if row else None
            was_new = self._state.adding
            super().save(*args, **kwargs)
            if was_new:
                self.note_creation()
            elif before is not None:
                self.note_change(before)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            self.note_deletion()
            return super().delete(*args, **kwargs)

    def audited_values(self) -> dict[str, Any]:
        """Return the columns that are told of, as they are."""
        names = [field.attname for field in self._meta.concrete_fields if field.attname not in UNTOLD]
        return {name: getattr(self, name) for name in names}

    def note_creation(self) -> None:
        self._note("created", None, self.audited_values())

    def note_change(self, before: Mapping[str, Any]) -> None:
        """Write down in what the row differs from what it was, if in anything."""
        after = self.audited_values()
        names = [name for name in after if after[name] != before[name]]
        if names:
            pairs = [_differing(before[name], after[name]) for name in names]
            self._note(
                "changed",
                {name: old for name, (old, _new) in zip(names, pairs, strict=True)},
                {name: new for name, (_old, new) in zip(names, pairs, strict=True)},
            )

    def note_deletion(self) -> None:
        self._note("deleted", self.audited_values(), None)

    def _tells(self, names: Any) -> bool:
        return names is None or any(name not in UNTOLD for name in names)

    def _note(self, what: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
        note(
            f"{self._meta.model_name}.{what}",
            subject_id=self.pk,
            subject=str(self),
            before=self._masked(before),
            after=self._masked(after),
            organisation_id=self.audited_organisation(),
        )

    def audited_organisation(self) -> int | None:
        """Return the organisation in whose trail this is told; None: the one of who acts."""
        return getattr(self, "organisation_id", None)

    def _masked(self, values: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if values is None:
            return None
        return {name: (MASK if value else "") if name in self.MASKED else value for name, value in values.items()}


def _locked(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Return the rows, locked where the database locks rows; what joins other tables or is cut cannot be."""
    plain = (
        rows.model._base_manager.filter(pk__in=rows.values("pk")) if rows.query.is_sliced or rows.query.distinct else rows.all()
    )
    return plain.order_by("pk").select_for_update(of=("self",))


def _differing(before: Any, after: Any) -> tuple[Any, Any]:
    """Of two objects return what differs at their first level; other values as they are."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return before, after
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {n: before[n] for n in names if n in before}, {n: after[n] for n in names if n in after}


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return values as JSON has them, long ones cut."""
    if values is None:
        return None
    result: dict[str, Any] = {}
    for name, value in values.items():
        text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
        result[name] = json.loads(text) if len(text) <= MOST else text[:MOST] + "…"
    return result
