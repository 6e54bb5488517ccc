"""Addresses of flow executions."""

from django.urls import path

from workflows.api.v2 import views

urlpatterns = [
    path("v2/flows/executions", views.ExecutionList.as_view()),
    path("v2/flows/executions:search", views.ExecutionSearch.as_view()),
    path("v2/flows/executions/<str:execution_id>", views.ExecutionDetail.as_view()),
    path("v2/flows/executions/<str:execution_id>/tasks", views.TaskList.as_view()),
    path("v2/flows/executions/<str:execution_id>/tasks/<str:task_id>", views.TaskDetail.as_view()),
    path("v2/flows/executions/<str:execution_id>/tasks/<str:task_id>/execute", views.TaskExecute.as_view()),
    path("v2/flows/executions/<str:execution_id>/tasks/<str:task_id>/automation:run", views.TaskAutomation.as_view()),
    path("v2/flows/executions/<str:execution_id>/tasks/<str:task_id>/schedule", views.TaskSchedule.as_view()),
    path("v2/flows/executions/<str:execution_id>/tasks/<str:task_id>/schedule/run-now", views.TaskScheduleNow.as_view()),
    path("v2/flows/executions/<str:execution_id>/schedules/<str:schedule_id>", views.ScheduleDetail.as_view()),
    path("v2/flows/executions/<str:execution_id>/phases/<str:phase_id>", views.PhaseDetail.as_view()),
    path("v2/flows/executions/<str:execution_id>/tasks/<str:task_id>/reconcile-automation", views.TaskReconciliation.as_view()),
]
