"""Answers of agents: how they are read, and what of them is taken."""

from typing import Any

import pytest

from workflows.engine.agents import AgentStatus, InvalidAnswer, Offer, judge, read_answer

OFFER = Offer({"c-yes": "Yes", "c-no": "No"}, ("city", "tags"))


def completed(**output: Any) -> dict[str, Any]:
    return {"status": "completed", "result": {"response": "Done", "structured_output": output}}


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"status": "running"}, AgentStatus.RUNNING, ""),
        ({"execution_status": "started"}, AgentStatus.RUNNING, ""),
        ({"status": "failed", "error": {"message": "Too hard", "code": "LLM_ERROR"}}, AgentStatus.FAILED, "Too hard"),
        ({"status": "waiting_approval", "pending_action": {"description": "Write"}}, AgentStatus.WAITING_APPROVAL, "Write"),
        ({"execution_status": "approval_required", "message": "Write?"}, AgentStatus.WAITING_APPROVAL, "Write?"),
        (completed(), AgentStatus.COMPLETED, "Done"),
        (completed(message="More"), AgentStatus.COMPLETED, "More"),
        ({"execution_status": "completed", "output": {"response": "Event"}}, AgentStatus.COMPLETED, "Event"),
        ({"status": "completed", "result": 7}, AgentStatus.COMPLETED, ""),
    ],
)
def test_are_read_in_the_words_of_answers_and_events(body: Any, status: AgentStatus, message: str) -> None:
    answer = read_answer(body)
    assert (answer.status, answer.message) == (status, message)


@pytest.mark.parametrize("body", [None, [], "completed", {}, {"status": 7}, {"status": ["completed"]}, {"status": "eaten"}])
def test_that_are_none_are_refused(body: Any) -> None:
    with pytest.raises(InvalidAnswer):
        read_answer(body)


def test_what_was_offered_and_declared_is_taken() -> None:
    judged = judge(read_answer(completed(outcome="assigned", branch="Yes", fields={"city": "Bonn", "tags": ["a"]})), OFFER)
    assert (judged.outcome, judged.branch, dict(judged.fields)) == ("assigned", "c-yes", {"city": "Bonn", "tags": ["a"]})
    assert judged.refused == ()


@pytest.mark.parametrize(
    ("output", "refused"),
    [
        ({"outcome": "eaten"}, "the outcome eaten is not known"),
        ({"outcome": ["assigned"]}, "the outcome ['assigned'] is not known"),
        ({"branch": "c-maybe"}, "the branch c-maybe was not offered"),
        ({"branch": ["c-yes"]}, "the branch ['c-yes'] was not offered"),
        ({"fields": {"email": "x@y.example"}}, "the field email is not among those that it may fill"),
        ({"fields": {"city": {"deep": 1}}}, "the value of city is too long or no plain value"),
        ({"fields": {"city": "x" * 10_001}}, "the value of city is too long or no plain value"),
        ({"fields": {"city": "a\0"}}, "the value of city is too long or no plain value"),
        ({"fields": ["city"]}, "fields is no object"),
        ({"url": "https://evil.example"}, "url is not asked for"),
    ],
)
def test_anything_else_is_refused_and_said(output: dict[str, Any], refused: str) -> None:
    judged = judge(read_answer(completed(**output)), OFFER)
    assert judged.refused == (refused,)
    assert (judged.outcome, judged.branch, dict(judged.fields)) == ("", "", {})


@pytest.mark.parametrize("outcome", ["no_eligible_partner", "missing_input"])
def test_work_that_is_not_done_takes_nothing_along(outcome: str) -> None:
    judged = judge(read_answer(completed(outcome=outcome, branch="c-yes", fields={"city": "Bonn"})), OFFER)
    assert judged.holds
    assert (judged.branch, dict(judged.fields)) == ("", {})
