// Tables that are sorted by a click on a heading and filtered by what is typed above them.
const PAGE = 100; // rows shown at first, and with each press of the button below

function tableSection({ name, title, note, columns, rows }) {
  const state = { column: null, down: false, wanted: "", shown: PAGE };
  const body = make("tbody");
  const count = make("span", { class: "count", role: "status" });
  const more = button("", () => ((state.shown += PAGE), fill()), { class: "more" });
  const heads = columns.map((column, i) =>
    make("th", { scope: "col", class: column.kind === "word" ? null : "number" },
      button(column.name, () => sort(i), { class: "sort" })));
  const filter = make("input", {
    type: "search", id: `filter-${name}`, autocomplete: "off", spellcheck: "false",
    input: () => ((state.wanted = filter.value), (state.shown = PAGE), fill()),
  });
  const cells = rows.map((row) => row.map((cell, i) => cellText(cell, columns[i].kind)));

  function sort(i) {
    state.down = state.column === i ? !state.down : false;
    state.column = i;
    heads.forEach((head, j) => {
      if (i === j) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    fill();
  }

  function fill() {
    const wanted = state.wanted.toLowerCase().split(" ").filter(Boolean);
    const fits = (i) => wanted.every((part) => cells[i].some((text) => text.toLowerCase().includes(part)));
    const order = rows.map((_, i) => i).filter(fits);
    if (state.column !== null) order.sort((a, b) => compared(rows[a][state.column], rows[b][state.column]) * (state.down ? -1 : 1));
    const link = (i, j) => {
      const known = stateNumber.get(rows[i][j]);
      const states = ["transitions", "support", "unseen"].includes(name) && ["state", "next state"].includes(columns[j].name);
      return states && known !== undefined ? stateButton(known) : cells[i][j];
    };
    body.replaceChildren(...order.slice(0, state.shown).map((i) =>
      make("tr", {}, ...columns.map((column, j) => make("td", { class: column.kind === "word" ? null : "number" }, link(i, j))))));
    count.textContent = wanted.length ? `${order.length.toLocaleString("en")} of ${counted(rows.length, "row")}` : counted(rows.length, "row");
    more.hidden = order.length <= state.shown;
    more.textContent = `Show ${Math.min(PAGE, order.length - state.shown).toLocaleString("en")} more`;
  }

  fill();
  return make("section", { id: name, class: "table", "aria-labelledby": `${name}-title` },
    make("h2", { id: `${name}-title` }, title),
    note ? make("p", { class: "hint" }, word(note)) : null,
    make("p", { class: "tools" }, make("label", { for: `filter-${name}` }, "Filter "), filter, count),
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-labelledby": `${name}-title` },
      make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body)),
    more);
}

function cellText(cell, kind) {
  if (cell === null) return "";
  if (kind === "share") return percent(cell);
  return kind === "number" ? plain(cell) : word(cell);
}

// Nothing comes last among numbers, words are compared as people would, numbers in them as numbers.
const letters = new Intl.Collator("en", { numeric: true });
function compared(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "number" ? a - b : letters.compare(a, b);
}

function smallTable(heads, rows) {
  const numeric = (j) => rows.length > 0 && rows.every((row) => typeof row[j] === "number" || / %$/.test(row[j]));
  return make("div", { class: "scroll" }, make("table", {},
    make("thead", {}, make("tr", {}, ...heads.map((head, j) => make("th", { scope: "col", class: numeric(j) ? "number" : null }, head)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell, j) =>
      make("td", { class: numeric(j) ? "number" : null }, typeof cell === "number" ? plain(cell) : cell)))))));
}
