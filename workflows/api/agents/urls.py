"""Addresses for agents."""

from django.urls import path

from workflows.api.agents import views

urlpatterns = [
    path("v1/agents/callbacks/<str:token>", views.Callback.as_view()),
    path("v1/agents/executions/<str:execution_id>/tasks/<str:task_id>/approve", views.Approval.as_view()),
    path("v1/agents/executions/<str:execution_id>/tasks/<str:task_id>/reject", views.Rejection.as_view()),
]
