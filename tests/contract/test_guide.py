"""The guide docs/move-from-epilot.md, as somebody follows it: its snippets are taken out of the page and run."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.test_clients import HERE
from tests.product import ROOT, Product, run_product
from workflows.api.examples import TEMPLATE

pytestmark = pytest.mark.product

GUIDE = (ROOT / "docs" / "move-from-epilot.md").read_text()
SNIPPETS = dict(re.findall(r"<!-- run: (\S+) -->\n```\w+\n(.*?)```", GUIDE, re.DOTALL))


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Product, dict[str, str]]]:
    """A product with a token and an imported template, as the first steps of the guide leave it."""
    file = tmp_path_factory.mktemp("templates") / "installation.json"
    file.write_text(json.dumps(TEMPLATE))
    with run_product() as running:
        token = running.manage("createtoken", "acme", "--create-org", "--name", "my client")
        assert running.manage("import_templates", str(file), "--org", "acme").endswith("Heat pump installation")
        yield running, os.environ | {"BASE_URL": running.url, "TOKEN": token}


def test_there_is_a_snippet_for_each_language() -> None:
    assert set(SNIPPETS) == {"flow.ts", "flow.sh", "flow.py"}
    assert GUIDE.count("```ts") + GUIDE.count("```py") == 2


@pytest.mark.parametrize("name", sorted(SNIPPETS))
def test_a_snippet_does_what_it_says(product: tuple[Product, dict[str, str]], tmp_path: Path, name: str) -> None:
    _, environment = product
    text = SNIPPETS[name]
    if name == "flow.ts":
        # Node 20 runs no types: what is TypeScript's only is taken out. The packages are found from here.
        file = HERE / f"guide-{os.getpid()}.mjs"
        file.write_text(re.sub(r"(?<=[\w\])])!(?=[.;,\[])| as string", "", text))
        command = ["node", file.name]
    else:
        file = tmp_path / name
        file.write_text(text)
        command = [sys.executable, str(file)] if name == "flow.py" else ["bash", "-euo", "pipefail", str(file)]
    try:
        done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=100, check=False)
    finally:
        file.unlink()
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("COMPLETED")
