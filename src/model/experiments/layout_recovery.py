"""Recovers the layout of permuted pixels: finds the place of each of 784 pixels from pictures alone.

A permutation loses no information; it only hides which pixels are neighbours. In pictures of strokes, the four
neighbours of a pixel predict it, so that large partial correlations are the edges of the grid. The steps:

1. Connect pixels that are neighbours by their partial correlations (`find_neighbours`).
2. Embed this graph in the plane by its shortest paths, and align it with the axes (`embed`, `align`).
3. Straighten it until every edge is one whole step along an axis (`straighten`).
4. Assign a grid cell to every pixel; rarely inked ones go beside those that they resemble (`assign_to_grid`, ...).

The idea is that of Roux, Bengio, Lamblin, Joliveau and Kégl, "Learning the 2-D topology of images" (NIPS 2007), who
embed plain correlations with Isomap (Tenenbaum et al. 2000). Partial correlations, with which Meinshausen and Bühlmann
(2006) find graphs, and step 3 make the layout exact.

The layout may be rotated, mirrored or shifted as a whole: pictures alone cannot tell, and networks learn it as well.
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
INK_LEVEL: Final = 0.2  # of 1: a pixel with at least this value is inked
# Core pixels are inked in enough pictures. The correlations of others are due to chance and would fold the layout.
MIN_CORE_SHARE: Final = 0.01  # of the pictures
MIN_CORE_PICTURES: Final = 6
MIN_CORE_SIZE: Final = 50  # pixels
RIDGE: Final = 0.1  # added to the diagonal of the correlations; more is added if there are few pictures
MIN_CORRELATION: Final = 0.3  # of neighbours
WEAK_NEIGHBOURS: Final = 6  # most correlated pixels that are candidates for a weak edge
WEAK_LENGTH: Final = 1.5  # steps: about the mean of a diagonal step and two straight ones
WEAK_WEIGHT: Final = 0.03  # of a weak edge in the least squares; an edge between neighbours has 1
ROUNDS: Final = 25  # of straightening
SOFT_ROUNDS: Final = 3  # the first rounds, in which weak edges keep their length and all edges their weight

Matrix = NDArray[np.float64]
Graph = NDArray[np.bool_]  # adjacency matrix [K, K], symmetric


def recover_layout(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the place, [784] in 0..783 row by row, of each pixel of permuted pictures [N, 784].

    `restored[:, places] = images` restores the pictures. A few hundred pictures are enough. Raises `ValueError` if they
    hold too little ink.
    """
    inked = (images > INK_LEVEL * 255).sum(0)
    core = np.flatnonzero(inked >= max(MIN_CORE_PICTURES, MIN_CORE_SHARE * len(images)))
    if len(core) < MIN_CORE_SIZE:
        raise ValueError("The pictures hold too little ink to recover a layout.")
    pixels = images[:, core] / 255.0
    edges, weak_edges = find_neighbours(*compute_correlations(pixels))
    positions = straighten(align(embed(edges, weak_edges), edges), edges, weak_edges)
    places = np.full(SIDE * SIDE, -1)
    places[core] = assign_to_grid(centre(positions, pixels.mean(0)))
    places = place_rare_pixels(places, images, np.flatnonzero(inked > 0))
    places[places < 0] = np.setdiff1d(np.arange(SIDE * SIDE), places)  # pixels without ink: any cell does
    return places


def compute_correlations(pixels: Matrix) -> tuple[Matrix, Matrix]:
    """Return correlations and partial correlations [K, K] of pixels [N, K]; -1 on the diagonal.

    The partial correlation of two pixels is their correlation with all other pixels held fixed.
    """
    plain = np.asarray(np.corrcoef(pixels, rowvar=False))
    count, size = pixels.shape
    precision = np.linalg.inv(plain + (RIDGE + size / (2 * count)) * np.eye(size))
    scale = np.sqrt(np.diag(precision))
    partial = -precision / np.outer(scale, scale)
    np.fill_diagonal(plain, -1)
    np.fill_diagonal(partial, -1)
    return plain, partial


