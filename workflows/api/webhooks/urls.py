"""Addresses of the webhook catalogue."""

from django.urls import path

from workflows.api.webhooks import messages, views

urlpatterns = [
    path("v1/webhooks/configured-events", views.ConfiguredEvents.as_view()),
    path("v1/webhooks/configs", views.WebhookList.as_view()),
    path("v1/webhooks/configs/<str:webhook_id>", views.WebhookDetail.as_view()),
    path("v1/webhooks/configs/<str:webhook_id>/rotate-secret", views.SecretRotation.as_view()),
    path("v1/webhooks/configs/<str:webhook_id>/trigger", messages.Trigger.as_view()),
    path("v1/webhooks/configs/<str:webhook_id>/example", messages.Example.as_view()),
    path("v1/webhooks/configs/<str:webhook_id>/events", messages.MessageList.as_view()),
    path("v1/webhooks/configs/<str:webhook_id>/events/replay-batch", messages.BatchReplay.as_view()),
    path("v1/webhooks/configs/<str:webhook_id>/events/<str:event_id>", messages.MessageDetail.as_view()),
    path("v1/webhooks/configs/<str:webhook_id>/events/<str:event_id>/replay", messages.Replay.as_view()),
    path("v2/webhooks/configs/<str:webhook_id>/events", messages.MessageSearch.as_view()),
]
