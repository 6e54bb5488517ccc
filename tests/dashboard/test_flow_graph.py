"""The graph of an execution: what was taken, what is open, what came of decisions, and the same in words."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from dashboard.cards import Board
from dashboard.flow_graph import Drawing, Node, draw
from dashboard.people import People
from tests import factories
from tests.api.test_executions import statements
from workflows.definitions import load_definition
from workflows.models import ActorKind, Execution, User
from workflows.permissions import Actor
from workflows.services.tasks import patch_task


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def drawing(actor: Actor, execution: Execution) -> Drawing:
    execution.refresh_from_db()
    return draw(Board(actor, execution, load_definition(execution.definition_id), People(actor.organisation)))


def node(found: Drawing, key: str) -> Node:
    return next(each for each in found.nodes if each.card.task.template_id == key)


def signs(found: Drawing) -> dict[str, tuple[str, str]]:
    return {way.sign.name: (way.state, way.sign.verdict) for way in found.ways if way.sign}


def finish(actor: Actor, execution: Execution, key: str, **fields: Any) -> None:
    patch: Any = {"status": "COMPLETED", **fields}
    patch_task(actor, execution.id, factories.task_of(execution, key).id, patch)


def asked(value: str) -> dict[str, Any]:
    """A decision that is made by itself, by the city of the contact."""
    source = {
        "origin": "trigger",
        "origin_type": "entity",
        "schema": "contact",
        "attribute": "city",
        "attribute_type": "string",
    }
    data = factories.choice()
    decide = data["tasks"][1]
    decide["trigger_mode"] = "automatic"
    for number, condition in enumerate(decide["conditions"]):
        city = value if number == 0 else "Bonn"
        condition["statements"] = [{"id": f"s{number}", "source": source, "operator": "equals", "values": [city]}]
    return data


def loop() -> dict[str, Any]:
    conditions = [
        {"id": "again", "branch_name": "Once more", "logical_operator": "AND", "statements": []},
        {"id": "go", "branch_name": "Good", "logical_operator": "AND", "statements": []},
    ]
    config = {"loop_branch_id": "again", "exit_branch_id": "go", "max_iterations": 3}
    decide = factories.task("check", task_type="DECISION", trigger_mode="manual", conditions=conditions, loop_config=config)
    return {
        "name": "Loop",
        "tasks": [factories.task("write"), decide, factories.task("send")],
        "edges": [
            factories.edge("write", "check"),
            factories.edge("check", "write", condition_id="again"),
            factories.edge("check", "send", condition_id="go"),
        ],
    }


def split() -> dict[str, Any]:
    return {
        "name": "Split",
        "tasks": [factories.task(key) for key in ("begin", "left", "right", "end")],
        "edges": [*factories.chain("begin", "left", "end"), *factories.chain("begin", "right", "end")],
    }


class TestStates:
    def test_before_the_first_step_everything_is_ahead_of_where_the_flow_is(self, actor: Actor) -> None:
        found = drawing(actor, factories.start(actor, factories.choice()))
        assert [node(found, key).state for key in ("ask", "decide", "yes", "no")] == ["here", "ahead", "ahead", "ahead"]
        assert signs(found) == {"Yes": ("open", ""), "No": ("open", "")}
        assert [way.state for way in found.ways].count("taken") == 1

    def test_a_decision_shows_the_branch_that_was_taken_and_the_one_that_was_not(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.choice())
        finish(actor, execution, "ask")
        finish(actor, execution, "decide", next_condition_id="c-yes")
        found = drawing(actor, execution)
        assert [node(found, key).state for key in ("ask", "decide", "yes", "no")] == ["behind", "behind", "here", "off"]
        assert signs(found) == {"Yes": ("taken", "taken"), "No": ("off", "not taken")}
        assert "branch Yes: taken, branch No: not taken" in node(found, "decide").words
        assert "not on the path taken" in node(found, "no").words

    def test_conditions_are_said_to_be_met_or_not(self, actor: Actor) -> None:
        execution = factories.start(actor, asked("Cologne"), city="Bonn")
        finish(actor, execution, "ask")
        assert signs(drawing(actor, execution)) == {"Yes": ("off", "is not met"), "No": ("taken", "taken")}

    def test_a_branch_that_leads_nowhere_ends_in_a_point(self, actor: Actor) -> None:
        data = factories.choice()
        data["edges"][2] = factories.edge("decide", None, condition_id="c-no")
        data["tasks"].pop()
        found = drawing(actor, factories.start(actor, data))
        assert len(found.ends) == 1
        assert set(signs(found)) == {"Yes", "No"}

    def test_a_loop_is_drawn_as_a_way_back_with_its_count(self, actor: Actor) -> None:
        execution = factories.start(actor, loop())
        back = next(way for way in drawing(actor, execution).ways if way.is_back)
        assert (back.state, back.sign.name if back.sign else "") == ("open", "Once more · 0 of 3")
        finish(actor, execution, "write")
        finish(actor, execution, "check", next_condition_id="again")
        found = drawing(actor, execution)
        back = next(way for way in found.ways if way.is_back)
        assert (back.state, back.sign.name if back.sign else "") == ("taken", "Once more · 1 of 3")
        assert "Loop: 1 of 3" in node(found, "check").words

    def test_splits_and_joins_are_marked(self, actor: Actor) -> None:
        found = drawing(actor, factories.start(actor, split()))
        assert [(node(found, key).splits, node(found, key).joins) for key in ("begin", "left", "end")] == [
            (True, False),
            (False, False),
            (False, True),
        ]
        assert "2 paths come together here" in node(found, "end").words
        assert "leads to Task left and Task right" in node(found, "begin").words

    def test_a_running_flow_that_was_changed_is_drawn_as_it_is_now(self, actor: Actor) -> None:
        from workflows.services.tasks import add_task

        execution = factories.start(actor)
        first, second = factories.task_of(execution, "t1"), factories.task_of(execution, "t2")
        add_task(actor, execution.id, first.id, second.id, {"name": "Between"})
        names = [each.card.task.name for each in drawing(actor, execution).nodes]
        assert names == ["Task t1", "Between", "Task t2", "Task t3", "Task t4"]

    def test_who_may_see_some_tasks_only_sees_no_others(self, actor: Actor) -> None:
        execution = factories.start(actor, split())
        some = Actor(actor.organisation, ActorKind.USER, "7", "", grants='[{"action": "workflow:execution:task:view_assigned"}]')
        for key in ("begin", "right"):
            patch_task(actor, execution.id, factories.task_of(execution, key).id, {"assigned_to": ["7"]})
        found = drawing(some, execution)
        assert {each.card.task.template_id for each in found.nodes} == {"begin", "right"}
        assert len(found.ways) == 2
        assert "Task left" not in node(found, "begin").words


class TestWriting:
    def test_long_names_are_cut_in_the_drawing_and_whole_in_words(self, actor: Actor) -> None:
        data = factories.sequence(1)
        data["tasks"][0]["name"] = "Check " + "very thoroughly " * 12
        found = node(drawing(actor, factories.start(actor, data)), "t1")
        assert len(found.name_lines) == 2
        assert found.name_lines[1].endswith("…")
        assert all(len(line) <= 23 for line in found.name_lines)
        assert data["tasks"][0]["name"] in found.words

    def test_names_of_phases_stand_where_they_begin_and_on_tasks_that_lie_elsewhere(self, actor: Actor) -> None:
        data = split() | {"phases": [{"id": "one", "name": "First"}, {"id": "two", "name": "Second"}]}
        for task, phase in zip(data["tasks"], ["one", "one", "two", "two"], strict=True):
            task["phase_id"] = phase
        found = drawing(actor, factories.start(actor, data))
        assert [name.lines for name in found.phases] == [["First"], ["Second"]]
        assert "First" in node(found, "left").fact

    def test_names_are_shown_as_text_and_numbers_as_svg_has_them(self, browser: Client, actor: Actor, user: User) -> None:
        data = split()
        data["tasks"][1]["name"] = "<script>alert(1)</script>"
        execution = factories.start(actor, data)
        with translation.override("de"):
            page = browser.get(f"/executions/{execution.id}?view=graph", headers={"Accept-Language": "de"}).content.decode()
        assert "<script>alert" not in page
        assert "Aktuell" in page
        graph = page[page.index('class="graph-svg graph"') : page.rindex("</svg>")]
        assert not [part for part in graph.split('"') if part[:1].isdigit() and part.count(",") == 1 and " " not in part]

    def test_it_needs_no_statement_more_for_30_tasks_than_for_1(self, browser: Client, actor: Actor) -> None:
        counts = []
        for size in (1, 30):
            execution = factories.start(actor, factories.sequence(size, assigned_to=[actor.id]))
            browser.get(f"/executions/{execution.id}?view=graph")
            with CaptureQueriesContext(connection) as captured:
                page = browser.get(f"/executions/{execution.id}?view=graph").content.decode()
            assert page.count("data-card") == size
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1] <= 12
