"""PlateReader: an image in, its plates out (detect, rectify, recognise). What integrators call."""
