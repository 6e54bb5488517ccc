"""Names of models and fields as people read them in the administration; nothing changes in the database."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0019_sealed_answers'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='apitoken',
            options={'verbose_name': 'API token', 'verbose_name_plural': 'API tokens'},
        ),
        migrations.AlterModelOptions(
            name='automationflow',
            options={'verbose_name': 'automation', 'verbose_name_plural': 'automations'},
        ),
        migrations.AlterModelOptions(
            name='closingreason',
            options={'ordering': ['position', 'created_at'], 'verbose_name': 'closing reason', 'verbose_name_plural': 'closing reasons'},
        ),
        migrations.AlterModelOptions(
            name='flowtemplate',
            options={'verbose_name': 'template', 'verbose_name_plural': 'templates'},
        ),
        migrations.AlterModelOptions(
            name='membership',
            options={'verbose_name': 'membership', 'verbose_name_plural': 'memberships'},
        ),
        migrations.AlterModelOptions(
            name='organisation',
            options={'verbose_name': 'organisation', 'verbose_name_plural': 'organisations'},
        ),
        migrations.AlterModelOptions(
            name='user',
            options={'verbose_name': 'person', 'verbose_name_plural': 'people'},
        ),
        migrations.AlterModelOptions(
            name='webhook',
            options={'verbose_name': 'webhook', 'verbose_name_plural': 'webhooks'},
        ),
        migrations.AlterField(
            model_name='apitoken',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='Created'),
        ),
        migrations.AlterField(
            model_name='apitoken',
            name='expires_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='Ends'),
        ),
        migrations.AlterField(
            model_name='apitoken',
            name='last_used_on',
            field=models.DateField(blank=True, editable=False, null=True, verbose_name='Last used'),
        ),
        migrations.AlterField(
            model_name='apitoken',
            name='name',
            field=models.CharField(max_length=200, verbose_name='Name'),
        ),
        migrations.AlterField(
            model_name='apitoken',
            name='organisation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to='workflows.organisation', verbose_name='Organisation'),
        ),
        migrations.AlterField(
            model_name='apitoken',
            name='revoked_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='Revoked'),
        ),
        migrations.AlterField(
            model_name='apitoken',
            name='role',
            field=models.CharField(default='integration', max_length=64, verbose_name='Role'),
        ),
        migrations.AlterField(
            model_name='automationflow',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='Created'),
        ),
        migrations.AlterField(
            model_name='automationflow',
            name='disabled_at',
            field=models.DateTimeField(null=True, verbose_name='Switched off'),
        ),
        migrations.AlterField(
            model_name='automationflow',
            name='disabled_by',
            field=models.CharField(blank=True, max_length=10, verbose_name='Switched off by'),
        ),
        migrations.AlterField(
            model_name='automationflow',
            name='enabled',
            field=models.BooleanField(default=True, verbose_name='Enabled'),
        ),
        migrations.AlterField(
            model_name='automationflow',
            name='entity_schema',
            field=models.CharField(blank=True, max_length=128, verbose_name='Schema'),
        ),
        migrations.AlterField(
            model_name='automationflow',
            name='name',
            field=models.CharField(max_length=255, verbose_name='Name'),
        ),
        migrations.AlterField(
            model_name='automationflow',
            name='organisation',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='workflows.organisation', verbose_name='Organisation'),
        ),
        migrations.AlterField(
            model_name='automationflow',
            name='runs',
            field=models.PositiveIntegerField(default=0, verbose_name='Runs'),
        ),
        migrations.AlterField(
            model_name='automationflow',
            name='updated_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='Changed'),
        ),
        migrations.AlterField(
            model_name='automationflow',
            name='version',
            field=models.PositiveIntegerField(default=1, verbose_name='Version'),
        ),
        migrations.AlterField(
            model_name='closingreason',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='Created'),
        ),
        migrations.AlterField(
            model_name='closingreason',
            name='organisation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='closing_reasons', to='workflows.organisation', verbose_name='Organisation'),
        ),
        migrations.AlterField(
            model_name='closingreason',
            name='position',
            field=models.PositiveIntegerField(default=0, verbose_name='Position'),
        ),
        migrations.AlterField(
            model_name='closingreason',
            name='status',
            field=models.CharField(choices=[('ACTIVE', 'Active'), ('INACTIVE', 'Inactive')], default='ACTIVE', max_length=10, verbose_name='Status'),
        ),
        migrations.AlterField(
            model_name='closingreason',
            name='title',
            field=models.CharField(max_length=255, verbose_name='Title'),
        ),
        migrations.AlterField(
            model_name='closingreason',
            name='updated_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='Changed'),
        ),
        migrations.AlterField(
            model_name='flowtemplate',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='Created'),
        ),
        migrations.AlterField(
            model_name='flowtemplate',
            name='enabled',
            field=models.BooleanField(default=True, verbose_name='Enabled'),
        ),
        migrations.AlterField(
            model_name='flowtemplate',
            name='name',
            field=models.CharField(max_length=255, verbose_name='Name'),
        ),
        migrations.AlterField(
            model_name='flowtemplate',
            name='organisation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='templates', to='workflows.organisation', verbose_name='Organisation'),
        ),
        migrations.AlterField(
            model_name='flowtemplate',
            name='updated_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='Changed'),
        ),
        migrations.AlterField(
            model_name='flowtemplate',
            name='version',
            field=models.PositiveIntegerField(default=1, editable=False, verbose_name='Version'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='organisation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='workflows.organisation', verbose_name='Organisation'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='role',
            field=models.CharField(default='member', max_length=64, verbose_name='Role'),
        ),
        migrations.AlterField(
            model_name='membership',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL, verbose_name='Person'),
        ),
        migrations.AlterField(
            model_name='organisation',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='Created'),
        ),
        migrations.AlterField(
            model_name='organisation',
            name='name',
            field=models.CharField(max_length=200, verbose_name='Name'),
        ),
        migrations.AlterField(
            model_name='organisation',
            name='slug',
            field=models.SlugField(max_length=64, unique=True, verbose_name='Short name'),
        ),
        migrations.AlterField(
            model_name='organisation',
            name='time_zone',
            field=models.CharField(default='Europe/Berlin', max_length=64, verbose_name='Time zone'),
        ),
        migrations.AlterField(
            model_name='user',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='Created'),
        ),
        migrations.AlterField(
            model_name='user',
            name='email',
            field=models.EmailField(max_length=254, unique=True, verbose_name='E-mail'),
        ),
        migrations.AlterField(
            model_name='user',
            name='is_active',
            field=models.BooleanField(default=True, verbose_name='May sign in'),
        ),
        migrations.AlterField(
            model_name='user',
            name='is_staff',
            field=models.BooleanField(default=False, verbose_name='May use the administration'),
        ),
        migrations.AlterField(
            model_name='user',
            name='language',
            field=models.CharField(blank=True, choices=[('en', 'English'), ('de', 'Deutsch')], max_length=8, verbose_name='Language'),
        ),
        migrations.AlterField(
            model_name='user',
            name='name',
            field=models.CharField(blank=True, max_length=200, verbose_name='Name'),
        ),
        migrations.AlterField(
            model_name='user',
            name='time_zone',
            field=models.CharField(blank=True, max_length=64, verbose_name='Time zone'),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='Created'),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='enabled',
            field=models.BooleanField(default=True, verbose_name='Enabled'),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='event_name',
            field=models.CharField(max_length=200, verbose_name='Event'),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='events',
            field=models.JSONField(default=list, verbose_name='Events of flows'),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='follows_flows',
            field=models.BooleanField(default=False, verbose_name='Follows flows'),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='http_method',
            field=models.CharField(default='POST', max_length=7, verbose_name='Method'),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='name',
            field=models.CharField(max_length=255, verbose_name='Name'),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='organisation',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='workflows.organisation', verbose_name='Organisation'),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='updated_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='Changed'),
        ),
    ]
