"""Inverse kinematics of an OpenSim model as OpenSim states it, where a source ships no errors."""

import pathlib
import xml.etree.ElementTree as ElementTree

import numpy as np

from benchmarks.opensim_markers import markers_at
from diffbio.io.axes import world_from_opensim
from diffbio.io.read_mot import read_coordinates
from diffbio.observations import Markers

ITERATIONS, DAMPING, STEP = 15, 1e-4, 1e-5


def own_rmse_mm(
    model: pathlib.Path, motion: pathlib.Path, tasks: pathlib.Path, measured: Markers
) -> float:
    """What inverse kinematics by a source's model, marker weights and start leaves, in mm.

    Every sample is a weighted least squares of its own, as in OpenSim, solved by Gauss-Newton
    with differences for derivatives. Markers that have no weight do not count in the result.

    Args:
        model: an `.osim` file of version 4.
        motion: its coordinates, where to start; samples outside of it are left out.
        tasks: weights of the markers, an `IKTaskSet`.
        measured: markers in the world frame.
    """
    root = ElementTree.parse(model).getroot()
    time, table = read_coordinates(motion)
    inside = (measured.time >= time[0]) & (measured.time <= time[-1])
    nearest = np.abs(time[:, None] - measured.time[inside]).argmin(axis=0)
    q, n = np.array(table.values[nearest], float), int(inside.sum())
    known, _ = _modelled(root, table.names, q)
    weights = {name: w for name, w in _weights(tasks).items() if name in known}
    used = [name for name in measured.names if weights.get(name, 0.0) > 0]
    ours = [known.index(name) for name in used]
    truth = measured.positions[inside][:, [measured.names.index(name) for name in used]]
    root_weight = np.sqrt([weights[name] for name in used])[:, None]

    def away(q: np.ndarray) -> np.ndarray:
        return _modelled(root, table.names, q)[1][:, ours] - truth

    for _ in range(ITERATIONS):
        left = away(q)
        slope = np.stack(
            [(away(q + STEP * unit) - left) / STEP for unit in np.eye(q.shape[1])], axis=-1
        )
        rows = np.nan_to_num(slope * root_weight[..., None]).reshape(n, -1, q.shape[1])
        right = np.nan_to_num(left * root_weight).reshape(n, -1)
        normal = np.einsum("tri,trj->tij", rows, rows) + DAMPING * np.eye(q.shape[1])
        q = q - np.linalg.solve(normal, np.einsum("tri,tr->ti", rows, right)[..., None])[..., 0]
    return 1e3 * float(np.sqrt(np.nanmean((away(q) ** 2).sum(-1))))


def _modelled(
    root: ElementTree.Element, names: tuple[str, ...], q: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray]:
    found, positions = markers_at(root, dict(zip(names, q.T, strict=True)), len(q))
    return found, world_from_opensim(positions)


def _weights(tasks: pathlib.Path) -> dict[str, float]:
    """Weights of the marker tasks that apply."""
    return {
        task.get("name") or "": float(task.findtext("weight") or 0.0)
        for task in ElementTree.parse(tasks).getroot().iter("IKMarkerTask")
        if (task.findtext("apply") or "").strip() == "true"
    }
