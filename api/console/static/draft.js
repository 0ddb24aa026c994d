// A draft that is being edited: what the check says follows the text, and a decision waits for what is not saved.
import { watch } from "./citations.js";
import { later, piece, problem } from "./dom.js";

watch(document);
const form = document.querySelector("[data-edit]");
const lint = document.querySelector("[data-lint]");
const named = [...form.querySelectorAll("[data-field]")];
const approve = form.querySelector("[data-approve]");
const was = new Map(named.map((field) => [field, field.value]));
let round = 0;

const changed = () => named.some((field) => field.value !== was.get(field));
const check = later(350, async () => {
  const turn = ++round;
  lint.setAttribute("aria-busy", "true");
  const body = new URLSearchParams(named.map((field) => [field.name, field.value]));
  try {
    const found = await piece(`${form.getAttribute("action")}/check`, { method: "POST", body });
    if (turn !== round) return;
    const open = lint.querySelector("[data-preview]")?.open ?? true;
    const letter = found.content.querySelector("[data-preview]");
    if (letter) letter.open = open;
    found.content.querySelector("template[data-letter]")?.remove();
    lint.replaceChildren(found.content);
    if (approve) approve.disabled = lint.querySelector(".findings") !== null;
  } catch (error) {
    if (turn === round) lint.replaceChildren(problem(error.message));
  } finally {
    if (turn === round) lint.removeAttribute("aria-busy");
  }
});

if (lint && named.length) {
  for (const field of named) field.addEventListener("input", check);
  if (approve) approve.disabled = lint.querySelector(".findings") !== null;
}
const unsaved = (event) => changed() && event.preventDefault();
addEventListener("beforeunload", unsaved);
form.addEventListener("submit", () => removeEventListener("beforeunload", unsaved));
