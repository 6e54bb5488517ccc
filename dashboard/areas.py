"""The pages that belong together under "Automation", and under "Organisation", as far as a person may see them."""

from django.utils.translation import gettext as _

from workflows.permissions import Actor


def list_settings(actor: Actor, present: str) -> list[tuple[str, str, bool]]:
    """Return the pages on which an organisation says who may what, as far as a person may see them."""
    areas = [
        ("members", _("Members"), "member:view"),
        ("roles", _("Roles"), "role:view"),
        ("tokens", _("API tokens"), "token:create"),
        ("audit", _("Audit trail"), "audit:view"),
    ]
    return [(name, label, name == present) for name, label, right in areas if actor.may(right)]


def list_areas(actor: Actor, present: str) -> list[tuple[str, str, bool]]:
    """Return the pages' names in addresses, their names for people, and which one is shown."""
    areas = [
        ("automation", _("Runs"), "automation:view"),
        ("webhooks", _("Webhooks"), "webhook:view"),
        ("agents", _("Agents"), "automation:view"),
    ]
    return [(name, label, name == present) for name, label, right in areas if actor.may(right)]
