// Saved boards and task queries with the public client: all ten operations, the documented examples first.
import { getClient, authorize } from "@epilot/sdk/kanban";
import { connect } from "./connect.mjs";

const call = connect("kanban", getClient, authorize);
const { board: example, query, real } = JSON.parse(process.env.EXAMPLES);

const created = await call("createKanbanBoard", null, example);
const boardId = created.id;
await call("getKanbanBoard", { boardId });
await call("updateKanbanBoard", { boardId }, real);
await call("patchKanbanBoard", { boardId }, { title: "Updated Board Title", shared_with_org: true, shared_with: ["user-3"] });
await call("getKanbanBoards", null);
await call("getKanbanBoards", { filter: "owned" });
await call("getKanbanBoards", { filter: "shared" });
await call("getKanbanBoard", { boardId: "default" });
await call("setDefaultKanbanBoard", { boardId });
await call("getKanbanBoard", { boardId: "default" });
await call("clearDefaultKanbanBoard", null);
await call("setDefaultKanbanBoard", { boardId: "unknown" });
await call("executeFlowsQuery", null, query);
for (const lane of real.config.swimlanes) {
  const filters = { combination: "AND", items: [lane.filter, ...real.config.board_filter.items] };
  await call("executeFlowsQuery", null, { filters, sorting: real.config.sorting, group_by: real.config.group_by, size: 50 });
}
await call("executeFlowsQuery", null, { filters: { combination: "AND", items: [{ key: "colour", operator: "EQUALS", value: "red" }] } });
await call("flowsAutocomplete", { attribute: "name", input: "qua" });
await call("flowsAutocomplete", { attribute: "assignee", size: 5 });
await call("flowsAutocomplete", { attribute: "context_entity", from: 0, size: 5 });
await call("flowsAutocomplete", { attribute: "colour" });
await call("createKanbanBoard", null, { config: {} });
await call("deleteKanbanBoard", { boardId });
await call("getKanbanBoard", { boardId });
