"""Configuration files: YAML into frozen values, every mistake told at once with file, line and path.

Only composition roots see these; parts receive plain values.
"""

from alpr.config.schema import CameraConfig, CollectorConfig, EdgeConfig, load_collector_config, load_edge_config

__all__ = ["CameraConfig", "CollectorConfig", "EdgeConfig", "load_collector_config", "load_edge_config"]
