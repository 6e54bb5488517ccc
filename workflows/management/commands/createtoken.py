"""`manage.py createtoken ORG [--create-org] --name NAME [--role ROLE] [--days N]`: prints a bearer token, and only that.

Without --days it is good until it is revoked: a script that an operator has set up must not stop one night with nobody there.
"""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug
from django.utils import timezone

from workflows.models import CustomRole, Organisation, Role
from workflows.services.tokens import create_token


class Command(BaseCommand):
    help = "Create an API token for an organisation and print it; it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organisation", metavar="ORG", help="the organisation's id (slug)")
        parser.add_argument("--create-org", action="store_true", help="create the organisation if there is none")
        parser.add_argument("--name", required=True, help="what the token is for")
        parser.add_argument("--role", default=Role.INTEGRATION.value)
        parser.add_argument("--days", type=int, help="how long it is good; unset: until it is revoked")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["organisation"]
        organisation = Organisation.objects.filter(slug=slug).first()
        if organisation is None and options["create_org"]:
            try:
                validate_slug(slug)
            except ValidationError as error:
                raise CommandError(f"{slug} is no valid id: letters, digits, - and _ only") from error
            organisation = Organisation.objects.create(slug=slug, name=slug)
        if organisation is None:
            raise CommandError(f"There is no organisation {slug}; add --create-org to create it")
        role, days = options["role"], options["days"]
        if role not in Role.values and not CustomRole.objects.filter(organisation=organisation, slug=role).exists():
            raise CommandError(f"There is no role {role}; there are {', '.join(Role.values)} and those of the organisation")
        if days is not None and days < 1:
            raise CommandError("--days: a token is good for a day at least")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        _, bearer = create_token(organisation, options["name"], role, expires_at=expires_at)
        self.stdout.write(bearer)
