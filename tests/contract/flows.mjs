// Works flows with the public clients, unchanged but for their base URL. Each answer is printed as a line of JSON:
// which document, which operation, the status, the body. The Python side holds it against the document.
import { getClient as getWorkflow, authorize as authorizeWorkflow } from "@epilot/sdk/workflow";
import { getClient as getDefinitions, authorize as authorizeDefinitions } from "@epilot/sdk/workflow-definition";
import { getClient as getEntities, authorize as authorizeEntities } from "@epilot/sdk/entity";

const [base, token, example] = [process.env.BASE_URL, process.env.TOKEN, JSON.parse(process.env.EXAMPLE)];

function connect(getClient, authorize) {
  const client = getClient();
  client.defaults.baseURL = base;
  authorize(client, () => token);
  return client;
}

const clients = {
  workflow: connect(getWorkflow, authorizeWorkflow),
  "workflow-definition": connect(getDefinitions, authorizeDefinitions),
  entity: connect(getEntities, authorizeEntities),
};

async function call(document, operation, ...parameters) {
  let answer;
  try {
    answer = await clients[document][operation](...parameters);
  } catch (error) {
    if (!error.response) throw error;
    answer = error.response;
  }
  console.log(JSON.stringify({ document, operation, status: answer.status, body: answer.data === "" ? null : answer.data }));
  return answer.data;
}

const flow = (operation, ...parameters) => call("workflow", operation, ...parameters);
const design = (operation, ...parameters) => call("workflow-definition", operation, ...parameters);
const entity = (operation, ...parameters) => call("entity", operation, ...parameters);

// Entities.
const contact = await entity("createEntity", { slug: "contact" }, { first_name: "Ada", last_name: "Berg", email: "ada@berg.example" });
const named = { slug: "contact", id: contact._id };
await entity("getEntity", named);
await entity("getEntityV2", named);
await entity("patchEntity", named, { email: "ada.berg@mail.example" });
await entity("updateEntity", named, { first_name: "Ada", last_name: "Berg", city: "Bonn" });
await entity("searchEntities", null, { q: "_schema:contact AND berg" });

// Closing reasons.
const reason = await design("createClosingReason", null, { title: "Customer moved away" });
await design("getAllClosingReasons", { includeInactive: true });
await design("getClosingReason", { reasonId: reason.id });
await design("getClosingReasonV1", { reasonId: reason.id });
await design("updateClosingReason", { reasonId: reason.id }, { title: "Moved away" });
await design("changeReasonStatus", { reasonId: reason.id }, { status: "INACTIVE" });

// Templates.
const template = await design("createFlowTemplate", null, example);
await design("listFlowTemplates", { trigger_type: "manual" });
await design("searchFlowTemplates", null, { name: "onboarding", size: 5 });
const loaded = await design("getFlowTemplate", { flowId: template.id });
await design("updateFlowTemplate", { flowId: template.id }, { ...loaded, description: "Changed" });
await design("updateFlowTemplate", { flowId: template.id }, { ...loaded, description: "From an old copy" });
await design("setWorkflowClosingReasons", { definitionId: template.id }, { reasons: [{ id: reason.id }] });
await design("getWorkflowClosingReasons", { definitionId: template.id });
const copy = await design("duplicateFlowTemplate", { flowId: template.id });
await design("deleteFlowTemplate", { flowId: copy.id });
await design("getFlowTemplate", { flowId: copy.id });

// The documented flow, from its start to its end.
const context = { entity_id: contact._id, entity_schema: "contact", is_primary: true };
const started = await flow("startFlowExecution", null, { flow_template_id: template.id, contexts: [context] });
const execution_id = started.id;
const [first, automation, last] = started.tasks;
await flow("patchTask", { execution_id, task_id: first.id }, { status: "IN_PROGRESS" });
await flow("patchTask", { execution_id, task_id: first.id }, { status: "COMPLETED" });
await flow("patchTask", { execution_id, task_id: first.id }, { status: "IN_PROGRESS" });
await flow("patchTask", { execution_id, task_id: automation.id }, { status: "COMPLETED" });
await flow("patchPhase", { execution_id, phase_id: started.phases[1].id }, { due_date: "2027-01-31T00:00:00.000", assigned_to: ["user_7"] });
const added = await flow("addTask", { execution_id }, { previous_task_id: automation.id, next_task_id: last.id, task: { name: "Call back" } });
await flow("patchTask", { execution_id, task_id: added.id }, { status: "SKIPPED" });
await flow("patchTask", { execution_id, task_id: last.id }, { status: "COMPLETED" });
await flow("getFlowExecution", { execution_id });
await flow("searchFlowExecutions", null, { entity_id: contact._id, entity_schema: "contact" });

