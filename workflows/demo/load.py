"""Loading the demo: all of it or nothing, and only once."""

import random
from datetime import datetime, timedelta

from django.db import transaction

from workflows.definitions import load_definition
from workflows.demo import templates
from workflows.demo.automations import create_automations, onboarding
from workflows.demo.people import CUSTOMERS, PASSWORD, PEOPLE, REASONS, SLUG
from workflows.demo.work import Worker
from workflows.models import ActorKind, Entity, Execution, FlowTemplate, Membership, Organisation, Preferences, Role, User
from workflows.permissions import Actor
from workflows.services.closing_reasons import create_closing_reason
from workflows.services.entities import create_entity
from workflows.services.executions import Context, StartRequest, start_execution
from workflows.services.templates import create_template

EXECUTIONS = 60
ONBOARDINGS = 3
DAYS = 90
SEED = 7


def load_demo(now: datetime, *, with_tour: bool = False) -> bool:
    """Create the demo organisation with its past 90 days up to `now`; False when it is there already.

    `with_tour`: its people are new here, and meet the tour of the pages.
    """
    if Organisation.objects.filter(slug=SLUG).exists():
        return False
    try:
        with transaction.atomic():
            _load(now)
            if not with_tour:
                people = User.objects.filter(memberships__organisation__slug=SLUG)
                Preferences.objects.bulk_create(Preferences(user=user, tour_seen=True) for user in people)
    except BaseException:
        # What was compiled belongs to rows that are gone again.
        load_definition.cache_clear()
        raise
    return True


def _load(now: datetime) -> None:
    dice = random.Random(SEED)  # noqa: S311 - the same demo every time
    begin = now - timedelta(days=DAYS + 1)
    organisation = Organisation.objects.create(slug=SLUG, name="Demo Energy", time_zone="Europe/Berlin", created_at=begin)
    actors = _create_people(organisation)
    owner = actors[0]
    reasons = [create_closing_reason(owner, title, status, begin).id for title, status in REASONS]
    contacts, opportunities = _create_entities(owner, dice, begin)
    flows = [
        (create_template(owner, templates.lead_qualification(reasons[:5]), begin), contacts),
        (create_template(owner, templates.photovoltaic_installation(reasons[:4]), begin), opportunities),
        (create_template(owner, templates.grid_connection(reasons[1:5]), begin), opportunities),
    ]
    workers = [actor for actor in actors if actor.role != Role.VIEWER]
    for number in range(EXECUTIONS):
        template, entities = flows[number % 3]
        _run(Worker(workers, now, dice), template, dice.choice(entities), number, reasons[1:4])
    _onboard(owner, contacts, now)


def _onboard(owner: Actor, contacts: list[Entity], now: datetime) -> None:
    """Start executions whose first task is an automation: the worker does what they ask for as soon as it runs."""
    at = now - timedelta(days=20)
    template = create_template(owner, onboarding(create_automations(owner)), at)
    for contact in contacts[:ONBOARDINGS]:
        start_execution(owner, StartRequest(template.id, [Context(str(contact.id), contact.schema, is_primary=True)]), at)


def _create_people(organisation: Organisation) -> list[Actor]:
    actors: list[Actor] = []
    for name, email, role in PEOPLE:
        is_first = not actors
        user = User.objects.create_user(email, PASSWORD if is_first else None, name=name, is_staff=is_first)
        Membership.objects.create(organisation=organisation, user=user, role=role)
        actors.append(Actor(organisation, ActorKind.USER, str(user.pk), role))
    return actors


def _create_entities(owner: Actor, dice: random.Random, at: datetime) -> tuple[list[Entity], list[Entity]]:
    contacts, opportunities = [], []
    for first, last, city in CUSTOMERS:
        email = f"{first}.{last}@mail.example".lower()
        contact = {"first_name": first, "last_name": last, "email": email, "city": city}
        contacts.append(create_entity(owner, "contact", contact, at))
        power = dice.choice([6, 8, 9, 12, 15, 28, 45, 99])
        opportunity = {"name": f"{last}, {city}", "power_kwp": power, "city": city, "contact_email": email}
        opportunities.append(create_entity(owner, "opportunity", opportunity, at))
    return contacts, opportunities


def _run(worker: Worker, template: FlowTemplate, entity: Entity, number: int, reasons: list[str]) -> Execution:
    """Start one execution and bring it as far as its number says: the older, the further, some closed on the way."""
    dice = worker.dice
    age = DAYS * (EXECUTIONS - number) / EXECUTIONS
    execution = worker.start(template, entity, worker.until - timedelta(days=age, hours=dice.uniform(0, 12)))
    if number % 7 == 3:
        worker.work(execution, dice.randint(1, 4))
        worker.close(execution, [dice.choice(reasons)], dice.choice(["", "Will come back to us next year.", "Roof too small."]))
    elif number % 5 == 1:
        worker.work(execution, dice.randint(1, 3))
        worker.leave_behind(execution)
    else:
        worker.work(execution, 40)
        worker.leave_behind(execution)
    return execution
