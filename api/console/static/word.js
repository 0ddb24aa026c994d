// A word on an answer, given without leaving the page.
import { piece, problem } from "./dom.js";

export function words(root) {
  root.addEventListener("submit", async (event) => {
    const place = event.target.closest("[data-word]");
    if (!place) return;
    event.preventDefault();
    if (place.hasAttribute("aria-busy")) return;
    const given = new FormData(event.target, event.submitter);
    place.setAttribute("aria-busy", "true");
    place.querySelector(".note")?.remove();
    try {
      const { content } = await piece(event.target.getAttribute("action"), { method: "POST", body: new URLSearchParams(given) });
      const next = content.querySelector("[data-word]");
      if (!next) {
        place.append(content);
        return;
      }
      place.replaceWith(next);
      next.tabIndex = -1;
      (next.querySelector("textarea") ?? next).focus({ preventScroll: true });
      next.scrollIntoView({ block: "nearest" });
    } catch (error) {
      place.append(problem(error.message));
    } finally {
      place.removeAttribute("aria-busy");
    }
  });
}
