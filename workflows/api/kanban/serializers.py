"""Bodies of saved boards and task queries. Filters are checked by the services, which read them from saved boards too."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from workflows.api import fields
from workflows.services.task_filters import DataType, Operator
from workflows.services.task_query import GroupBy

MAX_PEOPLE = 1000
DIRECTIONS = ("asc", "desc")
MAX_SIZE = 1000
MAX_START = 1_000_000

CONDITION = {
    "type": "object",
    "properties": {
        "key": {"type": "string", "description": "A field of the task records"},
        "operator": {"type": "string", "enum": [*Operator]},
        "value": {"description": "A text, number, true or false, a dynamic date such as THIS_WEEK, or a list of these"},
        "data_type": {"type": "string", "enum": [*DataType]},
    },
    "required": ["key", "operator"],
}
COMBINATION = {"type": "string", "enum": ["AND", "OR"]}
GROUP = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": CONDITION}, "combination": COMBINATION},
    "required": ["items", "combination"],
}
FILTER = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"anyOf": [CONDITION, GROUP]}}, "combination": COMBINATION},
    "required": ["items", "combination"],
}


@extend_schema_field(FILTER)
class Filter(fields.Object):
    """A group of conditions and groups."""


class People(serializers.ListField):
    """Ids of people."""

    child = fields.Identifier()

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "max_length": MAX_PEOPLE} | options)


class Sorting(serializers.Serializer[Any]):
    field = fields.Identifier()
    direction = fields.OneOf(DIRECTIONS, required=False, default="asc")


class Grouping(serializers.Serializer[Any]):
    field = fields.OneOf(GroupBy)


class Swimlane(serializers.Serializer[Any]):
    """A column of a board."""

    id = fields.Text(required=False, max_length=fields.MAX_ID)
    title = fields.Text(required=False, max_length=fields.MAX_NAME)
    position = serializers.FloatField(required=False)
    filter = Filter(required=False, allow_null=True)
    title_chip_variant = fields.Text(required=False, max_length=fields.MAX_NAME)


class CardConfig(serializers.Serializer[Any]):
    """What cards show."""

    fields = serializers.ListField(child=fields.Text(max_length=fields.MAX_NAME), required=False)  # type: ignore[assignment]


class BoardConfig(serializers.Serializer[Any]):
    """What a board shows, and how."""

    dataset = fields.Text(required=False, max_length=fields.MAX_NAME)
    swimlanes = Swimlane(many=True, required=False)
    card_config = CardConfig(required=False)
    board_filter = Filter(required=False, allow_null=True)
    sorting = Sorting(required=False, allow_null=True)
    group_by = Grouping(required=False, allow_null=True)
    search_query = fields.Text(required=False, allow_null=True, max_length=fields.MAX_NAME)


class PatchBoard(serializers.Serializer[Any]):
    """patchKanbanBoard."""

    title = fields.Name(required=False)
    description = fields.Text(required=False, max_length=fields.MAX_DESCRIPTION)
    shared_with = People()
    shared_with_org = fields.Flag(required=False)
    owners = People()


class Board(PatchBoard):
    """createKanbanBoard and updateKanbanBoard."""

    title = fields.Name()
    config = BoardConfig()


class BoardSummaryAnswer(serializers.Serializer[Any]):
    """What lists say about a board."""

    id = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    org_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    updated_at = serializers.DateTimeField()
    updated_by = serializers.CharField()
    owners = serializers.ListField(child=serializers.CharField())
    shared_with = serializers.ListField(child=serializers.CharField())
    shared_with_org = serializers.BooleanField()


class BoardAnswer(BoardSummaryAnswer):
    """A board."""

    config = BoardConfig()


class DefaultAnswer(serializers.Serializer[Any]):
    message = serializers.CharField()
    default_board_id = serializers.CharField(allow_null=True)


class Query(serializers.Serializer[Any]):
    """executeFlowsQuery; `from` is taken from the body by name."""

    filters = Filter(required=False, allow_null=True)
    sorting = Sorting(required=False, allow_null=True)
    group_by = Grouping(required=False, allow_null=True)
    size = fields.Whole(required=False, min_value=1, max_value=MAX_SIZE, default=10)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"from": fields.Whole(required=False, min_value=0, max_value=MAX_START, default=0)}


class QueryAnswer(serializers.Serializer[Any]):
    """A page of task records."""

    results = serializers.ListField(child=serializers.DictField())
    hits = serializers.IntegerField()
    page_number = serializers.IntegerField()
    page_size = serializers.IntegerField()
    total_pages = serializers.IntegerField()


class Suggest(serializers.Serializer[Any]):
    """flowsAutocomplete, from the query string; `from` is taken by name."""

    attribute = serializers.CharField(max_length=fields.MAX_ID)
    input = serializers.CharField(required=False, allow_blank=True, default="", max_length=fields.MAX_NAME, trim_whitespace=False)
    size = serializers.IntegerField(required=False, min_value=1, max_value=250, default=25)

    def get_fields(self) -> dict[str, Any]:
        start = serializers.IntegerField(required=False, min_value=0, max_value=MAX_START, default=0)
        return super().get_fields() | {"from": start}


class SuggestAnswer(serializers.Serializer[Any]):
    """Values that were found."""

    results = serializers.ListField(child=serializers.JSONField())
    hits = serializers.IntegerField()
