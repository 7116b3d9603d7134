// The page put together: what is open, and who is told when that changes.

import { Diagram } from "./diagram.js";
import * as detail from "./detail.js";
import { byId, el } from "./dom.js";
import * as exporting from "./exports.js";
import { FlowList } from "./list.js";
import { listen } from "./live.js";
import { OpenFlow } from "./open_flow.js";
import { everySecond } from "./pass.js";
import * as secrets from "./secrets.js";
import * as stories from "./stories.js";
import { duration, flowName, language, load, messages, text, timeOfDay } from "./texts.js";

/** The list and the table of secrets are looked through as a whole so often, when anything has changed. */
const WHOLE_MILLIS = 3000;

const result = byId("story-result");
/** What came of the stories that were played here, by their flows. */
const told = new Map();
/** The flow that is to be opened as soon as it shows: of these names, begun after this. */
let expected = null;
/** The story that is being played. */
let nowPlaying = null;

const diagram = new Diagram(byId("diagram"), (flow, at) => detail.show(byId("detail"), flow, at, back));
const back = () => diagram.focus();
const list = new FlowList(byId("flows"), byId("flows-none"), (id) => {
  show(id);
  toFlow();
});
const open = new OpenFlow(drawn, gone);

/** Open a flow, and make the address its own. */
function show(id, remembered = true) {
  if (remembered && location.pathname !== `/flows/${id}`) history.pushState(null, "", `/flows/${id}`);
  if (open.id !== id) {
    nothingPressed();
    if (!nowPlaying) nothingTold();
  }
  list.mark(id);
  return open.open(id);
}

/** Where the columns stand below one another, the flow may be out of sight. */
function toFlow() {
  if (byId("flow").getBoundingClientRect().top > window.innerHeight / 2) byId("flow").scrollIntoView();
}

function nothingPressed() {
  byId("detail").replaceChildren(el("p", { class: "muted" }, text("detail.none")));
}

/** A new state of the open flow has come. */
function drawn(asked, flow) {
  if (flow.id !== asked) {
    // It has turned out to be part of another.
    if (told.has(asked)) told.set(flow.id, told.get(asked));
    open.id = flow.id;
    history.replaceState(null, "", `/flows/${flow.id}`);
  }
  list.mark(flow.id);
  heading(flow);
  byId("flow-hint").hidden = true;
  exporting.offer(byId("exports"), byId("export-view"), flow.id);
  tell(flow);
  diagram.draw(flow);
  if (diagram.chosen !== null) detail.grown(byId("detail"), flow, diagram.chosen, back);
}

function heading(flow) {
  const name = flowName(flow.name);
  byId("flow-name").textContent = name;
  document.title = `${name} · Gatepass`;
  byId("flow-facts").replaceChildren(
    el("span", { class: "outcome", "data-outcome": flow.outcome }, text(`outcome.${flow.outcome}`)),
    ` ${timeOfDay(flow.began_micros)} · ${duration(flow.ended_micros - flow.began_micros)} · ${messages(flow.messages.length)}`,
    flow.cut ? ` · ${text("flow.cut")}` : "");
  byId("flow").dataset.shown = flow.id;
}

/** What was told of the story that this flow is. It is said once, not with each new state. */
function tell(flow) {
  const played = told.get(flow.id);
  if (!played || result.dataset.of === flow.id) return;
  result.dataset.of = flow.id;
  stories.showPlayed(result, played);
}

function nothingTold() {
  delete result.dataset.of;
  stories.showNone(result);
}

function gone(id) {
  byId("flow-name").textContent = text("flow.none");
  byId("flow-facts").textContent = text("flow.gone");
  byId("exports").hidden = true;
  delete byId("exports").dataset.of;
  byId("flow-hint").hidden = false;
  diagram.clear();
  nothingTold();
  byId("flow").dataset.shown = "";
  byId("flow").dataset.gone = id;
}

/** Flows have changed. */
function took(summaries) {
  list.take(summaries);
  if (summaries.some((summary) => summary.id === open.id)) open.changed();
  const found = expected && summaries.find((summary) => expected.names.includes(summary.name) && !expected.known.has(summary.id));
  if (found) {
    expected = null;
    show(found.id);
  } else if (!open.id && list.newest) {
    show(list.newest.id, false);
  }
  lookThroughSoon();
}

let looking = false;
async function lookThroughSoon() {
  if (looking) return;
  looking = true;
  await new Promise((resolve) => setTimeout(resolve, WHOLE_MILLIS));
  looking = false;
  if (document.hidden) return;
  await Promise.allSettled([secrets.refresh(byId("secrets-tables")), lookThrough()]);
}

async function lookThrough() {
  const answer = await fetch("/api/flows");
  if (!answer.ok) return;
  list.keep(await answer.json());
  if (open.id && !list.has(open.id)) open.changed();
}

/** From now on the next flow of these names is the one to look at. */
function expect(names) {
  expected = { names, known: new Set(list.ids) };
}

const playing = {
  begun(name) {
    expect([name]);
    nowPlaying = name;
    delete result.dataset.of;
    stories.showPlaying(result, name);
    toFlow();
  },
  async played(name, played) {
    if (nowPlaying === name) [nowPlaying, expected] = [null, null];
    if (!played.flow) return stories.showPlayed(result, played);
    told.set(played.flow, played);
    delete result.dataset.of;
    await show(played.flow);
    secrets.refresh(byId("secrets-tables"));
  },
  login: () => expect(["login_button", "callback"]),
};

function fromAddress() {
  const id = location.pathname.match(/^\/flows\/([0-9a-f]+)$/)?.[1];
  if (id) show(id, false);
}

function languages() {
  for (const link of document.querySelectorAll(".languages a")) {
    if (link.lang === language) link.setAttribute("aria-current", "true");
    // The same page, whichever flow has been opened meanwhile.
    link.addEventListener("click", () => { link.href = `${location.pathname}?lang=${link.lang}`; });
  }
}

function state(now) {
  const live = byId("live");
  live.dataset.live = now;
  live.textContent = text(`page.live.${now}`);
}

await load();
languages();
state("waiting");
document.querySelector(".columns").hidden = false;
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && byId("detail").contains(event.target)) back(); });
window.addEventListener("popstate", fromAddress);
everySecond();
fromAddress();
stories.offer(byId("stories"), playing);
secrets.refresh(byId("secrets-tables"));
listen(took, state);
document.documentElement.dataset.ready = "true";
