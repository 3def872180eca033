"""The calibration of a detector for people and programs: table, page and picture."""

import csv
import dataclasses
import html
import io
import json
from collections.abc import Sequence

import numpy as np

import diffbio
from diffbio.body import BodyModel
from diffbio.study.detector import LITTLE, NEAR, KeypointNoise, KeypointQuality
from diffbio.study.page import STYLE, table

WORDS = {
    "good": "",
    "little": "carries little information",
    "guess": "bias hardly learnt: mostly the guess",
}
"""What a verdict means; nothing where all is well."""

_HEADER = (
    "keypoint|information|bias, mm|forward|up|right|± mm|between people, mm|noise →, mm|"
    "noise ↓, mm|detected, %|astray, %|learnt, %|"
)

_VIEWS = (("from the right", 0), ("from behind", 2))
"""Words, and the axis of the neutral body (X forward, Y up, Z right) that goes to the right."""

_SCALE, _TIMES = 300.0, 3.0
"""Points of the picture per metre; how much longer than true biases are drawn."""


def detector_table(qualities: Sequence[KeypointQuality]) -> str:
    """All numbers as a tab-separated table, one row a keypoint."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    rows = [_flat(one) for one in qualities]
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return text.getvalue()


def detector_json(
    qualities: Sequence[KeypointQuality], noise: KeypointNoise, keypoint_set: str, people: int
) -> str:
    """All numbers for programs; units are in the keys."""
    content = {
        "diffbio_version": diffbio.__version__,
        "keypoint_set": keypoint_set,
        "n_participants": people,
        "n_trials": noise.n_trials,
        "keypoints": {one.name: _rounded(dataclasses.asdict(one)) for one in qualities},
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def detector_lines(qualities: Sequence[KeypointQuality]) -> list[str]:
    """A table for the console."""
    width = max(len(one.name) for one in qualities)
    lines = [f"{'keypoint':{width}}  inform.  bias mm  ± mm  people mm  noise mm  detected  astray"]
    for one in qualities:
        noise = np.sqrt(np.mean(np.square(one.noise_mm)))
        lines.append(
            f"{one.name:{width}}  {one.information:7.2f}  {one.distance_mm:7.1f}"
            f"  {one.bias_sd_mm:4.1f}  {one.between_people_mm:9.1f}  {noise:8.1f}"
            f"  {one.detected:8.0%}  {one.astray:6.1%}  {WORDS[one.verdict]}".rstrip()
        )
    return lines


def detector_page(
    body: BodyModel,
    qualities: Sequence[KeypointQuality],
    noise: KeypointNoise,
    keypoint_set: str,
    people: int,
) -> str:
    """One self-contained page."""
    rows = [
        (
            one.name, f"{one.information:.2f}", f"{one.distance_mm:.1f}",
            *(f"{x:+.1f}" for x in one.bias_mm), f"{one.bias_sd_mm:.1f}",
            f"{one.between_people_mm:.1f}", *(f"{x:.1f}" for x in one.noise_mm),
            f"{100 * one.detected:.0f}", f"{100 * one.astray:.1f}", f"{100 * one.learnt:.0f}",
            WORDS[one.verdict],
        )
        for one in qualities
    ]  # fmt: skip
    little = [one.name for one in qualities if one.verdict == "little"]
    sentence = (
        f"{len(little)} of {len(qualities)} keypoints carry little information: "
        f"{', '.join(little)}."
        if little
        else "Every keypoint carries information."
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>diffbio detector'
        f"</title><style>{STYLE}</style></head><body><h1>Detector: {html.escape(keypoint_set)}"
        f"</h1>\n<p>{people} participants, {noise.n_trials} trials, diffbio "
        f"{html.escape(diffbio.__version__)}. <strong>{html.escape(sentence)}</strong></p>\n"
        f"{detector_picture(body, qualities)}\n"
        "<p>Black: where the keypoint's table has it on the base model. Arrow: where this "
        f"detector puts it, {_TIMES:.0f} times as far as it is. Ring: standard deviation of a "
        "detection about it, true to scale; orange where it carries little information, grey where "
        "the bias is mostly the guess.</p>\n"
        "<p><em>Bias</em>: mean over people, in the frame of the body that carries the keypoint; "
        "forward, up and right are those of the neutral pose. <em>Noise</em>: standard deviation "
        "of a detection in the image, at the person; neighbouring frames err alike. "
        f"<em>Astray</em>: detections beyond {NEAR:.0f} deviations. <em>Information</em>: of "
        "a sample about the anatomical point of somebody who was not among these people, relative "
        f"to the median keypoint; little below {LITTLE:g}. <em>Learnt</em>: share of what was not "
        "known of the bias.</p>\n"
        f"{table(_HEADER.split('|'), rows)}\n</body></html>\n"
    )


def detector_picture(body: BodyModel, qualities: Sequence[KeypointQuality]) -> str:
    """The base model's keypoints from two sides as SVG, with biases and spreads."""
    neutral = body.neutral_pose()
    base = body.default_parameters()
    there = np.asarray(body.marker_positions(base, neutral))[0]
    joints, turned = (np.asarray(part)[0] for part in body.body_poses(base, neutral))
    if body.pelvis_name is not None:
        world_from_pelvis = turned[body.body_names.index(body.pelvis_name)]
        there, joints = there @ world_from_pelvis, joints @ world_from_pelvis
        turned = world_from_pelvis.T @ turned
    top, low = there[:, 1].max() + 0.1, there[:, 1].min() - 0.1
    half = np.abs(there[:, [0, 2]]).max() + 0.15
    width, height = 4 * half * _SCALE, (top - low) * _SCALE
    parts = []
    for view, (words, axis) in enumerate(_VIEWS):
        middle = (1 + 2 * view) * half * _SCALE
        parts.append(f'<text x="{middle:.0f}" y="14" text-anchor="middle">{words}</text>')
        bones = np.stack([middle + joints[:, axis] * _SCALE, (top - joints[:, 1]) * _SCALE], 1)
        # The root is no joint: what hangs on it stands at the pelvis.
        for bone, parent in enumerate(body.body_parents):
            if parent > 0:
                (x1, y1), (x2, y2) = bones[parent], bones[bone]
                parts.append(f'<path class="bone" d="M{x1:.1f} {y1:.1f} L{x2:.1f} {y2:.1f}"/>')
        for one in qualities:
            marker = body.marker_names.index(one.name)
            world = turned[body.marker_body[marker]] @ np.asarray(one.bias_mm) / 1000
            ends = np.stack([there[marker], there[marker] + _TIMES * world])
            x, y = middle + ends[:, axis] * _SCALE, (top - ends[:, 1]) * _SCALE
            radius = one.off_mm / 1000 * _SCALE
            name = html.escape(f"{one.name}: bias {one.distance_mm:.0f} mm")
            parts.append(
                f'<g class="{one.verdict}"><title>{name}</title>'
                f'<circle class="spread" cx="{x[1]:.1f}" cy="{y[1]:.1f}" r="{radius:.1f}"/>'
                f'<line x1="{x[0]:.1f}" y1="{y[0]:.1f}" x2="{x[1]:.1f}" y2="{y[1]:.1f}"/>'
                f'<circle class="anchor" cx="{x[0]:.1f}" cy="{y[0]:.1f}" r="2"/></g>'
            )
    inside = "\n".join(parts)
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img">{_COLOURS}\n{inside}\n</svg>'


