"""`manage.py demo`: loads the organisation Demo Energy with its people, processes and 60 executions; once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from workflows.demo.load import load_demo
from workflows.demo.people import LOGIN, PASSWORD
from workflows.models import Organisation


class Command(BaseCommand):
    help = "Load the demo organisation. It is loaded once; a second call changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing when there is any organisation")

        parser.add_argument("--tour", action="store_true", help="let its people meet the tour of the pages when they sign in")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_empty"] and Organisation.objects.exists():
            return
        if load_demo(timezone.now(), with_tour=options["tour"]):
            self.stdout.write(f"The organisation Demo Energy is loaded. Sign in as {LOGIN} with the password {PASSWORD}")
        else:
            self.stdout.write("The organisation Demo Energy is there already; nothing was changed.")
