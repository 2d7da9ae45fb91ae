"""Model files and their cards: found, verified, opened. The only importer of onnxruntime.

A model is two files of the same stem: `NAME.onnx` and its card `NAME.yaml`. The card says what the file is (sha256,
input, outputs, alphabet, thresholds, what it learned from, how well it does). What differs from its card never runs.
A shipped model may have a variant beside it, `NAME.int8.onnx`, that is quicker where the processor has instructions
for it.
"""
