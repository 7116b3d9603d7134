// The page: connects the lessons, the list, the diagram, the detail view and the scenarios.

import { setEnglishTexts } from "./check_values.js";
import { lessonOf, noteName, setCourse } from "./course.js";
import * as detail from "./detail.js";
import { Diagram } from "./diagram.js";
import { byId, el } from "./dom.js";
import { showExports } from "./exports.js";
import { Follow } from "./follow.js";
import { setResourceServers } from "./lanes.js";
import * as lesson from "./lesson.js";
import { FlowList } from "./list.js";
import { listen } from "./live.js";
import { OpenFlow } from "./open_flow.js";
import * as path from "./path.js";
import { Player } from "./player.js";
import * as progress from "./progress.js";
import * as scenarios from "./scenarios.js";
import * as secretHolders from "./secret_holders.js";
import { duration, flowName, language, load, messages, text, timeOfDay } from "./texts.js";
import { startTicking } from "./token.js";
import * as twoTokens from "./two_tokens.js";

/** The shortest time between two reloads of the whole list and the table of secret holders. */
const RELOAD_INTERVAL_MILLIS = 3000;
/** The shortest time for which a flow that the page follows stays open. */
const FOLLOW_INTERVAL_MILLIS = 1000;

const [detailBox, resultBox, lessonBox, pathBox] = [byId("detail"), byId("scenario-result"), byId("lesson"), byId("path")];
/** Describes the flow to open next: the first one with a name in `names` that is not in `known`. */
let awaited = null;
/** The name of the scenario in progress. */
let running = null;
/** The step at which the player begins, from the address, and whether the lists above are filled. */
let [wantedStep, isListed] = [null, false];
/** Whether the page shows the lessons, or the flows. */
let isPath = false;

