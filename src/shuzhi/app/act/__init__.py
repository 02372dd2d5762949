"""The verbs of act (治), as a city offers them."""
