"""Pollution sources that are monitored by themselves: limits, networking, marks, and clues."""
