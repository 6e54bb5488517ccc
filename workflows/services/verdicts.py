"""How the branches of a decision were judged, as it is kept on the task and told in the history."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from workflows.documents import timestamp
from workflows.engine.conditions import Verdict


def keep_verdicts(
    verdicts: Sequence[Verdict], taken: Collection[str], defaults: Collection[str | None], now: datetime
) -> dict[str, Any]:
    """Return the verdicts by branch: the contract's `evaluated_at` and `is_met`, and for people whether it was taken and why."""
    kept = {}
    for verdict in verdicts:
        is_taken = verdict.condition_id in taken
        # The default branch's condition is that no other is met.
        is_met = verdict.is_met or (is_taken and verdict.condition_id in defaults)
        kept[verdict.condition_id] = {"evaluated_at": timestamp(now), "is_met": is_met, "taken": is_taken} | _findings(verdict)
    return kept


def _findings(verdict: Verdict) -> dict[str, Any]:
    findings = [
        {"is_met": f.is_met, "found": list(f.found)} | ({"problem": asdict(f.problem)} if f.problem else {})
        for f in verdict.findings
    ]
    return {"statements": findings} if findings else {}


def is_same(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two evaluations came to the same, whenever they were made."""
    return _without_times(before) == _without_times(after)


def _without_times(verdicts: Mapping[str, Any]) -> dict[str, Any]:
    return {c: {name: value for name, value in kept.items() if name != "evaluated_at"} for c, kept in verdicts.items()}


def describe_problems(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return what could not be compared: as sentences, and in parts for who says it in another language."""
    sentences = [problem for verdict in verdicts for problem in verdict.problems]
    parts = [asdict(f.problem) for verdict in verdicts for f in verdict.findings if f.problem]
    return {"problems": sentences, "mismatches": parts} if sentences else {}
