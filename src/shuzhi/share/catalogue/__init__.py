"""The catalogue of data sets: core metadata with its rules, search, and exchange with others."""

from shuzhi.share.catalogue.contract import CATALOGUE_PROPERTIES, from_contract
from shuzhi.share.catalogue.dcat import CatalogueForm, Publisher, write_catalogue
from shuzhi.share.catalogue.errors import CatalogueError
from shuzhi.share.catalogue.facets import FACETS
from shuzhi.share.catalogue.guide import (
    EntryFinding,
    Severity,
    is_stale,
    stale_from,
    validate,
)
from shuzhi.share.catalogue.harvest import (
    HarvestReport,
    Refusal,
    harvest,
    read_catalogue,
    refusals,
)
from shuzhi.share.catalogue.model import (
    LOCAL,
    Cycle,
    Entry,
    Grade,
    Sharing,
    SharingMethod,
    Text,
    entry_id,
)
from shuzhi.share.catalogue.search import FacetCount, Hit, Marked, Page, Searcher, Sort, search
from shuzhi.share.catalogue.use_cases import (
    Outcome,
    Published,
    Record,
    Version,
    described,
    entry,
    history,
    note_facts,
    publish,
    publish_all,
    records,
    withdraw,
    withdraw_all,
)

__all__ = [
    "CATALOGUE_PROPERTIES",
    "FACETS",
    "LOCAL",
    "CatalogueError",
    "CatalogueForm",
    "Cycle",
    "Entry",
    "EntryFinding",
    "FacetCount",
    "Grade",
    "HarvestReport",
    "Hit",
    "Marked",
    "Outcome",
    "Page",
    "Published",
    "Publisher",
    "Record",
    "Refusal",
    "Searcher",
    "Severity",
    "Sharing",
    "SharingMethod",
    "Sort",
    "Text",
    "Version",
    "described",
    "entry",
    "entry_id",
    "from_contract",
    "harvest",
    "history",
    "is_stale",
    "note_facts",
    "publish",
    "publish_all",
    "read_catalogue",
    "records",
    "refusals",
    "search",
    "stale_from",
    "validate",
    "withdraw",
    "withdraw_all",
    "write_catalogue",
]
