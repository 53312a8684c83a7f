// A walk through the machine, trigger by trigger, from the initial state on.
const walk = { steps: [] }; // numbers of transitions

function walkSection() {
  const here = walk.steps.length ? WAYS[walk.steps[walk.steps.length - 1]].to : INITIAL;
  const options = leaving[here];
  byId("walk").replaceChildren(
    make("h2", { id: "walk-title" }, "Walk"),
    make("p", {}, walk.steps.length ? `After ${counted(walk.steps.length, "step")} in ` : "Starts in ", stateButton(here), ". What happens?"),
    options.length ? make("p", { class: "words", id: "ways" }, ...options.map(wayButton)) : make("p", { class: "hint" }, "Nothing is known to follow here."),
    make("p", { class: "tools" },
      button("Back", () => step(() => walk.steps.pop()), { disabled: !walk.steps.length }),
      button("Restart", () => step(() => (walk.steps.length = 0)), { disabled: !walk.steps.length })),
    make("ol", { id: "steps", tabindex: walk.steps.length ? 0 : null, "aria-label": "Steps taken" },
      ...walk.steps.map((i) => make("li", {}, `${stateWord(WAYS[i].from)} — ${happens(WAYS[i])} → ${stateWord(WAYS[i].to)}`))));
  byId("steps").scrollTop = byId("steps").scrollHeight;
}

// One button for each way; where a trigger has several, each says where it leads.
function wayButton(way) {
  const alone = leaving[way.from].filter((other) => other.by === way.by).length === 1;
  const share = way.probability < 1 ? ` ${percent(way.probability)}` : "";
  return button(happens(way) + (alone ? "" : ` → ${stateWord(way.to)}`) + share, () => step(() => walk.steps.push(way.number)), { class: "word" });
}

function step(change) {
  change();
  const last = walk.steps[walk.steps.length - 1];
  visit(last === undefined ? INITIAL : WAYS[last].to, last ?? null);
  walkSection();
  byId("ways")?.firstChild.focus({ preventScroll: true });
  tell(last === undefined ? `in ${stateWord(INITIAL)}` : `${happens(WAYS[last])}, now in ${stateWord(WAYS[last].to)}`);
}
