export interface Line {
  row: number;
  name: string;
  extension: string;
  email: string;
  /** The key of the words that say what is wrong with it. */
  wrong: "noName" | "badExtension" | "twice" | "taken" | null;
}

const COLUMNS: Record<string, "name" | "extension" | "email"> = {
  name: "name",
  tên: "name",
  "họ tên": "name",
  extension: "extension",
  "máy lẻ": "extension",
  "số máy lẻ": "extension",
  email: "email",
  "e-mail": "email",
};

/** The fields of each record by RFC 4180; commas, semicolons or tabs between them, whatever comes first. */
export function records(text: string): string[][] {
  const found: string[][] = [];
  const separator = /[,;\t]/.exec(text.split("\n", 1)[0] ?? "")?.[0] ?? ",";
  let field = "";
  let record: string[] = [];
  let quoted = false;
  const end = () => {
    record.push(field.trim());
    if (record.some(Boolean)) found.push(record);
    record = [];
    field = "";
  };
  for (let at = text.charCodeAt(0) === 0xfeff ? 1 : 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char !== '"') field += char;
      else if (text[at + 1] === '"') field += text[++at];
      else quoted = false;
    } else if (char === '"' && field.trim() === "") {
      quoted = true;
      field = "";
    } else if (char === separator) {
      record.push(field.trim());
      field = "";
    } else if (char === "\n") end();
    else if (char !== "\r") field += char;
  }
  end();
  return found;
}

/** People out of a file, each with what is wrong about it. Without a heading: name, extension, email. */
export function readPeople(text: string, taken: ReadonlySet<string>): Line[] {
  const rows = records(text);
  const heading = rows[0]?.map((cell) => COLUMNS[cell.toLowerCase()]);
  const headed = heading?.includes("name") ?? false;
  const columns = headed && heading ? heading : (["name", "extension", "email"] as const);
  const seen = new Set<string>();
  return rows.slice(headed ? 1 : 0).map((cells, place) => {
    const line: Line = { row: place + (headed ? 2 : 1), name: "", extension: "", email: "", wrong: null };
    for (const [at, column] of columns.entries()) if (column) line[column] = cells[at] ?? "";
    if (!line.name) line.wrong = "noName";
    else if (line.extension && !/^[0-9]{2,6}$/.test(line.extension)) line.wrong = "badExtension";
    else if (seen.has(line.extension)) line.wrong = "twice";
    else if (taken.has(line.extension)) line.wrong = "taken";
    if (line.extension) seen.add(line.extension);
    return line;
  });
}
