"""The wire form of saved boards."""

from typing import Any

from workflows.documents import timestamp
from workflows.models import SavedBoard, ShareKind


def render_summary(board: SavedBoard) -> dict[str, Any]:
    """Return what lists say about a board that comes with its shares."""
    shares = sorted(board.shares.all(), key=lambda share: share.position)
    return {
        "id": board.id,
        "title": board.title,
        "description": board.description,
        "org_id": board.organisation.slug,
        "created_at": timestamp(board.created_at),
        "created_by": board.created_by,
        "updated_at": timestamp(board.updated_at),
        "updated_by": board.updated_by,
        "owners": [share.person for share in shares if share.kind == ShareKind.OWNER],
        "shared_with": [share.person for share in shares if share.kind == ShareKind.READER],
        "shared_with_org": board.shared_with_org,
    }


def render_board(board: SavedBoard) -> dict[str, Any]:
    return render_summary(board) | {"config": board.config}
