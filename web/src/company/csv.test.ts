import { describe, expect, it } from "vitest";
import { readPeople, records } from "@/company/csv";

describe("a file of people", () => {
  it("is read with quotes, line ends of Windows and semicolons", () => {
    expect(records('name;extension\r\n"Lê; ""Hoa""";107\r\n\r\n')).toEqual([
      ["name", "extension"],
      ['Lê; "Hoa"', "107"],
    ]);
  });

  it("is understood with its columns in any order, or without a heading", () => {
    const [one] = readPeople("\ufeffEmail,Name,Extension\nha@x.vn,Thu Hà,107", new Set());
    expect(one).toEqual({ row: 2, name: "Thu Hà", extension: "107", email: "ha@x.vn", wrong: null });
    expect(readPeople("Thu Hà,107", new Set())[0]).toMatchObject({
      row: 1,
      name: "Thu Hà",
      extension: "107",
    });
  });

  it("says of each line what is wrong with it", () => {
    const text = "name,extension\n,107\nA,1\nB,108\nC,108\nD,101\nE,";
    expect(readPeople(text, new Set(["101"])).map((x) => x.wrong)).toEqual([
      "noName",
      "badExtension",
      null,
      "twice",
      "taken",
      null,
    ]);
  });
});
