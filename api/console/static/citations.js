// What a mark leads to, beside the mark: shown on hover, on focus and on a tap; Escape closes it.
import { piece, problem } from "./dom.js";

const seen = new Map();
let box, from, pinned, timer, asked = 0;

function made() {
  if (box) return box;
  box = document.createElement("aside");
  box.className = "peek";
  box.id = "peek";
  box.tabIndex = -1;
  box.setAttribute("role", "dialog");
  box.setAttribute("aria-label", "Source");
  box.hidden = true;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.setAttribute("aria-label", "Close");
  close.textContent = "×";
  close.addEventListener("click", () => hide(true));
  const content = document.createElement("div");
  content.dataset.content = "";
  content.setAttribute("aria-live", "polite");
  box.append(close, content);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => leave());
  document.body.append(box);
  return box;
}

function place(mark) {
  const width = document.documentElement.clientWidth;
  if (width < 700) {
    box.style.left = box.style.top = "";  // a sheet at the bottom, by the style sheet
    return;
  }
  const at = mark.getBoundingClientRect();
  const left = Math.min(Math.max(12, at.left - 40), width - box.offsetWidth - 12);
  const below = at.bottom + 8 + box.offsetHeight < document.documentElement.clientHeight;
  const top = below ? at.bottom + 8 : Math.max(12, at.top - box.offsetHeight - 8);
  box.style.left = `${left}px`;
  box.style.top = `${top}px`;
}

async function show(mark, pin) {
  clearTimeout(timer);
  made();
  const turn = ++asked;
  pinned = pin;
  if (from && from !== mark) from.removeAttribute("aria-expanded");
  from = mark;
  mark.setAttribute("aria-expanded", "true");
  const content = box.querySelector("[data-content]");
  const href = mark.getAttribute("href");
  if (!seen.has(href)) {
    content.replaceChildren(Object.assign(document.createElement("p"), { className: "quiet-text", textContent: "Reading the source …" }));
    box.hidden = false;
    place(mark);
    try {
      const found = await piece(href);
      const held = document.createElement("div");
      held.append(found.content);
      if (found.ok) seen.set(href, held);
      if (turn !== asked) return;
      content.replaceChildren(held);
    } catch (error) {
      if (turn !== asked) return;
      content.replaceChildren(problem(error.message));
    }
  } else {
    content.replaceChildren(seen.get(href));
    box.hidden = false;
  }
  box.scrollTop = 0;
  place(mark);
  box.querySelector(".hit")?.scrollIntoView({ block: "nearest" });
  box.querySelector("mark")?.scrollIntoView({ block: "center" });
  if (pin) box.focus({ preventScroll: true });
}

function hide(back) {
  if (!box || box.hidden) return;
  asked++;
  box.hidden = true;
  pinned = false;
  from?.removeAttribute("aria-expanded");
  if (back) from?.focus();
  from = undefined;
}

function leave() {
  clearTimeout(timer);
  if (!pinned) timer = setTimeout(() => hide(false), 250);
}

export function watch(root) {
  const of = (event) => (event.target instanceof Element ? event.target.closest("a.mark") : null);
  root.addEventListener("pointerover", (event) => {
    const mark = of(event);
    if (!mark || event.pointerType !== "mouse" || pinned) return;
    clearTimeout(timer);
    timer = setTimeout(() => show(mark, false), 140);
  });
  root.addEventListener("pointerout", (event) => of(event) && leave());
  root.addEventListener("focusin", (event) => {
    const mark = of(event);
    if (mark && mark !== from && mark.matches(":focus-visible")) show(mark, false);
  });
  root.addEventListener("focusout", (event) => {
    if (of(event) && !(event.relatedTarget instanceof Node && box?.contains(event.relatedTarget))) leave();
  });
  root.addEventListener("click", (event) => {
    const mark = of(event);
    if (!mark || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    show(mark, true);
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide(true));
  document.addEventListener("pointerdown", (event) => {
    if (pinned && event.target instanceof Element && !box.contains(event.target) && !event.target.closest("a.mark")) hide(false);
  });
  addEventListener("resize", () => from && !box.hidden && place(from));
}
