"""Tracking: from the observations of one camera to one read for each vehicle pass. Knows no model and no hotlist."""
