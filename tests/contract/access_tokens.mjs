// Access tokens with the public client: made, listed, used, revoked; and what is refused.
import { getClient, authorize } from "@epilot/sdk/access-token";
import { connect } from "./connect.mjs";

const call = connect("access-token", getClient, authorize);
const made = await call("createAccessToken", null, { name: "ERP", token_type: "api", expires_in: "7d", read_only: true });
await call("createAccessToken", null, { name: "Worker", assignments: ["demo-energy:member"], expires_in: 3600 });
await call("listAccessTokens", null);
await call("listAccessTokens", { token_type: ["api"] });
await call("listAccessTokens", { token_type: ["journey"] });
await call("createAccessToken", null, { name: "Journey", token_type: "journey", journey_id: "u29g7" });
await call("createAccessToken", null, { name: "Forever", expires_in: "2 years" });
await call("createAccessToken", null, { name: "Elsewhere", assignments: ["other:member"] });
await call("revokeAccessToken", { id: made.id });
await call("revokeAccessToken", { id: "api_unknown" });
await call("listAccessTokens", null);
