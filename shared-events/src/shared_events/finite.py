"""Telling quickly whether every number of a hot event is one.

msgspec reads "NaN" and "Infinity", in all their spellings, into a `Decimal`, and "1e999999999",
which takes a gigabyte to write out; the schemas refuse them. Looking at the values costs a quarter of reading them; looking for the spellings in the bytes
costs more and is never sure.
"""

from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Any, TypeVar, get_args, get_type_hints

from msgspec import Struct
from msgspec.structs import astuple

T = TypeVar("T")

_is_finite, _magnitude = Decimal.is_finite, Decimal.adjusted
_POSSIBLE = frozenset(range(-60, 60))


def finite_check(struct: type[Struct]) -> Callable[[Any], bool]:
    """Return a function that tells whether all decimals in an instance of `struct` are finite.

    One whose magnitude is beyond all that the schemas allow does not count as such.
    It looks at the struct's own fields and at those of the structs in its tuples.

    Raises
    ------
    TypeError
        If there are decimals anywhere deeper, where it would not look.
    """
    for _, part in _parts(struct):
        if any(_decimals(deeper) for _, deeper in _parts(part)):
            raise TypeError(
                f"{part.__name__} holds structs with decimals, which nobody would check"
            )
    own = attrgetter(*_at_least_two(_decimals(struct)))
    inner = [
        (attrgetter(name), itemgetter(*_at_least_two(_places(part))))
        for name, part in _parts(struct)
        if _decimals(part)
    ]

    def all_finite(value: Any) -> bool:
        numbers: list[Decimal | None] = [*own(value)]
        for parts_of, numbers_of in inner:
            for part in parts_of(value):
                numbers += numbers_of(astuple(part))
        given = [number for number in numbers if number is not None]
        return all(map(_is_finite, given)) and _POSSIBLE.issuperset(map(_magnitude, given))

    return all_finite


def _places(struct: type[Struct]) -> list[int]:
    """Return where in a tuple of its fields the decimals are."""
    return [struct.__struct_fields__.index(name) for name in _decimals(struct)]


def _at_least_two(wanted: list[T]) -> list[T]:
    """Repeat a single item: then a getter of `wanted` returns a tuple."""
    return wanted * 2 if len(wanted) == 1 else wanted


def _decimals(struct: type[Struct]) -> list[str]:
    """Return the fields of `struct` that hold a decimal."""
    return [name for name, hint in get_type_hints(struct).items() if Decimal in _leaves(hint)]


def _parts(struct: type[Struct]) -> list[tuple[str, type[Struct]]]:
    """Return the structs inside `struct`, by the field that holds them."""
    return [
        (name, leaf)
        for name, hint in get_type_hints(struct).items()
        for leaf in _leaves(hint)
        if isinstance(leaf, type) and issubclass(leaf, Struct)
    ]


def _leaves(hint: Any) -> list[Any]:
    """Return the plain types that `hint` is made of."""
    args = get_args(hint)
    return [leaf for arg in args for leaf in _leaves(arg)] if args else [hint]
