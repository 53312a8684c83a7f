// The graph: drawn as SVG from what `layout` placed, moved, zoomed, dragged, and marked by what is selected or visited.
const READABLE = 0.4; // scale
const TIP = 11; // length of an arrow
const DRAG = 5; // pixels from which on a press is no click
const picture = { view: { x: 0, y: 0, scale: 1 }, nodes: new Map(), edges: [], drawn: null };

function show(viz) {
  const { states, ways, hubs } = picked();
  const least = Number(byId("least").value) || 0;
  const often = ways.filter((way) => way.count >= least);
  picture.drawn = placed(viz, diagram(states, often, hubs));
  byId("omitted").textContent = [
    ...(byId("around").checked ? [] : DATA.drawn.omitted),
    ...(often.length < ways.length ? [`${counted(ways.length - often.length, "transition")} of fewer than ${counted(least, "row")}`] : []),
  ].map((text, i) => (i ? "" : "Not shown: ") + text).join(", ");
  paint();
  fit();
  mark();
}

// The states and transitions that are to be seen, before the rare ones go.
function picked() {
  const centre = chosen.state;
  if (!byId("around").checked || centre === null) {
    return { states: DATA.drawn.states, ways: DATA.drawn.transitions.map((i) => WAYS[i]), hubs: new Set(DATA.drawn.hubs) };
  }
  const ways = WAYS.filter((way) => way.from === centre || way.to === centre);
  const near = new Set([centre, ...ways.flatMap((way) => [way.from, way.to])]);
  return { states: STATES.map((_, i) => i).filter((i) => near.has(i)), ways, hubs: new Set() };
}

function paint() {
  const { nodes, edges, start } = picture.drawn;
  const most = Math.max(1, ...edges.map((edge) => edge.rows));
  picture.nodes = new Map();
  picture.edges = [];
  const lines = draw("g");
  const labels = draw("g");
  const boxes = draw("g");
  for (const edge of edges) {
    const width = (0.9 + (3.2 * Math.log1p(edge.rows)) / Math.log1p(most)).toFixed(2);
    edge.lineIn = draw("path", { class: "line", "stroke-width": width });
    edge.lineOut = draw("path", { class: "line", "stroke-width": width });
    edge.tip = draw("path", { class: "tip" });
    edge.label = draw("g", { class: "label", click: () => choose({ edge: [edge.from, edge.to] }) }, ...texts(edge, LINE, null));
    edge.all = draw("g", { class: "edge" }, edge.lineIn, edge.lineOut, edge.tip);
    lines.append(edge.all);
    labels.append(edge.label);
    picture.edges.push(edge);
    route(edge);
    draggable(edge.label, edge);
  }
  if (start) {
    const goal = nodes.find((node) => node.state === INITIAL);
    picture.start = { ...start, goal, dot: draw("circle", { class: "start", r: 5 }), line: draw("path", { class: "line", "stroke-width": 1.2 }), tip: draw("path", { class: "tip" }) };
    lines.append(picture.start.line, picture.start.tip, picture.start.dot);
  } else picture.start = null;
  const shared = sharedLabels();
  for (const node of nodes) {
    const hue = shared.get(STATES[node.state].label);
    const rect = draw("rect", { width: node.width, height: node.height, rx: 8 });
    node.group = draw("g", {
      class: node.state === INITIAL ? "state initial" : "state",
      role: "button",
      tabindex: node.state === (chosen.state ?? nodes[0].state) ? 0 : -1,
      "aria-label": `state ${stateWord(node.state)}, ${counted(stateRows[node.state], "row")}`,
      "data-state": node.state,
      click: () => choose({ state: node.state }),
    }, rect, ...texts(node, LINE, node.title));
    if (hue !== undefined) node.group.style.setProperty("--hue", hue), node.group.classList.add("shared");
    boxes.append(node.group);
    picture.nodes.set(node.state, node);
    draggable(node.group, node);
    moveTo(node);
  }
  if (!boxes.querySelector('[tabindex="0"]')) nodes[0]?.group.setAttribute("tabindex", 0);
  for (const edge of edges) moveTo(edge);
  startLine();
  picture.world = draw("g", {}, lines, labels, boxes);
  picture.svg = draw("svg", {
    role: "group",
    "aria-label": "States of the machine. Arrow keys go from one to the next, Enter selects.",
    keydown: keys,
    wheel: wheeled,
    pointerdown: grabbed,
    pointermove: dragged,
    pointerup: released,
    pointercancel: released,
  }, picture.world);
  picture.svg.addEventListener("click", (event) => {
    if (picture.moved >= DRAG) event.stopPropagation(); // the end of a drag is no click
  }, true);
  byId("paper").replaceChildren(picture.svg);
}

