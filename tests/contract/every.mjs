// Calls every operation of the workflow and definition clients: as it should be called, for things that are not there, and with
// values that are wrong.
import { getClient as getWorkflow, authorize as authorizeWorkflow } from "@epilot/sdk/workflow";
import { getClient as getDefinitions, authorize as authorizeDefinitions } from "@epilot/sdk/workflow-definition";
import { getClient as getEntities, authorize as authorizeEntities } from "@epilot/sdk/entity";
import { connect } from "./connect.mjs";

const flow = connect("workflow", getWorkflow, authorizeWorkflow);
const design = connect("workflow-definition", getDefinitions, authorizeDefinitions);
const entity = connect("entity", getEntities, authorizeEntities);
const nothing = "00000000-0000-4000-8000-000000000000";

const contact = await entity("createEntity", { slug: "contact" }, { first_name: "Ada", last_name: "Berg" });
const reason = await design("createClosingReason", null, { title: "Moved" });
await design("createClosingReason", null, { title: "" });
await design("getAllClosingReasons", { includeInactive: true });
for (const reasonId of [reason.id, nothing]) {
  await design("getClosingReason", { reasonId });
  await design("getClosingReasonV1", { reasonId });
  await design("updateClosingReason", { reasonId }, { title: "Moved away" });
  await design("changeReasonStatus", { reasonId }, { status: "ACTIVE" });
}
await design("changeReasonStatus", { reasonId: reason.id }, { status: "GONE" });

// Definitions: a list of sections and steps.
const rule = { numberOfUnits: 2, timePeriod: "weeks", actionTypeCondition: "WORKFLOW_STARTED" };
const steps = [
  { name: "Call", order: 0, type: "STEP", description: { enabled: true, value: "Be kind" }, assignedTo: ["7"] },
  { name: "Send", order: 1, type: "STEP", executionType: "AUTOMATION", automationConfig: { flowId: "flow-1" }, dueDate: "2027-01-31" },
];
const followed = [{ source: "current_step", target: { entitySchema: "contact", entityAttribute: "stage" } }];
const list = {
  name: "Moving house",
  enabled: true,
  dynamicDueDate: rule,
  closingReasons: [{ id: reason.id }],
  updateEntityAttributes: followed,
  taxonomies: ["label"],
  flow: [{ name: "Prepare", order: 0, type: "SECTION", steps }, { name: "Finish", order: 1, type: "STEP" }],
};
const definition = await design("createDefinition", null, list);
const definitionId = definition.id;
await design("createDefinition", null, { name: "No steps", flow: [] });
await design("getDefinitions");
await design("getMaxAllowedLimit");
for (const id of [definitionId, "unknown1"]) {
  await design("getDefinition", { definitionId: id });
  await design("updateDefinition", { definitionId: id }, { ...definition, description: "Changed" });
  await design("setWorkflowClosingReasons", { definitionId: id }, { reasons: [{ id: reason.id }] });
  await design("getWorkflowClosingReasons", { definitionId: id });
}
await design("setWorkflowClosingReasons", { definitionId }, { reasons: [{ id: "unknown1" }] });
await design("updateDefinition", { definitionId }, { name: "No steps", flow: [] });

// Templates.
const tasks = ["a", "b", "c"].map((id) => ({ id, name: `Task ${id}`, task_type: "MANUAL", phase_id: "p" }));
const machine = { id: "m", name: "Machine", task_type: "AUTOMATION", automation_config: { flow_id: "flow-1" }, trigger_mode: "manual" };
const later = { ...machine, id: "s", trigger_mode: "automatic", schedule: { mode: "delayed", duration: 2, unit: "days" } };
const edges = ["ab", "bc", "cm"].map(([from, to]) => ({ id: from + to, from_id: from, to_id: to }));
const graph = { name: "Graph", phases: [{ id: "p", name: "All" }], tasks: [...tasks, machine], edges };
const template = await design("createFlowTemplate", null, graph);
await design("createFlowTemplate", null, { ...graph, edges: [{ id: "e", from_id: "a", to_id: "nowhere" }] });
await design("listFlowTemplates");
await design("searchFlowTemplates", null, { name: "Graph" });
await design("searchFlowTemplates", null, { size: "many" });
for (const flowId of [template.id, "unknown1"]) {
  const loaded = await design("getFlowTemplate", { flowId });
  await design("updateFlowTemplate", { flowId }, { ...graph, ...loaded });
  await design("duplicateFlowTemplate", { flowId });
}
await design("updateFlowTemplate", { flowId: template.id }, { ...graph, updated_at: "2020-01-01T00:00:00.000Z" });
await design("updateFlowTemplate", { flowId: template.id }, { ...graph, name: "" });

