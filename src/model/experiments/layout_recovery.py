"""Permuted pixels, undone: where 784 shuffled pixels belong, from pictures alone.

A permutation destroys nothing, it only hides which pixels are neighbours. In pictures of strokes a pixel is explained
by the four that touch it, so that the partial correlations of pixels draw the graph of the grid. What is left is to lay
that graph out: distances along it, an embedding in the plane, whole steps from pixel to pixel, a place for each.

The idea is that of Roux, Bengio, Lamblin, Joliveau and Kégl, "Learning the 2-D topology of images" (NIPS 2007), who
embed plain correlations with Isomap (Tenenbaum et al. 2000). Partial correlations, with which Meinshausen and Bühlmann
(2006) find graphs, and the whole steps are what make the layout exact.

The layout comes back turned, mirrored or moved as a whole: pictures alone can't tell, and no network minds.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix, identity
from scipy.sparse.csgraph import laplacian, shortest_path
from scipy.sparse.linalg import spsolve

SIDE: Final = 28
INKED: Final = 0.2  # a pixel holds ink from here on, of 1
CORE_SHARE: Final = 0.01  # of the pictures: pixels inked in fewer are correlated by chance, and fold the layout ...
CORE_LEAST: Final = 6  # ... as are those inked in fewer than this
LEAST_PIXELS: Final = 50  # of the core
RIDGE: Final = 0.1  # added to the correlations' diagonal, and more with few pictures
LEAST_CORRELATION: Final = 0.3  # of pixels that touch
WEAK: Final = 6  # most correlated pixels that hint at a neighbourhood
WEAK_LENGTH: Final = 1.5  # steps, about the mean of straight two and diagonal one
WEAK_WEIGHT: Final = 0.03
ROUNDS: Final = 25  # of straightening
SOFT_ROUNDS: Final = 3  # of these, with hints as long as they look

Matrix = NDArray[np.float64]
Graph = NDArray[np.bool_]  # [K, K], symmetric


def recover_layout(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the place, [784] in 0..783 row by row, of each pixel of shuffled pictures [N, 784].

    `restored[:, places] = images` puts the pictures back. The permutation is not needed, and a few hundred pictures are
    enough. Raises `ValueError` for pictures that hold too little ink to tell anything.
    """
    inked = (images > INKED * 255).sum(0)
    core = np.flatnonzero(inked >= max(CORE_LEAST, CORE_SHARE * len(images)))
    if len(core) < LEAST_PIXELS:
        raise ValueError("The pictures hold too little ink to find a layout in.")
    pixels = images[:, core] / 255.0
    touching, hints = neighbours(*correlations(pixels))
    flat = straightened(aligned(embedded(touching, hints), touching), touching, hints)
    places = np.full(SIDE * SIDE, -1)
    places[core] = on_grid(centred(flat, pixels.mean(0)))
    return _with_idle(with_fringe(places, images, np.flatnonzero(inked > 0)))


def correlations(pixels: Matrix) -> tuple[Matrix, Matrix]:
    """Return the correlations [K, K] of pixels [N, K], and the partial ones: of two with all others held fixed."""
    plain = np.asarray(np.corrcoef(pixels, rowvar=False))
    count, size = pixels.shape
    precision = np.linalg.inv(plain + (RIDGE + size / (2 * count)) * np.eye(size))
    scale = np.sqrt(np.diag(precision))
    partial = -precision / np.outer(scale, scale)
    np.fill_diagonal(plain, -1)
    np.fill_diagonal(partial, -1)
    return plain, partial


def neighbours(plain: Matrix, partial: Matrix) -> tuple[Graph, Graph]:
    """Return which pixels touch, and which are hinted to be near.

    An edge of a grid is a side of a square. One that is the side of none joins strokes, not neighbours, and a single
    such shortcut would fold the whole layout: they are left out.
    """
    touching = _mutual(partial, 4) & (plain > LEAST_CORRELATION)
    hints = _mutual(plain, WEAK) & ~touching
    for _ in range(2):
        touching &= _squares(touching | hints) >= 2
        steps = touching.astype(float)
        hints &= (steps @ steps > 0) | (steps @ steps @ steps > 0)
    return touching, hints | _ties(plain, touching | hints)


def _mutual(similarity: Matrix, count: int) -> Graph:
    """Return the pairs of which each is among the other's `count` most similar."""
    chosen = np.zeros(similarity.shape, bool)
    np.put_along_axis(chosen, np.argsort(-similarity, 1)[:, :count], True, 1)
    return chosen & chosen.T


def _squares(graph: Graph) -> Matrix:
    """Return for each edge how many paths of three other edges join its ends, [K, K]."""
    steps = graph.astype(float)
    degree = steps.sum(1)
    there_and_back = steps * (degree[:, None] + degree - 1)
    return np.asarray(steps @ steps @ steps - there_and_back)


def _ties(plain: Matrix, graph: Graph) -> Graph:
    """Return edges to their three most similar for pixels that hang on fewer than two."""
    ties = np.zeros_like(graph)
    loose = np.flatnonzero(graph.sum(1) < 2)
    ties[loose[:, None], np.argsort(-plain[loose], 1)[:, :3]] = True
    return (ties | ties.T) & ~graph


