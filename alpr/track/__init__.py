"""From detections to reads: which plates are one vehicle pass, and what all looks at it say together."""

from __future__ import annotations

from alpr.track.consensus import combine
from alpr.track.settings import ConsensusSettings, TrackSettings
from alpr.track.tracker import Recognise, Tracker

__all__ = ["ConsensusSettings", "Recognise", "TrackSettings", "Tracker", "combine"]
