"""The fewest rows in which a machine takes every transition.

A new trace begins in the initial state for nothing, so this is the directed postman's problem with a way back from
wherever a trace may end: a minimum-cost flow says which transitions to take again, and an Eulerian circuit in which
order (Edmonds and Johnson 1973). Standard library only.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

from fsmlearn.machine import Machine, Transition
from fsmlearn.simulate import ends

Trace = list[Transition]
Arc = tuple[str, str]  # from a state to the next; a new trace is an arc to the initial state


def tour(machine: Machine) -> list[Trace]:
    """Traces from the initial state that take every transition which it reaches, ends of traces included.

    No other traces do so in fewer rows, and no others in as few rows are fewer. A trace without rows cannot be logged:
    where a machine of events may end in its initial state, that end is put where a trace comes back there, or left out
    where none does.
    """
    reached = machine.shortest_words()
    needed = [t for t in machine.transitions if t.state in reached]
    again, anew = _repeated(machine, needed, _last(machine, needed))
    out: dict[str, list[tuple[str, Transition | None]]] = {state: [] for state in reached}
    for state, times in anew.items():
        out[state] += [(machine.initial, None)] * times
    for t in reversed([*needed, *again.elements()]):
        out[t.state].append((t.next_state, t))
    traces: list[Trace] = [[]]
    for each in _circuit(out, machine.initial):
        if each is None:
            traces.append([])
        else:
            traces[-1].append(each)
    return _shown(machine, [trace for trace in traces if trace])


def _last(machine: Machine, needed: Iterable[Transition]) -> set[str]:
    """The states that a trace may end in: any, but in a machine of events its ends and what never comes to one."""
    if machine.kind != "lts":
        return set(machine.labels)
    before: dict[str, list[str]] = {}
    for t in needed:
        before.setdefault(t.next_state, []).append(t.state)
    final = {state for state, label in machine.labels.items() if label is not None}
    coming = set(final)
    todo = list(final)
    for state in todo:
        new = [each for each in before.get(state, ()) if each not in coming]
        coming.update(new)
        todo += new
    return final | (machine.labels.keys() - coming)


def _repeated(
    machine: Machine, needed: Sequence[Transition], last: set[str]
) -> tuple[Counter[Transition], Counter[str]]:
    """Transitions to take again, and the states after which to begin anew, so that every state is left as often as it
    is entered: successive shortest paths from states entered too often to those left too often."""
    row = len(needed) + 1  # dearer than all new beginnings together
    cost: dict[Arc, int] = {(state, machine.initial): 1 for state in last if state != machine.initial}
    taken: dict[Arc, Transition] = {}
    for t in needed:
        arc, each = (t.state, t.next_state), 0 if ends(machine, t) else row
        if t.state != t.next_state and each < cost.get(arc, row + 1):
            cost[arc], taken[arc] = each, t
    flow = _flow(cost, Counter(t.next_state for t in needed), Counter(t.state for t in needed))
    again = Counter({taken[arc]: times for arc, times in flow.items() if arc in taken})
    anew = Counter({arc[0]: times for arc, times in flow.items() if arc not in taken})
    return again, anew


def _flow(cost: Mapping[Arc, int], entered: Counter[str], left: Counter[str]) -> Counter[Arc]:
    """The cheapest arcs to add, and how often, for every state to be left as often as it is entered."""
    beside: dict[str, set[str]] = {}
    for a, b in cost:
        beside.setdefault(a, set()).add(b)
        beside.setdefault(b, set()).add(a)
    surplus = {state: entered[state] - left[state] for state in beside}
    flow: Counter[Arc] = Counter()
    while sources := [state for state, much in surplus.items() if much > 0]:
        path = _shortest(cost, flow, beside, sources, {state for state, much in surplus.items() if much < 0})
        source, target = path[0][0], path[-1][1]
        much = min(surplus[source], -surplus[target], *(flow[b, a] for a, b in path if flow[b, a]))
        for a, b in path:
            if flow[b, a]:
                flow[b, a] -= much
            else:
                flow[a, b] += much
        surplus[source] -= much
        surplus[target] += much
    return +flow


def _shortest(
    cost: Mapping[Arc, int],
    flow: Counter[Arc],
    beside: Mapping[str, Iterable[str]],
    sources: Iterable[str],
    targets: Iterable[str],
) -> list[Arc]:
    """The cheapest path from a source to a target; to go against the flow takes some of it back (Bellman and Ford)."""
    distance = dict.fromkeys(sources, 0)
    came: dict[str, str] = {}
    todo = deque(distance)
    waiting = set(distance)
    while todo:
        a = todo.popleft()
        waiting.remove(a)
        for b in beside[a]:
            step = -cost[b, a] if flow[b, a] else cost.get((a, b))
            if step is not None and (b not in distance or distance[a] + step < distance[b]):
                distance[b], came[b] = distance[a] + step, a
                if b not in waiting:
                    waiting.add(b)
                    todo.append(b)
    state = min((state for state in targets if state in distance), key=distance.__getitem__)
    path: list[Arc] = []
    while state in came:
        path.append((came[state], state))
        state = came[state]
    return path[::-1]


def _circuit(out: dict[str, list[tuple[str, Transition | None]]], start: str) -> list[Transition | None]:
    """A way that takes each of these once and comes back (Hierholzer), None being a new beginning; where there are any,
    one is last."""
    way: list[Transition | None] = []
    stack: list[tuple[str, Transition | None]] = [(start, None)]
    while stack:
        if out[stack[-1][0]]:
            stack.append(out[stack[-1][0]].pop())
        else:
            way.append(stack.pop()[1])
    way = way[-2::-1]  # without what stood for the start
    last = max((i for i, each in enumerate(way, 1) if each is None), default=0)
    return way[last:] + way[:last]


def _shown(machine: Machine, traces: list[Trace]) -> list[Trace]:
    """The traces, an end without rows before it put after a trace that comes back to the initial state."""
    bare = [trace for trace in traces if ends(machine, trace[0])]
    rest = [trace for trace in traces if not ends(machine, trace[0])]
    if bare:
        for n, trace in enumerate(rest):
            for i, t in enumerate(trace, 1):
                if t.next_state == machine.initial:
                    if trace[i:] != bare[0]:
                        rest[n : n + 1] = [part for part in (trace[:i] + bare[0], trace[i:]) if part]
                    return rest
    return rest