// Machines: a schedule that is cancelled, one by its id, one run now, one that fires by itself, one without a date.
const delayed = { mode: "delayed", duration: 2, unit: "days" };
const attribute = (name) => ({ mode: "relative", direction: "before", duration: 1, unit: "minutes", reference: { id: "contact", origin: "trigger_entity_attribute", schema: "contact", attribute: name } });
const machine = (id, schedule) => ({ id, name: id, task_type: "AUTOMATION", automation_config: { flow_id: "none" }, schedule });
const branch = (id, statements, logical_operator = "AND") => ({ id, branch_name: id, logical_operator, statements });
const asks = (attribute, attribute_type, operator, ...values) => ({ id: attribute, operator, values, source: { origin: "trigger", origin_type: "entity", schema: "contact", attribute, attribute_type } });
const machines = await design("createFlowTemplate", null, {
  name: "Machines",
  phases: [],
  tasks: [
    machine("cancel", delayed),
    machine("cancel-by-id", delayed),
    machine("run-now", delayed),
    machine("by-date", attribute("moves_at")),
    machine("no-date", attribute("unknown")),
    { ...machine("by-hand"), trigger_mode: "manual", schedule: { mode: "immediate" } },
    { id: "person", name: "person", task_type: "MANUAL" },
    { id: "waits", name: "waits", task_type: "DECISION", trigger_mode: "automatic", conditions: [branch("bonn", [asks("city", "string", "equals", "Ulm")]), branch("old", [asks("age", "number", "greater_than", "65"), asks("vip", "boolean", "equals", "true")], "OR")] },
    { id: "choice", name: "choice", task_type: "DECISION", trigger_mode: "manual", conditions: [branch("yes", []), branch("no", [])] },
    { id: "later", name: "later", task_type: "DECISION", trigger_mode: "automatic", schedule: delayed, conditions: [branch("one", [asks("city", "string", "equals", "Bonn")]), branch("none-met-two", [])] },
    { id: "end", name: "end", task_type: "MANUAL" },
  ],
  edges: [
    { id: "w1", from_id: "waits", to_id: "end", condition_id: "bonn" },
    { id: "w2", from_id: "waits", to_id: "end", condition_id: "old" },
    { id: "c1", from_id: "choice", to_id: "end", condition_id: "yes" },
    { id: "c2", from_id: "choice", to_id: "end", condition_id: "no" },
    { id: "l1", from_id: "later", to_id: "end", condition_id: "one" },
    { id: "l2", from_id: "later", to_id: "end", condition_id: "none-met-two", none_met: true },
  ],
});
await entity("patchEntity", named, { moves_at: new Date(Date.now() + 64000).toISOString() });
const running = await flow("startFlowExecution", null, { flow_template_id: machines.id, contexts: [context] });
const ofMachines = (name) => ({ execution_id: running.id, task_id: running.tasks.find((task) => task.name === name).id });
const schedule_id = running.tasks[1].schedule.schedule_id;
await flow("cancelTaskSchedule", ofMachines("cancel"));
await flow("cancelTaskSchedule", ofMachines("cancel"));
await flow("cancelSchedule", { execution_id: running.id, schedule_id });
await flow("cancelSchedule", { execution_id: running.id, schedule_id });
await flow("runTaskScheduleNow", ofMachines("run-now"));
await flow("runTaskScheduleNow", ofMachines("run-now"));
await flow("runTaskScheduleNow", ofMachines("later"));
await flow("executeTask", ofMachines("no-date"));
await flow("executeTask", ofMachines("person"));
await flow("executeTask", ofMachines("choice"));
await flow("runTaskAutomation", ofMachines("by-hand"));
await flow("runTaskAutomation", ofMachines("person"));
await flow("patchTask", ofMachines("choice"), { status: "COMPLETED", next_condition_id: "nowhere" });
await flow("patchTask", ofMachines("choice"), { status: "COMPLETED", next_condition_id: "yes" });
await flow("patchTask", ofMachines("choice"), { status: "PENDING", revert_execution: true });
await entity("patchEntity", named, { city: "Ulm" });
let looked;
for (let tries = 0; tries < 100; tries += 1) {
  looked = await clients.workflow.getFlowExecution({ execution_id: running.id });
  const done = looked.data.tasks.filter((task) => ["by-date", "waits"].includes(task.name) && !["SCHEDULED", "CONDITION_PENDING"].includes(task.status));
  if (done.length === 2) break;
  await new Promise((resolve) => setTimeout(resolve, 200));
}
await flow("getFlowExecution", { execution_id: running.id });

