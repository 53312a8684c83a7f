// The data, numbered, and the one way in which words get into the page: as text.
const DATA = JSON.parse(document.getElementById("data").textContent);
const MACHINE = DATA.machine;
const LTS = MACHINE.kind === "lts";
const EVENT = LTS ? "event" : "trigger";
const STATES = MACHINE.states;
const TRIGGERS = MACHINE.triggers;
const stateNumber = new Map(STATES.map((state, i) => [state.name, i]));
const triggerNumber = new Map(TRIGGERS.map((trigger, i) => [trigger, i]));
const INITIAL = stateNumber.get(MACHINE.initial);

// number, from, to and by are numbers; output is a word or null
const WAYS = MACHINE.transitions.map((t, number) => ({
  number,
  from: stateNumber.get(t.state),
  to: stateNumber.get(t.next_state),
  by: triggerNumber.get(t.trigger),
  output: t.output,
  count: t.count,
  probability: t.probability,
}));
const leaving = STATES.map(() => []);
const arriving = STATES.map(() => []);
for (const way of WAYS) {
  leaving[way.from].push(way);
  arriving[way.to].push(way);
}
const stateRows = STATES.map((_, i) =>
  WAYS.reduce((sum, way) => sum + (way.from === i || way.to === i ? way.count : 0), 0));

const byId = (id) => document.getElementById(id);

// A word on one line; what has no shape of its own (control letters, marks that turn the writing round) is spelt out.
function word(text) {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

function short(text, most = 40) {
  const letters = [...word(text)];
  return letters.length <= most ? letters.join("") : letters.slice(0, most - 1).join("") + "…";
}

const stateWord = (i) => word(STATES[i].name);
const triggerWord = (i) => word(TRIGGERS[i]);
const counted = (number, one, many = one + "s") => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

function percent(share) {
  if (share > 0 && share < 0.001) return "<0.1 %";
  if (share > 0.999 && share < 1) return ">99.9 %";
  return share === 0 || share === 1 ? `${100 * share} %` : `${(100 * share).toFixed(1)} %`;
}

function plain(number) {
  return Number.isInteger(number) ? number.toLocaleString("en") : String(Number(number.toPrecision(4)));
}

const happens = (way) => triggerWord(way.by) + (way.output === null ? "" : ` / ${word(way.output)}`);

// An element; children that are words become text, attributes that are functions become listeners.
function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const button = (text, click, more = {}) => make("button", { type: "button", click, ...more }, text);
const stateButton = (i) => button(stateWord(i), () => choose({ state: i }), { class: "word" });
const triggerButton = (i) => button(triggerWord(i), () => choose({ trigger: i }), { class: "word" });

function tell(text) {
  byId("told").textContent = text;
}
