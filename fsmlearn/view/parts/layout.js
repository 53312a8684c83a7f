// States and transitions -> places on paper. Graphviz is given sizes and numbers alone, never a word of the log.
// As in `fsmlearn plot machine`, what leaves a state as it is stands inside of it, and the label of an edge is a node on
// its way, so that no word lies on another.
const TITLE = { font: "600 14px system-ui, sans-serif", height: 19 };
const LINE = { font: "12px system-ui, sans-serif", height: 15 };
const WIDEST = 26; // letters of a line that takes another trigger
const LINES = STATES.length > 25 ? 4 : 8; // of a label
const pen = document.createElement("canvas").getContext("2d");

function widthOf(text, style) {
  pen.font = style.font;
  return pen.measureText(text).width * 1.03;
}

// Triggers that do the same share lines; an output stands behind them, and a share.
function labelled(ways, to = "") {
  const alike = new Map();
  for (const way of ways) {
    const often = way.probability < 1 ? ` ${percent(way.probability)}` : "";
    const key = JSON.stringify([way.output, often, often ? way.by : null]);
    if (!alike.has(key)) alike.set(key, { words: [], end: (way.output === null ? "" : ` / ${short(way.output)}`) + often + to });
    alike.get(key).words.push(short(TRIGGERS[way.by]));
  }
  const lines = [];
  for (const { words, end } of alike.values()) {
    const own = [""];
    words.forEach((each, i) => {
      const text = each + (i < words.length - 1 ? "," : "");
      const last = own[own.length - 1];
      if (last && last.length + 1 + text.length > WIDEST) own.push(text);
      else own[own.length - 1] = last ? `${last} ${text}` : text;
    });
    own[own.length - 1] += end;
    lines.push(...own);
  }
  return lines.length <= LINES ? lines : [...lines.slice(0, LINES - 1), `+ ${lines.length - LINES + 1} more lines`];
}

// What is to be drawn: {nodes, edges}, a node being {state, lines, width, height}, an edge {from, to, ways, lines, ...}.
function diagram(states, ways, hubs) {
  const joined = new Map();
  for (const way of ways) {
    const key = `${way.from} ${way.to}`;
    if (!joined.has(key)) joined.set(key, { key, from: way.from, to: way.to, ways: [] });
    joined.get(key).ways.push(way);
  }
  const inside = (edge) => edge.from === edge.to || hubs.has(edge.to);
  const all = [...joined.values()];
  const nodes = states.map((state) => {
    const lines = all.filter((edge) => edge.from === state && inside(edge)).flatMap((edge) =>
      labelled(edge.ways, edge.to === state ? "" : ` → ${short(STATES[edge.to].name)}`));
    const others = all.filter((edge) => edge.to === state && edge.from !== state && inside(edge)).length;
    if (others) lines.push(`← from ${counted(others, "state")}`);
    const title = short(STATES[state].name);
    const width = 20 + Math.max(widthOf(title, TITLE), ...lines.map((line) => widthOf(line, LINE)));
    return { state, title, lines, width, height: 12 + TITLE.height + lines.length * LINE.height };
  });
  const edges = all.filter((edge) => !inside(edge)).map((edge) => {
    const lines = labelled(edge.ways);
    const width = 6 + Math.max(...lines.map((line) => widthOf(line, LINE)));
    return { ...edge, lines, width, height: 2 + lines.length * LINE.height, rows: edge.ways.reduce((sum, way) => sum + way.count, 0) };
  });
  return { nodes, edges };
}

// Gives every node and label x and y, and every edge two halves, each a list of points of a cubic spline.
function placed(viz, { nodes, edges }) {
  const box = (name, { width, height }) => ({
    name,
    attributes: { width: width / 72, height: height / 72, fixedsize: true, shape: "box", label: "" },
  });
  const order = new Map(nodes.map((node, i) => [node.state, i]));
  const half = (tail, head) => ({ tail, head, attributes: { arrowhead: "none" } });
  const graph = {
    directed: true,
    graphAttributes: { rankdir: "TB", nodesep: 0.28, ranksep: 0.32 },
    nodes: [...nodes.map((node) => box(`s${node.state}`, node)), ...edges.map((edge, i) => box(`e${i}`, edge))],
    edges: edges.flatMap((edge, i) => {
      const ahead = order.get(edge.from) < order.get(edge.to);
      const [first, last] = ahead ? [edge.from, edge.to] : [edge.to, edge.from];
      return [half(`s${first}`, `e${i}`), half(`e${i}`, `s${last}`)];
    }),
  };
  if (order.has(INITIAL)) {
    graph.nodes.push(box("start", { width: 12, height: 12 }));
    graph.edges.push({ tail: "start", head: `s${INITIAL}`, attributes: { arrowhead: "none", weight: 10 } });
  }
  const result = viz.render(graph, { format: "json0", yInvert: true });
  if (result.status !== "success") throw new Error("the graph could not be laid out");
  const found = JSON.parse(result.output);
  const points = (text) => text.split(" ").map((pair) => pair.split(",").map(Number));
  const place = new Map((found.objects ?? []).map((each) => [each.name, points(each.pos)[0]]));
  const names = (found.objects ?? []).map((each) => each.name);
  const line = new Map((found.edges ?? []).map((each) => [`${names[each.tail]} ${names[each.head]}`, points(each.pos)]));
  for (const node of nodes) [node.x, node.y] = place.get(`s${node.state}`);
  edges.forEach((edge, i) => {
    [edge.x, edge.y] = place.get(`e${i}`);
    const ahead = line.get(`s${edge.from} e${i}`);
    edge.halves = ahead
      ? [ahead, line.get(`e${i} s${edge.to}`)]
      : [line.get(`e${i} s${edge.from}`).toReversed(), line.get(`s${edge.to} e${i}`).toReversed()];
  });
  const start = order.has(INITIAL) ? { x: place.get("start")[0], y: place.get("start")[1] } : null;
  return { nodes, edges, start };
}