_COLOURS = (
    "<style>svg{max-height:34rem}.bone{stroke:#ddd;stroke-width:5;stroke-linecap:round}"
    "table{font-size:13px}th,td{padding:0.2rem 0.5rem}.anchor{fill:#222}"
    ".spread{fill:#3b7dd833;stroke:#3b7dd8}line{stroke:#222}"
    ".little .spread{fill:#e0800033;stroke:#e08000}.guess .spread{fill:#8882;stroke:#888}"
    "text{font:12px sans-serif}</style>"
)


def _flat(one: KeypointQuality) -> dict[str, object]:
    """One keypoint with a column for every number."""
    fields = _rounded(dataclasses.asdict(one))
    columns: dict[str, object] = {"keypoint": fields.pop("name"), "body": fields.pop("body")}
    for name, value in fields.items():
        if not isinstance(value, list):
            columns[name] = value
            continue
        axes = ("forward", "up", "right") if len(value) == 3 else ("right", "down")
        for axis, part in zip(axes, value, strict=True):
            columns[name.replace("_mm", f"_{axis}_mm")] = part
    return columns


def _rounded(fields: dict[str, object]) -> dict[str, object]:
    def shorter(value: object) -> object:
        if isinstance(value, float):
            return round(value, 4)
        return [shorter(one) for one in value] if isinstance(value, list | tuple) else value

    return {name: shorter(value) for name, value in fields.items()}
