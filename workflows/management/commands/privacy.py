"""privacy export EMAIL, privacy erase EMAIL, privacy retain: what people may ask for about themselves, and what is old enough."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from workflows.services.errors import InvalidInput, NotFound
from workflows.services.privacy import erase_person, export_person, find_account
from workflows.services.retention import forget_what_is_old


class Command(BaseCommand):
    help = "Tell as JSON all that is kept about a person; make them a pseudonym; forget what RETENTION says is old enough."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        for act in ("export", "erase"):
            acts.add_parser(act).add_argument("email")
        acts.add_parser("retain")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "retain":
            self.stdout.write(json.dumps(self.retain()))
            return
        try:
            user = find_account(options["email"])
            found: Any = export_person(user) if options["act"] == "export" else erase_person(user)
        except NotFound as error:
            raise CommandError("There is no account with this address.") from error
        except InvalidInput as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(found, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2))

    def retain(self) -> dict[str, int]:
        """Go on until nothing is old enough any more."""
        total: dict[str, int] = {}
        while True:
            found = forget_what_is_old()
            total = {name: total.get(name, 0) + count for name, count in found.items()}
            if not any(found.values()):
                return total
