"""Inside the networks: what each layer of the CNN and the MLP computes for the visitor's digit, down to single sums."""

from pathlib import Path
from typing import Any, Final

import streamlit as st

from src.app.page.client import Layer, Model
from src.app.page.errors import ServiceError
from src.app.page.i18n import get_language, gettext_noop, translate
from src.app.page.panels.expander import lazy_expander
from src.app.page.session import get_client, list_networks, picture_id

# by the scramble switch: the kinds of networks, as the service calls them
KINDS: Final = {False: ("cnn", "mlp"), True: ("cnn-permuted", "mlp-permuted")}
MAX_REMEMBERED: Final = 4  # networks, of 0.5 MB each
TEXTS: Final = {
    "input": gettext_noop("Your digit: 28x28 pixels"),
    "scrambledInput": gettext_noop("Your digit, its pixels scrambled"),
    "convolution": gettext_noop("Convolution: {count} maps of {rows}x{columns}"),
    "pool": gettext_noop("Pooling: {count} maps of {rows}x{columns}"),
    "weights": gettext_noop("Weights of {count} hidden units, one for each pixel"),
    "restored": gettext_noop("The same weights, each put back at its pixel"),
    "units": gettext_noop("{count} hidden units"),
    "outputs": gettext_noop("{count} outputs; the largest is the answer"),
    "place": gettext_noop("Map {map}, row {row}, column {column}"),
    "pixel": gettext_noop("Pixel in row {row}, column {column}"),
    "weight": gettext_noop("Unit {map}, weight in row {row}, column {column}"),
    "map": gettext_noop("Map {map}"),
    "unit": gettext_noop("Unit {unit}"),
    "output": gettext_noop("Output for {unit}"),
    "inputText": gettext_noop(
        "The ink, from 0 to 1, less its mean and divided by its deviation over all training digits:"
    ),
    "convolutionText": gettext_noop(
        "It looks at the framed window, 5x5 pixels. Each is multiplied by its weight in filter {map}; the sum is high "
        "where the picture resembles the filter."
    ),
    "convolutionsText": gettext_noop(
        "It looks at the same 5x5 window in each of the {count} maps before. Filter {map} has 5x5 weights for each."
    ),
    "poolText": gettext_noop("The largest of four neighbours is kept, and what is below 0 becomes 0."),
    "weightText": gettext_noop("The pixel times this weight. Unit {unit} adds up all {count} products:"),
    "weightsText": gettext_noop("Each of the {count} pixels is multiplied by its weight. Below 0, the unit is silent."),
    "mapsText": gettext_noop(
        "It has a weight for each of the {count} values before; each bar is the sum of a map. Below 0 it is silent."
    ),
    "unitText": gettext_noop("Each unit before is multiplied by a weight. Below 0, the unit is silent."),
    "outputText": gettext_noop("Each hidden unit is multiplied by a weight and speaks for this digit or against it."),
    "for": gettext_noop("For it: {sum}"),
    "against": gettext_noop("Against it: {sum}"),
    "others": gettext_noop("{count} others"),
    "bias": gettext_noop("bias"),
    "all": gettext_noop("All {count} products"),
}
CNN_TEXT: Final = gettext_noop(
    "**CNN: convolutional neural network.** A convolution slides a small filter over the picture, the same filter "
    "everywhere: it finds a stroke wherever it lies, because neighbouring pixels belong together. "
    "Point at any pixel, touch it, or walk with Tab and the arrow keys: you see the sum that it is."
)
MLP_TEXT: Final = gettext_noop(
    "**MLP: multilayer perceptron.** Each hidden unit has one weight for each pixel, drawn as a picture: it compares "
    "the whole digit with that. No weight knows which pixels are neighbours."
)
SCRAMBLED_CNN_TEXT: Final = gettext_noop(
    "**CNN: convolutional neural network.** Its 5x5 windows now cover pixels from all over the digit. No filter finds "
    "a stroke, and the maps look like noise."
)
SCRAMBLED_MLP_TEXT: Final = gettext_noop(
    "**MLP: multilayer perceptron.** Its weights are scrambled like the pixels, and nothing else has changed: put back "
    "in place, they are as meaningful as before. So scrambling hardly affects it."
)

_FOLDER: Final = Path(__file__).parent
_SCRIPT: Final = "\n".join((_FOLDER / name).read_text("utf-8") for name in ("network_view.js", "network_layers.js"))
_STYLE: Final = (_FOLDER / "network_view.css").read_text("utf-8")


def show_networks(picture: bytes | None) -> None:
    """Offer a look inside; the service is asked only while it is open."""
    with lazy_expander("inside", translate("Look inside: how a network comes to its answer")) as is_open:
        if not is_open:
            return
        show_switch("scrambled_inside", "scrambled")
        if picture is None:
            st.caption(translate("Draw a single digit to see what each layer makes of it."))
            return
        st.html(_render_legend())
        is_scrambled = bool(st.session_state.get("scrambled_inside"))
        texts = (SCRAMBLED_CNN_TEXT, SCRAMBLED_MLP_TEXT) if is_scrambled else (CNN_TEXT, MLP_TEXT)
        try:
            for kind, text in zip(KINDS[is_scrambled], texts, strict=True):
                _show_network(picture, kind, translate(text))
        except ServiceError as error:
            st.caption(translate(error.sentence, **error.values))


def show_switch(key: str, other: str) -> None:
    """Show the switch that scrambles the pixels; it also moves the switch `other` of another panel."""

    def move_other() -> None:
        st.session_state[other] = st.session_state[key]

    st.toggle(translate("Scramble the pixels"), key=key, persist_state="session", on_change=move_other)


def _show_network(picture: bytes, kind: str, text: str) -> None:
    """Show a network, if the service has it. Raises a `ServiceError`."""
    model = list_networks().get(kind)
    if not model:
        st.caption(translate("This service does not have the networks of the experiment."))
        return
    layers = _ask_once(picture, model)
    if not layers:  # of a service of an earlier version
        return
    st.markdown(text)
    language = get_language()
    data: dict[str, Any] = {
        "key": f"{picture_id(picture)} {model.version} {language}",
        "language": language,
        "order": model.order,
        "normalisation": model.normalisation.model_dump(),
        "layers": [layer.model_dump() for layer in layers],
        "texts": {name: translate(text) for name, text in TEXTS.items()},
    }
    component = st.components.v2.component("network", html='<div class="network"></div>', css=_STYLE, js=_SCRIPT)
    component(key=f"network-{kind.partition('-')[0]}", data=data)


def _ask_once(picture: bytes, model: Model) -> tuple[Layer, ...] | None:
    """Return the layers for a picture; the latest are remembered. Raises a `ServiceError`."""
    remembered: dict[tuple[str, str], tuple[Layer, ...] | None] = st.session_state.setdefault("layers", {})
    key = picture_id(picture), model.version
    if key not in remembered:
        remembered[key] = get_client().predict(picture, "activations", model.version).activations
        if len(remembered) > MAX_REMEMBERED:
            remembered.pop(next(iter(remembered)))
    return remembered[key]


def _render_legend() -> str:
    below, above = translate("below 0"), translate("above 0")
    text = translate(
        "The brighter, the further from 0; each row has its own scale. Yellow frames show what you point at."
    )
    return f"""
    <p class="legend" lang="{get_language()}"><span>{below}</span><i aria-hidden="true"></i><span>{above}</span>
      <small>{text}</small></p>"""
