"""Headers: which are known, which are guessed, and that a guess never takes what says so itself."""

from __future__ import annotations

import pytest

from fsmlearn.columns import Layout, Variables, perhaps_variables, read_layout
from fsmlearn.errors import LogError


def layout(headers: str, chosen: dict[str, str] | None = None, variables: Variables | None = None) -> Layout:
    return read_layout(headers.split(","), 1, "log.csv", chosen or {}, variables or Variables())


@pytest.mark.parametrize(
    ("headers", "kind", "guessed"),
    [
        ("trace,step,current_state,trigger,next_state,output", "visible", ""),
        ("Trace ID,Step,State,Trigger,Next State", "visible", ""),
        ("case,timestamp,from,action,to", "visible", "trace state trigger next_state step"),
        ("session,src,input,dst", "visible", "trace state trigger next_state"),
        ("source,event,target", "visible", "state next_state trigger"),
        ("run,input,response", "hidden", "trace trigger output"),
        ("case:concept:name,concept:name,time:timestamp", "sequence", "step"),
        ("caseid,activity", "sequence", "trace event"),
        ("timestamp,source,event", "sequence", "step"),  # where something came from is no state
        ("step,trigger,output,source", "hidden", ""),
        ("state,source,trigger,next_state,target", "visible", ""),
        ("trigger,action,input,output", "hidden", ""),
        ("index,time,event", "sequence", "step"),
    ],
)
def test_what_headers_are_taken_for(headers: str, kind: str, guessed: str) -> None:
    found = layout(headers)
    assert (found.kind, sorted(found.guessed)) == (kind, sorted(guessed.split()))
    assert not {"state", "next_state"} & found.position.keys() or kind == "visible"


def test_earlier_names_win() -> None:
    assert layout("source,state,trigger,next_state").columns["state"] == "state"
    assert layout("time,index,step,event").columns["step"] == "step"
    assert layout("time,index,event").columns["step"] == "index"
    with pytest.raises(LogError, match="'from', 'src' could all be the current_state; rename"):
        layout("from,src,trigger,to,dst")


def test_a_header_that_is_chosen_is_no_guess() -> None:
    found = layout("src,action,dst", {"state": "src", "next_state": "dst"})
    assert found.guessed == ("trigger",) and found.chosen == ("state", "next_state")


VARIABLES = Variables(state=("Power", "Water Level"), inputs=("Timer", "Power"))


def test_variables_have_columns_of_their_own() -> None:
    found = layout("time,Timer,power,event,water_level,note", variables=VARIABLES)
    assert (found.kind, found.variables) == ("visible", ("=Power", "=Water Level", "=Timer"))
    assert found.columns["=Water Level"] == "water_level" and found.columns["trigger"] == "event"
    assert "trigger" not in layout("power,water level,timer", variables=VARIABLES).position
    # a variable may be called as something else is elsewhere
    assert layout("state,input", variables=Variables(("state", "input"))).variables == ("=state", "=input")
    with pytest.raises(LogError, match=r"no column 'Water Level' for the variable; .*did you mean 'Water Lvel'"):
        layout("Power,Timer,Water Lvel", variables=VARIABLES)


@pytest.mark.parametrize(
    ("headers", "columns"),
    [("trace,Power,time,Level,event", [1, 3]), ("Power,state", []), ("a,b,output", []), ("step,trigger", [])],
)
def test_columns_that_might_be_variables(headers: str, columns: list[int]) -> None:
    assert perhaps_variables(headers.split(",")) == columns
