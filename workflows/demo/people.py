"""Who works at Demo Energy, and who its customers are."""

from workflows.models import Role

SLUG = "demo-energy"
LOGIN = "demo@demo-energy.example"
PASSWORD = "demo-energy-2026"  # noqa: S105 - of the demo, printed at every start

PEOPLE = [
    ("Dana Demir", LOGIN, Role.OWNER),
    ("Lena Hoffmann", "lena.hoffmann@demo-energy.example", Role.MANAGER),
    ("Jonas Weber", "jonas.weber@demo-energy.example", Role.MEMBER),
    ("Aylin Kaya", "aylin.kaya@demo-energy.example", Role.MEMBER),
    ("Marek Nowak", "marek.nowak@demo-energy.example", Role.MEMBER),
    ("Sofia Rossi", "sofia.rossi@demo-energy.example", Role.MEMBER),
    ("Tim Brandt", "tim.brandt@demo-energy.example", Role.MEMBER),
    ("Ingrid Larsen", "ingrid.larsen@demo-energy.example", Role.VIEWER),
]

CUSTOMERS = [
    ("Amelie", "Fischer", "Köln"),
    ("Paul", "Schneider", "Bonn"),
    ("Mia", "Wagner", "Aachen"),
    ("Noah", "Becker", "Düren"),
    ("Emma", "Schulz", "Jülich"),
    ("Ben", "Koch", "Siegburg"),
    ("Lina", "Richter", "Brühl"),
    ("Elias", "Klein", "Hürth"),
    ("Clara", "Wolf", "Euskirchen"),
    ("Leon", "Neumann", "Leverkusen"),
    ("Ida", "Zimmermann", "Bergheim"),
    ("Felix", "Braun", "Kerpen"),
    ("Marie", "Hartmann", "Wesseling"),
    ("Luis", "Lange", "Troisdorf"),
    ("Hanna", "Krause", "Frechen"),
    ("Oskar", "Lehmann", "Pulheim"),
    ("Greta", "Maier", "Erftstadt"),
    ("Anton", "Huber", "Bornheim"),
    ("Frieda", "Peters", "Zülpich"),
    ("Theo", "Jung", "Nideggen"),
]

REASONS = [
    ("Contract signed", "ACTIVE"),
    ("No longer interested", "ACTIVE"),
    ("Chose a competitor", "ACTIVE"),
    ("Technically not feasible", "ACTIVE"),
    ("Cannot be reached", "ACTIVE"),
    ("Duplicate", "INACTIVE"),
]
