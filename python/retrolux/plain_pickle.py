"""Pickles of plain values, read by a machine of few instructions that runs nothing they name.

A pickle is a program. That of the standard library calls what it names; kept from that, it can still be made to hash a
tuple in a tuple in a tuple and so on, which overflows the stack of the processor or never ends. This one has no
instruction whose work is more than the bytes it has read, hashes nothing but texts and whole numbers, and makes records
where a pickle wants objects.
"""

from __future__ import annotations

import io
import pickletools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Record", "read_pickle"]

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
}  # fmt: skip
_STRINGS = {"STRING", "BINSTRING", "SHORT_BINSTRING"}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUT = {"PUT", "BINPUT", "LONG_BINPUT"}
_GET = {"GET", "BINGET", "LONG_BINGET"}
_NOTHING = {"PROTO", "FRAME"}
# Twenty times what a batch of CIFAR-10 has, and some seconds.
_INSTRUCTIONS = 1_000_000


class Record:
    """What a pickle says of an object that is not made; takes no state unless a subclass does."""

    def set_state(self, _state: object) -> None:
        """Take what the pickle says the object consists of."""
        raise ValueError(f"{type(self).__name__.strip('_')} has no state of its own")


def read_pickle(
    content: bytes,
    calls: Mapping[tuple[str, str], Any],
    allowed: str,
    persistent: Callable[[Any], Any] | None = None,
) -> Any:
    """Return the value that a pickle describes.

    Parameters
    ----------
    content : bytes
        Of protocol 0 to 4, or of Python 2.
    calls : mapping of (module, name) to callable or value
        What stands for the objects that a pickle may name: a callable makes a record of the arguments, a value stays
        as it is and cannot be called.
    allowed : str
        What they are, for the message.
    persistent : callable, optional
        Makes a record of what the pickle says of an object outside of it; without it there are none.

    Returns
    -------
    object
        Texts, numbers, bytes, lists, tuples, dictionaries and records. Strings of Python 2 are bytes. A value may stand
        in several places, so that what is small here can be long when it is written down.

    Raises
    ------
    ValueError
        When the pickle is damaged, names anything else, has an instruction that plain values do not need, or more
        than a million of them.
    """
    machine = _Machine(calls, allowed, persistent)
    file = io.BytesIO(content)
    try:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(file)):
            if instruction.name == "STOP":
                break
            if count == _INSTRUCTIONS:
                raise ValueError(f"it has more than {_INSTRUCTIONS} instructions")
            machine.do(instruction.name, argument)
    except (IndexError, KeyError) as error:
        raise ValueError(f"an instruction misses what it works on ({type(error).__name__})") from None
    if machine.marks or len(machine.stack) != 1:
        raise ValueError("it does not end with one value")
    return machine.stack[0]


class _Machine:
    def __init__(
        self, calls: Mapping[tuple[str, str], Any], allowed: str, persistent: Callable[[Any], Any] | None
    ) -> None:
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []  # the stacks below each mark
        self._memo: dict[int, Any] = {}
        self._calls, self._allowed, self._persistent = calls, allowed, persistent

    def do(self, name: str, argument: Any) -> None:  # noqa: PLR0912, PLR0915 - a branch for each kind of instruction
        """Run an instruction."""
        stack = self.stack
        if name in _VALUES:
            stack.append(argument)
        elif name in _STRINGS:
            stack.append(argument.encode("latin-1"))
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            count = _TUPLES[name]
            stack[-count:] = [tuple(self._top(count))]
        elif name in _PUT:
            self._memo[int(argument)] = stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif name in _GET:
            stack.append(self._memo[int(argument)])
        elif name == "MARK":
            self.marks.append(stack)
            self.stack = []
        elif name in {"LIST", "TUPLE", "DICT"}:
            items = self._marked()
            made = {"LIST": list, "TUPLE": tuple}.get(name, dict)
            self.stack.append(made() if made is dict else made(items))
            if made is dict:
                self._set_items(items)
        elif name == "APPENDS":
            items = self._marked()
            self._of(list).extend(items)
        elif name == "APPEND":
            item = stack.pop()
            self._of(list).append(item)
        elif name == "SETITEMS":
            self._set_items(self._marked())
        elif name == "SETITEM":
            pair = self._top(2)
            del stack[-2:]
            self._set_items(pair)
        elif name == "POP":
            stack.pop()
        elif name == "GLOBAL":
            stack.append(self._named(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            stack[-2:] = [self._named(*self._top(2))]
        elif name in {"REDUCE", "NEWOBJ"}:
            stack[-2:] = [self._called(*self._top(2))]
        elif name == "INST":
            self._named(*argument.split(" ", 1))
            raise ValueError("it makes an object in a way that no plain value needs")
        elif name == "BUILD":
            state = stack.pop()
            self._of(Record).set_state(state)
        elif name == "BINPERSID" and self._persistent is not None:
            stack[-1] = self._persistent(stack[-1])
        elif name not in _NOTHING:
            raise ValueError(f"it has the instruction {name}, which no plain value needs")

    def _top(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError
        return self.stack[-count:]

    def _marked(self) -> list[Any]:
        """Return what was put on the stack since the last mark, and go back to the stack below it."""
        items, self.stack = self.stack, self.marks.pop()
        return items

    def _of(self, kind: type[Any]) -> Any:
        top = self.stack[-1]
        if not isinstance(top, kind):
            raise ValueError(f"it changes a {type(top).__name__} as if it were a {kind.__name__.lower()}")
        return top

    def _set_items(self, items: list[Any]) -> None:
        table = self._of(dict)
        if len(items) % 2:
            raise ValueError("it has a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in {str, bytes, int}:
                raise ValueError(f"keys must be texts or whole numbers, got a {type(key).__name__}")
            table[key] = value

    def _named(self, module: Any, name: Any) -> Any:
        if type(module) is not str or type(name) is not str:
            raise ValueError("it asks for an object without a name")
        if (module, name) not in self._calls:
            raise ValueError(f"it asks for {module[:60]}.{name[:60]}, and only {self._allowed} are allowed")
        return self._calls[module, name]

    def _called(self, function: Any, arguments: Any) -> Any:
        if not callable(function) or not isinstance(arguments, tuple):
            raise ValueError(f"it calls a {type(function).__name__}")
        return function(*arguments)
