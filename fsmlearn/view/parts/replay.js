// A trace of the log, row by row, on the way that it takes through the machine.
const SEVERAL = -1; // states or transitions that the rows so far allow
const NONE = -2; // the machine has no place for the row
const replay = { trace: 0, at: 0, timer: null }; // `at` rows have happened

function replaySection() {
  const { traces } = DATA.traces;
  if (!traces.length) return byId("replay").remove();
  const name = ({ name, alike, rows }) => `${word(name)} — ${counted(rows.length, "row")}` + (alike > 1 ? `, ${counted(alike, "trace")} alike` : "");
  const select = make("select", { id: "trace", change: () => replayAt(Number(select.value), 0) },
    ...traces.map((trace, i) => make("option", { value: i }, name(trace))));
  const range = make("input", { id: "position", type: "range", min: 0, "aria-label": "Rows that have happened", input: () => replayAt(replay.trace, Number(range.value)) });
  byId("replay").replaceChildren(
    make("h2", { id: "replay-title" }, "Replay"),
    make("p", { class: "tools" }, make("label", { for: "trace" }, "Trace "), select),
    make("p", { class: "tools" },
      button("◀", () => replayAt(replay.trace, replay.at - 1), { id: "before", "aria-label": "One row back" }),
      button("▶", () => replayAt(replay.trace, replay.at + 1), { id: "next", "aria-label": "One row on" }),
      button("Play", play, { id: "play" }), range),
    make("p", { id: "position-text", role: "status" }),
    make("div", { class: "scroll rows", tabindex: 0, role: "region", "aria-label": "Rows of the trace" }, make("table", {},
      make("thead", {}, make("tr", {}, ...["line", "row", "in the machine"].map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", { id: "trace-rows" }))));
  fillRows();
  byId("position").value = 0;
  byId("before").disabled = true;
}

function fillRows() {
  const rows = DATA.traces.traces[replay.trace].rows;
  byId("trace").value = replay.trace;
  byId("position").max = rows.length;
  byId("trace-rows").replaceChildren(...rows.map((row, i) =>
    make("tr", { click: () => replayAt(replay.trace, i + 1), class: row[7] === NONE ? "against" : null },
      make("td", {}, rowPlace(row)), make("td", {}, rowText(row)), make("td", {}, rowWay(row)))));
}

function rowWay([, , , , , , at, way]) {
  if (way === NONE) return "no such transition";
  if (way === SEVERAL) return "several are possible";
  return `${stateWord(WAYS[way].from)} → ${stateWord(WAYS[way].to)}`;
}

function replayAt(trace, at) {
  const other = trace !== replay.trace;
  replay.trace = trace;
  if (other) fillRows();
  const rows = DATA.traces.traces[trace].rows;
  replay.at = Math.min(Math.max(at, 0), rows.length);
  byId("position").value = replay.at;
  byId("before").disabled = replay.at === 0;
  byId("next").disabled = replay.at === rows.length;
  const last = rows[replay.at - 1];
  const way = last && last[7] >= 0 ? last[7] : null;
  const state = replay.at === rows.length ? (way === null ? null : WAYS[way].to) : rows[replay.at][6];
  visit(state === SEVERAL ? null : state, way);
  const where = state === null || state === SEVERAL ? "in one of several states" : `in ${stateWord(state)}`;
  byId("position-text").textContent = `Row ${replay.at} of ${rows.length}${last ? `: ${rowText(last)}` : ""}; ${where}.`;
  [...byId("trace-rows").children].forEach((row, i) => {
    if (i === replay.at - 1) {
      row.setAttribute("aria-current", "step");
      const box = row.closest(".scroll");
      box.scrollTop = row.offsetTop - box.clientHeight / 2;
    } else row.removeAttribute("aria-current");
  });
}

function play() {
  const stop = () => {
    clearInterval(replay.timer);
    replay.timer = null;
    byId("play").textContent = "Play";
  };
  if (replay.timer !== null) return stop();
  const size = () => DATA.traces.traces[replay.trace].rows.length;
  if (replay.at === size()) replayAt(replay.trace, 0);
  byId("play").textContent = "Stop";
  replay.timer = setInterval(() => {
    replayAt(replay.trace, replay.at + 1);
    if (replay.at >= size()) stop();
  }, 700);
}
