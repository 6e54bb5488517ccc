"""Compiled definitions: a definition's JSON read and its graph built once per process, as its row never changes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workflows.engine.definition import parse_definition
from workflows.engine.graph import Graph
from workflows.models import Definition


@dataclass(frozen=True, slots=True)
class Compiled:
    """A definition ready for use: the graph that decides, and everything else as designed, by id."""

    graph: Graph
    data: Mapping[str, Any]
    tasks: Mapping[str, Mapping[str, Any]]
    phases: Mapping[str, Mapping[str, Any]]

    def task(self, template_id: str) -> Mapping[str, Any]:
        """Return a task as designed; empty for one that was added by hand."""
        return self.tasks.get(template_id, {})

    def phase(self, template_id: str) -> Mapping[str, Any]:
        return self.phases.get(template_id, {})


def compile_definition(data: Mapping[str, Any]) -> Compiled:
    """Raises InvalidGraph for a shape that cannot be run."""
    return Compiled(
        graph=parse_definition(data),
        data=data,
        tasks={task["id"]: task for task in data["tasks"]},
        phases={phase["id"]: phase for phase in data.get("phases") or []},
    )


@lru_cache(maxsize=512)
def load_definition(definition_id: int) -> Compiled:
    """Return the compiled definition; one query the first time in a process. Ask only for committed rows."""
    return compile_definition(json.loads(Definition.objects.values_list("body", flat=True).get(pk=definition_id)))
