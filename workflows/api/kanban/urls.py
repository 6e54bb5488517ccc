"""Addresses of saved boards and of the queries that fill them."""

from django.urls import path

from workflows.api.kanban import views

urlpatterns = [
    path("v1/kanban/board", views.BoardList.as_view()),
    path("v1/kanban/boards", views.BoardIndex.as_view()),
    path("v1/kanban/board/<key:board_id>", views.BoardDetail.as_view()),
    path("v1/kanban/org/default-board", views.DefaultBoard.as_view()),
    path("v1/kanban/query/flows:autocomplete", views.Autocomplete.as_view()),
    path("v1/kanban/query/flows:execute", views.Execute.as_view()),
]
