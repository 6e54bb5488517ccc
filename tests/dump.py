"""The database as comparable data, to see that a refused action has changed nothing."""

from typing import Any

from django.apps import apps


def dump() -> dict[str, list[dict[str, Any]]]:
    """Return every row of our tables, except the day on which a token was last used."""
    result = {}
    for model in apps.get_app_config("workflows").get_models():
        fields = [field.attname for field in model._meta.concrete_fields if field.name != "last_used_on"]
        result[model._meta.label] = list(model._default_manager.order_by("pk").values(*fields))
    return result
