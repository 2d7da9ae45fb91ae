"""What goes wrong between device and collector, done on purpose, with a count of what came of it.

    python -m bench.faults            # the journal and the link alone, some twenty minutes
    python -m bench.faults --quick    # a tenth of it
    python -m bench.faults replay     # one by name
    python -m bench.faults --full --results faults.jsonl             # `alpr run` and `alpr collector`, 1,000 faults
    python -m bench.faults --full --results faults.jsonl --part 1/4  # a quarter of them; run again, it goes on

Real processes, real keys, real files. At full size `alpr run` reads drawn plates, and what it says on its stdout is
written down by another process: the reckoning rests on that ledger and on the collector's tables, not on what the
device believes. Each says what was lost, what came twice and what was taken from strangers; exit 3 where anything is
not as it must be.
"""
