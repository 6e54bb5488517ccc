"""Variables that stand for assignees."""

import pytest

from workflows.engine.conditions import Facts
from workflows.engine.variables import resolve_variable

FACTS = Facts(
    primary={
        "owner": "10010728",
        "number": 7,
        "team": ["a", "b", "a", ""],
        "manager": {"user_id": "m1", "name": "Mara"},
        "crew": [{"id": "c1"}, {"_id": "c2"}, {"name": "nobody"}],
        "nested": {"lead": {"owner": "n1"}},
        "flag": True,
        "long": "x" * 129,
    },
    by_schema={"contact": {"owner": "k1"}},
)


@pytest.mark.parametrize(
    ("variable", "ids"),
    [
        ("{{entity.owner}}", ["10010728"]),
        ("  {{ entity.owner }} ", ["10010728"]),
        ("{{entity.number}}", ["7"]),
        ("{{entity.team}}", ["a", "b"]),
        ("{{entity.manager}}", ["m1"]),
        ("{{entity.crew}}", ["c1", "c2"]),
        ("{{entity.crew.id}}", ["c1"]),
        ("{{entity.nested.lead.owner}}", ["n1"]),
        ("{{contact.owner}}", ["k1"]),
        ("{{meter.owner}}", []),
        ("{{entity.nothing}}", []),
        ("{{entity.flag}}", []),
        ("{{entity.long}}", []),
        ("{{entity}}", []),
        ("entity.owner", []),
        ("{{entity.owner}} or {{entity.manager}}", []),
    ],
)
def test_stand_for_what_the_entity_says(variable: str, ids: list[str]) -> None:
    assert resolve_variable(variable, FACTS) == ids