const diagram = new Diagram(byId("diagram"), (flow, at) => {
  follow.stop();
  openDetail(() => detail.show(detailBox, flow, at, closeDetail));
});
const list = new FlowList({ list: byId("flows"), background: byId("background-flows"), none: byId("flows-none") }, (id) => {
  openFlow(id);
  scrollToFlow();
});
const open = new OpenFlow(showFlow, showGone);
const player = new Player(byId("player"), diagram, (step) => {
  follow.stop();
  history.replaceState(null, "", `/flows/${open.id}${step ? `#step-${step}` : ""}`);
});
const follow = new Follow(byId("new-flows"), (n) => text("flows.new", { n }));

/** Opens a flow that the reader has chosen, and puts it into the address bar. */
function openFlow(id, addToHistory = true) {
  follow.stop();
  if (addToHistory && location.pathname !== `/flows/${id}`) history.pushState(null, "", `/flows/${id}`);
  showView();
  return show(id);
}

function show(id) {
  if (open.id !== id) {
    player.reset();
    closeDetail();
    if (!running) clearResult();
  }
  follow.forget([id]);
  list.select(id);
  return open.open(id);
}

/** Scrolls to the flow, which may be outside the viewport in the one-column layout. */
function scrollToFlow() {
  if (byId("flow").getBoundingClientRect().top > window.innerHeight / 2) byId("flow").scrollIntoView();
}

function openDetail(render) {
  document.body.dataset.detail = "open";
  render();
  // On a phone the detail view covers the lower part of the window.
  const place = diagram.selectedPlace;
  const covered = detailBox.getBoundingClientRect();
  if (place && covered.left === 0 && place.bottom > covered.top) window.scrollBy(0, place.bottom - covered.top);
}

/** Closes the detail view. The focus returns to the line that opened it. */
function closeDetail() {
  if (detailBox.hidden) return;
  delete document.body.dataset.detail;
  detail.hide(detailBox);
  diagram.focus();
  diagram.deselect();
}

/** Shows a new state of the open flow. */
function showFlow(requestedId, flow) {
  if (flow.id !== requestedId) {
    // The requested trace has joined another flow.
    open.id = flow.id;
    if (location.pathname === `/flows/${requestedId}`) history.replaceState(null, "", `/flows/${flow.id}`);
  }
  list.select(flow.id);
  showHeading(flow);
  byId("flow-hint").hidden = true;
  showExports(byId("exports"), byId("export-view"), flow.id);
  showResultOf(flow);
  showLesson(flow);
  twoTokens.show(byId("two-tokens"), flow);
  diagram.draw(flow);
  player.refresh();
  goToWantedStep();
  if (diagram.selected !== null) detail.update(detailBox, flow, diagram.selected, closeDetail);
}

/** Shows the step in the address, once nothing above the picture moves it. */
function goToWantedStep() {
  if (!wantedStep || !isListed || diagram.count === 0) return;
  player.go(wantedStep);
  wantedStep = null;
}

function showHeading(flow) {
  const name = flowName(flow.name);
  byId("flow-name").textContent = name;
  document.title = `${name} · Gatepass`;
  byId("flow-facts").replaceChildren(
    el("span", { class: "outcome", "data-outcome": flow.outcome }, text(`outcome.${flow.outcome}`)),
    ` ${timeOfDay(flow.began_micros)} · ${duration(flow.ended_micros - flow.began_micros)} · ${messages(flow.messages.length)}`,
    flow.truncated ? ` · ${text("flow.truncated")}` : "");
  byId("flow").dataset.flow = flow.id;
}

/** Shows the result of the scenario in this flow once, not with each new state. */
function showResultOf(flow) {
  if (!flow.result || resultBox.dataset.of === flow.id) return;
  resultBox.dataset.of = flow.id;
  scenarios.showResult(resultBox, flow.result);
}

/** Shows the lesson of a flow, and notes that it was played. */
function showLesson(flow) {
  const isLogin = lessonOf(flow.name)?.isLogin;
  // One that failed is not an answer.
  const hasEnded = isLogin ? flow.name === "callback" && flow.outcome === "ok" : Boolean(flow.result?.as_expected);
  if (hasEnded) progress.note(noteName(flow.name));
  lesson.show(lessonBox, flow.name, hasEnded, play);
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
  closeDetail();
  diagram.clear();
  player.refresh();
  clearResult();
  lesson.hide(lessonBox);
  byId("two-tokens").hidden = true;
  byId("flow").dataset.flow = "";
  byId("flow").dataset.gone = id;
}

/** Handles changed flows. */
function onFlows(summaries) {
  list.update(summaries);
  if (summaries.some((summary) => summary.id === open.id)) open.refresh();
  const isNew = follow.note(summaries, open.id);
  const found = awaited && summaries.find((summary) => awaited.names.includes(summary.name) && !awaited.known.has(summary.id));
  if (found) {
    awaited = null;
    openFlow(found.id);
  } else if (!isPath && follow.isOn && isNew) {
    followNewest();
  }
  scheduleReload();
}

let followScheduled = false;
async function followNewest() {
  if (followScheduled) return;
  if (list.newest) show(list.newest.id);
  followScheduled = true;
  await new Promise((resolve) => setTimeout(resolve, FOLLOW_INTERVAL_MILLIS));
  followScheduled = false;
  if (!isPath && follow.isOn && list.newest && list.newest.id !== open.id) followNewest();
}

let reloadScheduled = false;
async function scheduleReload() {
  if (reloadScheduled) return;
  reloadScheduled = true;
  await new Promise((resolve) => setTimeout(resolve, RELOAD_INTERVAL_MILLIS));
  reloadScheduled = false;
  if (document.hidden || isPath) return;
  await Promise.allSettled([secretHolders.refresh(byId("secrets-table")), reloadList()]);
}

async function reloadList() {
  const response = await fetch("/api/flows");
  if (!response.ok) return;
  const removed = list.replace(await response.json());
  follow.forget(removed);
  if (open.id && !list.has(open.id)) open.refresh();
}

/** Opens the next new flow with one of these names. */
function awaitFlow(names) {
  awaited = { names, known: new Set(list.ids) };
}

const scenarioCallbacks = {
  started(name) {
    follow.stop();
    awaitFlow([name]);
    running = name;
    delete resultBox.dataset.of;
    scenarios.showRunning(resultBox, name);
    lesson.show(lessonBox, name, false, play);
    byId("flow").scrollTop = 0;
    scrollToFlow();
  },
  async finished(name, result) {
    if (running === name) [running, awaited] = [null, null];
    if (!result.flow) return scenarios.showResult(resultBox, result);
    delete resultBox.dataset.of;
    await openFlow(result.flow);
    secretHolders.refresh(byId("secrets-table"));
  },
  login: () => awaitFlow(["login_button", "callback"]),
};

/** Plays a scenario of a lesson, after a guess. */
function play(name, guess) {
  if (guess) progress.guess(name, guess);
  if (isPath) history.pushState(null, "", "/flows");
  showView();
  scenarios.play(name, scenarioCallbacks);
}

/** Shows the lessons or the flows, as the address says. */
function showView() {
  const was = isPath;
  isPath = location.pathname === "/";
  byId("path").hidden = !isPath;
  document.querySelector(".columns").hidden = isPath;
  document.querySelector(".skip").href = isPath ? "#path" : "#flow";
  for (const link of document.querySelectorAll(".views a")) {
    if ((link.pathname === "/") === isPath) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (isPath) showPath();
  else if (was) secretHolders.refresh(byId("secrets-table"));
}

function showPath() {
  closeDetail();
  document.title = `${text("path.title")} · Gatepass`;
  path.draw(pathBox, { play, login: scenarioCallbacks.login });
  const place = path.open(pathBox, location.hash.slice(1));
  if (place) place.scrollIntoView();
  else window.scrollTo(0, 0);
}

/** Follows a link from one view to the other without loading the page again. */
function followLink(event) {
  const link = event.target.closest?.("a[data-view]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  showView();
  if (isPath) (path.open(pathBox, location.hash.slice(1))?.querySelector("summary") ?? pathBox).focus({ preventScroll: true });
  else follow.start();
  if (!isPath && list.newest) followNewest();
}

function openFromAddress() {
  showView();
  const id = location.pathname.match(/^\/flows\/([0-9a-f]+)$/)?.[1];
  if (!id) return;
  const step = location.hash.match(/^#step-(\d+)$/)?.[1];
  openFlow(id, false);
  wantedStep = step ? Number(step) : null;
}

function prepareLanguageLinks() {
  for (const link of document.querySelectorAll(".languages a")) {
    if (link.lang === language) link.setAttribute("aria-current", "true");
    // Keep the path, so that the open flow stays open in the other language.
    link.addEventListener("click", () => { link.href = `${location.pathname}?lang=${link.lang}${location.hash}`; });
  }
}

function showConnection(state) {
  const live = byId("live");
  live.dataset.live = state;
  live.textContent = text(`page.live.${state}`);
}

const [config] = await Promise.all([fetch("/api/config").then((response) => response.json()), load()]);
setResourceServers(config.resource_servers);
setEnglishTexts(config.english_texts);
setCourse(config);
prepareLanguageLinks();
showConnection("waiting");
document.addEventListener("click", followLink);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (detailBox.hidden) player.stop();
  else closeDetail();
});
window.addEventListener("popstate", openFromAddress);
byId("new-flows").addEventListener("click", () => {
  follow.start();
  followNewest();
});
startTicking();
openFromAddress();
scenarios.list(byId("scenarios"), config, scenarioCallbacks);
if (!isPath) secretHolders.refresh(byId("secrets-table"));
listen(onFlows, showConnection);
list.drawn.then(() => {
  isListed = true;
  goToWantedStep();
});
document.documentElement.dataset.ready = "true";
