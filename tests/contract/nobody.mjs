// Every operation that the product serves, of every client, with a token that is none.
import { getClient as automation, authorize as authorizeAutomation } from "@epilot/sdk/automation";
import { getClient as entity, authorize as authorizeEntity } from "@epilot/sdk/entity";
import { getClient as kanban, authorize as authorizeKanban } from "@epilot/sdk/kanban";
import { getClient as webhooks, authorize as authorizeWebhooks } from "@epilot/sdk/webhooks";
import { getClient as workflow, authorize as authorizeWorkflow } from "@epilot/sdk/workflow";
import { getClient as definition, authorize as authorizeDefinition } from "@epilot/sdk/workflow-definition";
import { connect } from "./connect.mjs";

process.env.TOKEN = "api_0.wrong";
const served = JSON.parse(process.env.SERVED);
const clients = {
  workflow: [workflow, authorizeWorkflow],
  "workflow-definition": [definition, authorizeDefinition],
  entity: [entity, authorizeEntity],
  automation: [automation, authorizeAutomation],
  kanban: [kanban, authorizeKanban],
  webhooks: [webhooks, authorizeWebhooks],
};
for (const [document, [getClient, authorize]] of Object.entries(clients)) {
  const call = connect(document, getClient, authorize);
  for (const { operationId, path, method } of getClient().api.getOperations()) {
    if (!served[document].includes(operationId)) continue;
    const named = Object.fromEntries([...path.matchAll(/{(\w+)}/g)].map(([, name]) => [name, "x"]));
    await call(operationId, named, ["get", "delete"].includes(method) ? undefined : {});
  }
}
