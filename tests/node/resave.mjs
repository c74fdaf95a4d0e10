// A workbook opened and saved by another library: node resave.mjs LIBRARY SOURCE GOAL
import ExcelJS from "exceljs";
import XLSX from "xlsx";
import populate from "xlsx-populate";

const saved = {
  async exceljs(source, goal) {
    const book = new ExcelJS.Workbook();
    await book.xlsx.readFile(source);
    await book.xlsx.writeFile(goal);
  },
  async xlsx(source, goal) {
    XLSX.writeFile(XLSX.readFile(source, { cellStyles: true, cellNF: true }), goal, { Props: {} });
  },
  async "xlsx-populate"(source, goal) {
    await (await populate.fromFileAsync(source)).toFileAsync(goal);
  },
};
const [library, source, goal] = process.argv.slice(2);
await saved[library](source, goal);