def embedded(touching: Graph, hints: Graph) -> Matrix:
    """Return positions [K, 2] whose distances are those along the graph (Isomap's last step: classical scaling)."""
    lengths = csr_matrix(np.where(touching, 1.0, np.where(hints, WEAK_LENGTH, 0.0)))
    distances = shortest_path(lengths, directed=False)
    distances[np.isinf(distances)] = distances[np.isfinite(distances)].max()
    size = len(distances)
    centring = np.eye(size) - 1 / size
    values, vectors = eigh(-centring @ distances**2 @ centring / 2, subset_by_index=[size - 2, size - 1])
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


def aligned(positions: Matrix, touching: Graph) -> Matrix:
    """Turn and scale positions [K, 2] so that the edges run along the axes and are one long."""
    first, second = np.nonzero(np.triu(touching))
    edges = positions[second] - positions[first]
    # four times the angle is the same for all four directions of a grid
    angle = np.angle(np.exp(4j * np.arctan2(edges[:, 1], edges[:, 0])).mean()) / 4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(positions @ turn / np.median(np.linalg.norm(edges, axis=1)))


def straightened(positions: Matrix, touching: Graph, hints: Graph) -> Matrix:
    """Make every edge a whole step: least squares over the graph, its outliers weighed down round by round."""
    first, second = np.nonzero(np.triu(touching | hints))
    sure = touching[first, second]
    base = np.where(sure, 1.0, WEAK_WEIGHT)
    weight = base
    for round_ in range(ROUNDS):
        edges = positions[second] - positions[first]
        steps = np.where(sure[:, None], _unit_steps(edges), edges if round_ < SOFT_ROUNDS else np.round(edges))
        if round_ >= SOFT_ROUNDS:
            weight = base / (1 + (np.linalg.norm(edges - steps, axis=1) / 0.3) ** 2)
        positions = _integrated(first, second, weight, steps, len(positions))
    return positions


def _unit_steps(edges: Matrix) -> Matrix:
    """Return for each edge [M, 2] the nearest of the four steps to a neighbour."""
    along = np.abs(edges).argmax(1)[:, None]
    steps = np.zeros_like(edges)
    np.put_along_axis(steps, along, np.sign(np.take_along_axis(edges, along, 1)), 1)
    return steps


def _integrated(first: NDArray[np.intp], second: NDArray[np.intp], weight: Matrix, steps: Matrix, size: int) -> Matrix:
    """Return the positions [K, 2], centred, whose differences along the edges are nearest to `steps`."""
    graph = csr_matrix((weight, (first, second)), (size, size))
    system = laplacian(graph + graph.T) + 1e-6 * identity(size)  # the small part pins down what floats freely
    pull = np.zeros((size, 2))
    np.add.at(pull, second, weight[:, None] * steps)
    np.add.at(pull, first, -weight[:, None] * steps)
    found = np.asarray(spsolve(system.tocsc(), pull))
    return np.asarray(found - found.mean(0))


def centred(positions: Matrix, mass: Matrix) -> Matrix:
    """Move positions [K, 2] onto the grid's whole numbers, the ink's centre of mass to its middle, none outside."""
    positions = positions - np.angle(np.exp(2j * np.pi * positions).mean(0)) / (2 * np.pi)
    positions = positions - np.round((positions * mass[:, None]).sum(0) / mass.sum() - SIDE / 2)
    positions = positions - np.round(np.minimum(positions.min(0), 0))
    return np.asarray(positions - np.round(np.maximum(positions.max(0) - (SIDE - 1), 0)))


def on_grid(positions: Matrix) -> NDArray[np.int64]:
    """Return a place of its own, [K] in 0..783, for each position [K, 2]: the nearest overall."""
    grid = np.stack(np.divmod(np.arange(SIDE * SIDE), SIDE), 1)
    cost = ((positions[:, None] - grid) ** 2).sum(2)
    return np.asarray(linear_sum_assignment(cost)[1], np.int64)


def with_fringe(places: NDArray[np.int64], images: NDArray[np.uint8], inked: NDArray[np.intp]) -> NDArray[np.int64]:
    """Place the seldom inked pixels, ring by ring: each beside those that it is most alike.

    `places` [784] holds -1 for what is not placed yet; returned with fewer of these.
    """
    plain = np.asarray(np.corrcoef(images[:, inked] / 255.0, rowvar=False))
    beside = np.abs(np.subtract.outer(np.arange(SIDE), np.arange(SIDE))) <= 1
    beside = np.kron(beside, beside)  # [784, 784]: which places touch, corners included
    while (loose := np.flatnonzero(places[inked] < 0)).size:
        placed = np.flatnonzero(places[inked] >= 0)
        touched = beside[:, places[inked[placed]]].astype(float)
        free = np.setdiff1d(np.flatnonzero(touched.any(1)), places[inked])
        likeness = plain[np.ix_(loose, placed)] @ touched[free].T / touched[free].sum(1)
        rows, columns = linear_sum_assignment(likeness, maximize=True)
        if not len(rows):
            break
        places = places.copy()
        places[inked[loose[rows]]] = free[columns]
    return places


def _with_idle(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the pixels that never hold ink the places that are left."""
    result = places.copy()
    result[places < 0] = np.setdiff1d(np.arange(SIDE * SIDE), places)
    return result
