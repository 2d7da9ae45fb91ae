// The officer's page: sounds, keys, ages, and what a new hit does to the card that is shown.
import { Sounds } from "./sounds.js";

const stream = document.getElementById("stream");
const card = document.getElementById("card");
const cutOff = document.getElementById("cut-off");
const newHit = document.getElementById("new-hit");
const soundOff = document.getElementById("sound-off");
const menu = document.getElementById("menu");
const sounds = new Sounds(() => { soundOff.hidden = sounds.isReady(); });

const SILENT_MS = 12000; // the device says something every five seconds
const GUARD_MS = 700; // a thumb on its way to a button of the card before must not decide on this one
let lastWord = Date.now();
let clockAhead = Date.parse(document.body.dataset.now) - Date.now();
let guardedUntil = 0;

// ---- ages

function span(seconds) {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function showAges() {
  const now = Date.now() + clockAhead;
  for (const each of document.querySelectorAll("time[data-age]")) {
    const age = span((now - Date.parse(each.dateTime)) / 1000);
    each.textContent = `${age} ago`;
  }
  cutOff.hidden = Date.now() - lastWord < SILENT_MS;
}

// ---- the card that is shown, and new hits

function shown() {
  return card?.querySelector("article[data-hit-id]") ?? null;
}

function isTyping() {
  const at = document.activeElement;
  return Boolean(at && at.matches("input:not([type=hidden])") && card?.contains(at) && at.value);
}

function open(hitId) {
  guardedUntil = Date.now() + GUARD_MS;
  newHit.hidden = true;
  return htmx.ajax("GET", `/hits/${hitId}`, { target: "#card", swap: "innerHTML" });
}

function offer(hit, words) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = words;
  button.addEventListener("click", () => (card ? open(hit.hit_id) : location.assign(`/hits/${hit.hit_id}`)));
  newHit.replaceChildren(button);
  newHit.className = `new-hit ${hit.priority <= 1 ? "red" : hit.priority === 2 ? "orange" : "yellow"}`;
  newHit.hidden = false;
}

function take(hit) {
  const now = shown();
  const isShown = now?.dataset.hitId === hit.hit_id;
  if (hit.what === "decided") {
    if (isShown && now.dataset.waits === "true") open(hit.hit_id);
    return;
  }
  sounds.play(hit.what === "withdrawn" ? "withdrawn" : hit.sound, hit.priority <= 1 && hit.what === "told");
  if (!card) {
    if (hit.what === "told") offer(hit, `Hit ${hit.plate}, priority ${hit.priority}: open`);
  } else if (isShown) {
    if (hit.what === "withdrawn" || !isTyping()) open(hit.hit_id);
    else offer(hit, `This hit has changed: now read as ${hit.plate}. Load it again`);
  } else if (hit.what === "told") {
    // A card on which somebody is verifying is never taken away; one that waits gives way to a more urgent one.
    const isFree = !now || (now.dataset.waits === "false" && !now.querySelector("form[data-locked]") && !isTyping());
    const isMoreUrgent = now && now.dataset.waits === "true" && hit.priority < Number(now.dataset.priority);
    if (isFree || isMoreUrgent) open(hit.hit_id);
    else offer(hit, `Also: ${hit.plate}, priority ${hit.priority}`);
  } else if (hit.what === "withdrawn") {
    offer(hit, `Withdrawn: the plate reads ${hit.plate}`);
  }
}

stream?.addEventListener("hit", (event) => take(JSON.parse(event.detail.data)));
stream?.addEventListener("alive", (event) => {
  lastWord = Date.now();
  clockAhead = Date.parse(event.detail.data) - Date.now();
  showAges();
});
document.addEventListener("htmx:sse:after:message", () => { lastWord = Date.now(); });
document.addEventListener("htmx:sse:error", () => { lastWord = Math.min(lastWord, Date.now() - SILENT_MS + 1500); });

function afterSwap() {
  const hitId = shown()?.dataset.hitId;
  for (const each of document.querySelectorAll(".queued")) each.classList.toggle("shown", each.dataset.hitId === hitId);
  const count = document.querySelector("[data-count]")?.dataset.count ?? "0";
  const badge = document.getElementById("waiting-count");
  if (badge) {
    badge.textContent = count;
    badge.hidden = count === "0";
  }
  if (card && !shown() && count !== "0") open(document.querySelector(".queued").dataset.hitId);
  showAges();
  unlock();
}
document.addEventListener("htmx:after:swap", afterSwap);

