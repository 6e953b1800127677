/** `+842871234500` in groups that can be read. */
export function number(text: string): string {
  const found = /^(\+84)(\d{2})(\d{3,4})(\d{4})$/.exec(text);
  return found ? found.slice(1).join(" ") : text;
}
