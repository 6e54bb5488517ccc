"""Nested ModelSerializers; the answers hold what the product's hold."""

from typing import Any

from rest_framework import serializers

from bench.stock.models import Context, Edge, Execution, Phase, Task


class TaskSerializer(serializers.ModelSerializer[Task]):
    assigned_to = serializers.SlugRelatedField(source="assignments", slug_field="assignee", many=True, read_only=True)
    analytics = serializers.SerializerMethodField()

    class Meta:
        model = Task
        fields = [
            "id",
            "template_id",
            "phase_id",
            "name",
            "task_type",
            "status",
            "enabled",
            "description",
            "requirements",
            "manually_created",
            "due_date",
            "assigned_to",
            "analytics",
            "created_at",
            "updated_at",
        ]
        read_only_fields = [name for name in fields if name not in ("name", "status", "enabled", "description", "due_date")]

    def get_analytics(self, task: Task) -> dict[str, Any]:
        return {
            "started_at": task.started_at,
            "completed_at": task.completed_at,
            "completed_by": task.completed_by,
            "status_updated_at": task.status_updated_at,
        }


class PhaseSerializer(serializers.ModelSerializer[Phase]):
    class Meta:
        model = Phase
        fields = ["id", "template_id", "name", "status", "due_date", "started_at", "completed_at", "updated_at"]


class EdgeSerializer(serializers.ModelSerializer[Edge]):
    from_id = serializers.UUIDField(source="source_id")
    to_id = serializers.UUIDField(source="target_id")

    class Meta:
        model = Edge
        fields = ["key", "from_id", "to_id"]


class ContextSerializer(serializers.ModelSerializer[Context]):
    class Meta:
        model = Context
        fields = ["entity_id", "entity_schema", "is_primary"]


class CurrentSerializer(serializers.ModelSerializer[Task]):
    class Meta:
        model = Task
        fields = ["id", "crt_since"]


class ExecutionSerializer(serializers.ModelSerializer[Execution]):
    phases = PhaseSerializer(many=True)
    tasks = TaskSerializer(many=True)
    edges = EdgeSerializer(many=True)
    contexts = ContextSerializer(many=True)
    crt_tasks = serializers.SerializerMethodField()

    class Meta:
        model = Execution
        fields = [
            "id",
            "template_id",
            "name",
            "status",
            "due_date",
            "created_at",
            "updated_at",
            "completed_at",
            "started_by",
            "contexts",
            "crt_tasks",
            "phases",
            "tasks",
            "edges",
        ]

    def get_crt_tasks(self, execution: Execution) -> Any:
        return CurrentSerializer([task for task in execution.tasks.all() if task.crt_since], many=True).data


class StartSerializer(serializers.Serializer[Any]):
    template_id = serializers.IntegerField()
    contexts = ContextSerializer(many=True)
