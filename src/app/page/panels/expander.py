"""A part of the page that is folded until someone opens it, and made only then."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st


@contextmanager
def unfolding(key: str, label: str) -> Iterator[bool]:
    """Show what is written inside the block when it is open; yield whether it is."""
    # Streamlit forgets whether it was open while it isn't on the page, as after "Clear", and when its label changes
    was_open: dict[str, bool] = st.session_state.setdefault("was_open", {})
    st.session_state[key] = st.session_state.get(key, was_open.get(key, False))
    expander = st.expander(label, key=key, on_change="rerun")
    was_open[key] = is_open = bool(expander.open)
    with expander:
        yield is_open
