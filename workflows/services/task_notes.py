"""What a task keeps of the run of its automation or agent."""

from collections.abc import Mapping
from typing import Any

from workflows.models import Task


def note_run(task: Task, values: Mapping[str, Any]) -> None:
    """Write into a task what is known of its run; None takes something out."""
    merged = {**(task.extra.get("run") or {}), **values}
    task.extra = {**task.extra, "run": {name: value for name, value in merged.items() if value is not None}}
