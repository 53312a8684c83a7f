// What is known of the state, the trigger or the transition that is selected.
const EXAMPLES = 5; // rows of the log

function details() {
  const place = byId("details");
  if (chosen.state !== null) place.replaceChildren(...stateDetails(chosen.state));
  else if (chosen.trigger !== null) place.replaceChildren(...waysDetails(`${LTS ? "Event" : "Trigger"} `, triggerWord(chosen.trigger), WAYS.filter((way) => way.by === chosen.trigger)));
  else if (chosen.edge) {
    const [from, to] = chosen.edge;
    place.replaceChildren(...waysDetails("", `${stateWord(from)} → ${stateWord(to)}`, leaving[from].filter((way) => way.to === to)));
  } else place.replaceChildren(heading("Details"), make("p", { class: "hint" }, "Select a state in the graph, or search one."));
}

const heading = (...text) => make("h2", { id: "details-title" }, ...text);

function stateDetails(i) {
  const { label, name } = STATES[i];
  const support = DATA.support?.states[i];
  const parts = [heading("State ", make("span", { class: "name" }, stateWord(i)))];
  const facts = [counted(stateRows[i], "row")];
  if (label !== null && label !== name) facts.push(`the log calls it ${word(label)}`);
  if (i === INITIAL) facts.push("initial state");
  if (support) facts.push(`evidence: ${evidence(support)}`);
  parts.push(make("p", {}, facts.join("; ") + "."));
  parts.push(make("h3", {}, "Leads to"));
  parts.push(leaving[i].length ? waysTable(leaving[i], "next state", (way) => stateButton(way.to)) : make("p", { class: "hint" }, "nothing"));
  const incoming = arriving[i].filter((way) => way.from !== i);
  if (incoming.length) parts.push(make("h3", {}, "Is reached from"), waysTable(incoming, "state", (way) => stateButton(way.from)));
  const known = new Set(leaving[i].map((way) => way.by));
  const never = LTS ? [] : TRIGGERS.map((_, t) => t).filter((t) => !known.has(t));
  if (never.length) parts.push(make("h3", {}, "Never seen here"), make("p", { class: "words" }, ...never.map(triggerButton)));
  parts.push(...exampleRows((row, at) => at === i));
  return parts;
}

function waysDetails(kind, title, ways) {
  const numbers = new Set(ways.map((way) => way.number));
  return [
    heading(kind, make("span", { class: "name" }, title)),
    waysTable(ways, "next state", (way) => stateButton(way.to), (way) => stateButton(way.from)),
    ...exampleRows((row) => numbers.has(row[7])),
  ];
}

function waysTable(ways, other, end, begin = null) {
  const outputs = ways.some((way) => way.output !== null);
  const told = ways.map((way) => DATA.support?.transitions[way.number]);
  const heads = [...(begin ? ["state"] : []), EVENT, other, ...(outputs ? ["output"] : []), "rows", "share", ...(told.some(Boolean) ? ["evidence"] : [])];
  const rows = ways.map((way, k) => [
    ...(begin ? [begin(way)] : []), triggerButton(way.by), end(way), ...(outputs ? [word(way.output ?? "")] : []),
    way.count, percent(way.probability), ...(told.some(Boolean) ? [told[k] ? evidence(told[k]) : ""] : []),
  ]);
  return smallTable(heads, rows);
}

function evidence({ against, rival, nats }) {
  const parts = [];
  if (nats === null) parts.push("no rival");
  else if (nats === 0 && rival === null) parts.push("untold by what follows");
  else parts.push(`${plain(nats)} nats${rival === null ? "" : ` over ${word(rival)}`}`);
  if (against) parts.push(`${counted(against, "row")} against`);
  return parts.join(", ");
}

// Rows of the sample that are meant, with their places in the log and a way to replay them.
function exampleRows(wanted) {
  const { traces } = DATA.traces;
  const found = [];
  const ways = new Set();
  const traceSeen = new Set();
  const first = [(row) => !ways.has(row[7]), (_, t) => !traceSeen.has(t)]; // what differs, then other traces
  for (const fresh of first) {
    traces.forEach(({ name, rows }, t) => rows.forEach((row, n) => {
      if (found.length === EXAMPLES || !wanted(row, row[6]) || !fresh(row, t)) return;
      ways.add(row[7]);
      traceSeen.add(t);
      found.push([rowPlace(row), rowText(row), button("replay", () => replayAt(t, n + 1), { class: "word", "aria-label": `replay trace ${word(name)}` })]);
    }));
  }
  return found.length ? [make("h3", {}, "In the log"), smallTable(["line", "row", ""], found)] : [];
}

// `line 7` where there is one file, `a.csv:7` else
const rowPlace = ([file, line]) => (DATA.traces.files.length === 1 ? `line ${line}` : `${word(DATA.traces.files[file])}:${line}`);

function rowText([, , state, trigger, next, output]) {
  const { states, triggers, outputs } = DATA.traces;
  return (state >= 0 ? `${word(states[state])} + ` : "") + word(triggers[trigger]) +
    (next >= 0 ? ` → ${word(states[next])}` : "") + (output >= 0 ? ` / ${word(outputs[output])}` : "");
}
