// report.html: its records stand in it, those of a unit in parts that are taken apart when one is opened.
(() => {
  const element = (id) => document.getElementById(id);
  const read = (id) => JSON.parse(element(id).textContent);
  const meta = read("meta"), parts = new Map();
  const report = xltoolReport((number) => {
    const part = Math.floor(number / meta.part);
    if (!parts.has(part)) {
      const found = element(`part-${part}`);
      const whole = found && (found.nextElementSibling || document.readyState !== "loading");
      if (!whole) return null; // the page is still being loaded
      if (meta.deflated) {
        parts.set(part, null);
        const keep = (rows) => { parts.set(part, rows); report.again(); };
        inflated(found.textContent).then(keep, () => keep([])); // a browser that can't
      } else parts.set(part, JSON.parse(found.textContent));
    }
    return parts.get(part) && parts.get(part)[number % meta.part];
  });
  function inflated(text) {
    return new Promise((done, failed) => {
      const bytes = Uint8Array.from(atob(text.trim()), (sign) => sign.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      new Response(stream).json().then(done, failed);
    });
  }
  report.take(meta, read("index"));
  document.addEventListener("DOMContentLoaded", report.again);
  // Written again with every save: whoever comes back to the page sees the newest.
  if (meta.live) document.addEventListener("visibilitychange", () => { if (!document.hidden) location.reload(); });
  performance.mark("xltool-ready");
  document.documentElement.dataset.ready = "true";
})();
