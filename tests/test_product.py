"""The operator's contract: one command runs everything, and a signal ends it cleanly."""

import json
import signal
import subprocess
import time
import urllib.request
from typing import Any

import pytest

from tests import factories
from tests.product import Product, run_product

pytestmark = pytest.mark.product


def send(product: Product, token: str, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(product.url + path, json.dumps(body).encode() if body else None, headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def test_it_serves_works_and_stops_cleanly() -> None:
    with run_product() as product:
        with urllib.request.urlopen(f"{product.url}/health/live") as answer:
            assert json.loads(answer.read()) == {"status": "ok"}
        token = product.manage("createtoken", "acme", "--create-org", "--name", "test")
        contact = send(product, token, "POST", "/v1/entity/contact", {"name": "Ada"})
        data = factories.sequence(2)
        data["tasks"][0] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": "none"}}
        template = send(product, token, "POST", "/v2/flows/templates", data)
        contexts = [{"entity_id": contact["_id"], "entity_schema": "contact"}]
        flow = send(product, token, "POST", "/v2/flows/executions", {"flow_template_id": template["id"], "contexts": contexts})
        # The job went through the table, the dispatcher, Celery's broker and a worker.
        for _ in range(100):
            flow = send(product, token, "GET", f"/v2/flows/executions/{flow['id']}")
            if flow["tasks"][0]["status"] == "FAILED":
                break
            time.sleep(0.1)
        assert flow["tasks"][0]["status"] == "FAILED"
        assert "no automation" in flow["tasks"][0]["automation_config"]["error_reason"]
        # A second server on the same port would take half of the requests.
        with pytest.raises(subprocess.CalledProcessError, match="exit status 1"):
            product.manage("up", "--port", product.url.rpartition(":")[2])
        product.process.send_signal(signal.SIGTERM)
        assert product.process.wait(30) == 0
