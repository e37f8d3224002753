"""A section of the page that is collapsed, and empty, until someone opens it."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st


@contextmanager
def lazy_expander(key: str, label: str) -> Iterator[bool]:
    """Show an expander and yield whether it is open; what the block writes is inside it."""
    # Streamlit forgets this state while the expander is not on the page, as after "Clear", and when its label changes.
    was_open: dict[str, bool] = st.session_state.setdefault("was_open", {})
    st.session_state[key] = st.session_state.get(key, was_open.get(key, False))
    expander = st.expander(label, key=key, on_change="rerun")
    was_open[key] = is_open = bool(expander.open)
    with expander:
        yield is_open
