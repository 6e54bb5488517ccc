"""Addresses of automations."""

from django.urls import path

from workflows.api.automation import views

urlpatterns = [
    path("v1/automation/flows", views.FlowList.as_view()),
    path("v1/automation/flows:batchGet", views.FlowBatch.as_view()),
    path("v1/automation/flows/<str:flow_id>", views.FlowDetail.as_view()),
    path("v1/automation/executions", views.ExecutionList.as_view()),
    path("v1/automation/executions:search", views.ExecutionSearch.as_view()),
    path("v1/automation/executions/<str:execution_id>", views.ExecutionDetail.as_view()),
    path("v1/automation/executions/<str:execution_id>/<key:action_id>/retrigger", views.ActionRetrigger.as_view()),
    path("v1/automation/executions/<str:execution_id>/schedules/<key:schedule_id>", views.ScheduleDetail.as_view()),
    path("v1/automation/public/executions:resume", views.Resume.as_view()),
]
