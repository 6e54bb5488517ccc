"""What can be done to saved boards: create, replace, change, share, delete, and name one the organisation's default.

A board is seen by its owners, by those whom it is shared with, by the whole organisation when it is shared with it or is its
default; changed by its owners. What somebody may not see does not exist for them.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db.models import Q, QuerySet
from django.utils import timezone

from workflows.models import BoardShare, Organisation, SavedBoard, ShareKind
from workflows.permissions import Actor, PermissionRefused
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.task_filters import parse_filter
from workflows.services.transactions import in_transaction

DEFAULT = "default"


class BoardPatch(TypedDict, total=False):
    title: str
    description: str
    config: Mapping[str, Any]
    shared_with_org: bool
    shared_with: list[str]
    owners: list[str]


@in_transaction
def create_board(actor: Actor, values: BoardPatch, now: datetime | None = None) -> SavedBoard:
    """Save a new board; who creates it owns it unless `owners` says otherwise."""
    actor.require("kanban:edit")
    at = now or timezone.now()
    board = SavedBoard(organisation=actor.organisation, created_at=at, updated_at=at, created_by=actor.id, updated_by=actor.id)
    _take(board, values)
    board.save(force_insert=True)
    _share(board, values | {"owners": values.get("owners") or [actor.id]})
    return board


@in_transaction
def replace_board(actor: Actor, board_id: str, values: BoardPatch, now: datetime | None = None) -> SavedBoard:
    """Put a new document in the place of the old one. Sharing that it does not speak of stays."""
    return _save(actor, board_id, {"description": "", **values}, now)


@in_transaction
def patch_board(actor: Actor, board_id: str, values: BoardPatch, now: datetime | None = None) -> SavedBoard:
    """Change only what is given."""
    return _save(actor, board_id, values, now)


@in_transaction
def delete_board(actor: Actor, board_id: str) -> None:
    """Remove a board for good. If it was the organisation's default, there is none afterwards."""
    _lock_own(actor, board_id).delete()


@in_transaction
def set_default_board(actor: Actor, board_id: str) -> SavedBoard:
    """Show this board to everybody in the organisation who asks for no other."""
    actor.require("kanban:set_org_default_board")
    board = find_board(actor, board_id)
    Organisation.objects.filter(pk=actor.organisation.pk).update(default_board=board)
    return board


@in_transaction
def clear_default_board(actor: Actor) -> None:
    """Have no default board; clearing it again changes nothing."""
    actor.require("kanban:set_org_default_board")
    Organisation.objects.filter(pk=actor.organisation.pk).update(default_board=None)


def find_board(actor: Actor, board_id: str) -> SavedBoard:
    """Return a board that the actor may see; `default` names the organisation's. Raises NotFound."""
    actor.require("kanban:view")
    wanted = Q(pk=actor.organisation.default_board_id) if board_id == DEFAULT else Q(pk=board_id)
    board = visible_boards(actor).filter(wanted).first()
    if board is None:
        raise NotFound
    return board


def visible_boards(actor: Actor) -> QuerySet[SavedBoard]:
    """Return the boards that the actor may see, with their shares."""
    everybody = Q(shared_with_org=True) | Q(pk=actor.organisation.default_board_id)
    rows = SavedBoard.objects.filter(everybody | Q(pk__in=_boards_of(actor)), organisation=actor.organisation)
    return rows.select_related("organisation").prefetch_related("shares")


def owned_boards(actor: Actor) -> QuerySet[SavedBoard]:
    return visible_boards(actor).filter(pk__in=_boards_of(actor).filter(kind=ShareKind.OWNER))


def shared_boards(actor: Actor) -> QuerySet[SavedBoard]:
    """Return the boards of others that the actor may see."""
    return visible_boards(actor).exclude(pk__in=_boards_of(actor).filter(kind=ShareKind.OWNER))


def _boards_of(actor: Actor) -> QuerySet[BoardShare, Any]:
    return BoardShare.objects.filter(person=actor.id).values("board_id")


def _lock_own(actor: Actor, board_id: str) -> SavedBoard:
    actor.require("kanban:edit")
    board = find_board(actor, board_id)
    if not any(share.person == actor.id and share.kind == ShareKind.OWNER for share in board.shares.all()):
        raise PermissionRefused("to own the board")
    locked = SavedBoard.objects.select_for_update(no_key=True).filter(pk=board.pk).first()
    if locked is None:
        raise NotFound
    return locked


def _save(actor: Actor, board_id: str, values: BoardPatch, now: datetime | None) -> SavedBoard:
    board = _lock_own(actor, board_id)
    _take(board, values)
    board.updated_at = max(now or timezone.now(), board.updated_at + timedelta(milliseconds=1))
    board.updated_by = actor.id
    board.save()
    _share(board, values)
    return board


def _take(board: SavedBoard, values: BoardPatch) -> None:
    if "config" in values:
        check_config(values["config"])
        board.config = dict(values["config"])
    board.title = values.get("title", board.title)
    board.description = values.get("description", board.description)
    board.shared_with_org = values.get("shared_with_org", board.shared_with_org)


def _share(board: SavedBoard, values: BoardPatch) -> None:
    if "owners" in values:
        if not values["owners"]:
            raise InvalidInput("owners", "a board needs an owner")
        _replace_shares(board, ShareKind.OWNER, values["owners"])
    if "shared_with" in values:
        _replace_shares(board, ShareKind.READER, values["shared_with"])


def _replace_shares(board: SavedBoard, kind: ShareKind, people: Iterable[str]) -> None:
    board.shares.filter(kind=kind).delete()
    each = enumerate(dict.fromkeys(people))
    BoardShare.objects.bulk_create(BoardShare(board=board, kind=kind, person=person, position=place) for place, person in each)


def check_config(config: Mapping[str, Any]) -> None:
    """Raise InvalidInput for filters that are none. Keys are looked at when the board is asked, as boards come from elsewhere."""
    if config.get("board_filter") is not None:
        parse_filter(config["board_filter"], "config.board_filter")
    for index, lane in enumerate(config.get("swimlanes") or ()):
        if lane.get("filter") is not None:
            parse_filter(lane["filter"], f"config.swimlanes[{index}].filter")
