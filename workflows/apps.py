"""The Django application that holds everything true without a browser."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = "Flowdeck"

    def ready(self) -> None:
        from workflows.models.append_only import keep_after_migrating  # noqa: PLC0415

        post_migrate.connect(keep_after_migrating, sender=self)
        # Registers what it defines.
        from workflows.api import schema  # noqa: F401, PLC0415
        from workflows.services import sign_ins  # noqa: F401, PLC0415