// Lines of text about the origin; a title in the middle, the rest from the left.
function texts({ width, height, lines }, style, title) {
  const result = [];
  let y = -height / 2 + (title === null ? 1 : 6);
  if (title === null) result.push(draw("rect", { class: "behind", x: -width / 2, y: -height / 2, width, height }));
  else {
    result.push(draw("text", { class: "title", x: 0, y: y + 14, "text-anchor": "middle" }, title));
    y += TITLE.height;
  }
  const left = title === null ? null : -width / 2 + 10;
  for (const line of lines) {
    result.push(draw("text", left === null ? { x: 0, y: y + 11.5, "text-anchor": "middle" } : { x: left, y: y + 11.5 }, line));
    y += style.height;
  }
  return result;
}

// Visible state -> hue, for those that several states share.
function sharedLabels() {
  const often = new Map();
  for (const { label } of STATES) if (label !== null) often.set(label, (often.get(label) ?? 0) + 1);
  const hues = new Map();
  for (const [label, times] of often) if (times > 1) hues.set(label, Math.round((200 + hues.size * 222.5) % 360));
  return hues;
}

function moveTo(thing) {
  const group = thing.group ?? thing.label;
  group.setAttribute("transform", `translate(${thing.x} ${thing.y})`);
  const rect = thing.group?.firstChild;
  if (rect) rect.setAttribute("x", -thing.width / 2), rect.setAttribute("y", -thing.height / 2);
}

// The point where a line from the middle of a box towards a place leaves the box.
function rim(box, towards) {
  const dx = towards.x - box.x;
  const dy = towards.y - box.y;
  const scale = Math.min(box.width / 2 / Math.max(Math.abs(dx), 1e-6), box.height / 2 / Math.max(Math.abs(dy), 1e-6), 1);
  return [box.x + dx * scale, box.y + dy * scale];
}

function spline(points) {
  return `M${points[0]}` + (points.length === 2 ? `L${points[1]}` : `C${points.slice(1).join(" ")}`);
}

// The line ends inside of its arrow, or a thick one would show beside the point of it.
function shortened(points) {
  const [x, y] = points[points.length - 1];
  const [bx, by] = points[points.length - 2];
  const length = Math.max(Math.hypot(x - bx, y - by), 1e-6);
  const back = [(-(x - bx) / length) * (TIP - 2), (-(y - by) / length) * (TIP - 2)];
  const moved = (point) => [point[0] + back[0], point[1] + back[1]];
  return [...points.slice(0, points.length === 2 ? 1 : -2), ...points.slice(points.length === 2 ? 1 : -2).map(moved)];
}

function arrow(points) {
  const [x, y] = points[points.length - 1];
  let i = points.length - 2;
  while (i > 0 && Math.hypot(points[i][0] - x, points[i][1] - y) < 2) i--;
  const angle = Math.atan2(y - points[i][1], x - points[i][0]);
  const corner = (turn) => [x - TIP * Math.cos(angle + turn), y - TIP * Math.sin(angle + turn)];
  return `M${[x, y]}L${corner(0.38)}L${corner(-0.38)}Z`;
}

function route(edge) {
  edge.lineIn.setAttribute("d", spline(edge.halves[0]));
  edge.lineOut.setAttribute("d", spline(shortened(edge.halves[1])));
  edge.tip.setAttribute("d", arrow(edge.halves[1]));
}

// After a drag lines are straight.
function straighten(edge) {
  const from = picture.nodes.get(edge.from);
  const to = picture.nodes.get(edge.to);
  edge.halves = [[rim(from, edge), rim(edge, from)], [rim(edge, to), rim(to, edge)]];
  route(edge);
}

function startLine() {
  const start = picture.start;
  if (!start) return;
  start.dot.setAttribute("cx", start.x);
  start.dot.setAttribute("cy", start.y);
  const points = [[start.x, start.y], rim(start.goal, start)];
  start.line.setAttribute("d", spline(points));
  start.tip.setAttribute("d", arrow(points));
}

function draggable(element, thing) {
  element.addEventListener("pointerdown", () => (picture.held = thing));
}

const pointers = new Map();

function grabbed(event) {
  pointers.set(event.pointerId, [event.clientX, event.clientY]);
  picture.moved = 0;
}

