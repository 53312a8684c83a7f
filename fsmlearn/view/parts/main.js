// What is selected, and what follows from it everywhere; the search; the start.
const chosen = { state: null, trigger: null, edge: null, found: new Set(), here: null, way: null };
let graphviz = null;

function choose({ state = null, trigger = null, edge = null }) {
  Object.assign(chosen, { state, trigger, edge });
  details();
  if (byId("around").checked && state !== null) show(graphviz);
  if (graphviz) mark();
  if (state !== null && picture.nodes.has(state)) {
    for (const [each, node] of picture.nodes) node.group.setAttribute("tabindex", each === state ? 0 : -1);
    reveal(state);
  }
  tell(byId("details-title").textContent);
}

function visit(state, way) {
  Object.assign(chosen, { here: state, way });
  if (!graphviz) return;
  mark();
  if (state !== null) reveal(state);
}

function search() {
  const wanted = byId("search").value.trim().toLowerCase();
  const fits = (name) => wanted && word(name).toLowerCase().includes(wanted);
  const states = STATES.map((_, i) => i).filter((i) => fits(STATES[i].name));
  const triggers = TRIGGERS.map((_, i) => i).filter((i) => fits(TRIGGERS[i]));
  chosen.found = new Set(states);
  const item = (kind, element) => make("li", {}, `${kind} `, element);
  const found = [...states.map((i) => item("state", stateButton(i))), ...triggers.map((i) => item(EVENT, triggerButton(i)))];
  byId("found").replaceChildren(...found.slice(0, 12), ...(found.length > 12 ? [make("li", {}, `and ${found.length - 12} more`)] : []),
    ...(wanted && !found.length ? [make("li", {}, "nothing is called so")] : []));
  if (graphviz) mark();
}

byId("size").textContent = `${{ moore: "Moore machine", mealy: "Mealy machine", lts: "Machine of events" }[MACHINE.kind]}: ` +
  `${counted(STATES.length, "state")}, ${counted(TRIGGERS.length, EVENT)}, ${counted(WAYS.length, "transition")}, starting in ${stateWord(INITIAL)}` +
  (DATA.files?.length ? `; learned from ${DATA.files.slice(0, 3).map(word).join(", ")}${DATA.files.length > 3 ? ` and ${DATA.files.length - 3} more files` : ""}` : "");
details();
walkSection();
replaySection();
byId("tables").replaceChildren(...DATA.tables.map(tableSection));
networkSection();
factsSection();
byId("search").addEventListener("input", search);
byId("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") byId("found").querySelector("button")?.click();
});
Viz.instance().then((viz) => {
  graphviz = viz;
  show(viz);
  byId("closer").addEventListener("click", () => zoom(1.25));
  byId("further").addEventListener("click", () => zoom(0.8));
  byId("fit").addEventListener("click", fit);
  byId("around").addEventListener("change", () => show(viz));
  byId("least").addEventListener("change", () => show(viz));
  document.body.dataset.ready = "yes";
}, () => {
  byId("paper").replaceChildren(make("p", {}, "This browser cannot lay out the graph; all of it stands in the tables below."));
});
