// Server-sent events of a POST: EventSource can only GET.
export async function* events(address, body) {
  const reply = await fetch(address, {
    method: "POST",
    credentials: "same-origin",
    headers: { Accept: "text/event-stream", "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!reply.ok) {
    const told = await reply.json().catch(() => ({}));
    yield ["error", { code: told.code, message: told.detail ?? "the question was not taken", hint: told.hint ?? "" }];
    return;
  }
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    held += value ?? "";
    const blocks = held.split("\n\n");
    held = done ? "" : blocks.pop();
    for (const block of blocks) {
      const name = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (name && data) yield [name, JSON.parse(data)];
    }
    if (done) return;
  }
}
