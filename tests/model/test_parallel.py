import math

import pytest

from src.model.parallel import cores, in_parallel


def test_every_task_is_done_whatever_the_order() -> None:
    assert sorted(in_parallel(math.factorial, [1, 2, 3])) == [1, 2, 6]


def test_an_error_in_one_ends_all() -> None:
    with pytest.raises(ValueError, match="negative"):
        list(in_parallel(math.factorial, [1, -2, 3]))


def test_no_tasks_are_no_work() -> None:
    assert list(in_parallel(math.factorial, [])) == []
    assert cores() >= 1
