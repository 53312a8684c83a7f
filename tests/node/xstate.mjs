// Walks machines with XState: reads [[module, [[event, ...], ...]], ...] as JSON from standard input, and prints for each
// machine where each word ends, state by state: [[[state, name, output], ...], ...].
import { readFileSync } from "node:fs";
import { createActor } from "xstate";

const walked = [];
for (const [file, words] of JSON.parse(readFileSync(0, "utf-8"))) {
  const { machine, events = new Map() } = await import(file);
  const seen = [];
  for (const word of words) {
    const actor = createActor(machine).start();
    const places = [];
    for (const event of [null, ...word]) {
      if (event !== null) actor.send({ type: events.get(event) ?? event });
      const { value, context } = actor.getSnapshot();
      places.push([machine.states[value].meta?.name ?? value, context?.output ?? null]);
    }
    seen.push(places);
  }
  walked.push(seen);
}
console.log(JSON.stringify(walked));
