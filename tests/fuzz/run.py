"""Fuzzes the HJ 212 codec, guided by coverage: `python tests/fuzz/run.py NEW_INPUTS SEEDS`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["shuzhi.gather.sensors.hj212"]):
    from test_hj212 import one_input

atheris.Setup(sys.argv, one_input)
atheris.Fuzz()
