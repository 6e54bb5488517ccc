"""German is complete, and what is compiled is what is written."""

import ast
import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent.parent / "locale" / "de" / "LC_MESSAGES"


def written() -> Catalog:
    with (LOCALE / "django.po").open("rb") as file:
        return read_po(file, locale="de")


def texts(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]


def strings(catalogue: Catalog) -> dict[str, list[str]]:
    return {str(texts(message.id)): texts(message.string) for message in catalogue if message.id}


def test_every_text_is_translated_with_the_same_variables() -> None:
    catalogue = written()
    for message in (message for message in catalogue if message.id):
        assert all(texts(message.string)), message.id
        assert not message.fuzzy, message.id
        wanted = set(re.findall(r"%(?:\(\w+\))?[sd]", texts(message.id)[-1]))
        assert set(re.findall(r"%(?:\(\w+\))?[sd]", texts(message.string)[-1])) == wanted, message.id


def test_the_compiled_catalogue_is_current() -> None:
    with (LOCALE / "django.mo").open("rb") as file:
        compiled = read_mo(file)
    assert strings(compiled) == strings(written())


def test_no_translation_is_left_of_a_text_that_is_gone() -> None:
    root = LOCALE.parents[2]
    found: list[str] = []
    for path in (path for folder in ("templates", "dashboard", "workflows", "config") for path in (root / folder).rglob("*.*")):
        if path.suffix == ".py":
            tree = ast.walk(ast.parse(path.read_text()))
            found += [node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        elif path.suffix in (".html", ".txt"):
            found.append(re.sub(r"{{ ?(\w+) ?}}", r"%(\1)s", path.read_text()))
    source, catalogue = "\n".join(found), written()
    assert [text for message in catalogue if message.id for text in texts(message.id)[:1] if text not in source] == []
    assert not catalogue.obsolete


def test_every_text_in_the_templates_and_the_code_is_in_the_catalogue() -> None:
    catalogue = written()
    known = {text for message in catalogue if message.id for text in texts(message.id)}
    root = LOCALE.parents[2]
    used: set[str] = set()
    for path in [*(root / "templates").rglob("*.*"), *(root / "dashboard").rglob("*.py"), root / "workflows" / "admin.py"]:
        text = path.read_text()
        if path.suffix in (".html", ".txt"):
            used |= {match[1] for match in re.findall(r"{% translate (['\"])(.*?)\1 %}", text)}
        else:
            used |= set(re.findall(r"\b(?:_|gettext_lazy)\(\"((?:[^\"\\]|\\.)*)\"\)", text))
    assert used - known == set()
    assert len(used) > 100
