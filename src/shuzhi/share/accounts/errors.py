"""What the accounts room refuses.

Codes: `share.account_unknown`, `share.account_exists`, `share.bad_account_name`,
`share.bad_title`, `share.role_unknown`, `share.right_unknown`, `share.own_role`,
`share.not_granted`, `share.password_weak`, `share.password_same`, `share.password_wrong`,
`share.login_refused`, `share.session_unknown`, `share.key_unknown`, `share.key_too_long`,
`share.key_beyond_owner`, `share.identity_taken`, `share.oidc_refused`, `share.no_oidc`; and
`share.oidc_broken`, which is not the asker's doing.
"""

from __future__ import annotations

from shuzhi.kernel.errors import BrokenError, RefusedError


class AccountError(RefusedError):
    """An account, a session or a key cannot be made, used or changed so."""


class LoginRefusedError(AccountError):
    """Who wants to come in is not let in; the same words whatever the reason was."""

    def __init__(self) -> None:
        super().__init__(
            "share.login_refused",
            "The name or the password is wrong, or there were too many tries lately.",
            next_step="Try again; after several tries wait a few minutes, or ask an administrator.",
        )


class ProviderBrokenError(BrokenError):
    """The identity provider does not answer, or not as OpenID Connect says."""

    def __init__(self, why: str) -> None:
        super().__init__(
            "share.oidc_broken",
            f"The identity provider did not do its part: {why}.",
            next_step="Try again later, or sign in with a password.",
        )


def unknown_account(name: str) -> AccountError:
    """Refuse a name under which there is no account."""
    return AccountError(
        "share.account_unknown",
        f"There is no account {name[:60]!r}.",
        next_step="List them with: shuzhi account list",
    )


def no_provider() -> AccountError:
    """Refuse to ask an identity provider that nobody named."""
    return AccountError(
        "share.no_oidc",
        "The city names no identity provider.",
        next_step="Add login.oidc to city.yaml (docs/accounts.md).",
    )
