// In a frame a sign-in service would not show itself: it gets a tab of its own, and the frame looks again after.
const start = document.querySelector("[data-start]");
if (start && window.top !== window.self) {
  start.target = "_blank";
  start.rel = "noopener";
  addEventListener("focus", () => location.replace(start.dataset.then));
}
