"""What an agent answers, read with distrust: it may choose among what was offered and fill what was declared, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MOST_TEXT = 2000
MOST_VALUE = 10_000
MOST_ITEMS = 100


class AgentStatus(StrEnum):
    """What an agent says of its run."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING_APPROVAL = "waiting_approval"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


# The words of its events, where they differ from those of its answers.
EVENT_WORDS = {"started": AgentStatus.RUNNING, "approval_required": AgentStatus.WAITING_APPROVAL}
# The work is not really done: the task stays where it is, and a person decides.
HOLDING = frozenset({"no_eligible_partner", "missing_input"})
OUTCOMES = frozenset({"assigned", "recommended"}) | HOLDING
INVALID_OUTPUT = "INVALID_OUTPUT"
KNOWN = frozenset({"outcome", "message", "branch", "fields"})


class InvalidAnswer(Exception):
    """The answer is none that an agent may give."""


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """An answer in its parts, none of them checked against what was offered yet."""

    status: AgentStatus
    message: str = ""
    outcome: Any = None
    branch: Any = None
    fields: Any = None
    error_code: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """What an agent may do: the branches of the decision that follows, by id, and the attributes that it may fill."""

    branches: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What of an answer is taken, and what is refused, in sentences."""

    outcome: str = ""
    branch: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the task is held, as the work is not done."""
        return self.outcome in HOLDING


def read_answer(body: Any) -> AgentAnswer:
    """Read an answer, or the event that comes later in its place. Raises InvalidAnswer."""
    if not isinstance(body, dict):
        raise InvalidAnswer("The answer is no JSON object")
    word = body.get("status", body.get("execution_status"))
    status = EVENT_WORDS.get(word) if isinstance(word, str) else None
    if status is None:
        if not isinstance(word, str) or word not in [*AgentStatus]:
            raise InvalidAnswer(f"The answer has no status that is known: {str(word)[:40]}")
        status = AgentStatus(word)
    if status is AgentStatus.COMPLETED:
        return _read_result(body)
    if status is AgentStatus.WAITING_APPROVAL:
        pending = _object(body.get("pending_action"))
        return AgentAnswer(status, message=_text(pending.get("description") or pending.get("tool") or body.get("message")))
    error = _object(body.get("error"))
    return AgentAnswer(
        status, message=_text(error.get("message") or body.get("message")), error_code=_text(error.get("code"))[:40]
    )


def _read_result(body: Mapping[str, Any]) -> AgentAnswer:
    result = _object(body.get("result") or body.get("output"))
    output = _object(result.get("structured_output"))
    return AgentAnswer(
        AgentStatus.COMPLETED,
        message=_text(output.get("message") or result.get("response")),
        outcome=output.get("outcome"),
        branch=output.get("branch"),
        fields=output.get("fields"),
        others=tuple(str(name)[:40] for name in output if name not in KNOWN)[:10],
    )


def judge(answer: AgentAnswer, offer: Offer) -> Judged:
    """Hold an answer against what was offered. An outcome that holds the task takes nothing else along."""
    refused: list[str] = []
    outcome = _judge_outcome(answer.outcome, refused)
    if outcome in HOLDING:
        return Judged(outcome, refused=tuple(refused))
    branch = _judge_branch(answer.branch, offer, refused)
    fields = _judge_fields(answer.fields, offer, refused)
    refused += [f"{name} is not asked for" for name in answer.others]
    return Judged(outcome, branch, fields, tuple(refused))


def _judge_outcome(given: Any, refused: list[str]) -> str:
    if given is None or given == "":
        return ""
    if not isinstance(given, str) or given not in OUTCOMES:
        refused.append(f"the outcome {_short(given)} is not known")
        return ""
    return given


def _judge_branch(given: Any, offer: Offer, refused: list[str]) -> str:
    if given is None or given == "":
        return ""
    found = [key for key, name in offer.branches.items() if given in (key, name)] if isinstance(given, str) else []
    if len(found) != 1:
        refused.append(f"the branch {_short(given)} was not offered")
        return ""
    return found[0]


def _judge_fields(given: Any, offer: Offer, refused: list[str]) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        refused.append("fields is no object")
        return {}
    taken = {}
    for name, value in list(given.items())[:MOST_ITEMS]:
        if name not in offer.fields:
            refused.append(f"the field {_short(name)} is not among those that it may fill")
        elif not _is_plain(value) and not (isinstance(value, list) and len(value) <= MOST_ITEMS and all(map(_is_plain, value))):
            refused.append(f"the value of {_short(name)} is too long or no plain value")
        else:
            taken[name] = value
    return taken


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= MOST_VALUE and "\0" not in value
    return value is None or isinstance(value, bool | int | float)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.replace("\0", "")[:MOST_TEXT] if isinstance(value, str) else ""


def _short(value: Any) -> str:
    return str(value).replace("\0", "")[:60]
