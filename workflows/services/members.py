"""People as actors: the organisation that somebody belongs to, and with which rights."""

from django.db.models import OuterRef, Subquery, TextField
from django.db.models.functions import Cast

from workflows.models import ActorKind, CustomRole, Membership, Organisation, User
from workflows.permissions import Actor


def find_membership(user: User, organisation: Organisation | None = None) -> Membership | None:
    """Return a person's place in an organisation, or in the one that they joined first, with what they have chosen about pages.

    `grants` is read along: those of the role, as text, when it is one of the organisation's own.
    """
    own = CustomRole.objects.filter(organisation=OuterRef("organisation"), slug=OuterRef("role")).values("grants")
    rows = Membership.objects.select_related("organisation", "user__preferences", "user__second_factor").filter(user=user)
    if organisation is not None:
        rows = rows.filter(organisation=organisation)
    return rows.annotate(grants=Cast(Subquery(own), TextField())).order_by("pk").first()


def actor_of(membership: Membership) -> Actor:
    grants = getattr(membership, "grants", None)
    return Actor(membership.organisation, ActorKind.USER, str(membership.user.pk), membership.role, grants)
