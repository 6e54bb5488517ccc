"""`manage.py import_templates FILE… --org ORG`: takes templates from JSON files and reports what could not be mapped."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.models import ActorKind, Organisation
from workflows.permissions import Actor
from workflows.services.errors import InvalidInput
from workflows.services.template_files import import_templates


class Command(BaseCommand):
    help = "Import flow templates from JSON files, as this or another system exports them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", metavar="FILE", nargs="+")
        parser.add_argument("--org", required=True, metavar="ORG", help="the organisation's id (slug)")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = Organisation.objects.filter(slug=options["org"]).first()
        if organisation is None:
            raise CommandError(f"There is no organisation {options['org']}")
        actor = Actor(organisation, ActorKind.SYSTEM)
        refused = sum(self.take(actor, file) for file in options["files"])
        if refused:
            raise CommandError(f"{refused} not imported")

    def take(self, actor: Actor, file: str) -> int:
        """Import one file, say what became of it, and return how much was refused."""
        try:
            results = import_templates(actor, Path(file).read_bytes())
        except (InvalidInput, OSError) as error:
            self.stderr.write(f"{file}: {error}")
            return 1
        for result in results:
            if result.refusal:
                self.stderr.write(f"{file}: {result.name}: refused: {result.refusal}")
                continue
            self.stdout.write(f"{result.template_id} {result.name}")
            for note in result.notes:
                self.stdout.write(f"  {note}")
        return sum(1 for result in results if result.refusal)
