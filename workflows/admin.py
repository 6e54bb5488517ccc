"""The admin site: closing reasons, templates (to read), tokens, organisations and people.

Superusers see everything. Staff who own or manage an organisation administer that one; other staff have what Django grants them.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from workflows.models import ApiToken, ClosingReason, ClosingReasonStatus, FlowTemplate, Membership, Organisation, Role, User
from workflows.services import tokens

admin.site.site_header = "Flowdeck"
admin.site.site_title = "Flowdeck"
admin.site.index_title = _("Administration")


def own_organisations(request: HttpRequest) -> QuerySet[Organisation]:
    """Return what the person at hand may administer."""
    user = request.user
    if not isinstance(user, User):
        return Organisation.objects.none()
    if user.is_superuser:
        return Organisation.objects.all()
    return Organisation.objects.filter(memberships__user=user, memberships__role__in=[Role.OWNER, Role.MANAGER])


def administers(request: HttpRequest) -> bool:
    """Whether the person is staff and has an organisation to administer."""
    user = request.user
    return isinstance(user, User) and user.is_active and user.is_staff and own_organisations(request).exists()


class ScopedAdmin(admin.ModelAdmin):
    """Rows, choices and filters of the person's organisations only. `scope` is the lookup from a row to its organisation."""

    scope = "organisation"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or administers(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or administers(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) or administers(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) or administers(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) or administers(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.filter(**{f"{self.scope}__in": own_organisations(request)}).distinct()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.related_model is Organisation:
            options["queryset"] = own_organisations(request)
        if db_field.related_model is User:
            options["queryset"] = User.objects.filter(memberships__organisation__in=own_organisations(request)).distinct()
        return super().formfield_for_foreignkey(db_field, request, **options)

    def get_list_filter(self, request: HttpRequest) -> Any:
        """The filter by organisation would name the others."""
        filters = super().get_list_filter(request)
        is_superuser = isinstance(request.user, User) and request.user.is_superuser
        return filters if is_superuser else [name for name in filters if name != "organisation"]


@admin.register(ClosingReason)
class ClosingReasonAdmin(ScopedAdmin):
    list_display = ["title", "status", "position", "organisation", "updated_at"]
    list_editable = ["position"]
    list_filter = ["status", "organisation"]
    list_select_related = ["organisation"]
    search_fields = ["title", "id"]
    actions = ["activate", "deactivate"]

    @admin.action(description=_("Activate the selected closing reasons"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[ClosingReason]) -> None:
        changed = queryset.update(status=ClosingReasonStatus.ACTIVE)
        self.message_user(request, _("%d closing reasons are active now.") % changed)

    @admin.action(description=_("Deactivate the selected closing reasons"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[ClosingReason]) -> None:
        changed = queryset.update(status=ClosingReasonStatus.INACTIVE)
        self.message_user(request, _("%d closing reasons are inactive now.") % changed)


@admin.register(FlowTemplate)
class FlowTemplateAdmin(ScopedAdmin):
    """To read: templates are changed over the API, where their graph is checked."""

    list_display = ["name", "id", "enabled", "version", "organisation", "updated_at"]
    list_filter = ["enabled", "organisation"]
    list_select_related = ["organisation"]
    search_fields = ["name", "id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(deleted_at=None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(ScopedAdmin):
    """Tokens are made and revoked here. Their secret is shown once, in the message after saving."""

    list_display = ["name", "id", "role", "organisation", "created_at", "expires_at", "revoked_at", "last_used_on"]
    list_filter = ["role", "organisation"]
    list_select_related = ["organisation"]
    search_fields = ["name", "id"]
    fields = ["organisation", "name", "role", "expires_at"]
    actions = ["revoke"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["organisation", "role"] if obj else []

    def save_model(self, request: HttpRequest, obj: ApiToken, form: ModelForm, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        creator = request.user if isinstance(request.user, User) else None
        token, bearer = tokens.create_token(obj.organisation, obj.name, obj.role, created_by=creator, expires_at=obj.expires_at)
        obj.pk = token.pk
        self.message_user(request, _("Copy the token now, it is not shown again: %s") % bearer, messages.WARNING)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Revoked, not deleted: history names tokens by their id."""
        return False

    @admin.action(description=_("Revoke the selected tokens"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset:
            tokens.revoke_token(token)
        self.message_user(request, _("The selected tokens are refused from now on."))


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Organisation)
class OrganisationAdmin(ScopedAdmin):
    scope = "pk"
    list_display = ["name", "slug", "time_zone", "created_at"]
    search_fields = ["name", "slug"]
    inlines = [MembershipInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return isinstance(request.user, User) and request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return isinstance(request.user, User) and request.user.is_superuser

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # Clients hold the id.
        return ["slug"] if obj else []


def keeps_account(request: HttpRequest, account: User) -> bool:
    """Whether a person who is no superuser may change an account, its password included: their own, or that of somebody who is
    staff nowhere, owns nothing and belongs to no organisation but theirs. Otherwise a new password would open other doors."""
    if account == request.user:
        return True
    elsewhere = Membership.objects.filter(user=account).exclude(organisation__in=own_organisations(request))
    owned = Membership.objects.filter(user=account, role=Role.OWNER)
    return not (account.is_staff or account.is_superuser or elsewhere.exists() or owned.exists())


class NewUserForm(AdminUserCreationForm):
    """Stock form, for an account that is named by its e-mail address."""

    class Meta:
        model = User
        fields = ["email", "name"]


@admin.register(User)
class UserAdmin(StockUserAdmin):
    """People. Who administers an organisation adds members to it and keeps their accounts, and grants no rights."""

    add_form = NewUserForm
    ordering = ["email"]
    list_display = ["email", "name", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "name"]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        (_("Person"), {"fields": ["name", "language", "time_zone"]}),
        (_("Rights"), {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["email", "name", "usable_password", "password1", "password2"]})]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or administers(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or administers(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) or administers(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if super().has_change_permission(request, obj):
            return True
        return administers(request) and (not isinstance(obj, User) or keeps_account(request, obj))

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        """A new account that no superuser made belongs to its maker's organisation at once: elsewhere nobody could see it."""
        super().save_model(request, obj, form, change)
        organisation = own_organisations(request).order_by("pk").first()
        if not change and organisation and isinstance(request.user, User) and not request.user.is_superuser:
            Membership.objects.create(organisation=organisation, user=obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows = super().get_queryset(request)
        if isinstance(request.user, User) and request.user.is_superuser:
            return rows
        return rows.filter(memberships__organisation__in=own_organisations(request), is_superuser=False).distinct()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        is_superuser = isinstance(request.user, User) and request.user.is_superuser
        return [] if is_superuser else ["is_staff", "is_superuser", "groups", "user_permissions"]
