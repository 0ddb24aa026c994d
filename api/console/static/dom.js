// Small helpers that every page shares. HTML comes from this server's own templates only.

const policy = window.trustedTypes
  ? window.trustedTypes.createPolicy("tower", { createHTML: (text) => text })
  : { createHTML: (text) => text };

// A piece of a page as nodes.
export function nodes(html) {
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(html);
  return template.content;
}

// A piece of a page from this server; throws with what to tell the reader.
export async function piece(href, options = {}) {
  const address = new URL(href, location.href);
  address.searchParams.set("part", "1");
  let reply;
  try {
    reply = await fetch(address, { credentials: "same-origin", ...options });
  } catch {
    throw new Error("The server does not answer. Try again in a moment.");
  }
  const text = await reply.text();
  if (reply.status === 401) throw new Error("Your sign-in has ended. Sign in again in another tab, then go on here.");
  return { ok: reply.ok, content: nodes(text) };
}

// A box that tells what went wrong.
export function problem(message) {
  const box = document.createElement("div");
  box.className = "note bad";
  box.setAttribute("role", "alert");
  box.textContent = message;
  return box;
}

export function later(wait, act) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), wait);
  };
}
