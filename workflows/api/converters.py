"""Path converters: what cannot be an id is no address."""


class KeyConverter:
    """A short id or name as it may stand in a path."""

    regex = r"[A-Za-z0-9_.\-]{1,128}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
