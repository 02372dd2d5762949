"""What the forms room refuses.

Codes: `share.bad_form` (YAML), `share.form_unknown`, `share.form_not_yours`,
`share.form_withdrawn`, `share.field_unknown`, `share.field_not_asked`, `share.no_candidate`,
`share.filler_unknown`, `share.not_due`, `share.filling_unknown`, `share.filling_done`,
`share.filling_not_yours`, `share.source_not_yours`, `share.datum_bad`, `share.bad_period`.
"""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class FormError(RefusedError):
    """A form, a filling or a source of data cannot be accepted."""


def unknown_form(form: str) -> FormError:
    """Refuse an id under which no form is registered."""
    return FormError(
        "share.form_unknown",
        f"No form is registered as {form[:60]!r}.",
        next_step="Correct the id, or register the form first: shuzhi form register FILE.",
    )


def unknown_field(form: str, name: str) -> FormError:
    """Refuse a field that a form does not have."""
    return FormError(
        "share.field_unknown",
        f"The form {form} has no field {name[:60]!r}.",
        next_step="Name one of its fields: shuzhi form show FORM.",
    )
