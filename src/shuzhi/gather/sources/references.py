"""References to secrets: `${NAME}` in a source's YAML stands for a value kept elsewhere.

Who knows the secrets hands in a function; nothing here reads the environment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from shuzhi.kernel.errors import RefusedError

Secret = Callable[[str], str]

REFERENCE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def expand(text: str, secret: Secret) -> str:
    """Return `text` with each reference replaced by its secret.

    Raises:
        RefusedError: `gather.bad_reference` for `${` that starts no reference; as `secret`.
    """
    if "${" in REFERENCE.sub("", text):
        raise RefusedError(
            "gather.bad_reference",
            "A reference to a secret is misspelt.",
            next_step="Write it as ${CITY_ERP_URL}: capitals, digits and underscores.",
        )
    return REFERENCE.sub(lambda found: secret(found[1]), text)


def expand_all(texts: Mapping[str, str], secret: Secret) -> dict[str, str]:
    """Return the mapping with the references in its values replaced. Raises as `expand`."""
    return {name: expand(text, secret) for name, text in texts.items()}
