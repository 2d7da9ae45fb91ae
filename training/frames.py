"""Draws the frames that dealers and owners screw over plates: the rim hides an edge, its words the small print."""

from __future__ import annotations

import cv2
import numpy as np

from training.furniture import Canvas, any_face, print_words

DEALERS = (
    *("SMITH FORD", "CITY TOYOTA", "www.motors.com", "AUTOHAUS", "MY OTHER CAR", "ALUMNI", "UNIVERSITY", "LAKESIDE"),
    *("HONDA OF TROY", "BMW OF DALLAS", "555-123-4567", "CLASS OF 2012", "PROUD PARENT", "FAMILY AUTO", "U.S. ARMY"),
)


def draw_frame(rng: np.random.Generator, canvas: Canvas) -> None:
    """A frame over the edge of a plate of one line, in place; thick above or below where it has words."""
    height, width = canvas.shape[:2]
    level = float(rng.choice([20.0, 35.0, 200.0, 225.0])) + rng.normal(0, 8)
    colour = np.clip(np.array([level] * 3) + rng.normal(0, 4 if rng.random() < 0.8 else 40, 3), 0, 255)
    ink = (245, 245, 245) if colour.mean() < 128 else (20, 20, 20)
    rim = max(2, round(height * float(rng.uniform(0.015, 0.05))))
    top, bottom = rim, rim
    if rng.random() < 0.5:
        top = round(height * float(rng.uniform(0.06, 0.14)))
    if rng.random() < 0.6:
        bottom = round(height * float(rng.uniform(0.06, 0.15)))
    canvas[:top], canvas[height - bottom :] = colour, colour
    canvas[:, :rim], canvas[:, width - rim :] = colour, colour
    for band, middle in ((top, top // 2), (bottom, height - bottom // 2)):
        if band > rim and rng.random() < 0.8:
            print_words(canvas, str(rng.choice(DEALERS)), (width // 2, middle), round(band * 0.7), ink, any_face(rng))
    if rng.random() < 0.5:
        shade = [float(v) for v in colour * 0.4]
        cv2.rectangle(canvas, (rim, top), (width - rim, height - bottom), shade, max(1, rim // 3), cv2.LINE_AA)
