"""Nothing that somebody has named as an address leads inside: not when it is saved, and not when it is called.

Every feature that calls out is given every hostile target, past its own check, as if that had been overcome. Real sockets listen on
this machine's loopback addresses, the port that they have is among those that are allowed, and nobody connects to them.
Mail goes where the operator's settings say, and files are brought in by upload: neither takes an address from anybody.
"""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import factories
from tests.api.client import Client
from tests.test_outbound import FORMS, IPV4, IPV6, SPELLINGS, Listener
from workflows import outbound
from workflows.jobs import send_now
from workflows.models import Agent, AutomationFlow, Delivery, Execution, Job, User, Webhook
from workflows.permissions import Actor
from workflows.services import single_sign_on
from workflows.services.agents import create_agent
from workflows.services.automation_flows import create_automation
from workflows.services.automation_starts import RunRequest, start_automation
from workflows.services.webhooks import create_webhook

pytestmark = pytest.mark.django_db

# Names, and what a resolver that is not to be trusted says of them.
NAMES = {
    "inside.example": ["127.0.0.1"],
    "mixed.example": ["93.184.216.34", "127.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "local.example": ["fd00::1"],
    "zone.example": ["fe80::1%lo"],
    "office.example": ["192.168.1.1"],
    "good.example": ["127.0.0.1"],
}
MORE = [
    "http://127.0.0.1:{port}@127.0.0.1:{port}/",
    "http://good.example@127.0.0.1:{port}/",
    "http://user:password@[::1]:{port}/",  # pragma: allowlist secret
    "http://127.0.0.1:{port}/%2e%2e/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://localhost:{port}/",
    "https://127.0.0.1:{port}/",
    "HTTP://127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http://good.example:22/",
    "http://good.example:6379/",
    "http://good.example:0/",
    "http://good.example:99999/",
    "ftp://127.0.0.1:{port}/",
    "ldap://127.0.0.1:{port}/",
    "dict://127.0.0.1:{port}/info",
    "data:text/plain,x",
    "http://127.0.0.1:{port}\r\nHost: good.example/",
    "http://good.example\t@127.0.0.1:{port}/",
]
TARGETS = [
    *(f"http://{address}:{{port}}/" for address in IPV4),
    *(f"http://[{address}]:{{port}}/" for address in IPV6),
    *(f"http://{host}:{{port}}/" for host in SPELLINGS),
    *FORMS,
    *MORE,
    *(f"http://{name}:{{port}}/" for name in NAMES),
]


class Network:
    """What was tried: connections that arrived, and those that were begun at all."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.begun: list[Any] = []

    @property
    def targets(self) -> list[str]:
        return [target.replace("{port}", str(self.listener.port)) for target in TARGETS]

    def is_untouched(self) -> bool:
        return not self.begun and not self.listener.connections


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    listener = Listener()
    found = Network(listener)
    real, resolve = socket.socket.connect, socket.getaddrinfo

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            found.begun.append(address)
        real(self, address)

    def answer(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in NAMES:
            return resolve(host, port, *args, **kwargs)
        kinds = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in NAMES[host]}
        return [(kind, socket.SOCK_STREAM, 6, "", (address, port)) for address, kind in kinds.items()]

    monkeypatch.setattr(outbound, "PORTS", frozenset({80, 443, listener.port}))
    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", answer)
    yield found
    for opened in listener.sockets:
        opened.close()


def test_there_are_many_targets_and_the_network_would_notice(network: Network, settings: Any) -> None:
    """The control: where the operator allows it, the same call arrives."""
    assert len(set(TARGETS)) >= 60
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with pytest.raises(outbound.Unreachable):
        outbound.send("POST", f"http://127.0.0.1:{network.listener.port}/", b"", {})
    assert network.begun == [("127.0.0.1", network.listener.port)]


# --- when it is saved -----------------------------------------------------------------------------------------------------


def is_known_by_its_looks(target: str) -> bool:
    """Whether a target can be refused without asking what its name resolves to."""
    try:
        outbound.parse_url(target)
    except outbound.Refused:
        return True
    return False


def action(kind: str, url: str) -> dict[str, Any]:
    return factories.automation({"type": kind, "config": {"url": url}})


SAVED: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "webhook": ("/v1/webhooks/configs", lambda url: {"name": "x", "eventName": "FlowStarted", "url": url}),
    "custom action": ("/v1/automation/flows", lambda url: action("custom-action", url)),
    "webhook of an action": ("/v1/automation/flows", lambda url: action("trigger-webhook", url)),
}


@pytest.mark.parametrize("feature", SAVED)
def test_saving_over_the_api_connects_to_nothing(feature: str, network: Network, api: Client) -> None:
    path, body = SAVED[feature]
    said = set()
    for target in network.targets:
        answer = api.post(path, body(target))
        assert answer.status == (400 if is_known_by_its_looks(target) else 201), target
        said |= {answer.message} if answer.status == 400 else set()
    assert network.is_untouched()
    # What the network looks like from here is told to nobody.
    assert len(said) == 1


PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "webhook": ("/automation/webhooks/create", {"name": "x", "events": "FlowStarted"}),
    "agent": ("/automation/agents/create", {"name": "x", "mode": "automatic", "seconds": "5", "runs_a_day": "5"}),
}


@pytest.mark.parametrize("feature", PAGES)
def test_saving_in_the_browser_connects_to_nothing(feature: str, network: Network, client: Any, user: User) -> None:
    client.force_login(user)
    path, form = PAGES[feature]
    for target in network.targets:
        status = client.post(path, form | {"url": target}).status_code
        assert status == (422 if is_known_by_its_looks(target.strip()) else 200), target
    assert network.is_untouched()


# --- when it is called ----------------------------------------------------------------------------------------------------


def call_webhook(actor: Actor, target: str) -> None:
    """A message, sent at once as the button of the page does."""
    send_now(actor, str(Webhook.objects.get().pk), {"metadata": {"organization_id": "acme"}})


def call_automation(actor: Actor, target: str) -> None:
    entity = factories.make_entity(actor)
    start_automation(actor, RunRequest(AutomationFlow.objects.get().pk, entity.pk))
    work_off()


def call_agent(actor: Actor, target: str) -> None:
    data = factories.sequence(1)
    data["tasks"][0] |= {"task_type": "AI_AGENT", "agent_config": {"agent_id": str(Agent.objects.get().pk)}}
    factories.start(actor, data)
    work_off()


def work_off() -> None:
    """Do what is due, once; what is to be tried again later is not."""
    factories.run_jobs()
    Job.objects.filter(state="ready").delete()


def make_webhook(actor: Actor) -> None:
    create_webhook(actor, {"name": "x", "eventName": "FlowStarted", "url": "https://good.example/"})


def make_agent(actor: Actor) -> None:
    create_agent(actor, {"name": "x", "url": "https://good.example/"})


def make_action(kind: str, **config: Any) -> Callable[[Actor], None]:
    def make(actor: Actor) -> None:
        create_automation(actor, factories.automation({"type": kind, "config": {"url": "https://good.example/", **config}}))

    return make


def put_into_action(target: str) -> None:
    flow = AutomationFlow.objects.get()
    flow.document["actions"][0]["config"]["url"] = target
    AutomationFlow.objects.update(document=flow.document)


CALLED: dict[str, tuple[Callable[[Actor], None], Callable[[str], Any], Callable[[Actor, str], None]]] = {
    "webhook": (make_webhook, lambda target: Webhook.objects.update(url=target), call_webhook),
    "custom action": (make_action("custom-action"), put_into_action, call_automation),
    "webhook of an action": (make_action("trigger-webhook"), put_into_action, call_automation),
    "webhook of an action, waited for": (make_action("trigger-webhook", sync=True), put_into_action, call_automation),
    "agent": (make_agent, lambda target: Agent.objects.update(url=target), call_agent),
}


@pytest.mark.parametrize("feature", CALLED)
def test_calling_connects_to_nothing(feature: str, network: Network, actor: Actor) -> None:
    make, put, call = CALLED[feature]
    make(actor)
    for number, target in enumerate(network.targets, start=1):
        put(target)
        call(actor, target)
        assert network.is_untouched(), target
        assert Delivery.objects.count() == number, target
    assert set(Delivery.objects.values_list("outcome", flat=True)) <= {"not_allowed", "unreachable"}
    said = set(Delivery.objects.values_list("answer", flat=True))
    assert said <= {"", "The host's name cannot be resolved"}
    assert not Execution.objects.filter(status="DONE").exists()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_of_an_endpoint_is_its_answer(
    code: int, network: Network, actor: Actor, settings: Any, httpserver: Any
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    target = f"http://127.0.0.1:{network.listener.port}/"
    httpserver.expect_request("/").respond_with_data("", code, headers={"Location": target})
    create_webhook(actor, {"name": "x", "eventName": "FlowStarted", "url": httpserver.url_for("/")})
    call_webhook(actor, "")
    assert list(Delivery.objects.values_list("outcome", "http_status")) == [("refused", code)]
    assert network.listener.connections == 0


def test_a_provider_that_people_sign_in_with_leads_nowhere_but_to_itself(network: Network, settings: Any) -> None:
    """The operator names the provider; what its own description names is not to be trusted."""
    settings.OIDC = {"issuer": "https://id.example"}
    for target in network.targets:
        with pytest.raises(single_sign_on.NotAdmitted):
            single_sign_on.call("POST", target)
    assert network.is_untouched()
