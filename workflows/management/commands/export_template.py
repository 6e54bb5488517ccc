"""`manage.py export_template ID --org ORG`: prints a template as JSON that import_templates takes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.models import ActorKind, Organisation
from workflows.permissions import Actor
from workflows.services.errors import NotFound
from workflows.services.template_files import export_template


class Command(BaseCommand):
    help = "Print a flow template as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("template", metavar="ID")
        parser.add_argument("--org", required=True, metavar="ORG", help="the organisation's id (slug)")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = Organisation.objects.filter(slug=options["org"]).first()
        if organisation is None:
            raise CommandError(f"There is no organisation {options['org']}")
        try:
            content = export_template(Actor(organisation, ActorKind.SYSTEM), options["template"])
        except NotFound as error:
            raise CommandError(f"{organisation.slug} has no template {options['template']}") from error
        self.stdout.write(content.decode(), ending="")
