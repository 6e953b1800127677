"""What is written on our pages, in each of their languages, out of the pages' own sources."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

WEB = Path(__file__).parents[3] / "web"

_READ = """
const fs = require("fs"), path = require("path"), ts = require("./node_modules/typescript");
const words = {};
const addWords = (name, both) => { words[name] = both; };
const loaded = {};
const load = (name) => {
  if (name === "@/shell/i18n") return { addWords };
  if (loaded[name]) return loaded[name];
  const exports = (loaded[name] = {});
  const source = fs.readFileSync(name.replace("@", "src") + ".ts", "utf8");
  const compilerOptions = { module: "CommonJS", target: "ES2022" };
  const { outputText } = ts.transpileModule(source, { compilerOptions });
  new Function("require", "exports", outputText)(load, exports);
  return exports;
};
for (const folder of fs.readdirSync("src"))
  if (fs.existsSync(path.join("src", folder, "words.ts"))) load(`@/${folder}/words`);
words.shell = load("@/shell/words");
console.log(JSON.stringify(words));
"""


@functools.cache
def _words() -> dict[str, Any]:
    done = subprocess.run(
        ["node", "-e", _READ], cwd=WEB, capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Words:
    """In one language, by the keys that the pages use: `phone:state.held`."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **named: str) -> str:
        namespace, _, rest = key.partition(":")
        found: Any = _words()[namespace][self.language]
        for part in rest.split("."):
            found = found[part]
        assert isinstance(found, str), key
        return re.sub(r"\{\{(\w+)\}\}", lambda gap: named[gap[1]], found)
