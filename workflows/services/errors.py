"""What a service refuses besides the engine's own refusals. Each front maps these once."""

from collections.abc import Mapping


class NotFound(Exception):
    """No such thing in the actor's organisation; it may exist elsewhere, which nobody is told."""


class InvalidInput(Exception):
    """A value that cannot be accepted; `field` is its name on the wire, with its path."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class StaleVersion(Exception):
    """The thing was changed by someone else since the caller read it."""


class Clash(Exception):
    """The same field was changed by someone else meanwhile: `field`, what it is now, and who set it when, if known."""

    def __init__(self, field: str, current: object, event: Mapping[str, object] | None) -> None:
        super().__init__(f"{field} was changed by someone else")
        self.field = field
        self.current = current
        self.event = event


class UndoRefused(Exception):
    """What a person did cannot be taken back. `reason` is one of services/undo.py; `about` names what stands in the way."""

    def __init__(self, reason: str, about: str = "") -> None:
        super().__init__(f"this cannot be undone: {reason}")
        self.reason = reason
        self.about = about
