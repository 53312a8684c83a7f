// The course of training as curves, and the pictures of the network.
const CHARTS = [
  { title: "Loss, nats a row", of: ["loss", "held_out_loss"], log: true },
  { title: "Rows answered right", of: ["accuracy", "held_out_accuracy"], share: true },
  { title: "Norm of the gradient", of: ["gradient_norm"], log: true },
  { title: "Learning rate", of: ["learning_rate"] },
];

function networkSection() {
  const parts = [];
  if (DATA.epochs.length) {
    parts.push(make("section", { id: "learning", "aria-labelledby": "learning-title" },
      make("h2", { id: "learning-title" }, "Training"),
      make("p", { class: "hint" }, make("span", { class: "key trained" }, "rows trained on"), " ", make("span", { class: "key held" }, "rows held out"), `; dotted: epoch ${DATA.best}, which was kept.`),
      make("div", { class: "charts" }, ...CHARTS.map(chart))));
  }
  if (DATA.pictures.length || DATA.missing) {
    parts.push(make("section", { id: "pictures", "aria-labelledby": "pictures-title" },
      make("h2", { id: "pictures-title" }, "Network"),
      DATA.missing ? make("p", { class: "hint" }, word(DATA.missing)) : null,
      ...DATA.pictures.map(({ title, src }) => make("figure", {}, make("img", { src, alt: word(title), loading: "lazy" }), make("figcaption", {}, word(title))))));
  }
  byId("network").replaceChildren(...parts);
}

function chart({ title, of, log, share }) {
  const [width, height, left, bottom, top] = [340, 180, 52, 22, 10];
  const scaled = (value) => (log ? Math.log10(value) : value);
  const series = of.map((name) => DATA.epochs.map((epoch) => [epoch.index, epoch[name]]).filter(([, y]) => y !== null && (!log || y > 0)));
  const values = series.flat().map(([, y]) => y);
  const text = (value) => (share ? percent(value) : String(Number(value.toPrecision(2))));
  if (!values.length) return make("p", { class: "hint" }, `${title}: nothing to show`);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [DATA.epochs[0].index, DATA.epochs[DATA.epochs.length - 1].index];
  const x = (epoch) => left + ((epoch - first) / Math.max(last - first, 1)) * (width - left - 8);
  const y = (value) => height - bottom - ((scaled(value) - scaled(low)) / (scaled(high) - scaled(low) || 1)) * (height - bottom - top);
  const told = of.map((name, i) => series[i].length ? `${["trained on", "held out"][i]} ${text(series[i][0][1])} to ${text(series[i][series[i].length - 1][1])}` : "").filter(Boolean).join(", ");
  return make("figure", {},
    make("figcaption", {}, title),
    draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}, epochs ${first} to ${last}: ${told}` },
      draw("path", { class: "axis", d: `M${left} ${top}V${height - bottom}H${width - 8}` }),
      draw("text", { x: left - 5, y: y(high) + 4, "text-anchor": "end" }, text(high)),
      draw("text", { x: left - 5, y: y(low) + (high === low ? -12 : 4), "text-anchor": "end" }, high === low ? "" : text(low)),
      draw("text", { x: left, y: height - 6 }, `epoch ${first}`),
      draw("text", { x: width - 8, y: height - 6, "text-anchor": "end" }, String(last)),
      draw("path", { class: "best", d: `M${x(DATA.best)} ${top}V${height - bottom}` }),
      ...series.map((points, i) => points.length === 1
        ? draw("circle", { class: ["trained", "held"][i], cx: x(points[0][0]), cy: y(points[0][1]), r: 3 })
        : draw("polyline", { class: ["trained", "held"][i], points: points.map(([e, v]) => `${x(e).toFixed(1)},${y(v).toFixed(1)}`).join(" ") }))));
}

function factsSection() {
  byId("facts").replaceChildren(...DATA.facts.map(({ title, pairs }) =>
    make("section", {}, make("h2", {}, title), make("dl", {}, ...pairs.flatMap(([what, value]) => [make("dt", {}, word(what)), make("dd", {}, word(value))])))));
}
