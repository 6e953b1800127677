import i18next from "i18next";
import { describe, expect, it } from "vitest";
import { actionWords, changesOf, type Entry, targetName } from "@/audit/entry";
import { startSpeaking } from "@/shell/i18n";

startSpeaking();
await import("@/audit/words");
const t = i18next.getFixedT("en", "audit");
const exists = (key: string) => i18next.exists(key);
const entry = (changes: Partial<Entry>): Entry => ({
  id: "audit_1",
  at: "2026-11-26T09:00:00Z",
  actor: "person_1",
  actor_name: "Anna Pham",
  address: "127.0.0.1",
  action: "person.change",
  target: "person_2",
  target_name: "",
  changes: {},
  ...changes,
});

const sources = import.meta.glob<string>("../../../src/tongdai/{api,app}/**/*.py", {
  query: "?raw",
  import: "default",
  eager: true,
});
/** What the server writes into the log. */
const written = Object.values(sources).flatMap((source) =>
  [...source.matchAll(/(?:\bactor, |_note\(scope, ctx, |\.change\()"([a-z]+\.[a-z_]+)"/g)].map(
    (found) => found[1] ?? "",
  ),
);

describe("the words of changes", () => {
  it("are there for every action that the server writes", () => {
    expect(written.length).toBeGreaterThan(40);
    for (const action of [...written, "session.end", "token.end"])
      expect(actionWords(action, t, exists), action).not.toBe(action);
    expect(actionWords("person.change", t, exists)).toBe("Changed person");
    expect(actionWords("device.password", t, exists)).toBe("New password for a telephone");
  });

  it("show an action without words as it is called", () => {
    expect(actionWords("robot.oiled", t, exists)).toBe("robot.oiled");
  });

  it("name what is gone by the name that it had, and nothing by its id", () => {
    const gone = { name: { from: "Hoa Le", to: null } };
    expect(targetName(entry({ action: "person.delete", changes: gone }))).toBe("Hoa Le");
    expect(targetName(entry({ target: "person_01kayxj3d7fxp" }))).toBe("");
    expect(targetName(entry({ target: "+842871234500" }))).toBe("+842871234500");
  });

  it("tell what was and what is", () => {
    const told = changesOf(
      entry({
        changes: {
          extension: { from: "101", to: "107" },
          leads_to: {
            from: { kind: "menu", id: "x", name: "Main menu" },
            to: { kind: "room", id: "y", name: "Board" },
          },
          keys: {
            from: [],
            to: [{ key: "1", label: null, to: { kind: "department", id: "z", name: "Sales" } }],
          },
          id: { from: null, to: "person_2" },
        },
      }),
      t,
    );
    expect(told).toEqual([
      { field: "extension", from: "101", to: "107" },
      { field: "leads_to", from: "Main menu", to: "Board" },
      { field: "keys", from: "", to: "1 Sales" },
    ]);
  });

  it("tell each setting of a carrier in plain words, and only what has changed", () => {
    const settings = {
      from: { username: "", register: false, channels: 0, caller: "own", codecs: [] },
      to: { username: "", register: true, channels: 30, caller: "fixed", codecs: [] },
    };
    const told = changesOf(entry({ action: "trunk.change", changes: { settings } }), t);
    expect(told).toEqual([
      { field: "register", from: "no", to: "yes" },
      { field: "channels", from: "0", to: "30" },
      { field: "caller", from: "the company’s number", to: "always the same" },
    ]);
    for (const { field } of told) expect(exists(`audit:fields.${field}`), field).toBe(true);
  });

  it("name every setting that a carrier, a company and its codes have", () => {
    const schema = Object.values(
      import.meta.glob<string>("../api/schema.d.ts", { query: "?raw", import: "default", eager: true }),
    ).join();
    for (const thing of ["Settings", "Trunk", "Tenant"]) {
      const body = schema.split(`        ${thing}: {\n`)[1]?.split("\n        };")[0] ?? "";
      const names = [...body.matchAll(/^ {12}(\w+)\??:/gm)].map((found) => found[1] ?? "");
      expect(names.length, thing).toBeGreaterThan(3);
      for (const name of names)
        if (!["id", "settings"].includes(name)) expect(exists(`audit:fields.${name}`), name).toBe(true);
    }
  });

  it("tell preferences one by one, and an import by its numbers", () => {
    const changed = { from: null, to: { forward: ["", "102"], do_not_disturb: [false, true] } };
    expect(changesOf(entry({ action: "preferences.change", changes: { changed } }), t)).toEqual([
      { field: "forward", from: "", to: "102" },
      { field: "do_not_disturb", from: "no", to: "yes" },
    ]);
    const added = { from: null, to: ["person_3", "person_4"] };
    expect(changesOf(entry({ action: "person.import", changes: { added } }), t)).toEqual([
      { field: "added", from: "", to: "2" },
    ]);
  });
});
