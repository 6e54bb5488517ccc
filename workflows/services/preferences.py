"""What a person has chosen about the pages that they see; it concerns nobody else, so no right is asked for."""

from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from workflows.models import Density, Language, Preferences, Theme, User
from workflows.services.errors import InvalidInput
from workflows.services.transactions import in_transaction


@in_transaction
def save_preferences(user: User, *, time_zone: str | None = None, language: str | None = None, **values: Any) -> Preferences:
    """Save what a person has chosen; what is not named stays as it is. Raises InvalidInput for what cannot be chosen.

    An empty time zone is that of the organisation, an empty language what the browser says.
    """
    for name, known in (("density", Density.values), ("theme", Theme.values)):
        if name in values and values[name] not in known:
            raise InvalidInput(name, "must be one of " + ", ".join(known))
    if time_zone and read_zone(time_zone) is None:
        raise InvalidInput("time_zone", "is no time zone that is known")
    if language and language not in Language.values:
        raise InvalidInput("language", "must be one of " + ", ".join(Language.values))
    own = {name: value for name, value in (("time_zone", time_zone), ("language", language)) if value is not None}
    if own:
        User.objects.filter(pk=user.pk).update(**own)
    found, _created = Preferences.objects.update_or_create(user=user, defaults=values)
    return found


@lru_cache(maxsize=1)
def list_zones() -> list[str]:
    """Return the names of the time zones that people live in."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/")))


def read_zone(name: str) -> ZoneInfo | None:
    """Return the time zone with this name; None for none, and for a name that is not known here any more."""
    return ZoneInfo(name) if name in list_zones() else None


def language_for(email: str) -> str | None:
    """Return the language that mails to this address are written in; None when whoever has it has chosen none."""
    return User.objects.filter(email=email.strip().lower()).values_list("language", flat=True).first() or None