def find_neighbours(plain: Matrix, partial: Matrix) -> tuple[Graph, Graph]:
    """Return the edges between neighbours, and weak edges between pixels that are probably close.

    Every edge of a grid is a side of squares. An edge that is not joins distant pixels of strokes, and a single such
    shortcut would fold the whole layout, so these edges are removed. Then so are weak edges that edges do not support.
    """
    edges = _connect_mutual(partial, 4) & (plain > MIN_CORRELATION)
    weak_edges = _connect_mutual(plain, WEAK_NEIGHBOURS) & ~edges
    for _ in range(2):
        edges &= _count_squares(edges | weak_edges) >= 2
        steps = edges.astype(float)
        weak_edges &= (steps @ steps > 0) | (steps @ steps @ steps > 0)
    return edges, weak_edges | _connect_loose(plain, edges | weak_edges)


def _connect_mutual(similarity: Matrix, count: int) -> Graph:
    """Connect the pairs of pixels that are each among the other's `count` most similar."""
    chosen = np.zeros(similarity.shape, bool)
    np.put_along_axis(chosen, np.argsort(-similarity, 1)[:, :count], True, 1)
    return chosen & chosen.T


def _count_squares(graph: Graph) -> Matrix:
    """Return for each edge the number of squares it is a side of: paths of three other edges between its ends, [K, K].

    The third power of the adjacency matrix counts the paths of three edges, including those that use the edge itself.
    """
    steps = graph.astype(float)
    degree = steps.sum(1)
    through_edge = steps * (degree[:, None] + degree - 1)
    return np.asarray(steps @ steps @ steps - through_edge)


def _connect_loose(plain: Matrix, graph: Graph) -> Graph:
    """Return new edges from pixels with fewer than two edges to the three pixels with which they correlate most."""
    added = np.zeros_like(graph)
    loose = np.flatnonzero(graph.sum(1) < 2)
    added[loose[:, None], np.argsort(-plain[loose], 1)[:, :3]] = True
    return (added | added.T) & ~graph


def embed(edges: Graph, weak_edges: Graph) -> Matrix:
    """Return positions [K, 2] whose distances approximate the shortest paths along the graph.

    This is classical multidimensional scaling, the last step of Isomap.
    """
    lengths = csr_matrix(np.where(edges, 1.0, np.where(weak_edges, WEAK_LENGTH, 0.0)))
    distances = shortest_path(lengths, directed=False)
    distances[np.isinf(distances)] = distances[np.isfinite(distances)].max()
    size = len(distances)
    centring = np.eye(size) - 1 / size
    values, vectors = eigh(-centring @ distances**2 @ centring / 2, subset_by_index=[size - 2, size - 1])
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


def align(positions: Matrix, edges: Graph) -> Matrix:
    """Rotate and scale positions [K, 2] so that edges run along the axes and have length 1."""
    first, second = np.nonzero(np.triu(edges))
    offsets = positions[second] - positions[first]
    # four times the angle is the same for all four directions of a grid
    angle = np.angle(np.exp(4j * np.arctan2(offsets[:, 1], offsets[:, 0])).mean()) / 4
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(positions @ rotation / np.median(np.linalg.norm(offsets, axis=1)))


def straighten(positions: Matrix, edges: Graph, weak_edges: Graph) -> Matrix:
    """Move positions [K, 2] until every edge is a whole step along an axis.

    Each round rounds the edges and solves for the positions that fit them best, by iteratively reweighted least
    squares: an edge that is far from its rounded form gets a smaller weight (Cauchy's, with scale 0.3).
    """
    first, second = np.nonzero(np.triu(edges | weak_edges))
    strong = edges[first, second]
    base_weight = np.where(strong, 1.0, WEAK_WEIGHT)
    weight = base_weight
    for iteration in range(ROUNDS):
        offsets = positions[second] - positions[first]
        weak_steps = offsets if iteration < SOFT_ROUNDS else np.round(offsets)
        steps = np.where(strong[:, None], _round_to_unit_steps(offsets), weak_steps)
        if iteration >= SOFT_ROUNDS:
            weight = base_weight / (1 + (np.linalg.norm(offsets - steps, axis=1) / 0.3) ** 2)
        positions = _solve_positions(first, second, weight, steps, len(positions))
    return positions


