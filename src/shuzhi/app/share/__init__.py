"""The verbs of share (通), as a city offers them."""
