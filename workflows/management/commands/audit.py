"""`manage.py audit shorten --days N`: forgets the acts of the trail that are older than N days."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.services.audit_trail import shorten_trail


class Command(BaseCommand):
    help = "Shorten the audit trail: acts that are older than so many days are forgotten."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=["shorten"])
        parser.add_argument("--days", type=int, required=True, help="how many days are kept")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1:
            raise CommandError("--days: at least one day is kept")
        self.stdout.write(f"{shorten_trail(options['days'])} acts forgotten")
