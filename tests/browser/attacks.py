"""Texts that try to become more than text, each marked with a number of its own."""

import json

KINDS = (
    "<script>window.ran='script'</script>",
    "<img src=x onerror=\"window.ran='img'\">",
    "<svg onload=\"window.ran='svg'\"><use href=x></svg>",
    '" autofocus onfocus="window.ran=\'double\'" x="',
    "' autofocus onfocus='window.ran=1' x='",
    "javascript:window.ran='link'",
    "{{ request.user.password }}{% debug %}${window.ran='js'}",
    "<!-- <p hidden> --!><plaintext>",
    "</textarea></title></script></select><h1>out</h1>",
    "&lt;img src=x onerror=window.ran=2&gt;&#60;b&#62;",
    "\u202eright to left\u2066\u200b",
    "W" * 90,
)

# What was asked for, and what was given in its place.
given: list[tuple[str, str]] = []


def attack(text: str) -> str:
    """Return a text to put in the place of another one."""
    number = len(given)
    given.append((text, f"n{number}. {KINDS[number % len(KINDS)]}"))
    return given[-1][1]


def build_attacked() -> None:
    """Make the world of world.py with such texts everywhere, and print those that were given."""
    from tests.browser.world import build

    build(attack)
    print(json.dumps(given))
