"""An order in which every slot can be evaluated, or the cycle that forbids one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from talent_sd.base.errors import ModelError
from talent_sd.engine.ir import Call, Expression, Program, Random, Ref, TableCall


def references(*expressions: Expression | None) -> Iterator[int]:
    """Yield the slots that expressions read, in reading order, repeats included."""
    stack = [expression for expression in reversed(expressions) if expression is not None]
    while stack:
        current = stack.pop()
        if isinstance(current, Ref):
            yield current.slot
        elif isinstance(current, (Call, Random)):
            stack += reversed(current.args)
        elif isinstance(current, TableCall):
            stack.append(current.x)


def needed_at_start(program: Program, wanted: Iterable[int]) -> set[int]:
    """Return the slots that some slots' values at the start depend on, themselves included."""
    states = {state.slot: state for state in program.states}
    found: set[int] = set()
    stack = list(wanted)
    while stack:
        slot = stack.pop()
        if slot in found:
            continue
        found.add(slot)
        if slot in states:
            stack += references(states[slot].initial, states[slot].length)
        else:
            stack += references(program.initial_expression.get(slot, program.slots[slot].expression))
    return found


def evaluation_order(
    wanted: Iterable[int], needs: Callable[[int], Sequence[int]], name: Callable[[int], str], what: str
) -> tuple[int, ...]:
    """Return slots so that each comes after all it needs.

    Parameters
    ----------
    wanted : the slots to reach
    needs : slot -> slots that must come before (those known anyway left out)
    name : slot -> name for the message
    what : what the cycle consists of, for the message

    Raises
    ------
    ModelError
        If slots need each other in a circle, with the chain of names.
    """
    done: dict[int, None] = {}
    for start in wanted:
        if start in done:
            continue
        path: dict[int, Iterator[int]] = {start: iter(needs(start))}
        while path:
            current = next(reversed(path))
            following = next(path[current], None)
            if following is None:
                done[current] = None
                del path[current]
            elif following in path:
                chain = list(path)
                circle = [*chain[chain.index(following) :], following]
                raise ModelError(
                    "{what} in a circle: {names}. Break it with a stock or a delay.",
                    what=what,
                    names=" ← ".join(map(name, circle)),
                )
            elif following not in done:
                path[following] = iter(needs(following))
    return tuple(done)
