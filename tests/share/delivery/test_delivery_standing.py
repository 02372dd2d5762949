"""What another process changes holds for the very next question."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from tests.beside import beside

from shuzhi.share.access import Refusal
from shuzhi.share.delivery import Answer, answer

_SQL = "SELECT COUNT(*) AS n FROM residents"
_ENDED = """
import sys
from pathlib import Path
from shuzhi.app import open_city
from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements import Actor, AgreementId, Deed, Verb, deal
city = open_city(Path(sys.argv[1]))
end = Deed(Verb.END, Actor("h.li", PartyId("housing")), text="Done")
deal(city.sharing_office, AgreementId(int(sys.argv[2])), end)
"""


def test_an_agreement_that_another_process_ended_gives_nothing(town: Any) -> None:
    held = town.agreed()
    desk, wanted, asker = town.desk, town.wanted(held), town.asker()
    before = [answer(desk, wanted, asker, _SQL) for _ in range(2)]
    assert all(isinstance(each, Answer) for each in before)

    folder = str(town.city.settings.folder)
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", _ENDED, folder, str(held.id)],
        check=True,
        timeout=120,
        env=beside(town.city.control),
    )

    after = answer(desk, wanted, asker, _SQL)
    assert isinstance(after, Refusal)
    assert after.reason == "no_grant"
