"""Runs the command line: `python -m shuzhi`."""

from shuzhi.cli import main

main()
