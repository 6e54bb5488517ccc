"""Definitions as rows: the same content is stored once in an organisation, under its hash."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from workflows.definitions import Compiled, compile_definition, load_definition
from workflows.engine.purposes import keep_purposes
from workflows.models import Definition, Organisation
from workflows.services.errors import InvalidInput


def store_definition(organisation: Organisation, content: Mapping[str, Any]) -> Definition:
    """Return the row of a checked definition, made when it is not there yet."""
    body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    sha256 = hashlib.sha256(body).hexdigest()
    rows = Definition.objects.filter(organisation=organisation, sha256=sha256)
    found = rows.first()
    if found is not None:
        return found
    row = Definition(organisation=organisation, sha256=sha256, body=body.decode())
    Definition.objects.bulk_create([row], ignore_conflicts=True)
    return rows.get()


def narrow_definition(organisation: Organisation, definition_id: int, purposes: Sequence[str]) -> tuple[int, Compiled]:
    """Return the definition that an execution begins with: the given one, or what of it serves the purposes, as one of its own.

    Raises InvalidInput when no task would be left.
    """
    whole = load_definition(definition_id)
    content = keep_purposes(whole.data, purposes) if purposes else whole.data
    if content is whole.data:
        return definition_id, whole
    if not content["tasks"]:
        raise InvalidInput("purposes", "no task of the template serves these purposes")
    # The row may be as new as this transaction: what may yet be rolled back is not kept by its id.
    return store_definition(organisation, content).id, compile_definition(content)
