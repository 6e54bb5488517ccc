"""Entities over REST: plain attributes, and the search that clients of the public API use."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from workflows.api import fields
from workflows.api.entities import answers
from workflows.api.entities.rendering import render_entity
from workflows.api.entities.search import filter_entities
from workflows.api.entities.summaries import render_workflows
from workflows.api.operations import in_query
from workflows.api.requests import actor_of, read_body, read_flag
from workflows.api.views import View
from workflows.models import Entity
from workflows.permissions import Actor
from workflows.services import entities
from workflows.services.summaries import read_running


class Search(serializers.Serializer[Any]):
    """searchEntities."""

    q = fields.Text(max_length=2000)
    size = fields.Whole(required=False, min_value=0, max_value=1000, default=10)
    sort = serializers.JSONField(required=False, allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"from": fields.Whole(required=False, min_value=0, max_value=1_000_000, default=0)}


def render_entities(actor: Actor, rows: Sequence[Entity]) -> list[dict[str, Any]]:
    """Return entities with their executions; one query more for any number of them."""
    running = read_running(actor, [entity.id for entity in rows])
    result = []
    for entity in rows:
        workflows = render_workflows(running.get(entity.id, ()))
        result.append(render_entity(entity) | ({"workflows": workflows} if workflows else {}))
    return result


def answer_entity(actor: Actor, entity: Entity) -> dict[str, Any]:
    return render_entities(actor, [entity])[0]


def read_attributes(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise ValidationError("The body must be an object of attributes")
    return request.data


class EntityList(View):
    """createEntity."""

    @extend_schema(request=answers.EntityBody, responses={201: answers.EntityAnswer}, operation_id="createEntity")
    def post(self, request: Request, schema: str) -> Response:
        entity = entities.create_entity(actor_of(request), schema, read_attributes(request))
        return Response(render_entity(entity), status=status.HTTP_201_CREATED)


class EntityDetail(View):
    """getEntity, patchEntity, updateEntity, deleteEntity."""

    @extend_schema(responses=answers.EntityWithRelations, operation_id="getEntity")
    def get(self, request: Request, schema: str, entity_id: str) -> Response:
        actor = actor_of(request)
        actor.require("entity:view")
        return Response({"entity": answer_entity(actor, entities.find_entity(actor, schema, entity_id)), "relations": []})

    @extend_schema(request=answers.EntityBody, responses=answers.EntityAnswer, operation_id="patchEntity")
    def patch(self, request: Request, schema: str, entity_id: str) -> Response:
        actor = actor_of(request)
        return Response(answer_entity(actor, entities.patch_entity(actor, schema, entity_id, read_attributes(request))))

    @extend_schema(request=answers.EntityBody, responses=answers.EntityAnswer, operation_id="updateEntity")
    def put(self, request: Request, schema: str, entity_id: str) -> Response:
        actor = actor_of(request)
        return Response(answer_entity(actor, entities.replace_entity(actor, schema, entity_id, read_attributes(request))))

    @extend_schema(parameters=[in_query("purge", bool)], responses={200: None}, operation_id="deleteEntity")
    def delete(self, request: Request, schema: str, entity_id: str) -> Response:
        entities.delete_entity(actor_of(request), schema, entity_id, purge=read_flag(request, "purge"))
        return Response(status=status.HTTP_200_OK)


class EntityItem(View):
    """getEntityV2."""

    @extend_schema(responses=answers.EntityAnswer, operation_id="getEntityV2")
    def get(self, request: Request, schema: str, entity_id: str) -> Response:
        actor = actor_of(request)
        actor.require("entity:view")
        return Response(answer_entity(actor, entities.find_entity(actor, schema, entity_id)))


class EntitySearch(View):
    """searchEntities."""

    @extend_schema(request=Search, responses=answers.FoundEntities, operation_id="searchEntities")
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require("entity:view")
        body = read_body(request, Search)
        rows = filter_entities(actor, body["q"], body.get("sort"))
        page = rows.select_related("organisation")[body["from"] : body["from"] + body["size"]]
        return Response({"hits": rows.count(), "results": render_entities(actor, list(page))})
