"""The verbs of gather (聚), as a city offers them."""
