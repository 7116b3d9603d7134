// GATEPASS_CONTROL=http://localhost:9005 node --test

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Control, ControlError } from "./gatepass.mjs";

const control = new Control(process.env.GATEPASS_CONTROL ?? "http://localhost:9005");

beforeEach(() => control.reset());

test("a token has the claims that the test demands", async () => {
  const minted = await control.mint({ client_id: "service-a", claims: { roles: ["admin"] } });
  assert.deepEqual(minted.claims.roles, ["admin"]);
  assert.equal(minted.token.split(".").length, 3);
});

test("calls are for the issuer that they name", async () => {
  assert.equal((await control.ofIssuer("default").state()).name, "default");
  await assert.rejects(control.ofIssuer("nobody").state(), { error: "unknown_issuer" });
});

test("a fault is over after one request, and the journal names it", async () => {
  const { issuer } = await control.state();
  const { id } = await control.fault("jwks", { status: 503 }, { times: 1 });
  const statuses = [];
  for (let call = 0; call < 2; call += 1) {
    statuses.push((await fetch(`${issuer}/.well-known/jwks.json`)).status);
  }
  assert.deepEqual(statuses, [503, 200]);
  assert.equal(await control.verify({ endpoint: "jwks", fault_id: id }, { exactly: 1 }), 1);
});

test("a request that makes no sense is rejected with the member at fault", async () => {
  const wrong = control.mint({ client_id: "service-a", flaws: ["no_such_flaw"] });
  await assert.rejects(wrong, (error) => {
    assert(error instanceof ControlError);
    assert.deepEqual([error.status, error.pointer], [400, "/flaws/0"]);
    return true;
  });
});

test("time passes at once", async () => {
  const before = (await control.state()).now;
  assert((await control.advance(3600)) >= before + 3600);
});

test("a failed assertion names the nearest request", async () => {
  const { issuer } = await control.state();
  await fetch(`${issuer}/.well-known/jwks.json`);
  const failed = control.verify({ endpoint: "jwks", status: 500 }, { exactly: 1 });
  await assert.rejects(failed, (error) => {
    assert(error instanceof assert.AssertionError);
    assert.match(error.message, /^0 requests match .* differs in status: \{"id":/);
    return true;
  });
});
