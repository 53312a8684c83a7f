// Reads Mermaid diagrams, given as files, with Mermaid's own parser, and prints what it understood, as JSON: for each the
// captions of the states by id, and the relations, their texts as a browser shows them.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const dom = new JSDOM("<!doctype html><body></body>");
globalThis.window = dom.window;
globalThis.document = dom.window.document;
const mermaid = (await import("mermaid")).default;

// Mermaid hides `#35;` from its grammars, and puts entities back into the picture that it has drawn (decodeEntities).
function shown(text) {
  const html = text.replaceAll("ﬂ°°", "&#").replaceAll("ﬂ°", "&").replaceAll("¶ß", ";");
  const page = document.createElement("p");
  page.innerHTML = html.replaceAll(/<br *\/?>/g, "\n");
  return page.textContent;
}

const read = [];
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, "utf-8");
  await mermaid.parse(text);
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  const states = [...db.getStates()].map(([id, state]) => [id, shown(state.descriptions.join("\n") || id)]);
  const relations = db.getRelations().map((r) => [r.id1, shown(r.relationTitle ?? ""), r.id2]);
  read.push({ states: Object.fromEntries(states), relations });
}
console.log(JSON.stringify(read));
