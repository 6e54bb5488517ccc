"""Identifiers: time-ordered UUIDs for what is inserted often, short ids for what people read and type."""

import secrets
import string
import time
import uuid

SHORT_ALPHABET = string.ascii_lowercase + string.digits


def ordered_uuid() -> uuid.UUID:
    """Return a version 7 UUID (RFC 9562): milliseconds first, so that index pages fill in order."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def short_id() -> str:
    """Return eight random characters, the form in which templates and closing reasons are named on the wire."""
    return "".join(secrets.choice(SHORT_ALPHABET) for _ in range(8))
