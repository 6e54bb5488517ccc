"""Saved boards and the queries that fill them over REST."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from workflows.api.kanban import serializers
from workflows.api.kanban.rendering import render_board, render_summary
from workflows.api.operations import ErrorAnswer
from workflows.api.requests import actor_of, read_body, read_text
from workflows.api.views import View
from workflows.models import SavedBoard
from workflows.services import boards
from workflows.services.task_filters import parse_filter
from workflows.services.task_query import GroupBy, TaskQuery, find_tasks
from workflows.services.task_suggestions import suggest_values

LISTS = {"owned": boards.owned_boards, "shared": boards.shared_boards, "": boards.visible_boards}
MAX_LISTED = 1000
BOARD_ID = OpenApiParameter("boardId", str, OpenApiParameter.QUERY, required=True)


def read_board(request: Request) -> boards.BoardPatch:
    """Return a board's document; its config is kept as it was sent, after its known fields were checked."""
    body = read_body(request, serializers.Board)
    return cast(boards.BoardPatch, body | {"config": cast(dict[str, Any], request.data)["config"]})


class BoardList(View):
    """createKanbanBoard."""

    @extend_schema(request=serializers.Board, responses=serializers.BoardAnswer, operation_id="createKanbanBoard")
    def post(self, request: Request) -> Response:
        return Response(render_board(boards.create_board(actor_of(request), read_board(request))), status=status.HTTP_200_OK)


class BoardIndex(View):
    """getKanbanBoards."""

    @extend_schema(
        parameters=[OpenApiParameter("filter", str, OpenApiParameter.QUERY, enum=["owned", "shared"])],
        responses=serializers.BoardSummaryAnswer(many=True),
        operation_id="getKanbanBoards",
    )
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require("kanban:view")
        wanted = read_text(request, "filter")
        if wanted not in LISTS:
            raise ValidationError({"filter": "must be owned or shared"})
        rows: QuerySet[SavedBoard] = LISTS[wanted](actor).order_by("title", "id")[:MAX_LISTED]
        return Response([render_summary(board) for board in rows])


class BoardDetail(View):
    """getKanbanBoard, updateKanbanBoard, patchKanbanBoard, deleteKanbanBoard."""

    @extend_schema(responses=serializers.BoardAnswer, operation_id="getKanbanBoard")
    def get(self, request: Request, board_id: str) -> Response:
        return Response(render_board(boards.find_board(actor_of(request), board_id)))

    @extend_schema(request=serializers.Board, responses=serializers.BoardAnswer, operation_id="updateKanbanBoard")
    def put(self, request: Request, board_id: str) -> Response:
        return Response(render_board(boards.replace_board(actor_of(request), board_id, read_board(request))))

    @extend_schema(request=serializers.PatchBoard, responses=serializers.BoardAnswer, operation_id="patchKanbanBoard")
    def patch(self, request: Request, board_id: str) -> Response:
        body: Any = read_body(request, serializers.PatchBoard)
        return Response(render_board(boards.patch_board(actor_of(request), board_id, body)))

    @extend_schema(responses={200: None}, operation_id="deleteKanbanBoard")
    def delete(self, request: Request, board_id: str) -> Response:
        boards.delete_board(actor_of(request), board_id)
        return Response(status=status.HTTP_200_OK)


class DefaultBoard(View):
    """setDefaultKanbanBoard and clearDefaultKanbanBoard."""

    @extend_schema(
        parameters=[BOARD_ID],
        request=None,
        responses={200: serializers.DefaultAnswer, 404: ErrorAnswer},
        operation_id="setDefaultKanbanBoard",
    )
    def put(self, request: Request) -> Response:
        board_id = read_text(request, "boardId")
        if not board_id:
            raise ValidationError({"boardId": "is required"})
        board = boards.set_default_board(actor_of(request), board_id)
        return Response({"message": "The default board is set", "default_board_id": board.id})

    @extend_schema(responses={200: serializers.DefaultAnswer}, operation_id="clearDefaultKanbanBoard")
    def delete(self, request: Request) -> Response:
        boards.clear_default_board(actor_of(request))
        return Response({"message": "There is no default board now", "default_board_id": None})


class Autocomplete(View):
    """flowsAutocomplete."""

    @extend_schema(parameters=[serializers.Suggest], responses=serializers.SuggestAnswer, operation_id="flowsAutocomplete")
    def get(self, request: Request) -> Response:
        query = serializers.Suggest(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        found, hits = suggest_values(actor_of(request), asked["attribute"], asked["input"], asked["from"], asked["size"])
        return Response({"results": found, "hits": hits})


class Execute(View):
    """executeFlowsQuery."""

    @extend_schema(request=serializers.Query, responses=serializers.QueryAnswer, operation_id="executeFlowsQuery")
    def post(self, request: Request) -> Response:
        body = read_body(request, serializers.Query)
        sorting, grouping = body.get("sorting") or {}, body.get("group_by") or {}
        size = body["size"]
        page = find_tasks(
            actor_of(request),
            TaskQuery(
                filters=[parse_filter(body["filters"], "filters")] if body.get("filters") is not None else [],
                sort_field=sorting.get("field", ""),
                descending=sorting.get("direction") == "desc",
                group_by=GroupBy(grouping["field"]) if grouping else None,
                start=body["from"],
                size=size,
            ),
        )
        return Response(
            {
                "results": page.records,
                "hits": page.hits,
                "page_number": body["from"] // size + 1,
                "page_size": size,
                "total_pages": -(-page.hits // size),
            }
        )
