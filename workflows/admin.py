"""The admin site: closing reasons, tokens, organisations and people; and to read: templates, automations and webhooks.

Superusers see everything. Staff who own or manage an organisation administer that one; other staff have what Django grants them.
What services have rules for is written by services, as whoever is signed in; a refusal is a message, and nothing is written.
No list or form shows a secret, or an address that may hold one.
"""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import PermissionDenied
from django.db.models import Case, IntegerField, Model, Prefetch, QuerySet, Value, When
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from workflows.models import (
    ActorKind,
    ApiToken,
    AutomationFlow,
    ClosingReason,
    ClosingReasonStatus,
    FlowTemplate,
    Membership,
    Organisation,
    Role,
    User,
    Webhook,
)
from workflows.permissions import Actor, PermissionRefused
from workflows.services import closing_reasons, roles, tokens, webhooks
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.members import actor_of, find_membership
from workflows.services.template_files import export_template

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


def actor_in(request: HttpRequest, organisation: Organisation) -> Actor:
    """Return the person as services know them. Superusers may do everything, whether they belong to the organisation or not."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    if user.is_superuser:
        return Actor(organisation, ActorKind.USER, str(user.pk), Role.OWNER)
    membership = find_membership(user, organisation)
    if membership is None:
        raise PermissionDenied
    return actor_of(membership)


class ScopedAdmin(admin.ModelAdmin):
    """Rows, choices and filters of the person's organisations only. `scope` is the lookup from a row to its organisation."""

    scope = "organisation"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return self.say_refusals(request, super().changelist_view, request, extra_context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return self.say_refusals(request, super().changeform_view, request, object_id, form_url, extra_context)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return self.say_refusals(request, super().delete_view, request, object_id, extra_context)

    def say_refusals(self, request: HttpRequest, view: Any, *args: Any) -> HttpResponse:
        """Answer what a service refuses with its reason, on the same page; the transaction was rolled back."""
        try:
            answer: HttpResponse = view(*args)
        except PermissionRefused as refused:
            raise PermissionDenied(str(refused)) from refused
        except (InvalidInput, NotFound) as error:
            self.message_user(request, str(error) or _("This no longer exists, or it is not yours to see."), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return answer

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


class ReadAdmin(ScopedAdmin):
    """To read only: what is changed over the API or in the browser, where it is checked as a whole."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(ClosingReason)
class ClosingReasonAdmin(ScopedAdmin):
    list_display = ["title", "status", "position", "used", "organisation", "updated_at"]
    list_editable = ["position"]
    list_filter = ["status", "organisation"]
    list_select_related = ["organisation"]
    search_fields = ["title", "id"]
    fields = ["organisation", "title", "status", "position"]
    actions = ["activate", "deactivate"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the number of uses where it is shown; one statement more, whatever is shown."""
        rows: QuerySet[Any] = super().get_queryset(request)
        match = request.resolver_match
        if match is None or not (match.url_name or "").endswith("_changelist"):
            return rows
        uses = closing_reasons.count_uses(own_organisations(request))
        cases = [When(pk=pk, then=Value(number)) for pk, number in uses.items()]
        counted: QuerySet[Any] = rows.annotate(used=Case(*cases, default=Value(0), output_field=IntegerField()))
        return counted

    @admin.display(description=_("Used"), ordering="used")
    def used(self, reason: ClosingReason) -> int:
        return getattr(reason, "used", 0)

    def get_changelist_formset(self, request: HttpRequest, **options: Any) -> Any:
        """The field in each row is named: its column's head is nothing that a screen reader would say with it."""
        formset = super().get_changelist_formset(request, **options)
        field = formset.form.base_fields["position"]
        field.widget.attrs["aria-label"] = field.label
        return formset

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        # A new one comes last.
        return super().get_fields(request, obj) if obj else ["organisation", "title", "status"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["organisation"] if obj else []

    def save_model(self, request: HttpRequest, obj: ClosingReason, form: ModelForm, change: bool) -> None:
        actor = actor_in(request, obj.organisation)
        if not change:
            obj.pk = closing_reasons.create_closing_reason(actor, obj.title, obj.status).pk
            return
        patch = closing_reasons.ReasonPatch(title=obj.title, status=obj.status, position=obj.position)
        closing_reasons.patch_closing_reason(actor, obj.pk, patch)

    def delete_model(self, request: HttpRequest, obj: ClosingReason) -> None:
        closing_reasons.delete_closing_reason(actor_in(request, obj.organisation), obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ClosingReason]) -> None:
        for reason in queryset.select_related("organisation"):
            self.delete_model(request, reason)

    @admin.action(description=_("Activate the selected closing reasons"), permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[ClosingReason]) -> None:
        self.message_user(request, _("%d closing reasons are active now.") % self.set_status(request, queryset, "ACTIVE"))

    @admin.action(description=_("Deactivate the selected closing reasons"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[ClosingReason]) -> None:
        self.message_user(request, _("%d closing reasons are inactive now.") % self.set_status(request, queryset, "INACTIVE"))

    def set_status(self, request: HttpRequest, queryset: QuerySet[ClosingReason], status: str) -> int:
        chosen = list(queryset.select_related("organisation"))
        for reason in chosen:
            actor = actor_in(request, reason.organisation)
            closing_reasons.patch_closing_reason(actor, reason.pk, {"status": ClosingReasonStatus(status).value})
        return len(chosen)


@admin.register(FlowTemplate)
class FlowTemplateAdmin(ReadAdmin):
    """Templates are changed over the API, where their graph is checked; files are taken in on the page Templates."""

    list_display = ["name", "id", "enabled", "version", "organisation", "updated_at"]
    list_filter = ["enabled", "organisation"]
    list_select_related = ["organisation"]
    search_fields = ["name", "id"]
    fields = ["organisation", "name", "id", "enabled", "version", "created_at", "updated_at"]
    actions = ["export"]
    change_list_template = "admin/workflows/flowtemplate/change_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(deleted_at=None)

    @admin.action(description=_("Export the selected templates as a file"), permissions=["view"])
    def export(self, request: HttpRequest, queryset: QuerySet[FlowTemplate]) -> HttpResponse:
        """A file that can be imported again, here or elsewhere."""
        chosen = queryset.select_related("organisation")
        files = [export_template(actor_in(request, template.organisation), template.id) for template in chosen]
        headers = {"Content-Disposition": 'attachment; filename="templates.json"'}
        return HttpResponse(b"[" + b",\n".join(files) + b"]", content_type="application/json", headers=headers)


@admin.register(AutomationFlow)
class AutomationFlowAdmin(ReadAdmin):
    """Automations are kept over the API. What their actions hold may be secret, and is not shown."""

    list_display = ["name", "id", "enabled", "entity_schema", "version", "runs", "disabled_by", "organisation", "updated_at"]
    list_filter = ["enabled", "organisation"]
    list_select_related = ["organisation"]
    search_fields = ["name", "id"]
    fields = [
        "organisation",
        "name",
        "id",
        "enabled",
        "entity_schema",
        "version",
        "runs",
        "disabled_by",
        "disabled_at",
        "updated_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(deleted_at=None)


@admin.register(Webhook)
class WebhookAdmin(ReadAdmin):
    """Endpoints are kept on the page Webhooks, and paused here. Addresses may hold secrets: only the host is shown."""

    list_display = ["name", "host", "event_name", "enabled", "follows_flows", "organisation", "updated_at"]
    list_filter = ["enabled", "follows_flows", "organisation"]
    list_select_related = ["organisation"]
    search_fields = ["name", "event_name", "id"]
    fields = ["organisation", "name", "id", "host", "http_method", "event_name", "events", "enabled", "created_at", "updated_at"]
    actions = ["pause", "go_on"]

    @admin.display(description=_("Host"))
    def host(self, webhook: Webhook) -> str:
        try:
            return urlsplit(webhook.url).hostname or "–"
        except ValueError:
            return "–"

    @admin.action(description=_("Pause the selected webhooks"), permissions=["view"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        self.set_enabled(request, queryset, enabled=False)
        self.message_user(request, _("The selected webhooks are paused."))

    @admin.action(description=_("Let the selected webhooks go on"), permissions=["view"])
    def go_on(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        self.set_enabled(request, queryset, enabled=True)
        self.message_user(request, _("The selected webhooks go on."))

    def set_enabled(self, request: HttpRequest, queryset: QuerySet[Webhook], *, enabled: bool) -> None:
        for webhook in queryset.select_related("organisation"):
            webhooks.set_enabled(actor_in(request, webhook.organisation), webhook.pk, enabled)


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
        # Nobody gives a token more than they have themselves.
        actor = actor_in(request, obj.organisation)
        actor.require("token:create")
        roles.require_grantable(actor, obj.role)
        token, bearer = tokens.create_token(obj.organisation, obj.name, obj.role, created_by=creator, expires_at=obj.expires_at)
        obj.pk = token.pk
        self.message_user(request, _("Copy the token now, it is not shown again: %s") % bearer, messages.WARNING)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Revoked, not deleted: history names tokens by their id."""
        return False

    @admin.action(description=_("Revoke the selected tokens"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset.select_related("organisation"):
            actor_in(request, token.organisation).require("token:create")
            tokens.revoke_token(token)
        self.message_user(request, _("The selected tokens are refused from now on."))


class MembershipInline(admin.TabularInline):
    """Whoever administers the organisation keeps its members; what they may give and take is for the service to say."""

    model = Membership
    extra = 0
    autocomplete_fields = ["user"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.select_related("user", "organisation")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or administers(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_add_permission(request, obj) or administers(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) or administers(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) or administers(request)


@admin.register(Organisation)
class OrganisationAdmin(ScopedAdmin):
    scope = "pk"
    list_display = ["name", "slug", "time_zone", "created_at"]
    search_fields = ["name", "slug"]
    fields = ["name", "slug", "time_zone"]
    inlines = [MembershipInline]

    def save_formset(self, request: HttpRequest, form: ModelForm, formset: BaseInlineFormSet, change: bool) -> None:
        """Members come, change and go by the rules for members: nobody gives more than they have, and an owner stays."""
        actor = actor_in(request, form.instance)
        formset.save(commit=False)
        for member in formset.deleted_objects:
            roles.remove_member(actor, str(member.user_id))
        for member, _changed in formset.changed_objects:
            roles.change_member(actor, str(member.user_id), member.role)
        for member in formset.new_objects:
            roles.add_member(actor, member.user, member.role)

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
    list_display = ["email", "name", "organisations", "is_active", "is_staff", "last_login"]
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
            roles.add_member(actor_in(request, organisation), obj, Role.MEMBER)

    @admin.display(description=_("Organisations"))
    def organisations(self, user: User) -> str:
        """Those that whoever is looking administers; others are none of their business."""
        return ", ".join(str(member.organisation) for member in getattr(user, "shown_memberships", []))

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        shown = Membership.objects.filter(organisation__in=own_organisations(request)).select_related("organisation")
        rows = super().get_queryset(request)
        rows = rows.prefetch_related(Prefetch("memberships", shown.order_by("organisation__name"), to_attr="shown_memberships"))
        if isinstance(request.user, User) and request.user.is_superuser:
            return rows
        return rows.filter(memberships__organisation__in=own_organisations(request), is_superuser=False).distinct()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        is_superuser = isinstance(request.user, User) and request.user.is_superuser
        return [] if is_superuser else ["is_staff", "is_superuser", "groups", "user_permissions"]
