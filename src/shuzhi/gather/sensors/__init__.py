"""Sensors: devices that push observations over their own protocols, and what they say."""
