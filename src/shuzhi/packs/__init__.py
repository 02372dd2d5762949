"""packs: scenario packs, each a folder of YAML and SQL that declares one public problem."""

from shuzhi.packs.installed import installed_packs
from shuzhi.packs.model import Declared, Manifest, Pack
from shuzhi.packs.needing import needed_packs
from shuzhi.packs.reading import examine, installed_pack, read_declared, read_manifest, read_pack
from shuzhi.packs.scaffold import new_pack

__all__ = [
    "Declared",
    "Manifest",
    "Pack",
    "examine",
    "installed_pack",
    "installed_packs",
    "needed_packs",
    "new_pack",
    "read_declared",
    "read_manifest",
    "read_pack",
]
