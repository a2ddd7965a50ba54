"""A partner for each way, and a place to keep connections."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crash.exchange import Way
from tests.crash.partners import Partner, open_partner
from tests.servers.certificates import Certificates


@pytest.fixture(params=list(Way), ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    return Way(request.param)


@pytest.fixture
async def partner(way: Way, tmp_path: Path, certificates: Certificates) -> AsyncIterator[Partner]:
    async with open_partner(way, tmp_path, certificates) as partner:
        yield partner
