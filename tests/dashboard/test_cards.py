"""Cards that are kept from one rendering to the next say what is true now."""

import pytest
from django.utils import translation

from dashboard.cards import Board, Card
from dashboard.people import People
from dashboard.templatetags.cards import _kept, show_card
from tests import factories
from workflows.definitions import load_definition
from workflows.models import Execution, Role
from workflows.permissions import Actor
from workflows.services.executions import patch_execution
from workflows.services.tasks import patch_task


def card_of(actor: Actor, execution: Execution, key: str) -> Card:
    fresh = Execution.objects.get(pk=execution.pk)
    board = Board(actor, fresh, load_definition(fresh.definition_id), People(actor.organisation))
    return board.cards[factories.task_of(execution, key).id]


def test_an_unchanged_card_is_rendered_once(actor: Actor) -> None:
    execution = factories.start(actor)
    first = show_card(card_of(actor, execution, "t2"))
    kept = len(_kept)
    assert show_card(card_of(actor, execution, "t2")) is first
    assert len(_kept) == kept


@pytest.mark.parametrize(
    ("patch", "shown"),
    [
        ({"name": "Call the customer"}, "Call the customer"),
        ({"status": "IN_PROGRESS"}, "s-IN_PROGRESS"),
        ({"due_date": "2020-01-01T00:00:00.000"}, "days late"),
        ({"assigned_to": ["zoe-from-outside"]}, "zoe-from-outside"),
    ],
)
def test_a_changed_card_shows_the_change(actor: Actor, patch: dict[str, object], shown: str) -> None:
    execution = factories.start(actor)
    assert shown not in show_card(card_of(actor, execution, "t1"))
    patch_task(actor, execution.id, factories.task_of(execution, "t1").id, patch)  # type: ignore[arg-type]
    assert shown in show_card(card_of(actor, execution, "t1"))


def test_a_card_that_the_flow_comes_to_shows_it(actor: Actor) -> None:
    execution = factories.start(actor)
    assert "chip now" not in show_card(card_of(actor, execution, "t2"))
    patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"status": "COMPLETED"})
    assert "chip now" in show_card(card_of(actor, execution, "t2"))


def test_a_card_offers_its_menu_and_its_lanes_to_those_who_may_use_them(actor: Actor) -> None:
    execution = factories.start(actor)
    viewer = factories.actor_of(factories.make_user(actor.organisation, "v@x.example", "V", Role.VIEWER), actor.organisation)
    mine, theirs = (show_card(card_of(who, execution, "t1")) for who in (actor, viewer))
    assert 'data-lanes="COMPLETED IN_PROGRESS ON_HOLD SKIPPED"' in mine
    assert "card-menu" in mine
    assert "data-lanes" not in theirs
    assert "card-menu" not in theirs


def test_a_card_of_a_closed_flow_offers_nothing(actor: Actor) -> None:
    execution = factories.start(actor)
    assert "card-menu" in show_card(card_of(actor, execution, "t2"))
    patch_execution(actor, execution.id, {"status": "CLOSED"})
    assert "card-menu" not in show_card(card_of(actor, execution, "t2"))


def test_a_machines_card_is_run_by_dragging_it(actor: Actor) -> None:
    data = factories.sequence(2)
    data["tasks"][0] |= {"task_type": "AUTOMATION", "trigger_mode": "manual", "automation_config": {"flow_id": "x"}}
    card = card_of(actor, factories.start(actor, data), "t1")
    assert card.lanes.endswith(" IN_PROGRESS")
    assert " data-runs " in show_card(card)


def test_another_language_has_cards_of_its_own(actor: Actor) -> None:
    execution = factories.start(actor)
    english = show_card(card_of(actor, execution, "t1"))
    with translation.override("de"):
        german = show_card(card_of(actor, execution, "t1"))
    assert "Aktuell" in german
    assert "Aktuell" not in english
