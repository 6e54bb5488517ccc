"""What an experiment found: figures, and what is broken."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass
class Report:
    """`broken` by what it breaks; empty: the experiment is green."""

    experiment: str
    database: str
    form: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    broken: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def is_green(self) -> bool:
        return not self.broken

    def expect(self, name: str, holds: object, *details: object) -> None:
        """Note what does not hold."""
        if not holds:
            self.broken[name] = [str(detail) for detail in details] or ["no"]

    def describe(self) -> str:
        lines = [
            f"{'green' if self.is_green else 'RED'}  {self.experiment} ({self.database}), {self.form} form, {self.seconds:.0f} s"
        ]
        lines += [f"  {name}: {value}" for name, value in self.figures.items()]
        lines += [f"  BROKEN {name}: {detail}" for name, details in self.broken.items() for detail in details]
        return "\n".join(lines)


def write(reports: list[Report], path: Path) -> None:
    """Keep the reports as JSON, with what they were measured on."""
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} processors, {platform.machine()}",
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }
    path.write_text(json.dumps(about | {"experiments": [asdict(found) for found in reports]}, indent=1, default=str) + "\n")


def read(path: Path) -> list[Report]:
    """Return what was written; nothing when the experiment did not come so far."""
    if not path.exists():
        return []
    rows = json.loads(path.read_text())["experiments"]
    path.unlink()
    return [Report(**row) for row in rows]
