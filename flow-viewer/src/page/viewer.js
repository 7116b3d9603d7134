// The page: connects the list, the diagram, the detail view and the scenarios.

import * as detail from "./detail.js";
import { Diagram } from "./diagram.js";
import { byId, el } from "./dom.js";
import { showExports } from "./exports.js";
import { FlowList } from "./list.js";
import { listen } from "./live.js";
import { OpenFlow } from "./open_flow.js";
import * as scenarios from "./scenarios.js";
import * as secretHolders from "./secret_holders.js";
import { duration, flowName, language, load, messages, text, timeOfDay } from "./texts.js";
import { startTicking } from "./token.js";

/** The shortest time between two reloads of the whole list and the table of secret holders. */
const RELOAD_INTERVAL_MILLIS = 3000;

const resultBox = byId("scenario-result");
/** The results of the scenarios played on this page, by flow. */
const results = new Map();
/** Describes the flow to open next: the first one with a name in `names` that is not in `known`. */
let awaited = null;
/** The name of the scenario in progress. */
let running = null;

const diagram = new Diagram(byId("diagram"), (flow, at) => detail.show(byId("detail"), flow, at, backToDiagram));
const backToDiagram = () => diagram.focus();
const list = new FlowList(byId("flows"), byId("flows-none"), (id) => {
  openFlow(id);
  scrollToFlow();
});
const open = new OpenFlow(showFlow, showGone);

/** Opens a flow and puts it into the address bar. */
function openFlow(id, addToHistory = true) {
  if (addToHistory && location.pathname !== `/flows/${id}`) history.pushState(null, "", `/flows/${id}`);
  if (open.id !== id) {
    clearDetail();
    if (!running) clearResult();
  }
  list.select(id);
  return open.open(id);
}

/** Scrolls to the flow, which may be outside the viewport in the one-column layout. */
function scrollToFlow() {
  if (byId("flow").getBoundingClientRect().top > window.innerHeight / 2) byId("flow").scrollIntoView();
}

function clearDetail() {
  byId("detail").replaceChildren(el("p", { class: "muted" }, text("detail.none")));
}

/** Shows a new state of the open flow. */
function showFlow(requestedId, flow) {
  if (flow.id !== requestedId) {
    // The requested trace has joined another flow.
    if (results.has(requestedId)) results.set(flow.id, results.get(requestedId));
    open.id = flow.id;
    history.replaceState(null, "", `/flows/${flow.id}`);
  }
  list.select(flow.id);
  showHeading(flow);
  byId("flow-hint").hidden = true;
  showExports(byId("exports"), byId("export-view"), flow.id);
  showResultOf(flow);
  diagram.draw(flow);
  if (diagram.selected !== null) detail.update(byId("detail"), flow, diagram.selected, backToDiagram);
}

function showHeading(flow) {
  const name = flowName(flow.name);
  byId("flow-name").textContent = name;
  document.title = `${name} · Gatepass`;
  byId("flow-facts").replaceChildren(
    el("span", { class: "outcome", "data-outcome": flow.outcome }, text(`outcome.${flow.outcome}`)),
    ` ${timeOfDay(flow.began_micros)} · ${duration(flow.ended_micros - flow.began_micros)} · ${messages(flow.messages.length)}`,
    flow.truncated ? ` · ${text("flow.truncated")}` : "");
  byId("flow").dataset.shown = flow.id;
}

/** Shows the result of the scenario in this flow once, not with each new state. */
function showResultOf(flow) {
  const result = results.get(flow.id);
  if (!result || resultBox.dataset.of === flow.id) return;
  resultBox.dataset.of = flow.id;
  scenarios.showResult(resultBox, result);
}

function clearResult() {
  delete resultBox.dataset.of;
  scenarios.clearResult(resultBox);
}

function showGone(id) {
  byId("flow-name").textContent = text("flow.none");
  byId("flow-facts").textContent = text("flow.gone");
  byId("exports").hidden = true;
  delete byId("exports").dataset.of;
  byId("flow-hint").hidden = false;
  diagram.clear();
  clearResult();
  byId("flow").dataset.shown = "";
  byId("flow").dataset.gone = id;
}

/** Handles changed flows. */
function onFlows(summaries) {
  list.update(summaries);
  if (summaries.some((summary) => summary.id === open.id)) open.refresh();
  const found = awaited && summaries.find((summary) => awaited.names.includes(summary.name) && !awaited.known.has(summary.id));
  if (found) {
    awaited = null;
    openFlow(found.id);
  } else if (!open.id && list.newest) {
    openFlow(list.newest.id, false);
  }
  scheduleReload();
}

let reloadScheduled = false;
async function scheduleReload() {
  if (reloadScheduled) return;
  reloadScheduled = true;
  await new Promise((resolve) => setTimeout(resolve, RELOAD_INTERVAL_MILLIS));
  reloadScheduled = false;
  if (document.hidden) return;
  await Promise.allSettled([secretHolders.refresh(byId("secrets-tables")), reloadList()]);
}

async function reloadList() {
  const response = await fetch("/api/flows");
  if (!response.ok) return;
  list.replace(await response.json());
  if (open.id && !list.has(open.id)) open.refresh();
}

/** Opens the next new flow with one of these names. */
function awaitFlow(names) {
  awaited = { names, known: new Set(list.ids) };
}

const scenarioCallbacks = {
  started(name) {
    awaitFlow([name]);
    running = name;
    delete resultBox.dataset.of;
    scenarios.showRunning(resultBox, name);
    scrollToFlow();
  },
  async finished(name, result) {
    if (running === name) [running, awaited] = [null, null];
    if (!result.flow) return scenarios.showResult(resultBox, result);
    results.set(result.flow, result);
    delete resultBox.dataset.of;
    await openFlow(result.flow);
    secretHolders.refresh(byId("secrets-tables"));
  },
  login: () => awaitFlow(["login_button", "callback"]),
};

function openFromAddress() {
  const id = location.pathname.match(/^\/flows\/([0-9a-f]+)$/)?.[1];
  if (id) openFlow(id, false);
}

function prepareLanguageLinks() {
  for (const link of document.querySelectorAll(".languages a")) {
    if (link.lang === language) link.setAttribute("aria-current", "true");
    // Keep the path, so that the open flow stays open in the other language.
    link.addEventListener("click", () => { link.href = `${location.pathname}?lang=${link.lang}`; });
  }
}

function showConnection(state) {
  const live = byId("live");
  live.dataset.live = state;
  live.textContent = text(`page.live.${state}`);
}

await load();
prepareLanguageLinks();
showConnection("waiting");
document.querySelector(".columns").hidden = false;
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && byId("detail").contains(event.target)) backToDiagram(); });
window.addEventListener("popstate", openFromAddress);
startTicking();
openFromAddress();
scenarios.list(byId("scenarios"), scenarioCallbacks);
secretHolders.refresh(byId("secrets-tables"));
listen(onFlows, showConnection);
document.documentElement.dataset.ready = "true";
