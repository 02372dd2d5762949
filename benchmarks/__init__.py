"""Benchmarks: each module has a `main` that measures, prints and writes below `results/`."""
