"""Addresses of entities."""

from django.urls import path

from workflows.api.entities import views

urlpatterns = [
    path("v1/entity:search", views.EntitySearch.as_view()),
    path("v1/entity/<key:schema>", views.EntityList.as_view()),
    path("v1/entity/<key:schema>/<key:entity_id>", views.EntityDetail.as_view()),
    path("v2/entity/<key:schema>/<key:entity_id>", views.EntityItem.as_view()),
]
