"""secondfactor reset EMAIL: for somebody who has lost their device and every code, once you know that it is them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.models import User
from workflows.services.second_factor import reset


class Command(BaseCommand):
    help = "Take a person's second factor away, so that they sign in with their password and set up another one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["reset"])
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].strip().lower()).first()
        if user is None:
            raise CommandError("There is no account with this address.")
        reset(user)
        self.stdout.write(f"{user.email} signs in with the password alone now.")