function dragged(event) {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = [event.clientX, event.clientY];
  const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
  picture.moved += Math.abs(dx) + Math.abs(dy);
  if (picture.moved < DRAG) return;
  if (!picture.svg.hasPointerCapture(event.pointerId)) picture.svg.setPointerCapture(event.pointerId);
  if (pointers.size === 2) {
    const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    const distance = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]);
    zoom(distance(now) / Math.max(distance(before), 1), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  } else if (picture.held) {
    const thing = picture.held;
    thing.x += dx / picture.view.scale;
    thing.y += dy / picture.view.scale;
    moveTo(thing);
    for (const edge of picture.edges) {
      if (edge === thing || edge.from === thing.state || edge.to === thing.state) straighten(edge);
    }
    startLine();
  } else {
    picture.view.x += dx;
    picture.view.y += dy;
    look();
  }
  pointers.set(event.pointerId, now);
}

function released(event) {
  pointers.delete(event.pointerId);
  picture.held = null;
}

function wheeled(event) {
  if (!event.ctrlKey && !event.metaKey) return; // else the page could not be scrolled past the graph
  event.preventDefault();
  zoom(Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
}

function look() {
  const { x, y, scale } = picture.view;
  picture.world.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
}

function zoom(by, clientX, clientY) {
  const paper = picture.svg.getBoundingClientRect();
  const [px, py] = [(clientX ?? paper.left + paper.width / 2) - paper.left, (clientY ?? paper.top + paper.height / 2) - paper.top];
  const scale = Math.min(8, Math.max(0.05, picture.view.scale * by));
  const change = scale / picture.view.scale;
  picture.view = { x: px - (px - picture.view.x) * change, y: py - (py - picture.view.y) * change, scale };
  look();
}

function fit() {
  const box = picture.world.getBBox();
  const { width, height } = picture.svg.getBoundingClientRect();
  const scale = Math.min(1.4, (width - 16) / Math.max(box.width, 1), (height - 16) / Math.max(box.height, 1));
  picture.view = { x: width / 2 - (box.x + box.width / 2) * scale, y: height / 2 - (box.y + box.height / 2) * scale, scale };
  look();
}

// Bring a state into view where it is not, and to a size that can be read.
function reveal(state) {
  const node = picture.nodes.get(state);
  if (!node) return;
  if (picture.view.scale < READABLE) zoom(0.9 / picture.view.scale);
  const { width, height } = picture.svg.getBoundingClientRect();
  const view = picture.view;
  const [x, y] = [view.x + node.x * view.scale, view.y + node.y * view.scale];
  if (x < 20 || y < 20 || x > width - 20 || y > height - 20) {
    view.x += width / 2 - x;
    view.y += height / 2 - y;
    look();
  }
}

function keys(event) {
  const states = [...picture.nodes.keys()];
  const now = states.indexOf(Number(document.activeElement.dataset.state ?? NaN));
  const goals = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: states.length - 1 };
  if (event.key in goals && now >= 0) {
    const state = states[(goals[event.key] + states.length) % states.length];
    focusOn(state);
    reveal(state);
  } else if ((event.key === "Enter" || event.key === " ") && now >= 0) choose({ state: states[now] });
  else if (event.key === "+" || event.key === "=") zoom(1.25);
  else if (event.key === "-") zoom(0.8);
  else if (event.key === "0") fit();
  else return;
  event.preventDefault();
}

function focusOn(state) {
  for (const [each, node] of picture.nodes) node.group.setAttribute("tabindex", each === state ? 0 : -1);
  picture.nodes.get(state)?.group.focus({ preventScroll: true });
}

// Classes say what is selected, found, or where a walk or a replay is.
function mark() {
  for (const [state, node] of picture.nodes) {
    node.group.classList.toggle("selected", chosen.state === state);
    node.group.setAttribute("aria-pressed", chosen.state === state);
    node.group.classList.toggle("found", chosen.found.has(state));
    node.group.classList.toggle("here", chosen.here === state);
  }
  for (const edge of picture.edges) {
    const on = (picks) => edge.ways.some(picks);
    const selected = on((way) => way.by === chosen.trigger) || (chosen.edge && edge.from === chosen.edge[0] && edge.to === chosen.edge[1]);
    for (const group of [edge.all, edge.label]) {
      group.classList.toggle("selected", Boolean(selected));
      group.classList.toggle("here", on((way) => way.number === chosen.way));
    }
  }
}
