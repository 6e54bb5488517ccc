"""Addresses of the API, on its public paths. What is no operation answers 404 in the contract's shape, to those who may ask."""

from django.urls import include, path, re_path, register_converter
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from workflows.api.converters import KeyConverter
from workflows.api.docs import show_docs
from workflows.services.errors import NotFound

register_converter(KeyConverter, "key")


class NoSuchOperation(APIView):
    """404 for every method."""

    schema = None

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound

    def get(self, request: Request, rest: str) -> Response:
        raise NotFound

    post = put = patch = delete = get


urlpatterns = [
    path("", include("workflows.api.v2.urls")),
    path("", include("workflows.api.v1.urls")),
    path("", include("workflows.api.definitions.urls")),
    path("", include("workflows.api.entities.urls")),
    path("", include("workflows.api.kanban.urls")),
    path("", include("workflows.api.automation.urls")),
    path("", include("workflows.api.webhooks.urls")),
    path("", include("workflows.api.agents.urls")),
    path("", include("workflows.api.access_tokens.urls")),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="api-schema"),
    path("api/docs", show_docs, name="api-docs"),
    # Any character: a dot stands for no line break.
    re_path(r"^(?P<rest>(?:v1|v2|api)/[\s\S]*)$", NoSuchOperation.as_view()),
]
