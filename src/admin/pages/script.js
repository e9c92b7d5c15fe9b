// Makes pages livelier; every one of them works without.
//
// time[datetime]      in the reader's own time zone; with data-form="clock" the time of day alone
// [data-live="5"]     taken anew from the server every five seconds, while the page is seen and nobody is in it
// form[data-confirm]  asks before it sends
// button[data-copy]   copies the text of the element with this id
"use strict";

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    time.title = time.textContent;
    time.textContent = (time.dataset.form === "clock" ? clock : format).format(moment);
  }
}

function liveParts() {
  return [...document.querySelectorAll("[data-live][id]")];
}

// What somebody types in, has chosen from or opened is left alone.
function isBusy(part) {
  const selection = document.getSelection();
  const selected = selection && !selection.isCollapsed && selection.anchorNode && part.contains(selection.anchorNode);
  const focused = part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  return selected || focused || part.querySelector("details[open], dialog[open]") !== null;
}

async function refresh() {
  let reply;
  try {
    reply = await fetch(location.href, { headers: { "x-simverify-live": "1" }, redirect: "manual" });
  } catch {
    document.documentElement.classList.add("stale");
    return;
  }
  // The session is over: the login leads back here.
  if (reply.type === "opaqueredirect") return location.reload();
  document.documentElement.classList.toggle("stale", !reply.ok);
  if (!reply.ok) return;
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  for (const part of liveParts()) {
    const fresh = page.getElementById(part.id);
    if (!fresh || isBusy(part)) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    part.replaceChildren(...fresh.childNodes);
    localTimes(part);
    if (focused) document.getElementById(focused)?.focus();
  }
}

function watch() {
  const seconds = Math.min(...liveParts().map((part) => Number(part.dataset.live) || 5));
  if (!Number.isFinite(seconds)) return;
  let timer = 0;
  const again = async () => {
    if (document.visibilityState === "visible") await refresh();
    timer = setTimeout(again, seconds * 1000);
  };
  timer = setTimeout(again, seconds * 1000);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    clearTimeout(timer);
    void again();
  });
}

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy)?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text.trim());
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy by hand";
  }
});

// What only a script can do is not offered without one.
document.documentElement.classList.add("scripted");
// On a narrow screen the navigation scrolls sideways.
document.querySelector("nav [aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center", behavior: "instant" });
localTimes(document);
watch();
