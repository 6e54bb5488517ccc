// Entities with the public client: each operation of the subset that is served, with what is there, with what is not, and with wrong values.
import { getClient, authorize } from "@epilot/sdk/entity";
import { connect } from "./connect.mjs";

const call = connect("entity", getClient, authorize);
const nothing = "00000000-0000-4000-8000-000000000000";
const person = { first_name: "Grete", last_name: "Sund", email: "grete@sund.example", consents: [{ topic: "mail", given: true }] };

const made = await call("createEntity", { slug: "contact" }, { ...person, _tags: ["new"], _schema: "order", _id: nothing });
await call("createEntity", { slug: "contact" }, ["no object"]);
const other = await call("createEntity", { slug: "order" }, { _title: "Order 7", total: 12.5 });
for (const named of [{ slug: "contact", id: made._id }, { slug: "contact", id: nothing }, { slug: "order", id: made._id }]) {
  await call("getEntity", named);
  await call("getEntityV2", named);
  await call("patchEntity", named, { city: "Bonn" });
  await call("updateEntity", named, { ...person, city: "Köln" });
}
await call("patchEntity", { slug: "contact", id: made._id }, { email: null });
await call("patchEntity", { slug: "contact", id: made._id }, ["no object"]);
await call("updateEntity", { slug: "contact", id: made._id }, ["no object"]);
await call("getEntityV2", { slug: "contact", id: made._id });
await call("searchEntities", null, { q: "_schema:contact AND sund" });
await call("searchEntities", null, { q: 'city:"Köln"', sort: "_created_at:desc", from: 0, size: 1 });
await call("searchEntities", null, { q: `_id:${other._id}` });
await call("searchEntities", null, { q: "_schema:nothing" });
await call("searchEntities", null, { q: "(a OR b)" });
await call("searchEntities", null, { size: -1 });
for (const id of [made._id, made._id]) await call("deleteEntity", { slug: "contact", id });
await call("deleteEntity", { slug: "order", id: other._id, purge: true });
await call("getEntity", { slug: "order", id: other._id });