// Rules: dates that follow events, assignees by variable, purposes, and a journey that completes a task.
const days = (type, more) => ({ due_date_config: { duration: 2, unit: "days", type, ...more } });
const ruled = await design("createFlowTemplate", null, {
  name: "Rules",
  assigned_to: [{ variable: "{{entity.owner}}" }],
  taxonomies: ["sales", "service"],
  entity_sync: [{ trigger: { event: "TaskCompleted", filter: { task_template_id: "a" } }, value: { source: "task_name" }, target: { entitySchema: "contact", entityAttribute: "step" } }],
  phases: [{ id: "p", name: "Phase", taxonomies: ["sales"], ...days("TASK_FINISHED", { task_id: "a" }) }],
  tasks: [
    { id: "a", name: "First", task_type: "MANUAL" },
    { id: "b", name: "Other", task_type: "MANUAL", taxonomies: ["service"] },
    { id: "c", name: "Last", task_type: "MANUAL", phase_id: "p", assigned_to: [{ variable: "{{entity.owner}}" }], ...days("ALL_PRECEDING_TASKS_COMPLETED") },
  ],
  edges: [{ id: "t", from_id: "trigger", to_id: "a" }, { id: "1", from_id: "a", to_id: "b" }, { id: "2", from_id: "b", to_id: "p" }, { id: "3", from_id: "p", to_id: "c" }, { id: "4", from_id: "c", to_id: "" }],
});
const narrow = await flow("startFlowExecution", null, { flow_template_id: ruled.id, contexts: [context], purposes: ["sales"] });
await flow("patchTask", { execution_id: narrow.id, task_id: narrow.tasks[0].id }, { status: "COMPLETED", completed_via_journey: true });
const dated = await flow("getFlowExecution", { execution_id: narrow.id });
await flow("patchTask", { execution_id: narrow.id, task_id: dated.tasks[1].id }, { enabled: false });
await flow("patchTask", { execution_id: narrow.id, task_id: dated.tasks[1].id }, { status: "COMPLETED" });
await flow("patchTask", { execution_id: narrow.id, task_id: dated.tasks[1].id }, { enabled: true, ...days("WORKFLOW_STARTED") });
await flow("patchPhase", { execution_id: narrow.id, phase_id: dated.phases[0].id }, { name: "Renamed", ...days("PHASE_FINISHED", { phase_id: dated.phases[0].id }) });
await flow("patchFlowExecution", { execution_id: narrow.id }, { ...days("TASK_FINISHED", { task_id: "a" }), contexts: [context], assigned_to: ["user_7", { variable: "{{entity.owner}}" }] });

// Another one, closed with a reason, reopened, deleted.
const second = await flow("startFlowExecution", null, { flow_template_id: template.id, contexts: [context] });
const closing = { status: "CLOSED", closing_reason: { selected_reasons: [{ id: reason.id, title: "Moved away" }], extra_description: "To Norway" } };
await flow("patchFlowExecution", { execution_id: second.id }, closing);
await flow("patchTask", { execution_id: second.id, task_id: second.tasks[0].id }, { status: "COMPLETED" });
await flow("patchFlowExecution", { execution_id: second.id }, { status: "STARTED", assigned_to: ["user_7"] });
await flow("deleteFlowExecution", { execution_id: second.id, soft: true });
await flow("getFlowExecution", { execution_id: second.id });
await flow("startFlowExecution", null, { flow_template_id: "unknown1", contexts: [context] });
await entity("deleteEntity", named);
await entity("getEntity", named);
