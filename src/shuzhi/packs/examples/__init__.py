"""examples: given, when, then: what a pack does, as test, demonstration and documentation."""

from shuzhi.packs.examples.comparing import Difference, Seen, differences
from shuzhi.packs.examples.model import Example, Given, Step, Then
from shuzhi.packs.examples.reading import ExampleFile, read_examples

__all__ = [
    "Difference",
    "Example",
    "ExampleFile",
    "Given",
    "Seen",
    "Step",
    "Then",
    "differences",
    "read_examples",
]
