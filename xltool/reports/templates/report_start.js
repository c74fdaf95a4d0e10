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
      parts.set(part, JSON.parse(found.textContent));
    }
    return parts.get(part)[number % meta.part];
  });
  report.take(meta, read("index"));
  document.addEventListener("DOMContentLoaded", report.again);
  // Written again with every save: whoever comes back to the page sees the newest.
  if (meta.live) document.addEventListener("visibilitychange", () => { if (!document.hidden) location.reload(); });
  performance.mark("xltool-ready");
  document.documentElement.dataset.ready = "true";
})();
