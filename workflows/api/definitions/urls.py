"""Addresses of templates and closing reasons."""

from django.urls import path

from workflows.api.definitions import linear_views, views

urlpatterns = [
    path("v2/flows/templates", views.TemplateList.as_view()),
    path("v2/flows/templates:search", views.TemplateSearch.as_view()),
    path("v2/flows/templates/<key:template_id>", views.TemplateDetail.as_view()),
    path("v2/flows/templates/<key:template_id>/duplicate", views.TemplateDuplicate.as_view()),
    path("v1/workflows/closing-reasons", views.ReasonList.as_view()),
    path("v1/workflows/closing-reasons/<key:reason_id>", views.ReasonStatus.as_view()),
    path("v2/workflows/closing-reasons/<key:reason_id>", views.ReasonDetail.as_view()),
    path("v1/workflows/limits/max-allowed", views.Limits.as_view()),
    path("v1/workflows/definitions", linear_views.DefinitionList.as_view()),
    path("v1/workflows/definitions/<key:template_id>", linear_views.DefinitionDetail.as_view()),
    path("v1/workflows/definitions/<key:template_id>/closing-reasons", views.TemplateReasons.as_view()),
]