// ---- acting is locked until source and time of a verification are there; the device checks the same again

function unlock() {
  for (const form of document.querySelectorAll("form[data-locked]")) {
    const isThere = ["verified_with", "verified_at"].every((name) => form.elements[name].value.trim());
    for (const button of form.querySelectorAll("button[name=action]")) button.disabled = !isThere;
  }
}
document.addEventListener("input", unlock);

// ---- touches and keys

document.addEventListener("click", (event) => {
  const button = event.target.closest("button, a");
  if (!button) return;
  sounds.quiet();
  if (Date.now() < guardedUntil && button.closest(".decide")) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (button.dataset.copy) copy(button);
  if (button.dataset.fill) fill(button);
  if (button.dataset.themeChoice) choose(button.dataset.themeChoice);
}, true);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  sounds.quiet();
  if (event.target.closest("input, select, textarea") || menu?.open) return;
  const key = event.key === "Enter" ? "Enter" : event.key.toUpperCase();
  if (key === "Enter" && event.target.closest("button, a, summary")) return;
  if (key === "N") return choose(document.documentElement.dataset.theme === "night" ? "day" : "night");
  const place = card?.querySelector(".decided") ? card.querySelector("article") : card;
  const wanted = [...(place?.querySelectorAll("[data-key]") ?? [])].find((each) => each.dataset.key === key && each.offsetParent);
  if (!wanted) return;
  event.preventDefault();
  if (wanted.matches("input")) wanted.focus();
  else wanted.click();
});

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS a browser has no clipboard for pages of another computer; the old way still works there.
    const field = document.createElement("textarea");
    field.value = text;
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  button.classList.add("done");
  button.firstChild.textContent = "Copied ";
}

function fill(button) {
  const field = document.getElementById(button.dataset.fill);
  const now = new Date(Date.now() + clockAhead + offsetOfDevice());
  field.value = button.dataset.value === "now" ? now.toISOString().slice(11, 16) : button.dataset.value;
  unlock();
}

function offsetOfDevice() {
  const found = /([+-])(\d\d):(\d\d)$/.exec(document.body.dataset.now);
  return found ? (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) * 60000 : 0;
}

function choose(theme) {
  document.documentElement.dataset.theme = theme;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `alpr-theme=${theme}; path=/; max-age=31536000; SameSite=Strict${secure}`;
  for (const each of document.querySelectorAll("[data-theme-choice]")) {
    each.setAttribute("aria-pressed", String(each.dataset.themeChoice === theme));
  }
}

document.getElementById("menu-button")?.addEventListener("click", () => menu.showModal());
document.getElementById("menu-close")?.addEventListener("click", () => menu.close());
document.getElementById("try-sound")?.addEventListener("click", () => sounds.play("urgent", false));

// ---- live pictures: the next one is asked for when the last one has come

async function live(image) {
  const words = image.closest("figure").querySelector("[data-taken]");
  for (;;) {
    if (!document.hidden) {
      try {
        const answer = await fetch(image.dataset.live, { cache: "no-store" });
        if (answer.status === 401) return location.assign("/sign-in");
        if (!answer.ok) throw new Error("no picture");
        const url = URL.createObjectURL(await answer.blob());
        await new Promise((done) => { image.onload = image.onerror = done; image.src = url; });
        URL.revokeObjectURL(url);
        words.textContent = `taken at ${answer.headers.get("X-Taken-At")}, ${answer.headers.get("X-Size")} pixels`;
      } catch {
        words.textContent = "no picture now; what is shown is old";
      }
    }
    await new Promise((done) => setTimeout(done, 500));
  }
}
for (const image of document.querySelectorAll("img[data-live]")) live(image);

setInterval(showAges, 1000);
afterSwap();
soundOff.hidden = sounds.isReady();

// The screen of a kiosk or a phone stays on while the page is shown.
async function stayAwake() {
  try {
    if (!document.hidden) await navigator.wakeLock?.request("screen");
  } catch { /* not allowed here */ }
}
document.addEventListener("visibilitychange", stayAwake);
stayAwake();
