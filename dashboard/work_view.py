"""What the address of the work board asks for: which tasks, how they stand, and in which form. Everything is in the address."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.http import QueryDict

from workflows.services.due_buckets import Bucket
from workflows.services.workboard import STATUS_COLUMNS, Filters, Show

FORMS = ("board", "list", "calendar")
GROUPINGS = ("status", "phase", "assignee", "due", "template")
# A saved board of another system brings columns of its own.
OWN_LANES = "lanes"
SORTS = ("name", "execution_name", "context_entity_title", "phase_name", "status", "due_date", "updated_at")
COLUMNS = ("about", "execution", "phase", "type", "status", "assignees", "due")
HIDDEN_AT_FIRST = ("type",)
MOST_VALUES = 20
MOST_WORDS = 100
# Parts of the address that may be given several times, and what of the filters they are.
FILTERS = {"template": "templates", "phase": "phases", "status": "statuses", "assignee": "assignees", "due": "dues"}

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class WorkView:
    """A view as the address says it."""

    form: str = "board"
    by: str = "status"
    filters: Filters = field(default_factory=Filters)
    sort: str = "due_date"
    descending: bool = False
    columns: tuple[str, ...] = tuple(name for name in COLUMNS if name not in HIDDEN_AT_FIRST)
    month: str = ""
    saved: str = ""

    def pairs(self) -> Pairs:
        """Return the view as parts of an address; what is usual is left out, but for the columns."""
        pairs: Pairs = []
        usual = WorkView()
        singles = {
            "saved": (self.saved, ""),
            "view": (self.form, usual.form),
            # Always said: an address that asks for nothing means the default board.
            "by": (self.by, ""),
            "show": (self.filters.show.value, Show.CURRENT.value),
            "q": (self.filters.words, ""),
            "entity": (self.filters.entity, ""),
            "sort": (f"{'-' if self.descending else ''}{self.sort}", usual.sort),
            "month": (self.month, ""),
        }
        pairs += [(name, value) for name, (value, default) in singles.items() if value != default]
        for name, attribute in FILTERS.items():
            pairs += [(name, value) for value in getattr(self.filters, attribute)]
        if self.columns != usual.columns:
            pairs.append(("cols", ",".join(self.columns)))
        return pairs

    def query(self, without: Iterable[tuple[str, str] | str] = (), **changes: str) -> str:
        """Return the query of the same view with some parts given otherwise, or without some; a string beginning with ?."""
        left = set(without)
        pairs = [pair for pair in self.pairs() if pair not in left and pair[0] not in left and pair[0] not in changes]
        pairs += [(name, value) for name, value in changes.items() if value]
        return "?" + urlencode(pairs)

    @property
    def is_filtered(self) -> bool:
        return self.filters != Filters(show=self.filters.show)


def read_view(query: QueryDict) -> WorkView:
    """Read an address; what makes no sense is left out, as an address may be old or cut."""
    saved = clean(query.get("saved", ""))[:16]
    by = query.get("by", OWN_LANES if saved and not query.get("by") else "status")
    sort = query.get("sort", "")
    return WorkView(
        form=choose(query.get("view"), FORMS),
        by=by if by in GROUPINGS or (by == OWN_LANES and saved) else "status",
        filters=read_filters(query),
        sort=choose(sort.removeprefix("-"), SORTS, "due_date"),
        descending=sort.startswith("-"),
        columns=read_columns(query),
        month=read_month(query.get("month", "")),
        saved=saved,
    )


def read_filters(query: QueryDict) -> Filters:
    values = {
        attribute: tuple(dict.fromkeys(clean(value)[:255] for value in query.getlist(name)[:MOST_VALUES] if clean(value)))
        for name, attribute in FILTERS.items()
    }
    values["statuses"] = tuple(value for value in values["statuses"] if value in known_statuses())
    values["dues"] = tuple(value for value in values["dues"] if value in [*Bucket] or is_day(value))
    return Filters(
        show=Show(choose(query.get("show"), [*Show])),
        entity=read_entity(query.get("entity", "")),
        words=clean(query.get("q", ""))[:MOST_WORDS],
        **values,
    )


def known_statuses() -> list[str]:
    return [status.value for statuses in STATUS_COLUMNS.values() for status in statuses]


def read_columns(query: QueryDict) -> tuple[str, ...]:
    """Read the chosen columns: as one part of an address, or as a form sends them."""
    if "cols" not in query:
        return WorkView().columns
    wanted = ",".join(query.getlist("cols")).split(",")
    return tuple(name for name in COLUMNS if name in wanted)


def read_month(text: str) -> str:
    return text if is_day(f"{text}-01") and len(text) == len("2026-01") else ""


def read_entity(text: str) -> str:
    """Read an entity's id, alone or as a form sends it, behind its schema."""
    try:
        return str(UUID(text.rpartition("~")[2]))
    except ValueError:
        return ""


def is_day(text: str) -> bool:
    try:
        return 1900 <= date.fromisoformat(text).year <= 2999 and len(text) == len("2026-01-31")
    except ValueError:
        return False


def choose(text: str | None, known: Iterable[Any], usual: str | None = None) -> str:
    """Return a text that is among the known ones, or the usual one: the first where none is named."""
    names = [str(name) for name in known]
    return text if text in names else (usual or names[0])


def clean(text: str) -> str:
    return text.replace("\0", "").strip()


def read_query(text: str) -> WorkView:
    """Read a view that was kept as the query of an address."""
    query = QueryDict(mutable=True)
    for name, value in parse_qsl(text)[:100]:
        query.appendlist(name, value)
    return read_view(query)
