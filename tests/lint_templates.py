"""Refuse in templates what the content security policy forbids, and what would open a hole: `python -m tests.lint_templates`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FORBIDDEN = {
    r"<[^>]+\sstyle\s*=": "inline style",
    r"<[^>]+\son[a-z]+\s*=": "inline handler",
    r"hx-on": "inline handler of htmx",
    r"[\"']\s*js:": "script in an attribute",
    r"<script(?![^>]*\ssrc=)": "inline script",
    r"<style": "inline style sheet",
    r"\|\s*safe\b": "unescaped output",
    r"autoescape\s+off": "unescaped output",
    r"href\s*=\s*[\"']javascript:": "script in a link",
}


def find_problems(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, what is wrong) for a template's text."""
    for pattern, problem in FORBIDDEN.items():
        for match in re.finditer(pattern, text, re.IGNORECASE):
            yield text.count("\n", 0, match.start()) + 1, problem


def main() -> int:
    problems = [
        f"{path.relative_to(ROOT)}:{line}: {problem}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for line, problem in find_problems(path.read_text())
    ]
    print("\n".join(problems) or "templates: no inline script, style or handler")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
