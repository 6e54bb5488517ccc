"""Addresses of executions in the older dialect."""

from django.urls import path

from workflows.api.v1 import views

urlpatterns = [
    path("v1/workflows/executions", views.ExecutionList.as_view()),
    path("v1/workflows/executions/search", views.ExecutionSearchView.as_view()),
    path("v1/workflows/executions/steps/search", views.StepSearch.as_view()),
    path("v1/workflows/executions/<str:execution_id>", views.ExecutionDetail.as_view()),
    path("v1/workflows/executions/<str:execution_id>/closing-reasons", views.ExecutionReasons.as_view()),
    path("v1/workflows/executions/<str:execution_id>/steps", views.StepList.as_view()),
    path("v1/workflows/executions/<str:execution_id>/steps/<str:task_id>", views.StepDetail.as_view()),
]
