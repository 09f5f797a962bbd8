"""What every panel is made of: controls, a picture that follows them, and a sentence that says what is in it."""

import gc
import io
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from html import escape
from pathlib import Path
from threading import RLock
from typing import Any

import ipywidgets
import traitlets

from workshop_utils.figure import Figure, Shown, alt
from workshop_utils.progress import watched_by

_LOCK = RLock()  # one drawing at a time, whichever thread a front end calls from
# no margin: with it a picture as wide as the panel would be wider than the panel
PICTURE = {"max_width": "100%", "margin": "0", "object_fit": "contain", "align_self": "flex-start"}


class Panel(Shown):
    """Controls above a picture; whatever moves, `draw` is asked again.

    draw: called with the value of each control under its name; gives a Figure, whose description is shown below it. It
    has no other input, so that the same controls always show the same.
    moved: (name of the control that a person moved, all values) -> values of others that follow it.
    above: more widgets, over the controls; None is left out. picture: a widget with a `value` of PNG bytes. beside: widgets left
    of the picture; a control among them stands there alone. below: widgets after the sentence. offers: more attributes of it.
    steady: the parts of the picture stay where the first one has them; to look for places takes a quarter of a move.
    A callback never raises: what goes wrong is said in the panel. Where no front end draws widgets, a notebook shows the
    picture as it was when the cell ran, and a line of text.
    """

    figure: Figure  # the one that is shown

    def __init__(
        self,
        title: str,
        draw: Callable[..., Figure],
        controls: dict[str, ipywidgets.ValueWidget],
        *,
        moved: Callable[[str, dict], dict] = lambda name, state: {},
        above: Sequence[ipywidgets.Widget | None] = (),
        picture: ipywidgets.Widget | None = None,
        beside: Sequence[ipywidgets.Widget] = (),
        below: Sequence[ipywidgets.Widget] = (),
        steady: bool = False,
        **offers: Any,
    ):
        self.title, self.draw, self.controls = title, draw, controls
        self._moved, self._held, self._steady = moved, False, steady
        vars(self).update(offers)
        self.picture = picture or ipywidgets.Image(format="png", layout=PICTURE)
        self.sentence = ipywidgets.HTML()
        with watched_by(lambda *_: None):
            self._show(draw(**self.state))
        for name, control in controls.items():
            control.observe(lambda change, name=name: self._follow(name), names="value")
        seen = row(*beside, self.picture) if beside else self.picture
        placed = [part for widget in beside for part in _made_of(widget)]
        shown = row(*(control for control in controls.values() if control not in placed))
        parts = [*above, shown, seen, self.sentence, scripted("keys.js"), *below]
        self.box = ipywidgets.VBox([part for part in parts if part])

    @property
    def state(self) -> dict[str, Any]:
        """The value of each control by its name."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values) -> None:
        """Moves several controls at once and draws once."""
        self.act(lambda: self._put(values))

    def act(self, action: Callable[[], Any], *, doing: str = "") -> None:
        """Runs what a button asks for, then draws again; what goes wrong becomes the panel's sentence.

        doing: what the panel says meanwhile, where that takes a moment.
        """
        with _LOCK, self._quiet(doing):
            try:
                if doing:
                    self.say(doing)
                action()
                with _garbage_waits():
                    self._show(self.draw(**self.state))
            except KeyboardInterrupt:
                self.say("Stopped. Everything is as it was before.")
            except (ValueError, OSError) as error:  # written for people
                self.say(str(error))
            except Exception as error:
                what = f"This did not work ({type(error).__name__}: {error})."
                self.say(f"{what} Move a control to go on, or run the cell again.")

    def say(self, words: str) -> None:
        """Puts a sentence under the picture, where a screen reader announces it."""
        self.sentence.value = f'<div role="status" aria-live="polite" style="line-height:1.5;font-size:15px;max-width:1000px">{escape(words)}</div>'

    def _show(self, figure: Figure) -> None:
        if self._steady and hasattr(self, "figure"):
            figure.set_layout_engine("none")
            for axes, before in zip(figure.axes, self.figure.axes):
                axes.set_position(before.get_position(original=True))
        self.picture.value, self.figure = figure.png(), figure
        self.say(figure.description)

    def _follow(self, name: str) -> None:
        if not self._held:
            self.act(lambda: self._put(self._moved(name, self.state)))

    def _put(self, values: dict) -> None:
        self._held = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self._held = False

    @contextmanager
    def _quiet(self, doing: str):
        """Whatever is printed, warned of or counted would appear in another cell: counts are said here, the rest is dropped."""

        def count(_, done, total):
            if doing and total:
                self.say(f"{doing} {done} of {total}")

        nowhere, silent = io.StringIO(), warnings.catch_warnings(action="ignore")
        with redirect_stdout(nowhere), redirect_stderr(nowhere), silent, watched_by(count):
            yield

    def close(self) -> None:
        """Ends its widgets, which ipywidgets would otherwise keep, with all that they can call, as long as the kernel lives."""
        for widget in [*_made_of(self.box)]:
            widget.close()

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        self.replace_earlier()
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        bundle = {
            "text/plain": f"Panel: {self.title}. In words: {self.figure.description}",
            "image/png": b64encode(self.picture.value).decode(),
            "application/vnd.jupyter.widget-view+json": view,
        }
        return bundle, alt(bundle, self.figure)


@contextmanager
def _garbage_waits():
    """Garbage is looked for once the picture is there: among matplotlib's objects that takes up to a third of a second."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _made_of(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """A widget and all that it is made of: children, layouts, styles."""
    yield widget
    for value in widget.trait_values().values():
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, ipywidgets.Widget):
                yield from _made_of(part)


