// Works automations and webhooks with the public clients, unchanged but for their base URL; a server of our own is the outside.
// Each answer is printed as a line of JSON, as in flows.mjs; what the outside was sent comes last.
import { createServer } from "node:http";
import { getClient as getAutomation, authorize as authorizeAutomation } from "@epilot/sdk/automation";
import { getClient as getEntities, authorize as authorizeEntities } from "@epilot/sdk/entity";
import { getClient as getWebhooks, authorize as authorizeWebhooks } from "@epilot/sdk/webhooks";
import { getClient as getWorkflow, authorize as authorizeWorkflow } from "@epilot/sdk/workflow";
import { getClient as getDefinitions, authorize as authorizeDefinitions } from "@epilot/sdk/workflow-definition";

const [base, token] = [process.env.BASE_URL, process.env.TOKEN];

function connect(getClient, authorize) {
  const client = getClient();
  client.defaults.baseURL = base;
  authorize(client, () => token);
  return client;
}

const clients = {
  automation: connect(getAutomation, authorizeAutomation),
  entity: connect(getEntities, authorizeEntities),
  webhooks: connect(getWebhooks, authorizeWebhooks),
  workflow: connect(getWorkflow, authorizeWorkflow),
  "workflow-definition": connect(getDefinitions, authorizeDefinitions),
};

async function ask(document, operation, ...parameters) {
  try {
    return await clients[document][operation](...parameters);
  } catch (error) {
    if (!error.response) throw error;
    return error.response;
  }
}

async function call(document, operation, ...parameters) {
  const answer = await ask(document, operation, ...parameters);
  console.log(JSON.stringify({ document, operation, status: answer.status, body: answer.data === "" ? null : answer.data }));
  return answer.data;
}

const automation = (operation, ...parameters) => call("automation", operation, ...parameters);
const webhook = (operation, ...parameters) => call("webhooks", operation, ...parameters);

