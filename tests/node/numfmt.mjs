// Pairs [value, format] as JSON on stdin; what numfmt shows for each, as JSON on stdout.
import { readFileSync } from "node:fs";
import { format } from "numfmt";

const show = ([value, code]) => {
  try {
    return format(code, value, { throws: true });
  } catch (error) {
    return null;
  }
};
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(show)));
