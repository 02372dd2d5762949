"""References to secrets: `${NAME}` in a source's YAML stands for a value kept elsewhere.

Who knows the secrets hands in a function; here they are filled in, and taken out of every message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from shuzhi.kernel.errors import RefusedError

Secret = Callable[[str], str]

REFERENCE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


class Secrets:
    """The secrets that one reader asked for: it fills them in and keeps them out of messages."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self._known: dict[str, str] = {}

    def expand(self, text: str) -> str:
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
        return REFERENCE.sub(lambda found: self._ask(found[1]), text)

    def expand_all(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Return the mapping with the references in its values replaced. Raises as `expand`."""
        return {name: self.expand(text) for name, text in texts.items()}

    def hide(self, value: str, name: str) -> None:
        """Keep `value`, a part of a secret, out of messages too; they show `name` instead."""
        self._known[value] = name

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Replace every secret in the message of an error that is raised inside."""
        try:
            yield
        except RefusedError as error:
            message = self.mask(error.message)
            raise RefusedError(error.code, message, next_step=error.next_step) from None

    def mask(self, text: str) -> str:
        """Return `text` with the references in place of their secrets."""
        for value in sorted(filter(None, self._known), key=len, reverse=True):
            text = text.replace(value, self._known[value])
        return text

    def _ask(self, name: str) -> str:
        value = self._secret(name)
        self._known[value] = f"${{{name}}}"
        return value
