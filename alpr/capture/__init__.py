"""Frames: cameras, video files and folders of pictures behind one `Source`, run by feeds; picture files.

The only importer of `cv2.VideoCapture`. Knows nothing of plates.
"""