// Asks until an answer is as wanted, and prints that one.
async function until(isWanted, document, operation, ...parameters) {
  for (let round = 0; round < 300; round++) {
    const answer = await ask(document, operation, ...parameters);
    if (isWanted(answer.data)) return call(document, operation, ...parameters);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${operation} never answered as it should`);
}

const sent = [];
const outside = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    sent.push({ path: request.url, headers: request.headers, body: Buffer.concat(parts).toString() });
    response.end(JSON.stringify({ success: true }));
  });
});
await new Promise((resolve) => outside.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${outside.address().port}`;

// The catalogue of webhooks.
const config = { name: "Partner", eventName: "lead_won", url: `${url}/hook`, httpMethod: "POST", enabled: true, auth: { authType: "NONE" } };
const hook = await webhook("createConfig", null, config);
await webhook("getConfigs");
await webhook("getConfig", { configId: hook.id });
await webhook("updateConfig", { configId: hook.id }, { ...config, name: "Partner of ours" });
await webhook("createConfig", null, { ...config, url: "http://10.1.2.3/" });

// A flow of all that talks, and its run.
const contact = await call("entity", "createEntity", { slug: "contact" }, { first_name: "Ada", email: "ada@berg.example" });
const flow = await automation("createFlow", null, {
  flow_name: "Tell the partner",
  enabled: true,
  entity_schema: "contact",
  triggers: [{ type: "entity_manual", configuration: { schema: "contact" } }],
  actions: [
    { id: "tell", name: "Tell", type: "trigger-webhook", config: { target_webhook_id: hook.id, sync: true } },
    { id: "ask", name: "Ask", type: "custom-action", config: { url: `${url}/ask`, wait_for_callback: true } },
    { id: "mail", name: "Mail", type: "send-email", config: { email_template_id: "x", template: { to: "{{entity.email}}", subject: "Hello", body: "Hello {{entity.first_name}}" } } },
    { id: "map", name: "Note", type: "map-entity", config: { target_schema: "contact", mapping_attributes: [{ target: "told", operation: { _set: true } }] } },
    { id: "pay", name: "Pay", type: "cart-checkout", config: { cart_mapping: {} } },
  ],
});
await automation("searchFlows", { schema: "contact" });
await automation("getFlow", { flow_id: flow.id });
await automation("batchGetFlows", null, { ids: [flow.id] });
await automation("putFlow", { flow_id: flow.id }, { ...flow, flow_name: "Tell our partner" });
const run = await automation("startExecution", null, { entity_id: contact._id, flow_id: flow.id });
const named = { execution_id: run.id };
await until((found) => found.execution_status === "paused", "automation", "getExecution", named);
const asked = JSON.parse(sent.find((request) => request.path === "/ask").body);
await automation("resumeExecutionWithToken", null, { resume_token: asked.data.resume_token });
await until((found) => found.execution_status === "success", "automation", "getExecution", named);
await automation("resumeExecutionWithToken", null, { resume_token: asked.data.resume_token });
await automation("getExecutions", { entity_id: contact._id });
await automation("searchExecutions", null, { entity_id: contact._id, size: 10 });

// One that fails, and is done again.
const broken = await automation("createFlow", null, { flow_name: "Broken", triggers: [], actions: [{ id: "map", type: "map-entity", config: {} }] });
const failing = await automation("startExecution", null, { entity_id: contact._id, flow_id: broken.id });
const failed = await until((found) => found.execution_status === "failed", "automation", "getExecution", { execution_id: failing.id });
await automation("retriggerAction", { execution_id: failing.id, action_id: failed.actions[0].id }, { retry_strategy: "RETRY_AND_RESUME" });

// Two that wait for their time, and are not let.
const later = await automation("createFlow", null, {
  flow_name: "Later",
  triggers: [],
  schedules: [{ id: "tomorrow", numberOfUnits: 1, timePeriod: "days", timeRelation: "after", source: { id: "t", origin: "automation" } }],
  actions: [{ id: "map", type: "map-entity", schedule_id: "tomorrow", config: { target_schema: "contact" } }],
});
const first = await automation("startExecution", null, { entity_id: contact._id, flow_id: later.id });
await automation("cancelSchedule", { execution_id: first.id, schedule_id: "tomorrow" });
const second = await automation("startExecution", null, { entity_id: contact._id, flow_id: later.id });
await automation("cancelExecution", { execution_id: second.id });

// The automation of a task.
const mapping = { target_schema: "contact", mapping_attributes: [{ target: "greeted", operation: { _set: "yes" } }] };
const greeting = await automation("createFlow", null, { flow_name: "Greet", triggers: [{ type: "flows_trigger" }], actions: [{ id: "map", type: "map-entity", config: mapping }] });
const template = await call("workflow-definition", "createFlowTemplate", null, {
  name: "Greeting",
  trigger: { type: "manual" },
  phases: [],
  tasks: [{ id: "greet", name: "Greet", task_type: "AUTOMATION", trigger_mode: "manual", automation_config: { flow_id: greeting.id } }],
  edges: [],
});
const contexts = [{ entity_id: contact._id, entity_schema: "contact", is_primary: true }];
const started = await call("workflow", "startFlowExecution", null, { flow_template_id: template.id, contexts });
const task = { execution_id: started.id, task_id: started.tasks[0].id };
await call("workflow", "runTaskAutomation", task);
await until((found) => found.status === "DONE", "workflow", "getFlowExecution", { execution_id: started.id });
await call("workflow", "reconcileAutomationTask", task);

await automation("deleteFlow", { flow_id: broken.id });
await automation("getFlow", { flow_id: broken.id });
await automation("getExecution", { execution_id: started.id });

// What is not there, and what cannot be.
const nothing = "00000000-0000-4000-8000-000000000000";
await automation("createFlow", null, { flow_name: "", triggers: [], actions: [] });
await automation("putFlow", { flow_id: flow.id }, { flow_name: "No actions", triggers: [] });
await automation("putFlow", { flow_id: nothing }, { flow_name: "Nobody", triggers: [], actions: [] });
await automation("deleteFlow", { flow_id: nothing });
await automation("startExecution", null, { entity_id: contact._id, flow_id: nothing });
await automation("startExecution", null, { entity_id: nothing, flow_id: flow.id });
await automation("searchExecutions", null, { entity_id: contact._id, size: 0 });
await automation("cancelExecution", { execution_id: nothing });
await automation("retriggerAction", { execution_id: nothing, action_id: "map" }, {});
await automation("retriggerAction", { execution_id: failing.id, action_id: "unknown" }, {});
await automation("cancelSchedule", { execution_id: first.id, schedule_id: "unknown" });
await webhook("deleteConfig", { configId: hook.id });
await webhook("getConfig", { configId: hook.id });
console.log(JSON.stringify({ secret: hook.signingSecret, sent }));
outside.close();
