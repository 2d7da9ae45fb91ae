"""Plate text: from a rectified patch to text with probabilities. Knows nothing of frames."""
