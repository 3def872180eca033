"""Walkers of whom every contact is known, because they were drawn and not recorded.

A foot rests on its footfall, then moves to the next with a speed that rises and falls as a raised
cosine, so that the time at which it passes any speed is known in closed form.
"""

import dataclasses

import numpy as np
from scipy.optimize import brentq

from diffbio.gait import GaitEvent, GaitEvents, GaitPoints
from diffbio.gait.events import KINDS
from diffbio.gait.gait_points import SIDES

FOOT = 0.2  # m from heel to toe
LIFT = 0.06  # m that a swinging foot is raised
THRESHOLD = 0.5  # m/s, of the detector


@dataclasses.dataclass(frozen=True)
class Walker:
    """How somebody walks.

    Attributes:
        speed: along the path, m/s.
        stride_time: s.
        stance: share of the stride.
        duration: of the recording, s.
        rate: samples per second.
        heading: of a straight path, rad; where it begins for a curve.
        radius: of a circular path to the left, m; infinite where it is straight.
        width: between the feet, m.
        facing: 1 forwards, -1 for somebody who walks backwards.
        lift: height of the swing, m.
        belt: whether on a treadmill that takes all the way back.
        late: how much later the left foot's contact is than half a stride, s.
    """

    speed: float = 1.25
    stride_time: float = 1.1
    stance: float = 0.62
    duration: float = 6.0
    rate: float = 100.0
    heading: float = 0.0
    radius: float = np.inf
    width: float = 0.1
    facing: float = 1.0
    lift: float = LIFT
    belt: bool = False
    late: float = 0.0

    @property
    def stride(self) -> float:
        """Way along the path in a stride, m."""
        return self.speed * self.stride_time

    def on_path(self, way):
        """Position (x, y) and heading after a way along the path."""
        way = np.asarray(way, float)
        if np.isinf(self.radius):
            along = np.stack([np.cos(self.heading) * way, np.sin(self.heading) * way], -1)
            return along, np.full(way.shape, self.heading)
        turned = self.heading + way / self.radius
        x = self.radius * (np.sin(turned) - np.sin(self.heading))
        y = self.radius * (np.cos(self.heading) - np.cos(turned))
        return np.stack([x, y], -1), turned

    def contacts(self, side: str) -> np.ndarray:
        """When a foot comes to rest, also before and after the recording, s."""
        offset = 0.13 if side == "r" else 0.13 + self.stride_time / 2 + self.late
        count = int(self.duration / self.stride_time) + 4
        return offset + self.stride_time * np.arange(-2, count)

    def footfall(self, side: str, contact):
        """Where the heel rests, and its foot's direction."""
        middle, heading = self.on_path(self.speed * (np.asarray(contact) + 0.3 * self.stride_time))
        left = np.stack([-np.sin(heading), np.cos(heading)], -1)
        sign = 1.0 if side == "l" else -1.0
        return middle + sign * self.facing * self.width / 2 * left, heading

    def points(self) -> GaitPoints:
        """Heels, toes and pelvis."""
        time = np.arange(round(self.duration * self.rate)) / self.rate
        feet = [self._foot(side, time) for side in "rl"]
        pelvis = np.concatenate([self.on_path(self.speed * time)[0], np.ones((len(time), 1))], 1)
        heel, toe = (np.stack([foot[i] for foot in feet], 1) for i in range(2))
        if self.belt:
            back = np.zeros((len(time), 3))
            back[:, :2] = self.on_path(self.speed * time)[0]
            heel, toe, pelvis = heel - back[:, None], toe - back[:, None], pelvis - back
        return GaitPoints(time, heel, toe, pelvis, "drawn")

    def _foot(self, side, time):
        contacts = self.contacts(side)
        places, heading = self.footfall(side, contacts)
        swing = (1 - self.stance) * self.stride_time
        # 0 at lift-off before contact k, 1 at contact k and until the next lift-off.
        k = np.clip(np.searchsorted(contacts, time), 1, len(contacts) - 1)
        u = np.clip((time - contacts[k] + swing) / swing, 0.0, 1.0)
        share = (u - np.sin(2 * np.pi * u) / (2 * np.pi))[:, None]
        heel = (1 - share) * places[k - 1] + share * places[k]
        angle = (1 - share[:, 0]) * heading[k - 1] + share[:, 0] * heading[k]
        forward = self.facing * np.stack([np.cos(angle), np.sin(angle)], 1)
        height = 0.05 + self.lift * np.sin(np.pi * u) ** 2
        rise = np.stack([height, height], 1)
        return (
            np.concatenate([heel, rise[:, :1]], 1),
            np.concatenate([heel + FOOT * forward, rise[:, 1:]], 1),
        )

    def events(self) -> GaitEvents:
        """Contacts (the foot at rest) and lift-offs (the foot begins to move)."""
        found = []
        for side in SIDES:
            lifts = self.contacts(side) + self.stance * self.stride_time
            for kind, times in zip(KINDS, (self.contacts(side), lifts), strict=True):
                inside = times[(times > 0) & (times < self.duration - 1 / self.rate)]
                found += [GaitEvent(kind, side, float(t), 0.0, 1.0, "drawn") for t in inside]
        return GaitEvents(tuple(found))

    def below(self, threshold: float = THRESHOLD) -> float:
        """How long before contact and after lift-off a foot is slower than this, s."""
        swing = (1 - self.stance) * self.stride_time

        def speed(u):
            forward = self.stride / swing * (1 - np.cos(2 * np.pi * u))
            return np.hypot(forward, self.lift * np.pi / swing * np.sin(2 * np.pi * u))

        return swing * float(np.asarray(brentq(lambda u: speed(u) - threshold, 0.0, 0.25)))
