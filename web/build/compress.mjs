// Tells the worker what the shell is, packs every file of the pages for browsers that take brotli or gzip, and holds the phone to its
// budget.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const PAGES = fileURLToPath(new URL("../../src/tongdai/api/pages", import.meta.url));
const PACKED = new Set([".js", ".css", ".svg", ".json", ".webmanifest"]);
const MOST_SCRIPT = 260 * 1024;

function brotli(content) {
  return brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
}

// What the worker keeps, by a name that changes with it. Fonts are kept as they are used.
const shell = readdirSync(join(PAGES, "assets"))
  .filter((name) => [".js", ".css"].includes(extname(name)))
  .map((name) => `/assets/${name}`)
  .sort();
const document = readFileSync(join(PAGES, "index.html"));
const version = createHash("sha256").update(shell.join()).update(document).digest("hex").slice(0, 12);
const worker = join(PAGES, "worker.js");
const program = readFileSync(worker, "utf8");
const told = program.replace("%VERSION%", version).replace("[]; // %FILES%", `${JSON.stringify(shell)};`);
if (told.includes("%") || !told.includes(version))
  throw new Error("worker.js has no place for what it keeps");
writeFileSync(worker, told);

for (const name of readdirSync(PAGES, { recursive: true })) {
  const path = join(PAGES, name);
  if (!PACKED.has(extname(path)) || !statSync(path).isFile()) continue;
  const content = readFileSync(path);
  for (const [ending, packed] of [
    [".br", brotli(content)],
    [".gz", gzipSync(content, { level: 9 })],
  ]) {
    if (packed.length < content.length) writeFileSync(path + ending, packed);
  }
}

// What a browser must fetch before somebody can call: the entry, the phone's page, and all that they import.
const manifest = JSON.parse(readFileSync(join(PAGES, ".vite/manifest.json"), "utf8"));
const files = new Set();
function follow(key) {
  const { file, imports = [] } = manifest[key];
  if (files.has(file)) return;
  files.add(file);
  imports.forEach(follow);
}
follow("index.html");
for (const key of Object.keys(manifest)) if (/^src\/phone\/(Page|Host)\.tsx?$/.test(key)) follow(key);
const total = [...files].reduce((sum, file) => sum + brotli(readFileSync(join(PAGES, file))).length, 0);
const size = `${(total / 1024).toFixed(0)} KiB of script (brotli) until the phone works; ${MOST_SCRIPT / 1024} are allowed`;
if (total > MOST_SCRIPT) throw new Error(size);
console.log(`    ${size}`);
