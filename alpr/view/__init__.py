"""The view of a camera: whether it shows anything, how well it is aimed, what it misses. No I/O; knows no tracker."""
