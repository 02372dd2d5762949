"""The composition root: a city's settings in, the wired platform out.

`City` is also the Python API: the verbs of the command line under the same names, a module a wing.
"""

from shuzhi.app.city import City, Registered, create_city, open_city

__all__ = ["City", "Registered", "create_city", "open_city"]
