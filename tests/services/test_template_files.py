"""Templates as files: what is taken in comes out as it was, and what could not be mapped is said."""

from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from tests import exports, factories
from tests.dump import dump
from workflows.models import FlowTemplate, Organisation, Role, User
from workflows.permissions import Actor, PermissionRefused
from workflows.services.automation_flows import create_automation
from workflows.services.errors import InvalidInput
from workflows.services.template_files import export_template, import_templates


def test_an_export_of_another_system_comes_out_as_the_same_json(actor: Actor) -> None:
    given = exports.heat_pump()
    (result,) = import_templates(actor, orjson.dumps(given))
    assert result.refusal == ""
    out = orjson.loads(export_template(actor, result.template_id))
    about = {"id", "org_id", "created_at", "updated_at"}
    assert out == {"enabled": True} | {name: value for name, value in given.items() if name not in about}
    (again,) = import_templates(actor, orjson.dumps(out))
    assert export_template(actor, again.template_id) == export_template(actor, result.template_id)
    one, two = FlowTemplate.objects.order_by("created_at")
    assert one.definition_id == two.definition_id


def test_what_could_not_be_mapped_is_named_with_its_place(actor: Actor) -> None:
    data = factories.sequence(
        1,
        closing_reasons=[{"id": "r1"}],
        trigger={"type": "manual", "entity_schema": "opportunity"},
        from_the_future=1,
    )
    data["tasks"] += [
        factories.task("auto", task_type="AUTOMATION", automation_config={"flow_id": "unknown"}, colour="red"),
        factories.task("form", journey={"journeyId": "j1"}),
        factories.task("agent", task_type="AI_AGENT", agent_config={"agent_id": "a1"}),
    ]
    data["edges"] = factories.chain("t1", "auto", "form", "agent")
    (result,) = import_templates(actor, orjson.dumps(data))
    assert [str(note) for note in result.notes] == [
        "tasks[1].colour: not understood, kept as it is",
        "from_the_future: not understood, kept as it is",
        "tasks[1].automation_config.flow_id: there is no automation unknown",
        "tasks[3].agent_config.agent_id: there is no agent a1",
        "tasks[2].journey: journeys are not run here, the link is kept: j1",
        "closing_reasons[0].id: there is no closing reason r1",
        "trigger.schema opportunity: there is no entity of schema opportunity yet",
    ]


def test_what_is_understood_but_has_no_effect_here_is_named(actor: Actor) -> None:
    flow, _ = create_automation(actor, factories.automation())
    config = {"flow_id": str(flow.id), "action_config": {"type": "send-email"}}
    statement = {"source": {"schema": "", "attribute": "a", "attribute_operation": "added"}, "operator": "is_empty"}
    trigger = {"type": "automation", "trigger_config": [{"type": "entity_operation"}]}
    data = factories.sequence(1, trigger=trigger, additional_triggers=[trigger])
    data["tasks"] += [
        factories.task("auto", task_type="AUTOMATION", automation_config=config),
        factories.task(
            "copy", task_type="AUTOMATION", automation_config=config | {"duplicated_flow_id": "f", "action_config": None}
        ),
        factories.task(
            "ask",
            task_type="DECISION",
            trigger_mode="automatic",
            conditions=[{"id": "c", "branch_name": "C", "statements": [statement]}],
        ),
    ]
    data["edges"] = [
        *factories.chain("t1", "auto", "copy", "ask"),
        factories.edge("ask", None, condition_id="c"),
        factories.edge("ask", None, id="else", none_met=True),
    ]
    (result,) = import_templates(actor, orjson.dumps(data))
    assert result.refusal == ""
    assert [str(note) for note in result.notes] == [
        "trigger.trigger_config: no automation is made of it, it is kept as it is",
        "additional_triggers[0].trigger_config: no automation is made of it, it is kept as it is",
        "tasks[1].automation_config.action_config: no automation is made of it, it is kept as it is",
        "tasks[2].automation_config.duplicated_flow_id: no automation is made of it, it is kept as it is",
        "tasks[3].conditions.attribute_operation: not looked at, kept as it is",
    ]


def test_one_that_cannot_be_run_does_not_keep_the_others_out(actor: Actor) -> None:
    wrong = [factories.sequence(2) | {"edges": [factories.edge("t1", "nowhere")]}, {"name": 7}, 7]
    results = import_templates(actor, orjson.dumps({"results": [*wrong, factories.sequence(2)]}))
    assert [bool(result.refusal) for result in results] == [True, True, True, False]
    assert "nowhere" in results[0].refusal
    assert results[1].refusal == "name: must be a text"
    assert FlowTemplate.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "file: it is not valid JSON"),
        (b"{", "file: it is not valid JSON"),
        (b"[]", "file: it must hold 1 to 200 templates"),
        (b"[" * 40 + b"]" * 40, "file: it is nested deeper than 32 levels"),
        (b'{"name": "a\\u0000b"}', "NUL characters"),
        (b" " * (5 * 1024 * 1024 + 1), "file: it is larger than 5242880 bytes"),
    ],
)
def test_a_file_that_holds_no_template_is_refused(actor: Actor, content: bytes, message: str) -> None:
    before = dump()
    with pytest.raises(InvalidInput, match=message):
        import_templates(actor, content)
    assert dump() == before


