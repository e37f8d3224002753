"""Work that pauses."""

from src.model.inference.steps import Done, Steps, advance, finish


def count(pauses: int) -> Steps[int]:
    for _ in range(pauses):
        yield
    return pauses


def test_work_pauses_until_it_is_done() -> None:
    steps = count(2)
    assert [advance(steps) for _ in range(3)] == [None, None, Done(2)]


def test_finished_work_returns_its_result() -> None:
    assert finish(count(0)) == 0
    assert finish(count(3)) == 3
