"""A person's language is one that the product can be read in, or none."""

from django.db import migrations, models


def drop_others(apps, schema_editor):
    """Such texts as de-AT, which could be typed so far, become de; what is unknown becomes none."""
    people = apps.get_model("workflows", "User").objects
    for code in ("en", "de"):
        people.filter(language__istartswith=code).exclude(language=code).update(language=code)
    people.exclude(language__in=["", "en", "de"]).update(language="")


class Migration(migrations.Migration):
    dependencies = [("workflows", "0015_tokens_and_audit")]

    operations = [
        migrations.RunPython(drop_others, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="user",
            name="language",
            field=models.CharField(blank=True, choices=[("en", "English"), ("de", "Deutsch")], max_length=8),
        ),
    ]
