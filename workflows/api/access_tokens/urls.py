"""Addresses of access tokens."""

from django.urls import path

from workflows.api.access_tokens import views

urlpatterns = [
    path("v1/access-tokens", views.TokenList.as_view()),
    path("v1/access-tokens/<key:token_id>", views.TokenDetail.as_view()),
]
