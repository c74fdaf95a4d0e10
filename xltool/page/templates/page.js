// The page at work: files go to Python in a worker, one at a time; what it says is shown as in report.html.
(() => {
  if (window.xltoolTooOld) { document.getElementById("state").textContent = ""; return; }
  const $ = (id) => document.getElementById(id);
  const h = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const button = (text, does) => {
    const node = h("button", { type: "button", class: "plain" }, text);
    node.addEventListener("click", does);
    return node;
  };
  const say = (text) => { $("state").textContent = text; };

  /* ── Python in its worker ── */
  const waiting = new Map();
  let worker = null, asked = 0, about = null, born = null, progress = () => {};

  function halt() { // whatever it is at
    if (worker) worker.terminate();
    const lost = [...waiting.values()];
    waiting.clear();
    for (const { fail } of lost) fail(new Error("已停止"));
  }

  function bear() { // a new worker; the one before it, if any, is gone with all that it knew
    halt();
    const url = URL.createObjectURL(new Blob([$("worker").textContent], { type: "text/javascript" }));
    worker = new Worker(url);
    worker.onmessage = ({ data }) => {
      if (data.progress) return progress(...data.progress);
      const one = waiting.get(data.id);
      if (!one) return;
      waiting.delete(data.id);
      if (data.fatal !== undefined) return one.fail(Object.assign(new Error("网页里的程序停下了"), { fatal: data.fatal }));
      if (data.error !== undefined) one.fail(new Error(data.error)); else one.done(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      for (const { fail } of waiting.values()) fail(Object.assign(new Error("网页里的程序停下了"), { fatal: event.message || "worker" }));
      waiting.clear();
    };
    const parts = {};
    for (const element of document.querySelectorAll('[id^="part-"]')) parts[element.id.slice(5)] = element.textContent;
    born = request("start", { parts, lock: $("lock").textContent });
    return born;
  }

  function request(name, given, files = []) {
    asked += 1;
    const id = asked;
    return new Promise((done, fail) => {
      waiting.set(id, { done, fail });
      worker.postMessage({ id, name, request: given, files });
    });
  }

  async function ask(name, given = {}, files = []) {
    await born;
    return request(name, given, files);
  }

  /* ── what is on the desk ── */
  // {given, name, file | archive+entry, row, severities, record, keys, seal, before, answers, unsaved, changes}: `given` is the file's
  // own name, `name` another one where files of several units have that.
  const items = [];
  const lastYear = new Map(); // name → {name, file | archive+entry, year}: what this year's filings are compared with
  const trouble = new Map(); // name → why it could not be judged
  const passed = new Map(); // name → why nobody tried
  const report = xltoolReport(
    (number) => {
      const one = JSON.parse(judged()[number].record);
      return [one.balance, one.findings, one.stale, one.projects];
    },
    { unit: (number) => besideUnit(judged()[number]), finding: (number, at) => besideFinding(judged()[number], at) });
  let shown = [];
  const judged = () => shown;
  const from = (item, more = {}) => [{ name: item.name, archive: item.archive, entry: item.entry, ...more }, item.file ? [item.file] : []];

  let later = 0;
  function show(now) {
    clearTimeout(later);
    later = 0;
    const typing = document.activeElement && document.activeElement.tagName === "TEXTAREA";
    if (!now && typing) { later = setTimeout(show, 1000); return; } // nobody's cursor is taken away
    shown = items.filter((item) => item.row);
    const codes = new Map(), severity = {};
    for (const item of shown) {
      for (const code of item.row[10]) codes.set(code, (codes.get(code) || 0) + 1);
      Object.assign(severity, item.severities);
    }
    const meta = { verdicts: about.verdicts, severities: about.severities, details: true, codes: {} };
    for (const [code, number] of [...codes].sort((a, b) => b[1] - a[1])) meta.codes[code] = [about.titles[code] || "", number, severity[code]];
    if (shown.length) report.take(meta, shown.map((item) => item.row));
    else for (const id of ["overview", "list", "single"]) $(id).hidden = true;
    if (!shown.length) $("scope").textContent = "还没有文件";
    $("whole").hidden = !shown.length;
    const list = $("trouble").querySelector("ul");
    const apart = [...trouble, ...passed];
    $("trouble").hidden = !apart.length;
    $("trouble").querySelector("summary").textContent = `${apart.length} 个文件没有审核，不在下面的结果里`;
    list.replaceChildren(...apart.map(([name, reason]) => h("li", {}, `${name}：${reason}`)));
  }
  const soon = () => { if (!later) later = setTimeout(show, 500); };

  /* ── one thing at a time ── */
  let busy = false, stopping = false;
  const line = []; // files that were given meanwhile: nobody has to give them again
  async function work(does, files = false) {
    if (busy) {
      if (files) line.push(does);
      return say(files ? "正在处理，新放进来的随后就做" : "正在处理，请等一等，或按“停止”");
    }
    busy = true;
    stopping = false;
    $("working").hidden = false;
    $("bar").removeAttribute("value");
    let said = "", broken = false;
    try { await does(); } catch (error) {
      said = error.message;
      broken = error.fatal !== undefined;
      say(said);
    }
    if (stopping || broken) {
      say(`${stopping ? "已停止" : said}，正在重新准备…`);
      try { await again(); } catch (error) { said = error.message; }
      const dropped = stopping && line.length ? "，后来放进来的也没有做" : "";
      say(stopping ? `已停止${dropped}` : `${said}，已经重新准备好`);
      if (stopping) line.length = 0;
      show(true);
    }
    busy = false;
    $("working").hidden = true;
    if (line.length) await work(line.shift(), true);
  }

  // After a stop or a breakdown: the new worker gets the keys, archives and former filings that the old one had.
  async function again() {
    await bear();
    for (const file of keys) await ask("take_key", {}, [file]).catch(() => null);
    const opened = new Map();
    for (const item of [...items, ...lastYear.values()]) {
      if (!item.zip) continue;
      if (!opened.has(item.zip)) opened.set(item.zip, (await ask("open_archive", { name: item.zip.name }, [item.zip.file])).said.archive);
      item.archive = opened.get(item.zip);
    }
    for (const item of lastYear.values()) await ask("take_last_year", ...from(item)).catch(() => null);
  }

  function at(done, of) { $("bar").max = of; $("bar").value = done; }
  $("stop").addEventListener("click", () => {
    stopping = true;
    halt();
  });

  /* ── taking in ── */
  const keys = [];
  async function takeIn(files) { // [{name, file}]
    const { said: kinds } = await ask("kinds", { names: files.map((one) => one.name) });
    for (const { name } of files) { // given again: what was said of it before is no longer so
      for (const one of [...passed.keys()]) if (one === name || one.startsWith(`${name}/`)) passed.delete(one);
    }
    const of = (kind) => files.filter((_, number) => kinds[number][0] === kind);
    files.forEach((one, number) => { if (kinds[number][0] === "no") passed.set(one.name, kinds[number][1]); });
    for (const one of of("key")) {
      try {
        const { said } = await ask("take_key", {}, [one.file]);
        keys.push(one.file);
        $("key").textContent = `现用公钥的指纹：${said.key}。`;
      } catch (error) { passed.set(one.name, error.message); }
    }
    const fresh = of("workbook").map((one) => ({ name: one.name, file: one.file }));
    for (const one of of("archive")) fresh.push(...await openArchive(one));
    return fresh.sort(inOrder);
  }

  function inOrder(a, b) { // as the command line walks: the files of a folder, then the folders in it
    const one = a.name.split("/"), other = b.name.split("/");
    let at = 0;
    while (at < one.length - 1 && at < other.length - 1 && one[at] === other[at]) at += 1;
    const last = (at === other.length - 1) - (at === one.length - 1);
    return last || (one[at] < other[at] ? -1 : one[at] > other[at] ? 1 : 0);
  }

  async function openArchive(one) {
    try {
      const { said } = await ask("open_archive", { name: one.name }, [one.file]);
      for (const [name, reason] of said.problems) passed.set(name, reason);
      if (said.parcel) showParcel(said.parcel);
      if (!said.files.length && !passed.has(one.name)) passed.set(one.name, "压缩包里没有工作簿");
      // Kept with its archive: a worker that has to begin anew opens it again.
      return said.files.map((name, entry) => ({ name, archive: said.archive, entry, zip: one }));
    } catch (error) {
      if (error.fatal !== undefined) await again();
      passed.set(one.name, error.message);
      return [];
    }
  }

  function showParcel(parcel) {
    const wrong = parcel.wrong.map(([name, said]) => h("li", {}, `${name}：${said}`));
    $("parcels").append(h("div", { class: "notice" },
      h("p", {}, `${parcel.name}：${parcel.said} —— ${parcel.good ? "为真，完整" : "有问题，不要使用有问题的文件"}`),
      parcel.key ? h("p", { class: "quiet" }, `公钥指纹：${parcel.key}，请与发文单位核对`) : "", h("ul", {}, ...wrong)));
  }

  async function judge(item, answers) {
    trouble.delete(item.name);
    try {
      const { said } = await ask("check", ...from(item, { answers }));
      Object.assign(item, { row: said.row, severities: said.severities, record: said.record, keys: said.keys, seal: said.seal, before: said.last_year });
    } catch (error) {
      if (stopping) throw error;
      item.row = null;
      trouble.set(item.name, error.fatal === undefined ? error.message : "审核这个文件时，网页里的程序停下了；请用装有 xltool 的电脑审核");
      if (error.fatal !== undefined) await again();
    }
  }

  const whose = (item) => (item.row ? JSON.parse(item.record).unit.trim() : "");

  // A file of a name that is here already: the same unit's, corrected perhaps, takes its place with what was typed; another unit's stands beside.
  async function take(item, fresh) {
    item.given = item.name;
    const earlier = items.filter((one) => one.given === item.given);
    await judge(item, {});
    const corrects = (one) => !fresh.includes(one) && (!whose(one) || !whose(item) || whose(one) === whose(item));
    const before = earlier.find(corrects);
    if (!before) {
      if (earlier.length) item.name = numbered(item.given, (name) => items.some((one) => one.name === name));
      items.push(item);
    } else {
      items[items.indexOf(before)] = item;
      item.name = before.name;
      keep(before, item);
    }
    if (item.name !== item.given || item.answers) {
      if (item.name !== item.given) trouble.delete(item.given);
      await judge(item, item.answers || {});
    }
    return Boolean(earlier.length && !before);
  }

  function keep(before, item) { // what was typed; once it is saved, the file's own word is the later one
    if (!before.answers) return;
    const own = item.row && !before.unsaved ? item.keys.filter((_, number) => JSON.parse(item.record).findings[number].explanation) : [];
    item.answers = Object.fromEntries(Object.entries(before.answers).filter(([key]) => !own.includes(key)));
    item.unsaved = before.unsaved;
  }

  function numbered(name, taken) {
    const [, head, ending] = name.match(/^(.*?)(\.[^./]*)?$/);
    for (let number = 2; ; number += 1) {
      const other = `${head}（${number}）${ending || ""}`;
      if (!taken(other)) return other;
    }
  }

  const check = (files) => work(async () => {
    say("正在读取…");
    const known = keys.length, fresh = await takeIn(files);
    const began = Date.now();
    let beside = 0;
    for (const [number, item] of fresh.entries()) {
      if (stopping) break;
      at(number, fresh.length);
      say(fresh.length > 1 ? `正在审核 ${number + 1} / ${fresh.length}：${item.name}` : `正在审核 ${item.name}`);
      beside += await take(item, fresh);
      if (fresh.length > 1) soon();
    }
    at(fresh.length, fresh.length);
    show(true);
    if (stopping) return;
    const keyed = keys.length > known || fresh.some((item) => item.zip); // a parcel has its key with it
    const sealed = items.filter((item) => keyed && item.seal && !fresh.includes(item));
    for (const item of sealed) await judge(item, item.answers || {});
    if (sealed.length) show(true);
    if (fresh.length) {
      const told = beside ? `；${beside} 个与先前的同名而不是同一单位的，两份都留着` : "";
      say(`审核了 ${fresh.length} 个工作簿，用了 ${((Date.now() - began) / 1000).toFixed(1)} 秒${told}`);
    } else if (keys.length > known) say("公钥已放进来，封印重新核对过"); else say("没有可以审核的工作簿");
  }, true);

  const compare = (files) => work(async () => {
    say("正在读取上年的申报…");
    const found = await takeIn(files);
    for (const [number, item] of found.entries()) {
      if (stopping) return;
      at(number, found.length);
      say(`正在读取上年的申报 ${number + 1} / ${found.length}：${item.name}`);
      try {
        const { said } = await ask("take_last_year", ...from(item));
        item.year = said.year;
        lastYear.set(said.name, item);
      } catch (error) {
        if (stopping) throw error;
        passed.set(item.name, error.message);
        if (error.fatal !== undefined) await again();
      }
    }
    showLastYear((await ask("several_last_year")).said);
    for (const [number, item] of items.entries()) { // those that are here already, once more
      if (stopping) return;
      at(number, items.length);
      say(`正在与上年比较 ${number + 1} / ${items.length}：${item.name}`);
      await judge(item, item.answers || {});
    }
    show(true);
    const met = items.filter((item) => item.before).length;
    say(!lastYear.size ? "没有读到上年的申报" : items.length ? `已与上年比较：${met} / ${items.length} 份找到了上年的申报` : "已放进上年的申报，再放今年的就会比较");
  }, true);

  function showLastYear(several = []) {
    const years = [...new Set([...lastYear.values()].map((one) => one.year).filter(Boolean))].sort();
    const of = years.length ? `（${years.join("、")} 年）` : "";
    $("last").textContent = lastYear.size ? `已放进 ${lastYear.size} 份${of}` : "没有放进上年的申报";
    $("several").replaceChildren(...several.map((text) => h("li", {}, text)));
    if (several.length) $("compare").open = true;
  }

  /* ── out of the browser, by the person's own click ── */
  function save(data, name, type = "application/octet-stream") {
    const url = URL.createObjectURL(new Blob([data], { type }));
    const link = h("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    say(`已存：${name}（在浏览器的下载文件夹里）`);
  }
  const stem = (name) => name.slice(name.lastIndexOf("/") + 1).replace(/\.[^.]*$/, "");
  const suffix = (name) => (/\.xlsm$/i.test(name) ? ".xlsm" : ".xlsx");

  /* ── one unit ── */
  function besideUnit(item) {
    const nodes = [];
    if (item.seal) {
      const kind = item.seal.good === null ? "note" : item.seal.good ? "pass" : "error";
      const word = item.seal.good === null ? "未核对" : item.seal.good ? "封印为真" : "封印有问题";
      nodes.push(h("p", { class: "seal" }, h("span", { class: `mark ${kind}` }, word), ` ${item.seal.said}`));
    }
    const official = JSON.parse(item.record).edition && item.row[7] !== "" || item.keys.length;
    if (!official) return nodes;
    if (lastYear.size) {
      nodes.push(h("p", { class: "seal" }, item.before ? `与上年比较：${item.before}` : "没有找到这家上年的申报，没有比较"));
    }
    const line = h("p", { class: "actions noprint" },
      button("存一份带标记和结果表的副本", () => work(() => saveMarked(item))),
      button("指标值规范写法", () => work(() => findChanges(item))));
    if (item.unsaved) line.append(h("span", { class: "unsaved" }, "写了说明，还没有存进副本"));
    nodes.push(line);
    if (item.changes) nodes.push(...changesOf(item));
    return nodes;
  }

  async function saveMarked(item) {
    const written = item.answers;
    const { file } = await ask("marked", ...from(item, { answers: written || {} }));
    save(file, `${stem(item.name)}_审核${suffix(item.name)}`);
    if (!item.unsaved || item.answers !== written) return; // somebody went on typing
    item.unsaved = false;
    await judge(item, item.answers);
    show(true);
  }

  async function findChanges(item) {
    const { said } = await ask("changes", ...from(item));
    item.changes = said;
    show(true);
    say(said.length ? `${said.length} 处可以改成规范写法` : "指标值都是规范写法");
  }

  function changesOf(item) {
    if (!item.changes.length) return [h("p", { class: "quiet" }, "指标值都是规范写法。")];
    const heads = ["位置", "指标", "现在", "规范写法"].map((text) => h("th", { scope: "col" }, text));
    const rows = item.changes.map((cells) => h("tr", {}, ...cells.map((text) => h("td", {}, text))));
    return [h("table", { class: "changes" }, h("caption", { hidden: "" }, "规范写法"), h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows)),
      h("p", { class: "actions noprint" }, button("存一份改成规范写法的副本", () => work(async () => {
        const { file } = await ask("normalised", ...from(item));
        save(file, `${stem(item.name)}_规范写法${suffix(item.name)}`);
      })))];
  }

  function besideFinding(item, number) {
    const one = JSON.parse(item.record).findings[number];
    if (one.severity !== "query" || one.trial) return [];
    const key = item.keys[number], typed = item.answers || {};
    const field = h("textarea", { rows: "1", spellcheck: "false" });
    field.value = key in typed ? typed[key] : one.explanation;
    field.addEventListener("input", () => {
      item.answers = { ...item.answers, [key]: field.value };
      item.unsaved = true;
    });
    return [h("label", { class: "say noprint" }, "说明（不改的，写明理由）", field)];
  }
  addEventListener("beforeunload", (event) => {
    if (items.some((item) => item.unsaved)) { event.preventDefault(); event.returnValue = ""; }
  });

  /* ── all of them ── */
  async function each(does) {
    const all = shown.slice(), wrong = [];
    for (const [number, item] of all.entries()) {
      if (stopping) throw new Error("已停止");
      at(number, all.length);
      say(`正在处理 ${number + 1} / ${all.length}：${item.name}`);
      try { await does(item); } catch (error) {
        if (stopping || error.fatal !== undefined) throw error;
        wrong.push(`${item.name}（${error.message}）`);
      }
    }
    return wrong;
  }
  const left = (wrong) => (wrong.length ? `；${wrong.length} 个不在里面：${wrong.slice(0, 5).join("、")}` : "");

  $("save-marked").addEventListener("click", () => work(async () => {
    const made = [];
    const wrong = await each(async (item) => { 
      const written = item.answers;
      made.push([item, (await ask("marked", ...from(item, { answers: written || {} }))).file, written]);
    });
    if (!made.length) return say("没有申报工作簿");
    const sizes = made.map(([item, file]) => [item.name, file.length]);
    const { file } = await ask("pack", { sizes }, made.map(([, one]) => new Blob([one])));
    save(file, "审核结果.zip", "application/zip");
    say($("state").textContent + left(wrong));
    for (const [item, , written] of made) if (item.unsaved && item.answers === written) { item.unsaved = false; await judge(item, item.answers); }
    show(true);
  }));
  $("save-csv").addEventListener("click", () => work(async () => {
    const lines = [];
    const wrong = await each(async (item) => { lines.push((await ask("indicators", ...from(item, { first: !lines.length }))).file); });
    if (!lines.length) return say("一个指标也没有读到");
    save(new Blob(lines), "绩效指标.csv", "text/csv");
    say($("state").textContent + left(wrong));
  }));
  $("save-json").addEventListener("click", () => work(async () => {
    const { file } = await ask("results", { records: shown.map((item) => item.record), failed: [...trouble] });
    save(file, "report.json", "application/json");
  }));
  $("clear").addEventListener("click", () => {
    if (busy) return say("正在处理，请等一等，或按“停止”");
    if (items.some((item) => item.unsaved) && !confirm("写了的说明还没有存进副本，清空就没有了。清空吗？")) return;
    items.length = 0;
    lastYear.clear();
    ask("forget_last_year");
    showLastYear();
    trouble.clear();
    passed.clear();
    $("parcels").replaceChildren();
    ask("close_archives");
    show(true);
    say("已清空");
  });

  /* ── filling ── */
  const fill = (files) => files.length && work(async () => {
    say("正在填报…");
    progress = (done, of) => { at(done, of); say(`正在填报 ${done} / ${of}`); };
    $("filled").replaceChildren();
    const sizes = files.map((one) => [one.name, one.file.size]);
    const { said, file } = await ask("fill", { sizes, edition: "" }, files.map((one) => one.file));
    progress = () => {};
    const many = said.written.length > 1;
    const name = many ? "填好的表.zip" : said.written[0];
    const told = said.written.length ? `填好 ${said.written.length} 个工作簿` : "没有填出任何工作簿";
    const nodes = [h("p", {}, told + (said.left_out ? `，${said.left_out} 个单位有错误，没有填` : ""))];
    if (file) {
      nodes.push(h("p", { class: "actions" }, button(`存下：${name}`, () => save(file, name)),
        button("审核填好的", () => { room("judge"); check([{ name, file: new File([file], name) }]); })));
    }
    if (said.problems.length) nodes.push(h("ul", { class: "stale" }, ...said.problems.map((text) => h("li", {}, text))));
    $("filled").replaceChildren(...nodes);
    say(told);
  }, true);

  /* ── blank ── */
  const blank = (what) => work(async () => {
    const { said, file } = await ask("blank", { edition: $("edition").value, what });
    save(file, said.name);
  });
  $("blank-workbook").addEventListener("click", () => blank("workbook"));
  $("blank-databook").addEventListener("click", () => blank("databook"));

  /* ── choosing and dropping ── */
  function room(name) {
    for (const node of document.querySelectorAll("[data-room]")) {
      const here = node.dataset.room === name;
      if (here) node.setAttribute("aria-current", "page"); else node.removeAttribute("aria-current");
      $(`room-${node.dataset.room}`).hidden = !here;
    }
  }
  for (const node of document.querySelectorAll("[data-room]")) node.addEventListener("click", () => room(node.dataset.room));

  function chooser(id, input, does) {
    $(id).addEventListener("click", () => $(input).click());
    $(input).addEventListener("change", () => {
      const files = [...$(input).files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
      $(input).value = ""; // the same file may be chosen again
      if (files.length) does(files);
    });
  }
  chooser("pick", "files", check);
  chooser("pick-folder", "folder", check);
  chooser("pick-last", "last-files", compare);
  chooser("pick-last-folder", "last-folder", compare);
  chooser("pick-book", "book", fill);

  // A page opened from its file may read a dropped folder by its handle only; browsers without handles read entries.
  async function walkHandle(handle, name, found) {
    for await (const [inside, one] of handle.entries()) {
      if (one.kind === "directory") await walkHandle(one, `${name}/${inside}`, found);
      else found.push({ name: `${name}/${inside}`, file: await one.getFile() });
    }
  }

  async function walkEntry(entry, name, found) {
    if (entry.isFile) {
      found.push({ name, file: await new Promise((done, fail) => { entry.file(done, fail); }) });
      return;
    }
    const reader = entry.createReader();
    for (;;) { // a reader gives a hundred at a time
      const some = await new Promise((done, fail) => { reader.readEntries(done, fail); });
      if (!some.length) return;
      for (const one of some) await walkEntry(one, `${name}/${one.name}`, found);
    }
  }

  async function dropped(transfer) { // files, and folders with all that lies in them
    const found = [];
    const items = [...transfer.items].filter((item) => item.kind === "file").map((item) => ({ // gone after the first wait
      file: item.getAsFile(),
      entry: item.webkitGetAsEntry && item.webkitGetAsEntry(),
      handle: item.getAsFileSystemHandle ? item.getAsFileSystemHandle().catch(() => null) : null,
    }));
    for (const { file, entry, handle } of items) {
      if (!entry || entry.isFile) {
        if (file) found.push({ name: file.name, file });
        continue;
      }
      const inside = [];
      try {
        const opened = await handle;
        if (opened) await walkHandle(opened, entry.name, inside); else await walkEntry(entry, entry.name, inside);
        found.push(...inside);
      } catch { passed.set(entry.name, "这个文件夹拖进来读不了：请按“选择文件夹”"); }
    }
    return found;
  }
  addEventListener("dragover", (event) => event.preventDefault()); // a file beside the target replaces no page
  addEventListener("drop", (event) => event.preventDefault());
  for (const [id, does] of [["drop", check], ["drop-last", compare], ["drop-book", fill]]) {
    const target = $(id);
    target.addEventListener("dragover", () => target.classList.add("over"));
    target.addEventListener("dragleave", () => target.classList.remove("over"));
    target.addEventListener("drop", async (event) => {
      target.classList.remove("over");
      does(await dropped(event.dataTransfer));
    });
  }

  /* ── begin ── */
  async function begin() {
    try {
      const { said } = await bear();
      about = said;
      for (const [id, title] of about.editions) $("edition").append(h("option", { value: id }, title));
      if (about.key) $("key").textContent = `本页自带的公钥，指纹：${about.key}。`;
      if (!busy) say("准备好了");
      performance.mark("xltool-ready");
      document.documentElement.dataset.ready = "true";
    } catch (error) {
      $("old").hidden = false;
      say("没能准备好");
      document.documentElement.dataset.failed = String(error.fatal || error.message);
    }
  }
  begin();
})();
