// The lifelines of a flow: who takes part, from left to right.

import { text } from "./texts.js";

/** The roles outside A, B and C, from left to right. */
const ACTORS = ["person", "app", "client", "attacker", "operator"];
const SERVERS = ["client", "authorization_server", "resource_server"];

/** The kind of each B by its host, as `/api/config` names them. */
const kinds = new Map();

/** Remembers which host is which B. */
export function setResourceServers(servers) {
  for (const [kind, hosts] of Object.entries(servers)) {
    for (const host of hosts) kinds.set(host, kind);
  }
}

/** Returns the lifeline of a party in a message. */
export function laneOf(message, party) {
  if (party === "browser") return lane(party, message.actor ?? "person", text(`actor.${message.actor ?? "person"}`), text(`actor_role.${message.actor ?? "person"}`));
  if (party !== "resource_server") return lane(party, "", text(`party.${party}`), text(`role.${party}`));
  const host = message.resource_server ?? "";
  const kind = kinds.get(host);
  return lane(party, kind ?? host, text("party.resource_server"), kind ? text(`resource_server.${kind}`) : host || text("role.resource_server"));
}

const lane = (party, kind, name, role) => ({ id: `${party} ${kind}`, party, kind, name, role });

/** Returns the lifelines of a flow, from left to right. */
export function lanesOf(flow) {
  const found = new Map();
  for (const message of flow.messages) {
    for (const party of [message.from, message.to]) {
      const one = laneOf(message, party);
      found.set(one.id, one);
    }
  }
  return [...found.values()].sort((one, other) => rank(one) - rank(other) || one.id.localeCompare(other.id));
}

function rank({ party, kind }) {
  if (party === "browser") return ACTORS.indexOf(kind);
  // The B that verifies locally is the first one in the lessons.
  return ACTORS.length + 2 * SERVERS.indexOf(party) + (kind === "introspection" ? 1 : 0);
}
