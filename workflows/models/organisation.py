"""Who uses the product: organisations, the people in them, and what each may do there."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workflows import origin
from workflows.models.audit import Audited, AuditedRows


class Organisation(Audited):
    """A tenant: every other row belongs to exactly one. `slug` is its id on the wire (`org_id`)."""

    slug = models.SlugField(max_length=64, unique=True, verbose_name=_("Short name"))
    name = models.CharField(max_length=200, verbose_name=_("Name"))
    time_zone = models.CharField(max_length=64, default="Europe/Berlin", verbose_name=_("Time zone"))
    created_at = models.DateTimeField(default=timezone.now, verbose_name=_("Created"))
    # Everybody has to set up a second factor before anything else.
    second_factor_required = models.BooleanField(default=False)
    # What people see who ask for no board in particular.
    default_board = models.ForeignKey(
        "workflows.SavedBoard", null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")

    def __str__(self) -> str:
        return self.name

    def audited_organisation(self) -> int | None:
        return self.pk


class UserAccounts(BaseUserManager["User"]):
    """Creates accounts; e-mail addresses are compared without regard to case."""

    def get_queryset(self) -> AuditedRows["User"]:
        return AuditedRows(self.model, using=self._db)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **fields | {"is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class Language(models.TextChoices):
    """What the product can be read in."""

    ENGLISH = "en", "English"
    GERMAN = "de", "Deutsch"


class User(Audited, AbstractBaseUser, PermissionsMixin):
    """A person; signs in by e-mail. On the wire a user id is the decimal text of the primary key.

    `language`: that of pages and mails; empty as the browser says.
    """

    MASKED = frozenset({"password"})

    email = models.EmailField(unique=True, verbose_name=_("E-mail"))
    name = models.CharField(max_length=200, blank=True, verbose_name=_("Name"))
    language = models.CharField(max_length=8, blank=True, choices=Language.choices, verbose_name=_("Language"))
    time_zone = models.CharField(max_length=64, blank=True, verbose_name=_("Time zone"))
    is_active = models.BooleanField(default=True, verbose_name=_("May sign in"))
    is_staff = models.BooleanField(default=False, verbose_name=_("May use the administration"))
    created_at = models.DateTimeField(default=timezone.now, verbose_name=_("Created"))

    objects: ClassVar[UserAccounts] = UserAccounts()  # type: ignore[assignment]
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_ignoring_case")]

    def __str__(self) -> str:
        return self.name or self.email

    def audited_organisation(self) -> int | None:
        """A person's account is told of in the organisation in which somebody changes it, else in the one they joined first."""
        here = origin.present().organisation_id
        return here or self.memberships.order_by("pk").values_list("organisation_id", flat=True).first()

    def get_short_name(self) -> str:
        """What the admin site calls the person."""
        return str(self)


class Role(models.TextChoices):
    """The roles that every organisation has."""

    OWNER = "owner"
    MANAGER = "manager"
    MEMBER = "member"
    VIEWER = "viewer"
    INTEGRATION = "integration"
    PARTNER = "partner"


class CustomRole(Audited):
    """A role that an organisation made for itself. `slug` is what memberships and tokens hold; `grants` is a list as sent."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="roles")
    slug = models.SlugField(max_length=64)
    name = models.CharField(max_length=200)
    grants = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "slug"], name="custom_role_once")]

    def __str__(self) -> str:
        return self.name


class Membership(Audited):
    """A person's place in an organisation."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("Organisation")
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("Person"))
    role = models.CharField(max_length=64, default=Role.MEMBER, verbose_name=_("Role"))

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["organisation", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation}"
