"""What goes wrong between device and collector, done on purpose, with a count of what came of it.

    python -m bench.faults            # everything, some twenty minutes
    python -m bench.faults --quick    # a tenth of it
    python -m bench.faults kills      # one by name

Real processes, real keys, real files. Each scenario says what was appended on the device, what arrived, what came
twice and what was taken from strangers; exit 3 where anything is not as it must be.
"""
