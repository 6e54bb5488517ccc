"""Saved boards: who sees them, who may change them, and what a refusal leaves behind."""

from typing import Any

import pytest

from tests import factories
from tests.dump import dump
from workflows.models import Organisation, Role, SavedBoard
from workflows.permissions import Actor, PermissionRefused
from workflows.services import boards
from workflows.services.errors import InvalidInput, NotFound

CONFIG = {"dataset": "workflow_tasks_overview", "swimlanes": []}


@pytest.fixture
def lena(organisation: Organisation) -> Actor:
    """A member who owns nothing."""
    return factories.actor_of(factories.make_user(organisation, "lena@acme.example", "Lena"), organisation)


@pytest.fixture
def viewer(organisation: Organisation) -> Actor:
    return factories.actor_of(factories.make_user(organisation, "vera@acme.example", "Vera", Role.VIEWER), organisation)


def make_board(actor: Actor, **values: Any) -> SavedBoard:
    return boards.create_board(actor, {"title": "Mine", "config": CONFIG, **values})  # type: ignore[typeddict-item]


def again(actor: Actor) -> Actor:
    """The actor of the next request: the organisation is read anew."""
    return Actor(Organisation.objects.get(pk=actor.organisation.pk), actor.kind, actor.id, actor.role)


def titles(rows: Any) -> list[str]:
    return sorted(board.title for board in rows)


def test_a_private_board_does_not_exist_for_others(actor: Actor, lena: Actor) -> None:
    board = make_board(actor)
    assert (titles(boards.visible_boards(actor)), titles(boards.visible_boards(lena))) == (["Mine"], [])
    before = dump()
    for refused in (boards.find_board, boards.delete_board, lambda a, b: boards.patch_board(a, b, {"title": "Taken"})):
        with pytest.raises(NotFound):
            refused(lena, board.id)
    assert dump() == before


def test_a_shared_board_is_read_by_those_it_is_shared_with_and_changed_by_its_owners_only(actor: Actor, lena: Actor) -> None:
    board = make_board(actor, shared_with=[lena.id])
    assert boards.find_board(lena, board.id) == board
    assert (titles(boards.owned_boards(lena)), titles(boards.shared_boards(lena))) == ([], ["Mine"])
    assert (titles(boards.owned_boards(actor)), titles(boards.shared_boards(actor))) == (["Mine"], [])
    before = dump()
    with pytest.raises(PermissionRefused):
        boards.patch_board(lena, board.id, {"title": "Taken"})
    assert dump() == before
    boards.patch_board(actor, board.id, {"owners": [lena.id], "shared_with": []})
    assert boards.patch_board(lena, board.id, {"title": "Taken"}).title == "Taken"
    with pytest.raises(NotFound):
        boards.find_board(actor, board.id)


def test_replacing_clears_what_is_not_given_but_keeps_the_sharing(actor: Actor, lena: Actor) -> None:
    board = make_board(actor, description="Old", shared_with=[lena.id])
    replaced = boards.replace_board(actor, board.id, {"title": "New", "config": {"dataset": "other"}})
    assert (replaced.title, replaced.description, replaced.config) == ("New", "", {"dataset": "other"})
    assert boards.find_board(lena, board.id).title == "New"
    assert replaced.updated_at > board.updated_at


def test_a_board_keeps_an_owner(actor: Actor) -> None:
    board = make_board(actor)
    before = dump()
    with pytest.raises(InvalidInput, match="owners: a board needs an owner"):
        boards.patch_board(actor, board.id, {"owners": []})
    assert dump() == before


def test_the_default_board_is_seen_by_everybody_until_it_is_cleared_or_deleted(actor: Actor, lena: Actor) -> None:
    board = make_board(actor)
    with pytest.raises(NotFound):
        boards.find_board(actor, "default")
    boards.set_default_board(actor, board.id)
    assert boards.find_board(again(lena), "default") == board
    boards.clear_default_board(actor)
    with pytest.raises(NotFound):
        boards.find_board(again(lena), "default")
    boards.set_default_board(actor, board.id)
    boards.delete_board(again(actor), board.id)
    with pytest.raises(NotFound):
        boards.find_board(again(actor), "default")


def test_naming_the_default_board_and_saving_boards_are_rights(actor: Actor, lena: Actor, viewer: Actor) -> None:
    board = make_board(actor, shared_with_org=True)
    before = dump()
    for refused in (
        lambda: boards.set_default_board(lena, board.id),
        lambda: boards.clear_default_board(lena),
        lambda: make_board(viewer),
    ):
        with pytest.raises(PermissionRefused):
            refused()
    assert dump() == before
    assert boards.find_board(viewer, board.id) == board


def test_boards_of_another_organisation_do_not_exist(actor: Actor, other_organisation: Organisation) -> None:
    board = make_board(actor, shared_with_org=True)
    stranger = factories.actor_of(
        factories.make_user(other_organisation, "otto@other.example", "Otto", Role.OWNER), other_organisation
    )
    assert titles(boards.visible_boards(stranger)) == []
    before = dump()
    for refused in (boards.find_board, boards.delete_board, boards.set_default_board):
        with pytest.raises(NotFound):
            refused(stranger, board.id)
    assert dump() == before


def test_a_filter_that_is_none_is_refused_with_its_place(actor: Actor) -> None:
    lane = {"filter": {"combination": "AND", "items": [{"key": "status", "operator": "RESEMBLES"}]}}
    before = dump()
    with pytest.raises(InvalidInput, match=r"config\.swimlanes\[0\]\.filter\.items\[0\]\.operator"):
        make_board(actor, config=CONFIG | {"swimlanes": [lane]})
    assert dump() == before
