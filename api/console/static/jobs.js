// Progress of the jobs that run; the page is read again when one has ended.
for (const card of document.querySelectorAll("[data-job]")) {
  const bar = card.querySelector("[data-bar]");
  const step = card.querySelector("[data-step]");
  const source = new EventSource(`/v1/admin/jobs/${encodeURIComponent(card.dataset.job)}/events`);
  source.addEventListener("progress", (event) => {
    const { what, done, total, rate, left_s: left } = JSON.parse(event.data);
    if (total) bar.value = (100 * done) / total;
    else bar.removeAttribute("value");
    const parts = [what, total ? `${done.toLocaleString("en")} of ${total.toLocaleString("en")}` : done ? done.toLocaleString("en") : ""];
    if (rate) parts.push(`${rate.toLocaleString("en")} a second`);
    if (left) parts.push(`about ${Math.ceil(left)} s left`);
    step.textContent = parts.filter(Boolean).join(" · ");
  });
  const end = () => {
    source.close();
    location.reload();
  };
  source.addEventListener("done", end);
  source.addEventListener("error", (event) => event.data && end());  // without data it only reconnects
}
