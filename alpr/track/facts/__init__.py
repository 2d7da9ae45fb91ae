"""Facts about a pass beside its plate: lane, speed, standing still. Pure; knows neither pictures nor readings."""
