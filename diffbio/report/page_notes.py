"""Sentences of the page about what the fit knows and what it does not, as HTML."""

import html

from diffbio.fitting.fit import Fit
from diffbio.io.trial import Trial
from diffbio.report.held_out import held_out_errors
from diffbio.report.undetermined import in_words


def bands_note(fit: Fit) -> str:
    """Legend of the bands around the curves, and how to read them."""
    point = "Point at a curve to move the time everywhere."
    if fit.uncertainty is None:
        return f"{point} No bands are drawn: standard deviations were not estimated in this fit."
    return (
        f'<span class="key band">90 % band</span> {point} The band is to hold the true angle '
        "nine times in ten; where it is wider than the chart, it is cut."
    )


def unused_camera_note(fit: Fit, trial: Trial) -> str:
    """The camera that was held out, against those that were fitted."""
    if fit.held_out is None:
        return ""
    errors = held_out_errors(fit, trial)
    if errors is None:
        name = html.escape(fit.held_out.name)
        return f"<p>Camera {name} was not used in the fit; it detected nothing.</p>"
    sentence = (
        f"Camera {html.escape(errors.sentence)} As given, a camera also charges the others with "
        "the error of its own pose."
    )
    if fit.refined:
        sentence += (
            " The others were refined together with the body: fewer pixels in them are no evidence "
            "by themselves, fewer here with the pose refitted are."
        )
    return f"<p>{sentence}</p>"


def within_note(fit: Fit) -> str:
    """What a plus-minus means."""
    if fit.uncertainty is None:
        return ""
    return (
        '<p class="note">± is the half width of a 90 % band. That of a difference takes into '
        "account that right and left err together.</p>"
    )


def adjusted_note(fit: Fit) -> str:
    """How to read the corrections of the cameras."""
    if not fit.refined:
        return ""
    parts = []
    if "poses" in fit.refined:
        parts.append("Turned and moved: between the pose as given and as fitted.")
    if "lenses" in fit.refined:
        parts.append("k1 and k2: what was added to the lens distortion.")
    if "clocks" in fit.refined:
        parts.append(
            "Clock: what was added to the time stamps; positive means that the pictures were "
            "taken later than their time stamps say."
        )
    if fit.uncertainty is not None:
        parts.append("± is the half width of a 90 % band.")
    return f'<p class="note">{" ".join(parts)}</p>'


def certainty_section(fit: Fit) -> str:
    """How the bands came about, and what the images leave open."""
    if fit.uncertainty is None:
        return ""
    sentences = [
        "Bands and ± follow from how much the keypoints scatter in this trial: "
        f"{fit.uncertainty.noise:.1f} times what the fit assumed, with errors that last over "
        "several frames counted as such. They hold as far as the body model is right."
    ]
    little = ""
    if fit.uncertainty.undetermined:
        sentences.append(
            "The images say little about the following. What the fit gives for it is mostly "
            "what is usual for people and for calibrations, and its ± is as wide as that:"
        )
        items = (f"<li>{html.escape(one)}</li>" for one in in_words(fit.uncertainty.undetermined))
        little = f'<ul class="little-known">{"".join(items)}</ul>'
    else:
        sentences.append("The images determine everything that was estimated.")
    return (
        f'<section id="certainty"><h2>How sure this is</h2><p>{" ".join(sentences)}</p>'
        f"{little}</section>"
    )
