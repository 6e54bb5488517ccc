"""Answers kept for Idempotency-Keys are sealed from now on; those that lie there as plain text are forgotten."""

from typing import Any

from django.db import migrations


def forget(apps: Any, schema_editor: Any) -> None:
    apps.get_model("workflows", "IdempotencyKey").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("workflows", "0018_second_factor")]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
