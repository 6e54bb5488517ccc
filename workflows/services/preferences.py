"""What a person has chosen about the pages that they see; it concerns nobody else, so no right is asked for."""

from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from workflows.models import Density, Preferences, Theme, User
from workflows.services.errors import InvalidInput
from workflows.services.transactions import in_transaction


@in_transaction
def save_preferences(user: User, *, time_zone: str | None = None, **values: Any) -> Preferences:
    """Save what a person has chosen; what is not named stays as it is. Raises InvalidInput for what cannot be chosen."""
    for name, known in (("density", Density.values), ("theme", Theme.values)):
        if name in values and values[name] not in known:
            raise InvalidInput(name, "must be one of " + ", ".join(known))
    if time_zone is not None:
        if time_zone and read_zone(time_zone) is None:
            raise InvalidInput("time_zone", "is no time zone that is known")
        User.objects.filter(pk=user.pk).update(time_zone=time_zone)
    found, _created = Preferences.objects.update_or_create(user=user, defaults=values)
    return found


@lru_cache(maxsize=1)
def list_zones() -> list[str]:
    """Return the names of the time zones that people live in."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/")))


def read_zone(name: str) -> ZoneInfo | None:
    """Return the time zone with this name; None for none, and for a name that is not known here any more."""
    return ZoneInfo(name) if name in list_zones() else None