// Executions in the older dialect.
const contexts = [{ id: contact._id, title: "Ada Berg", schema: "contact" }];
const old = await flow("createExecution", null, { workflowId: definitionId, trigger: "MANUAL", contexts, assignedTo: ["7"] });
await flow("createExecution", null, { workflowId: "unknown1" });
const executionId = old.id;
const section = old.flow[0];
const stepId = section.steps[0].id;
await flow("getExecutions");
await flow("getExecutions", { context: contact._id, schema: "contact" });
await flow("getExecution", { executionId });
await flow("getExecution", { executionId: nothing });
const added = await flow("createStep", { executionId }, { name: "Ask again", insertionIndex: 1, sectionId: section.id });
await flow("createStep", { executionId }, { name: "Nowhere", insertionIndex: 1, sectionId: "nowhere" });
await flow("createStep", { executionId: nothing }, { name: "Nowhere", insertionIndex: 0 });
const change = { name: "Ask twice", status: "IN_PROGRESS", assignedToInProgress: "7", dynamicDueDate: rule, position: { index: 0 } };
await flow("updateStep", { executionId, stepId: added.id }, change);
await flow("updateStep", { executionId, stepId }, { status: "COMPLETED", userIds: [7] });
await flow("updateStep", { executionId, stepId }, { status: "IN_PROGRESS" });
await flow("updateStep", { executionId, stepId: nothing }, { name: "Nobody" });
await flow("searchExecutions", null, { name: "moving", sorting: "DUE_DATE_ASC", includeDoneWorkflows: true });
await flow("searchExecutions", null, { pagination: { orgId: "acme", creationTime: "soon" } });
for (const status of ["OPEN", "COMPLETE", "NEXT_OPEN_ITEM_IN_WORKFLOW"]) {
  await flow("searchSteps", null, { status, sorting: "A_Z", pagination: { from: 0, size: 5 } });
}
await flow("searchSteps", null, { status: "WHATEVER" });
await flow("deleteStep", { executionId, stepId: added.id });
await flow("deleteStep", { executionId, stepId: nothing });
const single = await design("createDefinition", null, { name: "One step", flow: [{ name: "Only", order: 0, type: "STEP" }] });
const short = await flow("createExecution", null, { workflowId: single.id });
await flow("deleteStep", { executionId: short.id, stepId: short.flow[0].id });
await flow("getClosingReasonExecution", { executionId });
await flow("getClosingReasonExecution", { executionId: nothing });
const closing = [{ id: reason.id, title: "Moved away" }];
await flow("updateExecution", { executionId }, { status: "CLOSED", selectedClosingReasons: closing, closingReasonDescription: "Far" });
await flow("updateExecution", { executionId }, { dueDate: "soon" });
await flow("updateExecution", { executionId: nothing }, { status: "CLOSED" });
await flow("deleteExecution", { executionId });
await flow("deleteExecution", { executionId });

// Executions in the newer one.
const about = [{ entity_id: contact._id, entity_schema: "contact" }];
const started = await flow("startFlowExecution", null, { flow_template_id: template.id, contexts: about });
await flow("startFlowExecution", null, { flow_template_id: template.id, contexts: [] });
const execution_id = started.id;
const [first, second, third, run] = started.tasks.map((task) => task.id);
for (const id of [execution_id, nothing]) {
  await flow("getFlowExecution", { execution_id: id });
  await flow("patchFlowExecution", { execution_id: id }, { assigned_to: ["7", { variable: "{{entity.owner}}" }], due_date: "2027-05-01" });
  await flow("patchPhase", { execution_id: id, phase_id: started.phases[0].id }, { name: "Everything" });
  await flow("patchTask", { execution_id: id, task_id: first }, { status: "COMPLETED", description: { enabled: true, value: "Done" } });
  await flow("addTask", { execution_id: id }, { previous_task_id: second, next_task_id: third, task: { name: "Between" } });
  await flow("executeTask", { execution_id: id, task_id: second });
  await flow("runTaskAutomation", { execution_id: id, task_id: run });
}
await flow("patchFlowExecution", { execution_id }, { due_date: "soon" });
await flow("patchTask", { execution_id, task_id: first }, { status: "FAILED" });
await flow("patchPhase", { execution_id, phase_id: started.phases[0].id }, { name: "" });
await flow("addTask", { execution_id }, { previous_task_id: third, next_task_id: first, task: { name: "Backwards" } });
await flow("executeTask", { execution_id, task_id: first });
await flow("runTaskAutomation", { execution_id, task_id: first });
await flow("searchFlowExecutions", null, { entity_id: contact._id, entity_schema: "contact" });
await flow("searchFlowExecutions", null, { entity_id: contact._id });

// Schedules.
const timed = await design("createFlowTemplate", null, { name: "Timed", tasks: [later, { ...later, id: "t" }, { ...later, id: "u" }], edges: [] });
const waiting = await flow("startFlowExecution", null, { flow_template_id: timed.id, contexts: about });
const [one, two, three] = waiting.tasks;
await flow("runTaskScheduleNow", { execution_id: waiting.id, task_id: one.id });
await flow("runTaskScheduleNow", { execution_id: waiting.id, task_id: one.id });
await flow("runTaskScheduleNow", { execution_id: waiting.id, task_id: nothing });
await flow("cancelTaskSchedule", { execution_id: waiting.id, task_id: two.id });
await flow("cancelTaskSchedule", { execution_id: waiting.id, task_id: two.id });
await flow("cancelTaskSchedule", { execution_id: waiting.id, task_id: nothing });
await flow("cancelSchedule", { execution_id: waiting.id, schedule_id: three.schedule.schedule_id });
await flow("cancelSchedule", { execution_id: waiting.id, schedule_id: nothing });
await flow("reconcileAutomationTask", { execution_id, task_id: run });
await flow("reconcileAutomationTask", { execution_id, task_id: nothing });
for (const soft of [true, false]) await flow("deleteFlowExecution", { execution_id, soft });
for (const id of [definitionId, definitionId]) await design("deleteDefinition", { definitionId: id });
for (const id of [template.id, template.id]) await design("deleteFlowTemplate", { flowId: id });
for (const reasonId of [reason.id, reason.id]) await design("deleteClosingReason", { reasonId });
