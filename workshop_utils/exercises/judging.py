"""How answers are compared with what is right, and with the mistakes that people really make."""

import copy
import random
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_map_only

PLACES = ("stdlib", "purelib", "platlib")
LIBRARIES = (str(Path(__file__).parents[1]), *map(sysconfig.get_path, PLACES))


class Wrong(Exception):
    """The answer is not right; the message says what was expected and what came."""


class Unattempted(Exception):
    """The answer is still `...`, or the broken cell as it came; then the message says so."""


class Raised(Exception):
    """The attendee's own code stopped with an error; `code` is their line."""

    def __init__(self, error: BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if not frame.filename.startswith(LIBRARIES)]
        self.code = f"line {own[-1].lineno}: {own[-1].line}" if own else ""
        super().__init__(in_words(error))


def in_words(error: BaseException) -> str:
    """The kind of an error and its message, as far as it has one that can be read; torch's can fill a page."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:
        text = type(error).__name__
    return text if len(text) <= 500 else f"{text[:497]}..."


def ask(answer: Callable, *inputs: Any) -> Any:
    """What the attendee's function or net gives for copies of these inputs. Raises Unattempted for `...`, Raised for an exception."""
    if not callable(answer):
        raise Wrong(f"Expected a function or a net that can be called; came {described(answer)}.")
    try:
        given = answer(*copy.deepcopy(inputs))
    except (Exception, SystemExit) as error:  # exit() in an answer must not end the check
        raise Raised(error) from error
    need_attempt(given)
    return given


def helped(said: dict[str, str], answer: Callable, *inputs: Any) -> Any:
    """As `ask`, but where torch's message holds a piece that `said` has, the answer is wrong, with the sentence there."""
    try:
        return ask(answer, *inputs)
    except Raised as error:
        for piece, sentence in said.items():
            if piece in str(error):
                raise Wrong(sentence) from error
        raise


def need_attempt(answer: Any) -> None:
    """Raises Unattempted if the answer, or a part of it, is still `...`."""
    if answer is ... or (isinstance(answer, (tuple, list)) and any(part is ... for part in answer)):
        raise Unattempted


def compare(
    given: Any, expected: Any, mistakes: dict[str, Any], what: str, **near: float
) -> Iterator[str]:
    """Yields what is wrong with `given`; nothing if it equals `expected`, a number or an array.

    mistakes: sentence -> the value that this mistake gives, compared in turn. what: the words for what was expected. near: as `same`.
    """
    values, came = as_array(given), f"came {described(given)}"
    wanted = np.asarray(as_array(expected))
    if values is None:
        rest = ", which is text. A number stands without quotes" if isinstance(given, str) else ""
        if rest and "%" in given:
            rest += ", and a percentage as a fraction, such as 0.12"
        elif rest and "," in given:
            rest += ", without a comma" if (wanted >= 1000).all() else " and with a point"
        yield f"Expected {what}; {came}{rest}."
    elif not same(values, wanted, **near):
        for sentence, value in mistakes.items():
            if same(values, value, **near):
                yield sentence
        if (abs(wanted) <= 1).all() and same(values / 100, wanted, **near):
            yield "That is in percent. The task asks for fractions between 0 and 1."
        large = wanted.ndim == 0 and wanted >= 1000  # thousands may have been separated
        parts = _cut(given)
        thousands = large and parts and (parts[1] == 0 or 100 <= parts[1] <= 999)
        if values.size > wanted.size and parts and (thousands or parts[0] == 0):
            words = "{0}{1:03}, without a comma" if thousands else "{0}.{1}, with a point"
            yield f"For Python {parts[0]},{parts[1]} are two numbers. Write {words.format(*parts)}."
        if values.shape != wanted.shape:
            shape = f"of shape {wanted.shape}" if wanted.ndim else "a single number"
            yield f"Expected {what}, {shape}; {came}."
        if wanted.ndim == 1 and wanted.size == 2:
            places = zip(("first", "second"), values, wanted)
            off = [place for place, one, right in places if not same(one, right, **near)]
            yield f"Expected {what}; of yours the {' and the '.join(off)} {'is' if off[1:] == [] else 'are'} not right."
        rest = "of the right shape but with other values" if wanted.ndim else "which is not it"
        yield f"Expected {what}; {came}, {rest}."


def _cut(given: Any) -> tuple[int, int] | None:
    """The two parts of the first number in a tuple that a comma cut, such as 0,12; None if there is none."""
    pairs = pairwise(given) if isinstance(given, tuple) else ()
    cut = (both for both in pairs if type(both[0]) is type(both[1]) is int and both[1] >= 0)
    return next(cut, None)


def as_array(value: Any) -> np.ndarray | None:
    """A number, tensor, array or list of numbers as float64; None for anything else."""
    if isinstance(value, torch.Tensor):
        plain = not value.is_complex() and value.layout == torch.strided
        value = value.detach().cpu().double().numpy() if plain else None
    if isinstance(value, (str, bytes, dict, set)) or value is None:
        return None
    if isinstance(value, (list, tuple)):  # of tensors, which may have gradients
        value = tree_map_only(torch.Tensor, as_array, value)
    try:
        return np.asarray(value, dtype=np.float64)
    except Exception:  # objects of all kinds come here, and whatever they do, they are no numbers
        return None


def same(values: np.ndarray, wanted: Any, rtol: float = 1e-3, atol: float = 1e-6) -> bool:
    """Equal in shape and, up to numpy's tolerances, in every value; a single value may come in brackets."""
    wanted = np.asarray(as_array(wanted))
    if wanted.ndim == 0 and values.size == 1:
        values = values.reshape(())
    return values.shape == wanted.shape and np.allclose(values, wanted, rtol=rtol, atol=atol)


def described(value: Any) -> str:
    """What came, in words that cannot be long: the number, or the kind and the shape; of what has no words, the kind alone."""
    try:
        return _described(value)
    except Exception:  # a number of 5,000 digits, a tensor without values, an object that refuses
        return f"something of type {type(value).__name__}"


def _described(value: Any) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, (bool, int, float, str)):
        text = repr(value)
        return text if len(text) <= 40 else f"{text[:37]}..."
    if isinstance(value, (torch.Tensor, np.ndarray)):
        kind = "a tensor" if isinstance(value, torch.Tensor) else "an array"
        if value.ndim == 0:
            return f"the {kind.split()[1]} {value.item():.4g}"
        return f"{kind} of shape {tuple(value.shape)}"
    if isinstance(value, (list, tuple)):
        parts = _cut(value)
        point = f"; write {parts[0]}.{parts[1]}, with a point" if parts and parts[0] == 0 else ""
        return f"a {type(value).__name__} of {len(value)}{point}"
    if isinstance(value, type):
        return f"the class {value.__name__} itself; with brackets behind it, it makes an object"
    kind = f"something of type {type(value).__name__}"
    return "None (is there a return?)" if value is None else kind


@contextmanager
def untouched_randomness():
    """Inside, random numbers may be drawn; afterwards the notebook's own generators go on as if none had been."""
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.seed()  # torch.seed() would reseed a GPU's generator as well
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
