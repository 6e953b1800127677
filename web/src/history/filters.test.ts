import { describe, expect, it } from "vitest";
import { EVERYTHING, readFilters, shortened, tableUrl, wanted } from "@/history/filters";

const now = new Date(2026, 10, 26, 9, 30);
const local = (...date: [number, number, number]) => new Date(...date).toISOString();

describe("which calls are looked for", () => {
  it("is everything unless the address says otherwise", () => {
    expect(readFilters({})).toEqual(EVERYTHING);
    expect(readFilters({ span: "century", direction: "up", missed: "yes", from: "soon" })).toEqual(
      EVERYTHING,
    );
    expect(shortened(EVERYTHING)).toEqual({});
    expect(Object.values(wanted(EVERYTHING, now)).every((x) => x === undefined)).toBe(true);
  });

  it("survives the address", () => {
    const filters = { ...EVERYTHING, span: "week", number: "0912", direction: "in", missed: true } as const;
    expect(readFilters(shortened(filters))).toEqual(filters);
    expect(readFilters({ number: 101 }).number).toBe("101"); // an address has no types
  });

  it("counts days where one looks", () => {
    expect(wanted({ ...EVERYTHING, span: "today" }, now)).toMatchObject({ since: local(2026, 10, 26) });
    expect(wanted({ ...EVERYTHING, span: "yesterday" }, now)).toMatchObject({
      since: local(2026, 10, 25),
      until: local(2026, 10, 26),
    });
    expect(wanted({ ...EVERYTHING, span: "week" }, now).since).toBe(local(2026, 10, 20));
  });

  it("takes the last day whole", () => {
    const own = { ...EVERYTHING, span: "own", from: "2026-10-31", to: "2026-10-31" } as const;
    expect(wanted(own, now)).toMatchObject({ since: local(2026, 9, 31), until: local(2026, 10, 1) });
    expect(wanted({ ...own, from: "" }, now).since).toBeUndefined();
  });

  it("is the same in the table", () => {
    const asked = wanted({ ...EVERYTHING, number: "+84 9", missed: true }, now);
    expect(tableUrl("tenant_1", asked, "vi")).toBe(
      "/api/v1/tenants/tenant_1/call-log.csv?number=%2B84+9&missed=true&language=vi",
    );
  });
});
