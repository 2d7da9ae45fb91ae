"""What is well and what is not on the computer that alpr is installed on. Changes nothing, knows no config.

`computer` works also where a library is broken; `model_files` needs them whole.
"""

from alpr.doctor.computer import Finding, State

__all__ = ["Finding", "State"]
