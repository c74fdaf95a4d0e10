"use strict";
// The results of a run, shown. Everything that came out of a filing goes in as text, never as markup.
// `detailsOf(number)` gives a unit's [balance, findings, stale, projects], null while they are still to come,
// undefined where this browser can't read them.
// A page that can do more than show adds its own: `more.unit(number)` and `more.finding(number, at)` give nodes.
const xltoolReport = (detailsOf, more = {}) => {
  const $ = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";

  function h(tag, attributes, ...children) {
    const node = tag === "svg" || tag === "rect" || tag === "line"
      ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== ""));
    return node;
  }

  const COUNTED = ["错误", "核实", "提示", "已说明", "试行"]; // as a unit's counts stand in the index
  const MARKS = { "平衡": "pass", "经非税项目调节后平衡": "query", "不平衡": "error", "无法判断": "note" };
  let meta, VERDICTS, units = [], oneMoney = "", balances = [];

  // The rows of the index: all that the list shows.
  function take(about, rows) {
    meta = about;
    VERDICTS = Object.keys(meta.verdicts);
    units = rows.map((row, number) => {
      const [name, code, file, href, year, verdict, counts, balance, total, money, codes] = row;
      const text = [name, code, file, codes.join(" ")].join("\n").toLowerCase();
      return { number, name, code, file, href, year, verdict, counts, balance, total, money, codes, text };
    });
    const moneys = new Set(units.map((unit) => unit.money).filter(Boolean));
    oneMoney = moneys.size === 1 ? `（${[...moneys][0]}）` : "";
    balances = ["不平衡", "无法判断", "经非税项目调节后平衡", "平衡", ""].filter((word) => units.some((u) => u.balance === word));
    const alone = units.length === 1;
    $("overview").hidden = $("list").hidden = alone;
    $("single").hidden = !alone;
    if (alone) single(units[0]);
    else overview();
  }

  /* ── figures ── */
  const grouped = (whole) => whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  function money(amount) { // an exact decimal as text: never through a float
    if (amount === null || amount === undefined) return "—";
    const [whole, places = ""] = String(amount).split(".");
    return grouped(whole) + "." + places.padEnd(2, "0");
  }
  const MONEY = { "元": 1, "万元": 1e4, "亿元": 1e8 };
  const amount = (unit) => money(unit.total) + (oneMoney || !unit.money ? "" : ` ${unit.money}`);
  const worth = (unit) => Number(unit.total) * (MONEY[unit.money] || 0); // only to sort by
  const count = (number) => grouped(String(number));
  const mark = (kind, word) => h("span", { class: `mark ${kind}` }, word);

  function details(unit) {
    const found = detailsOf(unit.number);
    if (found === null) return null;
    if (found === undefined) return { old: true };
    const [balance, findings, stale, projects] = found;
    return { balance, findings, stale, projects };
  }

  /* ── the balance, term by term: each bar begins where the one before it ended ── */
  function bar(from, to, low, high, kind) {
    const span = high - low || 1;
    const at = (value) => 100 * (value - low) / span;
    const left = Math.min(at(from), at(to));
    const width = Math.max(Math.abs(at(to) - at(from)), from === to ? 0 : 0.8);
    return h("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
      h("line", { class: "axis", x1: at(0), x2: at(0), y1: 0, y2: 10 }),
      h("rect", { class: `fill-${kind}`, x: Math.min(left, 100 - width), width, y: 1, height: 8 }));
  }

  function side(name, data, balance) {
    if (!data) return "";
    const counted = data.terms.filter((term) => !term.adjust || data.adjusted);
    const steps = [0];
    for (const term of counted) steps.push(steps[steps.length - 1] + Number(term.amount || 0));
    const total = Number(data.total.amount || 0);
    const low = Math.min(0, total, ...steps), high = Math.max(0, total, ...steps);
    const row = (kind, sign, label, amount, picture, cell) => h("tr", { class: kind },
      h("th", { scope: "row" }, h("span", { class: "sign", "aria-hidden": "true" }, sign), label),
      h("td", { class: "number", title: cell || null }, money(amount)), h("td", {}, picture || ""));
    const rows = [row("total", "", data.total.label, data.total.amount, bar(0, total, low, high, "total"), data.total.cell)];
    let step = 0;
    for (const term of data.terms) {
      const used = counted.includes(term);
      if (!used && term.amount === null) continue;
      const label = term.label + (term.adjust ? (used ? "（调节项）" : "（未计入）") : "");
      const picture = used && term.amount !== null
        ? bar(steps[step], steps[step + 1], low, high, term.adjust ? "adjust" : "bar") : null;
      rows.push(row("term", used ? (step ? "＋" : "") : "", label, term.amount, picture, term.cell));
      if (used) step += 1;
    }
    const sum = steps[steps.length - 1];
    rows.push(row("sum", "＝", "合计", data.sum, bar(0, sum, low, high, "total")));
    if (data.residual !== null && !data.closes) {
      rows.push(row("residual", "", "差额", data.residual, bar(sum, total, low, high, "gap")));
    }
    const [kind, word] = data.residual === null ? ["note", "无法判断"] : !data.closes
      ? ["error", `差 ${money(data.residual)}`] : data.adjusted ? ["query", "经非税项目调节后平衡"] : ["pass", "平衡"];
    const equation = balance.lines.find((line) => line.startsWith(`${name}：`)) || "";
    return h("section", { class: "side" },
      h("h4", {}, h("span", {}, `${name}（${balance.unit}）`), mark(kind, word)),
      h("table", { class: "terms" },
        h("caption", { hidden: true }, name), h("tbody", {}, ...rows)),
      h("p", { class: "equation" }, equation.slice(name.length + 1)),
      data.causes.length ? h("ul", { class: "causes" }, ...data.causes.map((cause) => h("li", {}, cause))) : "");
  }

  /* ── findings ── */
  function finding(one, own) {
    const title = (meta.codes[one.code] || [""])[0];
    const place = [one.sheet, one.cell].filter(Boolean).join(" › ");
    const value = (word, text) => text === "" ? "" : h("div", {}, h("dt", {}, word), h("dd", {}, text));
    const tag = one.severity === "query" && one.explanation ? "已说明" : "";
    return h("li", { class: "finding" },
      h("div", { class: "tag" },
        mark(one.trial ? "note" : one.severity, meta.severities[one.severity] + (one.trial ? "·试行" : "")), " ",
        h("span", { class: "side-note", title: title || null }, one.code),
        tag ? h("div", { class: "side-note" }, tag) : ""),
      h("div", {},
        h("p", { class: "where" }, [place, title, one.review].filter(Boolean).join("　")),
        h("p", { class: "what" }, one.message),
        one.found || one.expected
          ? h("dl", { class: "values" }, value("填报值", one.found), value("对照值", one.expected)) : "",
        one.explanation ? h("p", { class: "answer" }, `单位说明：${one.explanation}`) : "", ...own));
  }

  function byPlace(findings) { // as they come, but all of one cell together
    const places = new Map();
    for (const one of findings) {
      const place = `${one.sheet}!${one.cell}`;
      if (!places.has(place)) places.set(place, []);
      places.get(place).push(one);
    }
    return [...places.values()].flat();
  }

  function body(unit) {
    if (!meta.details) return [h("p", { class: "quiet" }, "单位太多，明细不在这一页里：见同一文件夹的 findings.csv。")];
    const data = details(unit);
    if (!data) return [h("p", { class: "quiet" }, "正在读取…")];
    if (data.old) return [h("p", { class: "quiet" }, "这个浏览器太旧，打不开明细：请换新一些的浏览器，或看同一文件夹的 findings.csv。")];
    const nodes = more.unit ? more.unit(unit.number) : [];
    const own = (one) => more.finding ? more.finding(unit.number, data.findings.indexOf(one)) : [];
    if (data.balance) {
      nodes.push(h("h3", { class: "block" }, h("span", {}, "收支平衡"), mark(MARKS[data.balance.verdict] || "note", data.balance.verdict)),
        h("div", { class: "sides" }, side("收入侧", data.balance.revenue, data.balance),
          side("支出侧", data.balance.spending, data.balance)));
    }
    if (data.findings.length) {
      const said = COUNTED.map((word, place) => unit.counts[place] ? `${word} ${unit.counts[place]}` : "")
        .filter(Boolean).join("，");
      nodes.push(h("h3", {}, `问题（${said}）`), h("ol", { class: "findings" }, ...byPlace(data.findings).map((one) => finding(one, own(one)))));
    } else nodes.push(h("h3", {}, "没有发现问题"));
    if (data.stale.length) {
      nodes.push(h("h3", {}, "问题已不在的说明"),
        h("ul", { class: "stale" }, ...data.stale.map((one) => h("li", {}, `${one.explanation}（${one.finding}）`))));
    }
    if (data.projects.length) {
      nodes.push(h("h3", {}, `项目表 ${data.projects.length} 张`),
        h("ul", { class: "projects" }, ...data.projects.map((project) =>
          h("li", {}, h("span", {}, project.name || project.sheet), h("span", { class: "number" }, money(project.budget))))));
    }
    return nodes;
  }

  function about(unit) {
    return h("p", { class: "about" },
      unit.code ? h("span", {}, `编码 ${unit.code}`) : "", unit.year ? h("span", {}, `${unit.year} 年度`) : "",
      unit.href ? h("a", { href: unit.href }, unit.file) : h("span", {}, unit.file));
  }

  /* ── the list ── */
  const collator = new Intl.Collator("zh-CN", { numeric: true });
  const verdictRank = (unit) => VERDICTS.indexOf(unit.verdict);
  const COLUMNS = [
    { id: "name", label: "单位", compare: (a, b) => collator.compare(a.name, b.name) },
    { id: "verdict", label: "结论", compare: (a, b) => verdictRank(a) - verdictRank(b) },
    { id: "error", label: "错误", number: true, down: true, compare: (a, b) => a.counts[0] - b.counts[0] },
    { id: "query", label: "核实", number: true, down: true, compare: (a, b) => a.counts[1] - b.counts[1] },
    { id: "note", label: "提示", number: true, down: true, class: "middle", compare: (a, b) => a.counts[2] - b.counts[2] },
    { id: "explained", label: "已说明", number: true, down: true, class: "wide", compare: (a, b) => a.counts[3] - b.counts[3] },
    { id: "balance", label: "收支平衡", class: "middle", compare: (a, b) => balances.indexOf(a.balance) - balances.indexOf(b.balance) },
    { id: "total", get label() { return `资金总额${oneMoney}`; }, number: true, down: true, class: "middle", compare: (a, b) => worth(a) - worth(b) },
    { id: "file", label: "文件", class: "wide file", compare: (a, b) => collator.compare(a.file, b.file) },
  ];
  const PAGE = 50, PRINTED = 1000;
  const view = { verdict: "", balance: "", code: "", text: "", sort: "verdict", up: true, page: 0, rows: [], open: new Set(), all: false };

  function choose() {
    const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = units.filter((unit) => (!view.verdict || unit.verdict === view.verdict)
      && (!view.balance || unit.balance === view.balance) && (!view.code || unit.codes.includes(view.code))
      && words.every((word) => unit.text.includes(word)));
    const { compare } = COLUMNS.find((column) => column.id === view.sort);
    const turn = view.up ? 1 : -1;
    rows.sort((a, b) => turn * compare(a, b) || b.counts[0] - a.counts[0] || b.counts[1] - a.counts[1] || a.number - b.number);
    view.rows = rows;
    view.page = 0;
    show();
  }

  function tally(number) { return h("td", { class: number ? "number" : "number zero" }, count(number)); }

  function unitRows(unit) {
    const opened = view.open.has(unit.number), id = `detail-${unit.number}`;
    const cell = (column, node) => { if (column) node.classList.add(column); return node; };
    const row = h("tr", { class: opened ? "unit opened" : "unit", "data-unit": unit.number },
      h("th", { scope: "row" }, h("button", {
        type: "button", class: "open", "aria-expanded": String(opened), "aria-controls": opened ? id : null,
      }, unit.name)),
      h("td", {}, mark(unit.verdict, meta.verdicts[unit.verdict])),
      tally(unit.counts[0]), tally(unit.counts[1]), cell("middle", tally(unit.counts[2])), cell("wide", tally(unit.counts[3])),
      h("td", { class: "middle" }, unit.balance ? mark(MARKS[unit.balance] || "note", unit.balance) : "—"),
      h("td", { class: "number middle" }, amount(unit)),
      h("td", { class: "file wide" }, unit.href ? h("a", { href: unit.href }, unit.file) : unit.file));
    if (!opened) return [row];
    const bar = about(unit);
    bar.append(h("button", { type: "button", class: "plain noprint", "data-print": unit.number }, "打印本单位"));
    return [row, h("tr", { class: "detail", id, "data-unit": unit.number }, h("td", { colspan: COLUMNS.length }, bar, ...body(unit)))];
  }

  function head() {
    return h("thead", {}, h("tr", {}, ...COLUMNS.map((column) => h("th", {
      scope: "col", class: [column.number ? "number" : "", column.class || ""].join(" ").trim() || null,
      "aria-sort": view.sort === column.id ? (view.up ? "ascending" : "descending") : null,
    // On paper plain text: browsers don't repeat a head that holds buttons on every page.
    }, view.all ? column.label : h("button", { type: "button", class: "sort", "data-sort": column.id }, column.label)))));
  }

  function show() {
    const pages = Math.max(1, Math.ceil(view.rows.length / PAGE));
    const rows = view.all ? view.rows : view.rows.slice(view.page * PAGE, (view.page + 1) * PAGE);
    const active = document.activeElement, focused = active && active.dataset.sort;
    const unit = active && active.classList.contains("open") && active.closest("tr.unit");
    $("table").replaceChildren(rows.length
      ? h("table", { class: "units" }, h("caption", { hidden: true }, "各单位审核结果"), head(), h("tbody", {}, ...rows.flatMap(unitRows)))
      : h("p", { class: "none" }, "没有符合条件的单位"));
    const place = focused ? `[data-sort="${focused}"]` : unit ? `tr.unit[data-unit="${unit.dataset.unit}"] .open` : "";
    if (place) { const again = document.querySelector(place); if (again) again.focus(); }
    $("status").textContent = view.rows.length === units.length
      ? `共 ${count(units.length)} 家` : `共 ${count(units.length)} 家，符合条件 ${count(view.rows.length)} 家`;
    const turn = (to, word) => h("button", { type: "button", class: "plain", "data-page": to, disabled: to < 0 || to >= pages }, word);
    $("pages").replaceChildren(...(pages > 1 ? [turn(view.page - 1, "上一页"),
      h("span", {}, `第 ${view.page + 1} / ${pages} 页`), turn(view.page + 1, "下一页")] : []));
    for (const button of document.querySelectorAll("[data-verdict]")) button.setAttribute("aria-pressed", String(button.dataset.verdict === view.verdict));
    for (const button of document.querySelectorAll("[data-code]")) button.setAttribute("aria-pressed", String(button.dataset.code === view.code));
  }

  function toggle(number) {
    const unit = units[number];
    if (view.open.has(number)) view.open.delete(number); else view.open.add(number);
    const row = document.querySelector(`tr.unit[data-unit="${number}"]`);
    if (row.nextElementSibling && row.nextElementSibling.classList.contains("detail")) row.nextElementSibling.remove();
    const fresh = unitRows(unit);
    row.replaceWith(...fresh);
    fresh[0].querySelector(".open").focus();
  }

  /* ── what people do ── */
  function listen() {
    document.addEventListener("click", (event) => {
      const hit = (selector) => event.target.closest(selector);
      const button = hit("button");
      if (button && button.dataset.verdict) { view.verdict = view.verdict === button.dataset.verdict ? "" : button.dataset.verdict; return choose(); }
      if (button && button.dataset.code) { view.code = view.code === button.dataset.code ? "" : button.dataset.code; $("code").value = view.code; return choose(); }
      if (button && button.dataset.sort) {
        const column = COLUMNS.find((one) => one.id === button.dataset.sort);
        view.up = view.sort === column.id ? !view.up : !column.down;
        view.sort = column.id;
        return choose();
      }
      if (button && button.dataset.page) { view.page = Number(button.dataset.page); show(); return $("list").scrollIntoView(); }
      if (button && button.dataset.print) return printOne(Number(button.dataset.print));
      const row = hit("tr.unit");
      if (row && !hit("a") && !String(getSelection())) return toggle(Number(row.dataset.unit));
    });
    let wait = 0;
    $("search").addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(() => { view.text = $("search").value; choose(); }, 80); });
    $("balance").addEventListener("change", () => { view.balance = $("balance").value; choose(); });
    $("code").addEventListener("change", () => { view.code = $("code").value; choose(); });
    $("filters").addEventListener("submit", (event) => event.preventDefault());
    $("filters").addEventListener("reset", () => { Object.assign(view, { verdict: "", balance: "", code: "", text: "" }); setTimeout(choose); });
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); $("search").focus(); }
      if (!document.activeElement.classList.contains("open")) return;
      const buttons = [...document.querySelectorAll(".open")], at = buttons.indexOf(document.activeElement);
      const next = event.key === "ArrowDown" ? buttons[at + 1] : event.key === "ArrowUp" ? buttons[at - 1] : null;
      if (next) { event.preventDefault(); next.focus(); }
      if (event.key === "Escape" && buttons[at].getAttribute("aria-expanded") === "true") buttons[at].click();
    });
    // On paper the list is whole, not one page of the screen; but nobody wants hundreds of sheets by mistake.
    addEventListener("beforeprint", () => {
      if (document.body.classList.contains("one-unit")) return;
      view.all = view.rows.length <= PRINTED;
      show();
      if (!view.all) $("status").textContent += `；一次最多打印 ${count(PRINTED)} 家，这里只有第 ${view.page + 1} 页：请先筛选，或打印 report.xlsx`;
    });
    addEventListener("afterprint", () => { document.body.classList.remove("one-unit"); view.all = false; show(); });
  }

  function printOne(number) {
    for (const row of document.querySelectorAll("[data-unit]")) row.classList.toggle("chosen", Number(row.dataset.unit) === number);
    document.body.classList.add("one-unit");
    print();
  }

  /* ── light and dark ── */
  function theme() {
    const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
    const say = () => { $("theme").textContent = isDark() ? "浅色" : "深色"; };
    try { const kept = localStorage.getItem("xltool-theme"); if (kept) root.dataset.theme = kept; } catch { /* barred: follow the system */ }
    $("theme").addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem("xltool-theme", root.dataset.theme); } catch { /* not kept */ }
      say();
    });
    dark.addEventListener("change", say);
    say();
  }

  const options = (select, kept, choices) => {
    select.replaceChildren(select.options[0], ...choices.map(([value, text]) => h("option", { value }, text)));
    select.value = kept;
    if (select.value !== kept) select.value = ""; // what was chosen is there no more
    return select.value;
  };

  function overview() {
    $("scope").textContent = `共 ${count(units.length)} 个文件`;
    const svg = h("svg", { class: "share", viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" });
    let x = 0;
    for (const verdict of VERDICTS) {
      const number = units.filter((unit) => unit.verdict === verdict).length;
      document.querySelector(`[data-verdict="${verdict}"] strong`).textContent = count(number);
      const width = 100 * number / (units.length || 1);
      svg.append(h("rect", { class: `fill-${verdict}`, x, width, y: 0, height: 1 }));
      x += width;
    }
    $("share").replaceChildren(svg);
    const codes = Object.entries(meta.codes), most = codes.filter(([, [, , severity]]) => severity !== "note").slice(0, 6);
    $("common").replaceChildren(...(codes.length ? [h("h2", {}, "出现最多的错误和核实"), h("ul", { class: "chips" }, ...most.map(([code, [title, number]]) =>
      h("li", {}, h("button", { type: "button", class: "chip", "data-code": code, "aria-pressed": "false" }, `${code} ${title} `, h("b", {}, count(number)), " 家"))))] : []));
    view.balance = options($("balance"), view.balance, balances.filter(Boolean).map((word) => [word, word]));
    view.code = options($("code"), view.code, codes.sort().map(([code, [title, number]]) => [code, `${code} ${title}（${count(number)}）`]));
    const page = view.page;
    choose();
    if (page && page * PAGE < view.rows.length) { view.page = page; show(); }
  }

  function single(unit) {
    $("scope").textContent = "一个文件";
    $("single").replaceChildren(
      h("h2", {}, unit.name, mark(unit.verdict, meta.verdicts[unit.verdict])), about(unit), ...body(unit));
  }

  theme();
  listen();
  $("print").addEventListener("click", () => print());
  return { take, again: () => { if (units.length === 1) single(units[0]); else if (view.open.size) show(); } };
};