def wide(kind: type, description: str, **options) -> ipywidgets.ValueWidget:
    """A control of a kind of ipywidgets, wide enough for its description and for dragging a slider."""
    style, layout = {"description_width": "initial"}, {"width": "auto", "min_width": "320px"}
    return kind(description=description, style=style, layout=layout, **options)


def slider(
    description: str, value: int, low: int, high: int, step: int = 1
) -> ipywidgets.IntSlider:
    """Whole numbers from low to high."""
    return wide(ipywidgets.IntSlider, description, value=value, min=low, max=high, step=step)


def choice(description: str, options: Sequence, **value) -> ipywidgets.Dropdown:
    """One of many options: words, or pairs (word, value). value: the first where it is left out."""
    return wide(ipywidgets.Dropdown, description, options=options, **value)


def buttons(description: str, options: Sequence[str], **value) -> ipywidgets.ToggleButtons:
    """One of a few options, side by side. value: the first where it is left out."""
    look = {"button_width": "auto"}
    return ipywidgets.ToggleButtons(description=description, options=options, style=look, **value)


def button(label: str, action: Callable[[], Any], **options) -> ipywidgets.Button:
    """A button that calls `action` when it is pressed."""
    layout = {"width": "auto", "align_self": "flex-start"}
    made = ipywidgets.Button(description=label, layout=layout, **options)
    made.on_click(lambda _: action())
    return made


def row(*parts: ipywidgets.Widget) -> ipywidgets.HBox:
    """Widgets side by side, in more lines where one is too short."""
    return ipywidgets.HBox(parts, layout={"flex_flow": "row wrap"})


def scripted(script: str, **traits: traitlets.TraitType) -> ipywidgets.DOMWidget | None:
    """A widget that the file `script` beside this module draws in the browser, or None where anywidget is not installed.

    traits: what Python and the script share. Panels have core controls for everything that a script offers.
    """
    try:
        import anywidget
    except ImportError:
        return None
    members: dict[str, Any] = {name: trait.tag(sync=True) for name, trait in traits.items()}
    members["_esm"] = Path(__file__).with_name(script).read_text("utf-8")
    return type(Path(script).stem.title(), (anywidget.AnyWidget,), members)()


def clickable(words: str, opened: Callable[[float, float], Any]) -> ipywidgets.DOMWidget | None:
    """The picture of a panel that calls `opened` with the place of a click, as fractions of its width and height from the top left
    corner; None where anywidget is not installed. words: for who cannot see it."""
    where: traitlets.List = traitlets.List(traitlets.Float(), [])
    texts = {"png": traitlets.Unicode(), "words": traitlets.Unicode(words)}
    made = scripted("clickable.js", where=where, **texts)
    if made:  # gets a `value` of PNG bytes as ipywidgets.Image has it, and sends it as text
        made.add_traits(value=traitlets.Bytes())
        traitlets.dlink((made, "value"), (made, "png"), lambda png: b64encode(png).decode())
        each_time(made, "where", lambda place: opened(*place))
    return made


def each_time(widget: ipywidgets.Widget, trait: str, action: Callable[[Any], Any]) -> None:
    """Calls `action` with what the browser puts there, then empties it: the same twice is two events."""

    def react(change: dict) -> None:
        if change["new"]:
            action(change["new"])
            widget.set_trait(trait, type(change["new"])())

    widget.observe(react, names=trait)