def test_importing_is_a_right(organisation: Organisation) -> None:
    viewer = factories.actor_of(factories.make_user(organisation, "vera@acme.example", "Vera", Role.VIEWER), organisation)
    with pytest.raises(PermissionRefused):
        import_templates(viewer, orjson.dumps(factories.sequence(2)))
    assert FlowTemplate.objects.count() == 0


def test_the_commands_bring_a_template_from_one_organisation_to_another(
    actor: Actor, other_organisation: Organisation, tmp_path: Path
) -> None:
    template = factories.make_template(actor, factories.sequence(3))
    out = StringIO()
    call_command("export_template", template.id, org="acme", stdout=out)
    file, broken = tmp_path / "flow.json", tmp_path / "broken.json"
    file.write_text(out.getvalue())
    broken.write_text("{")
    printed, errors = StringIO(), StringIO()
    with pytest.raises(CommandError, match="2 not imported"):
        call_command(
            "import_templates", str(file), str(broken), str(tmp_path / "none.json"), org="other", stdout=printed, stderr=errors
        )
    moved = FlowTemplate.objects.get(organisation=other_organisation)
    assert printed.getvalue() == f"{moved.id} Sequence\n"
    assert "broken.json: file: it is not valid JSON" in errors.getvalue()
    assert moved.definition.body == template.definition.body
    with pytest.raises(CommandError, match="other has no template"):
        call_command("export_template", template.id, org="other")
    with pytest.raises(CommandError, match="There is no organisation nowhere"):
        call_command("import_templates", str(file), org="nowhere")


class TestPage:
    @pytest.fixture
    def browser(self, user: User) -> Browser:
        browser = Browser()
        browser.force_login(user)
        return browser

    def upload(self, browser: Browser, content: bytes) -> Any:
        from django.core.files.uploadedfile import SimpleUploadedFile

        return browser.post("/templates", {"file": SimpleUploadedFile("flow.json", content, "application/json")})

    def test_a_file_is_taken_in_and_given_out(self, browser: Browser) -> None:
        answer = self.upload(browser, orjson.dumps(exports.heat_pump()))
        template = FlowTemplate.objects.get()
        html = answer.content.decode()
        assert answer.status_code == 200
        assert template.id in html
        assert "there is no automation" in html
        file = browser.get(f"/templates/{template.id}.json")
        assert file.headers["Content-Disposition"] == f'attachment; filename="{template.id}.json"'
        assert orjson.loads(file.content)["tasks"] == exports.heat_pump()["tasks"]

    def test_the_report_speaks_the_readers_language(self, browser: Browser) -> None:
        browser.cookies["django_language"] = "de"
        html = self.upload(browser, orjson.dumps(exports.heat_pump() | {"from_the_future": 1})).content.decode()
        assert "from_the_future: wird nicht verstanden und bleibt, wie es ist" in html
        assert "es gibt keine Automation" in html
        assert "Die Datei ist kein gültiges JSON" in self.upload(browser, b"{").content.decode()
        assert "Wählen Sie eine Datei" in browser.post("/templates").content.decode()

    def test_a_file_that_holds_none_is_refused_with_the_reason(self, browser: Browser) -> None:
        answer = self.upload(browser, b"{")
        assert answer.status_code == 422
        assert "The file is not valid JSON" in answer.content.decode()
        assert browser.post("/templates").status_code == 422
        assert FlowTemplate.objects.count() == 0

    def test_templates_of_others_are_not_found(self, browser: Browser, other_organisation: Organisation) -> None:
        stranger = factories.actor_of(
            factories.make_user(other_organisation, "otto@other.example", "Otto", Role.OWNER), other_organisation
        )
        template = factories.make_template(stranger)
        assert browser.get(f"/templates/{template.id}.json").status_code == 404
        assert template.id not in browser.get("/templates").content.decode()

    def test_a_viewer_is_offered_no_import(self, organisation: Organisation) -> None:
        browser = Browser()
        browser.force_login(factories.make_user(organisation, "vera@acme.example", "Vera", Role.VIEWER))
        assert 'type="file"' not in browser.get("/templates").content.decode()
        assert self.upload(browser, orjson.dumps(factories.sequence(2))).status_code == 403
