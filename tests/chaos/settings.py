"""The product's own settings with a short lease, a clock that can be put wrong, and jobs that harm their worker.

FLOWDECK_CHAOS_CLOCK names a file with the seconds by which the clock of this process is wrong; it is read at each look.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

_true_now = timezone.now
_CLOCK = os.environ.get("FLOWDECK_CHAOS_CLOCK", "")


def wrong_now() -> datetime:
    try:
        return _true_now() + timedelta(seconds=float(Path(_CLOCK).read_text() or 0))
    except FileNotFoundError:
        return _true_now()


if _CLOCK:
    # Here, because models keep the function that they find when they are loaded.
    timezone.now = wrong_now

from config.settings import *  # noqa: E402, F403
from config.settings import INSTALLED_APPS  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.hooks"]
