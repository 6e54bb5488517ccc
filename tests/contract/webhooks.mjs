// The webhook catalogue with the public client: every operation that is served, told of a flow that really starts.
import { getClient, authorize } from "@epilot/sdk/webhooks";
import { getClient as getFlows, authorize as authorizeFlows } from "@epilot/sdk/workflow";
import { getClient as getTemplates, authorize as authorizeTemplates } from "@epilot/sdk/workflow-definition";
import { getClient as getEntities, authorize as authorizeEntities } from "@epilot/sdk/entity";
import { connect } from "./connect.mjs";

const call = connect("webhooks", getClient, authorize);
const { url, template } = JSON.parse(process.env.EXAMPLES);
const metadata = { organization_id: "acme", action: "test", origin: "contract" };
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

await call("getConfiguredEvents");
const made = await call("createConfig", null, { name: "Partner", eventName: "FlowStarted", url, httpMethod: "POST", enabled: true });
const configId = made.id;
await call("getConfigs");
await call("getConfigs", { eventName: "FlowStarted" });
await call("getConfig", { configId });
await call("updateConfig", { configId }, { ...made, name: "Partner's new name", retryPolicy: { enabled: true, maxAttempts: 2 } });
await call("getWebhookExample", { configId }, {});
await call("triggerWebhook", { configId, sync: true }, { metadata, entity: { id: "7" } });

const entities = connect("entity", getEntities, authorizeEntities);
const templates = connect("workflow-definition", getTemplates, authorizeTemplates);
const flows = connect("workflow", getFlows, authorizeFlows);
const entity = await entities("createEntity", { slug: "contact" }, { first_name: "Ada" });
const flow = await templates("createFlowTemplate", null, template);
await flows("startFlowExecution", null, {
  flow_template_id: flow.id,
  contexts: [{ entity_id: entity._id, entity_schema: "contact" }],
});
let found;
for (let round = 0; round < 100; round += 1) {
  const client = getClient();
  client.defaults.baseURL = process.env.BASE_URL;
  authorize(client, () => process.env.TOKEN);
  found = (await client.getWebhookEventsV2({ configId }, { status: "succeeded" })).data.data;
  if (found.length === 2) break;
  await pause(200);
}
await call("getWebhookEventsV2", { configId }, { limit: 1 });
await call("getWehookEvents", { configId });
const eventId = found[0].event_id;
await call("getEventById", { configId, eventId });
await call("replayEvent", { configId, eventId });
await call("batchReplayEvents", { configId }, { eventIds: found.map((event) => event.event_id) });
await call("batchReplayEvents", { configId }, { eventIds: [] });
await call("getEventById", { configId, eventId: "unknown" });
await call("triggerWebhook", { configId }, { entity: {} });
await call("deleteConfig", { configId });
await call("getWehookEvents", { configId });
