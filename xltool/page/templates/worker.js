"use strict";
// Python, in a thread of its own. It gets its parts from the page, and has nowhere else to get anything.
const BASE = "file:///python/"; // made up: what the runtime asks for below it is answered from the parts
const say = (message, moved = []) => postMessage(message, moved);
let door = null;

async function unpacked(text) {
  const packed = atob(text), bytes = new Uint8Array(packed.length);
  for (let at = 0; at < packed.length; at += 1) bytes[at] = packed.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const script = (text) => import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
const TYPES = { "pyodide.asm.wasm": "application/wasm", "python_stdlib.zip": "application/zip" };

async function start({ parts, lock }) {
  const names = Object.keys(parts);
  const opened = await Promise.all(names.map((name) => unpacked(parts[name])));
  const part = Object.fromEntries(names.map((name, at) => [name, opened[at]]));
  const text = (name) => new TextDecoder().decode(part[name]);
  const files = { "pyodide.asm.wasm": part.wasm, "python_stdlib.zip": part.stdlib };
  self.fetch = async (url) => {
    const name = String(url).startsWith(BASE) ? String(url).slice(BASE.length) : "";
    if (!(name in files)) throw new TypeError("nothing is fetched here");
    const data = files[name];
    delete files[name];
    return new Response(data, { headers: { "Content-Type": TYPES[name] } });
  };
  // The runtime wants no classic worker, and finds out by trying this; a module worker can't be had here.
  self.importScripts = () => { throw new TypeError("nothing is imported here"); };
  const { loadPyodide } = await script(text("loader"));
  const machine = text("machine").split("import.meta.url").join(JSON.stringify(BASE));
  const { default: createPyodideModule } = await script(machine);
  const python = await loadPyodide({
    indexURL: BASE, createPyodideModule, lockFileContents: lock, stdout: () => {}, stderr: () => {},
  });
  const site = python.runPython("import site; site.getsitepackages()[0]");
  python.unpackArchive(part.packages, "zip", { extractDir: site });
  python.FS.mkdirTree("/given");
  python.unpackArchive(part.given, "zip", { extractDir: "/given" });
  const { Door } = python.pyimport("xltool.page.inside");
  door = Door("/given", (done, of) => say({ progress: [done, of] }));
  const about = ask("about", {}, null);
  ask("warm", {}, null);
  return about;
}

function ask(name, request, data) {
  const answer = door.ask(name, JSON.stringify(request), data);
  try {
    const [text, file] = answer.toJs();
    return { ...JSON.parse(text), file };
  } finally { answer.destroy(); }
}

async function bytes(files) { // of one file or of several, one behind the other
  if (files.length === 1) return new Uint8Array(await files[0].arrayBuffer());
  const all = await new Blob(files).arrayBuffer();
  return new Uint8Array(all);
}

let turn = Promise.resolve(); // one after the other, in the order in which they came
onmessage = ({ data: { id, name, request, files } }) => {
  turn = turn.then(async () => {
    try {
      if (name === "start") return say({ id, ...await start(request) });
      let data = null;
      try { data = files && files.length ? await bytes(files) : null; } catch {
        return say({ id, error: "文件读不了：可能已被移走、改名，或正被别的程序独占" });
      }
      const answer = ask(name, request, data);
      say({ id, ...answer }, answer.file ? [answer.file.buffer] : []);
    } catch (error) { say({ id, fatal: String(error && error.message || error) }); }
  });
};
