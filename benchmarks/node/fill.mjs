// Fills the template as told on stdin: one line of JSON [{cells: [[sheet, cell, value]], path}] a batch.
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";

const [mode, template] = process.argv.slice(2);
const blank = await readFile(template);

async function exceljs() {
  const { default: ExcelJS } = await import("exceljs");
  const load = async () => {
    const book = new ExcelJS.Workbook();
    await book.xlsx.load(blank);
    return book;
  };
  const put = (book, cells) => {
    for (const [sheet, cell, value] of cells) book.worksheets[sheet].getCell(cell).value = value;
  };
  if (mode === "exceljs") {
    return async ({ cells, path }) => {
      const book = await load();
      put(book, cells);
      await writeFile(path, await book.xlsx.writeBuffer());
    };
  }
  const book = await load();
  let before = [];
  return async ({ cells, path }) => {
    put(book, before); // what the next form leaves open is open again
    before = cells.map(([sheet, cell]) => [sheet, cell, book.worksheets[sheet].getCell(cell).value]);
    put(book, cells);
    await writeFile(path, await book.xlsx.writeBuffer());
  };
}

async function populate() {
  const { default: XlsxPopulate } = await import("xlsx-populate");
  return async ({ cells, path }) => {
    const book = await XlsxPopulate.fromDataAsync(blank);
    for (const [sheet, cell, value] of cells) book.sheet(sheet).cell(cell).value(value);
    await writeFile(path, await book.outputAsync());
  };
}

const fill = await (mode === "xlsx-populate" ? populate() : exceljs());
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  for (const job of JSON.parse(line)) await fill(job);
  console.log("done");
}
