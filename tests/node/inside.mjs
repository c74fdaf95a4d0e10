// Runs pytest inside the browser's Python: node inside.mjs REPOSITORY LIBRARIES(JSON: name → path) ARGUMENTS(JSON)
import { readFileSync, statSync } from "node:fs";
import { loadPyodide } from "pyodide";

const [repository, libraries, given] = process.argv.slice(2);
const python = await loadPyodide();
const mount = (root, at) => {
  python.FS.mkdirTree(at);
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, at);
};
mount(repository, "/repository");
python.FS.mkdirTree("/libraries");
for (const [name, path] of Object.entries(JSON.parse(libraries))) {
  if (name.endsWith(".whl")) python.unpackArchive(new Uint8Array(readFileSync(path)), "whl", { extractDir: "/libraries" });
  else if (statSync(path).isDirectory()) mount(path, `/libraries/${name}`);
  else python.FS.writeFile(`/libraries/${name}`, new Uint8Array(readFileSync(path)));
}
python.globals.set("given", given);
process.exitCode = python.runPython(`
import json, os, sys
sys.path[:0] = ["/repository", "/libraries"]
sys.dont_write_bytecode = True
os.chdir("/repository")
import pytest
int(pytest.main(json.loads(given)))
`);
