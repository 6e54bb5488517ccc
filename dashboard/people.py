"""Names for the ids that the product stores: people of the organisation, tokens, and ids that only a client knows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from workflows.models import ApiToken, Assignment, Membership, Organisation, Share, User


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to show: the id as stored, the name, and two letters for a badge."""

    id: str
    name: str
    initials: str
    is_member: bool = True


class People:
    """The people of an organisation by id; one query, whoever is asked for."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        rows = Membership.objects.filter(organisation=organisation).select_related("user")
        members = sorted(((str(row.user.pk), str(row.user)) for row in rows), key=lambda pair: pair[1].casefold())
        self.members = [Person(key, name, initials(name)) for key, name in members]
        self.by_id = {person.id: person for person in self.members}

    @property
    def member_names(self) -> dict[str, str]:
        """The names of the members by their ids, as sentences about what happened need them."""
        return {person.id: person.name for person in self.members}

    def find(self, key: str) -> Person:
        """Return the person; who came by a link is named by what they are, and an id that nobody here has is shown as it is."""
        kind, sign, _rest = key.partition(":")
        if sign and kind in ("ecp", "installer"):
            name = _("Customer, by a link") if kind == "ecp" else _("Installer, by a link")
            return Person(key, name, initials(name), is_member=False)
        return self.by_id.get(key) or Person(key, key, initials(key), is_member=False)

    def of(self, rows: Iterable[Assignment]) -> list[Person]:
        """Return the assignees in the order in which they were given."""
        return [self.find(row.assignee) for row in sorted(rows, key=lambda row: row.position) if row.assignee]

    def actors(self, events: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], str]:
        """Return names for the actors of history rows; one query when tokens are among them."""
        pairs = {(event["actor_kind"], event["actor_id"]) for event in events}
        names = self.outsiders([key for kind, key in pairs if kind == "token" or (kind == "user" and key not in self.by_id)])
        return {pair: self.name_actor(*pair, names) for pair in pairs}

    def names(self, keys: Iterable[str]) -> dict[str, str]:
        """Return names for ids of whatever kind, as tasks keep them; one query when others than people are among them."""
        wanted = set(keys)
        tokens = self.outsiders([key for key in wanted if key and key not in self.by_id])
        return {key: (tokens.get(key) or self.find(key).name) if key else _("Flowdeck") for key in wanted}

    def outsiders(self, keys: Sequence[str]) -> dict[str, str]:
        """Return names of tokens, and of partners with whom something is or was shared; one query for each kind."""
        found: dict[str, str] = {}
        shares = Share.objects.filter(organisation=self.organisation)
        partners = shares.exclude(partner=None).values("partner_id")
        if tokens := [key for key in keys if key.startswith("api_")]:
            own = Q(organisation=self.organisation) | Q(organisation_id__in=partners)
            found |= dict(ApiToken.objects.filter(own, pk__in=tokens).values_list("pk", "name"))
        if people := [int(key) for key in keys if key.isascii() and key.isdecimal() and len(key) < 19]:
            known = Q(pk__in=shares.exclude(user=None).values("user_id")) | Q(memberships__organisation_id__in=partners)
            found |= {str(user.pk): str(user) for user in User.objects.filter(known, pk__in=people).distinct()}
        return found

    def name_actor(self, kind: str, key: str, tokens: Mapping[str, str]) -> str:
        if kind == "system":
            return _("Flowdeck")
        return tokens.get(key) or self.find(key).name


def initials(name: str) -> str:
    """Return the first letters of the first and last word."""
    words = [word for word in name.replace("_", " ").replace("-", " ").split() if word[0].isalnum()]
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "") if words else "?"
    return letters.upper()
