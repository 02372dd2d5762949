"""The verbs of decide (用), as a city offers them."""
