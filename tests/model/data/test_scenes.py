import numpy as np

from src.model.data.scenes import draw_scene


def test_scenes_are_ink_of_any_share() -> None:
    random = np.random.default_rng(0)
    scenes = [ink for ink in (draw_scene(random) for _ in range(60)) if ink is not None]
    assert len(scenes) > 40
    assert all(ink.dtype == np.float32 and ink.min() >= 0 and ink.max() <= 1 for ink in scenes)
    shares = [float((ink > 0.5).mean()) for ink in scenes]
    assert min(shares) < 0.1
    assert max(shares) > 0.5


def test_seed_alone_decides_the_scene() -> None:
    first, same, other = (draw_scene(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first is not None
    assert same is not None
    assert other is not None
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
