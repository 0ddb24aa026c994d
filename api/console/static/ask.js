// Asking without leaving the page: sentences appear as they are proven, then the whole answer takes their place.
import { watch } from "./citations.js";
import { piece, problem } from "./dom.js";
import { events } from "./stream.js";
import { words } from "./word.js";

const page = document.querySelector("[data-ask]");
const thread = page.querySelector("[data-thread]");
const form = page.querySelector("[data-form]");
const box = form.querySelector("textarea");
const conversation = form.querySelector("[data-conversation]");
const said = page.querySelector("[data-said]");
const MARKS = /\s*(?:\[\d+\])+/g;  // lead nowhere yet: the answer is kept when it is whole
const STEPS = {
  sql: "Looking in the records", vector: "Looking in the documents", hybrid: "Looking in records and documents",
  clarify: "There is more than one reading", refuse: "Looking for an answer",
};

watch(document);
words(page);
const examples = page.querySelector("[data-examples]");
if (examples) {
  const link = examples.querySelector("a");
  piece(link.getAttribute("href")).then(
    ({ ok, content }) => (ok ? link.parentElement.replaceWith(content) : examples.remove()),
    () => examples.remove(),
  );
}
const grow = () => {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 240)}px`;
};
box.addEventListener("input", grow);
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
page.addEventListener("submit", (event) => {
  if (event.target.closest("[data-word]")) return;
  const question = event.submitter?.name === "question" ? event.submitter.value : box.value.trim();
  event.preventDefault();
  if (question && !page.hasAttribute("data-busy")) ask(question);
});

async function ask(question) {
  page.setAttribute("data-busy", "");
  page.classList.remove("fresh");
  page.querySelector(".hero")?.remove();
  examples?.remove();
  const turn = document.querySelector("template[data-turn]").content.firstElementChild.cloneNode(true);
  turn.querySelector(".asked").textContent = question;
  thread.append(turn);
  box.value = "";
  grow();
  turn.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth", block: "start" });
  said.textContent = "Working on it";
  try {
    await follow(turn, question);
  } catch (error) {
    fail(turn, question, error instanceof TypeError ? "The server does not answer. Try again in a moment." : error.message);
  } finally {
    turn.removeAttribute("aria-busy");
    page.removeAttribute("data-busy");
    box.placeholder = conversation.value ? "Ask a follow-up" : box.placeholder;
  }
}

async function follow(turn, question) {
  const step = turn.querySelector("[data-step]");
  const live = writer(turn.querySelector("[data-live]"));
  const asked = conversation.value ? { question, conversation_id: conversation.value } : { question };
  for await (const [name, data] of events("/v1/ask", asked)) {
    if (name === "carried") {
      const carried = turn.querySelector(".carried");
      carried.hidden = false;
      carried.querySelector("span").textContent = data.question;
    } else if (name === "route") {
      step.textContent = STEPS[data.path] ?? "Looking";
    } else if (name === "rows") {
      step.textContent = `${data.count.toLocaleString("en")} row${data.count === 1 ? "" : "s"} read`;
    } else if (name === "passages") {
      step.textContent = `${data.count.toLocaleString("en")} passage${data.count === 1 ? "" : "s"} read`;
    } else if (name === "sentence") {
      live(data);
    } else if (name === "error") {
      fail(turn, question, sentence(data.message) + (data.hint ? ` ${sentence(data.hint)}` : ""));
      return;
    } else if (name === "done") {
      conversation.value = data.conversation_id || data.id;
      const found = await piece(`/console/answers/${data.id}`);
      turn.replaceChildren(found.content);
      said.textContent = turn.querySelector(".prose")?.textContent.trim().slice(0, 400) ?? "Answered";
      return;
    }
  }
  throw new Error("The connection broke before the answer was complete. Ask again.");
}

function fail(turn, question, message) {
  turn.querySelector(".progress")?.remove();
  turn.append(problem(message));
  if (!box.value) box.value = question;
  grow();
}

const sentence = (text) => (text ? `${text[0].toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}` : "");

// Puts sentences down one by one, as paragraphs, lists or rows; text only, never HTML.
function writer(root) {
  let list, rows;
  const put = (parent, kind, text) => {
    const made = parent.appendChild(document.createElement(kind));
    made.textContent = text.replace(/^\s*(?:- |> |### )/, "").replace(MARKS, "").trim();
    return made;
  };
  return ({ text, block }) => {
    if (block === "header" || block === "row") {
      if (block === "header") {
        const table = root.appendChild(document.createElement("table"));
        cells(table.createTHead().insertRow(), text.split("\n")[0], "th");
        rows = table.createTBody();
      } else if (rows) cells(rows.insertRow(), text, "td");
      return;
    }
    rows = undefined;
    if (block === "bullet") {
      list ??= root.appendChild(document.createElement("ul"));
      put(list, "li", text);
    } else if (block === "subbullet" && list?.lastElementChild) {
      const last = list.lastElementChild;
      put(last.querySelector("ul") ?? last.appendChild(document.createElement("ul")), "li", text);
    } else {
      list = undefined;
      put(root, block === "heading" ? "h3" : block === "quote" ? "blockquote" : "p", text);
    }
  };
}

function cells(row, text, kind) {
  const parts = text.replace(MARKS, "").split(/(?<!\\)\|/).map((part) => part.trim().replaceAll("\\|", "|"));
  const shown = parts.slice(1, -1);
  if (shown.at(-1) === "") shown.pop();
  for (const part of shown) row.appendChild(document.createElement(kind)).textContent = part;
}
