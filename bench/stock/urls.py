"""Addresses of the baseline."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from bench.stock import views


def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [
    path("health/ready", health),
    path("executions", views.ExecutionList.as_view()),
    path("executions/<uuid:pk>", views.ExecutionDetail.as_view()),
    path("executions/<uuid:execution_id>/tasks/<uuid:pk>", views.TaskDetail.as_view(), name="task"),
    path("", views.show_executions, name="executions"),
    path("boards/<uuid:execution_id>", views.show_board, name="board"),
]
