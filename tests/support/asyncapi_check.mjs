// AsyncAPI's own parser on the document named on the command line; run by `make contract-check`.
import { Parser, fromFile } from "@asyncapi/parser";

const [path] = process.argv.slice(2);
const { document, diagnostics } = await fromFile(new Parser(), path).parse();
for (const { severity, code, message, path: where } of diagnostics) {
  console.log(["error", "warning", "information", "hint"][severity], code, message, where.join("."));
}
process.exit(document ? 0 : 1);