def _round_to_unit_steps(offsets: Matrix) -> Matrix:
    """Return for each offset [M, 2] the nearest of the four steps to a neighbour."""
    axis = np.abs(offsets).argmax(1)[:, None]
    steps = np.zeros_like(offsets)
    np.put_along_axis(steps, axis, np.sign(np.take_along_axis(offsets, axis, 1)), 1)
    return steps


def _solve_positions(
    first: NDArray[np.intp], second: NDArray[np.intp], weight: Matrix, steps: Matrix, size: int
) -> Matrix:
    """Return the positions [K, 2], with mean 0, whose offsets along the edges fit `steps` best: weighted least squares.

    The normal equations are a linear system with the Laplacian of the weighted graph.
    """
    graph = csr_matrix((weight, (first, second)), (size, size))
    system = laplacian(graph + graph.T) + 1e-6 * identity(size)  # regular although shifts change no offset
    right_side = np.zeros((size, 2))
    np.add.at(right_side, second, weight[:, None] * steps)
    np.add.at(right_side, first, -weight[:, None] * steps)
    positions = np.asarray(spsolve(system.tocsc(), right_side))
    return np.asarray(positions - positions.mean(0))


def centre(positions: Matrix, ink: Matrix) -> Matrix:
    """Shift positions [K, 2] onto whole numbers, with the centre of mass of `ink` [K] near the middle of the grid.

    Where that leaves positions outside the grid, they are all shifted back inside.
    """
    positions = positions - np.angle(np.exp(2j * np.pi * positions).mean(0)) / (2 * np.pi)
    positions = positions - np.round((positions * ink[:, None]).sum(0) / ink.sum() - SIDE / 2)
    positions = positions - np.round(np.minimum(positions.min(0), 0))
    return np.asarray(positions - np.round(np.maximum(positions.max(0) - (SIDE - 1), 0)))


def assign_to_grid(positions: Matrix) -> NDArray[np.int64]:
    """Return a different grid cell, [K] in 0..783, for each position [K, 2]; minimises the sum of squared distances."""
    grid = np.stack(np.divmod(np.arange(SIDE * SIDE), SIDE), 1)
    cost = ((positions[:, None] - grid) ** 2).sum(2)
    return np.asarray(linear_sum_assignment(cost)[1], np.int64)


def place_rare_pixels(
    places: NDArray[np.int64], images: NDArray[np.uint8], inked: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Return `places` [784] with the remaining `inked` pixels beside those with which they correlate most.

    -1 marks a pixel without a place. They are placed ring by ring, in the free cells around those that are taken.
    """
    places = places.copy()
    plain = np.asarray(np.corrcoef(images[:, inked] / 255.0, rowvar=False))
    adjacent = np.abs(np.subtract.outer(np.arange(SIDE), np.arange(SIDE))) <= 1
    adjacent = np.kron(adjacent, adjacent)  # [784, 784]: which cells touch, corners included
    while (unplaced := np.flatnonzero(places[inked] < 0)).size:
        placed = np.flatnonzero(places[inked] >= 0)
        touching = adjacent[:, places[inked[placed]]].astype(float)
        free = np.setdiff1d(np.flatnonzero(touching.any(1)), places[inked])
        similarity = plain[np.ix_(unplaced, placed)] @ touching[free].T / touching[free].sum(1)  # mean of neighbours
        rows, columns = linear_sum_assignment(similarity, maximize=True)
        if not len(rows):
            break
        places[inked[unplaced[rows]]] = free[columns]
    return places
