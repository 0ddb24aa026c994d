"""A case of the fault matrix: a small company in five systems, its index, and the state that they end in."""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from index.errors import TowerError
from index.store.store import Store
from index.vectors.memory import MemoryGateway
from ingest.config import SourcesConfig, load_sources
from ingest.indexing import index_vectors
from ingest.progress import SyncReport
from ingest.sync.sources import sync
from tests.index.shelf import WordEmbedder
from tests.ingest.connectors.simulators.base import Simulator
from tests.ingest.connectors.simulators.odata import ODataService
from tests.ingest.connectors.simulators.rest import RestApi
from tests.ingest.connectors.simulators.salesforce import Salesforce
from tests.ingest.connectors.simulators.zendesk import Zendesk

SAMPLES = Path(__file__).parent / "samples"
_PATIENCE: dict[str, Any] = {"timeout": 0.3, "first_wait": 0.002, "longest_wait": 0.02, "attempts": 12}
GENERATION = "g0001"


@dataclass
class Company:
    """Five systems and a folder, changed from a seed."""

    home: Path
    seed: int
    skew: float = 0.0
    crm: Salesforce = field(init=False)
    billing: RestApi = field(init=False)
    desk: Zendesk = field(init=False)
    erp: ODataService = field(init=False)
    random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.crm = Salesforce(seed=self.seed, skew=self.skew)
        self.billing = RestApi(seed=self.seed, skew=self.skew)
        self.desk = Zendesk(seed=self.seed, skew=self.skew)
        edmx = (SAMPLES / f"orders_v{2 + 2 * (self.seed % 2)}.edmx").read_text(encoding="utf-8")
        self.erp = ODataService(edmx, seed=self.seed, skew=self.skew)
        (self.home / "notes").mkdir(parents=True, exist_ok=True)

    @property
    def systems(self) -> tuple[Simulator, ...]:
        return (self.crm, self.billing, self.desk, self.erp)

    @contextlib.contextmanager
    def running(self) -> Iterator[Company]:
        with contextlib.ExitStack() as stack:
            for system in self.systems:
                stack.enter_context(system.running())
            yield self

    def begin(self) -> None:
        for n in range(26):
            self._write(n)

    def change(self, *, deletes: int = 3) -> None:
        """Some records change, some come, some go, in every system."""
        for system in self.systems:
            system.tick(self.random.choice([1, 40, 400]))
        for n in self.random.sample(range(40), 8):
            self._write(n)
        for n in self.random.sample(range(26), deletes):
            self._remove(n)

    def _write(self, n: int) -> None:
        word = f"{self.random.choice(['Berg', 'Tal', 'See'])} {self.random.randrange(1000)}"
        amount = self.random.randrange(1, 9_999)
        self.crm.change("Account", f"001{n:012d}", Name=word, Amount=amount / 4, Active=n % 2 == 0)
        self.billing.change(str(n), name=word, amount=amount)
        self.desk.change(n, subject=f"About {word}", description=f"The boots of {word} leak.")
        self.erp.change("A_Order", f"O{n}", Order=f"O{n}", name=word, NetAmount=amount / 2, Blocked=False)
        (self.home / "notes" / f"{n}.md").write_text(f"# {word}\n\nNote {n} says {amount}.\n")

    def _remove(self, n: int) -> None:
        for system in self.systems:
            system.tick(2)
        self.crm.remove("Account", f"001{n:012d}")
        self.billing.remove("things", str(n))
        if str(n) in self.desk.rows.get("tickets", {}):
            self.desk.drop(n)
        if f"O{n}" in self.erp.rows.get("A_Order", {}):
            self.erp.drop("A_Order", f"O{n}")
        (self.home / "notes" / f"{n}.md").unlink(missing_ok=True)

    def config(self) -> SourcesConfig:
        crm, billing, desk, erp = self.crm, self.billing, self.desk, self.erp
        things = {
            "path": "/things", "records": "data.items", "key": "id", "cursor": "updated_at", "since": "updated_since",
            "deletes": "keys", "params": {"style": "offset"},
            "paging": {"style": "offset", "parameter": "offset", "size": 10, "total": "total"},
        }  # fmt: skip
        sources: dict[str, Any] = {
            "crm": {
                "kind": "salesforce", "login_url": crm.url, "client_id": crm.client, "client_secret": crm.secret,
                "objects": ["Account"], "tables": {"accounts": {"from": "Account"}}, "bulk_wait": 0.01,
            },
            "billing": {
                "kind": "rest", "url": billing.url, "streams": {"things": things},
                "tables": {"invoices": {"from": "things"}},
                "auth": {"type": "client_credentials", "token_url": f"{billing.url}/oauth/token", "client_id": "tower",
                         "client_secret": billing.secret},
            },
            "desk": {"kind": "zendesk", "url": desk.url, "email": desk.email, "api_token": desk.secret,
                     "tables": {"tickets": {}}},
            "erp": {
                "kind": "odata", "url": f"{erp.url}/odata", "sets": ["A_Order"], "delta": ["A_Order"],
                "auth": {"type": "basic", "user": erp.user, "password": erp.password},
                "tables": {"orders": {"from": "A_Order"}},
            },
        }  # fmt: skip
        sources = {name: {**mapping, **_PATIENCE} for name, mapping in sources.items()}
        return load_sources({**sources, "notes": {"kind": "files", "path": "notes"}}, self.home, {})


@dataclass
class Case:
    """One case of the matrix: the company, the index, and what went wrong."""

    company: Company
    open: Callable[[], sa.Engine]
    random: random.Random
    gateway: MemoryGateway = field(default_factory=MemoryGateway)
    engine: sa.Engine = field(init=False)
    store: Store = field(init=False)
    failed: int = 0
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = self.open()
        self.store = Store(self.engine)
        self.store.create()

    def sync(self, *, calm: bool = False) -> list[SyncReport]:
        """Sync; a failure under a fault is fine, one in calm is not. Totals always balance."""
        try:
            reports = sync(self.company.config(), self.store, None)
        except TowerError as error:
            assert not calm, error.message
            self.failed += 1
            return []
        for report in reports:
            assert report.totals.balanced, report
            assert report.ok or not calm, report.message
            self.failed += not report.ok
        return reports

    def index(self, gateway: Any = None) -> None:
        index_vectors(self.store, gateway or self.gateway, WordEmbedder(), GENERATION)

    def state(self) -> dict[str, Any]:
        return state(self.store)


def state(store: Store) -> dict[str, Any]:
    """What a store holds of content: rows, documents, quarantine; not when and by which run it came."""
    held: dict[str, Any] = {}
    for name, table in store.tables().items():
        columns = sorted(c.name for c in table.columns)
        held[name] = [(tuple(columns), tuple(sorted(map(str, table.key)))), *store.rows(name, ["_key", *columns])]
    for source in ("crm", "billing", "desk", "erp", "notes"):
        held[f"documents of {source}"] = [(d.document, d.chunks) for d in store.documents(source)]
    held["quarantine"] = [(q.source, q.origin, q.reason) for q in store.quarantined()]
    return held


def fingerprint(held: dict[str, Any]) -> str:
    return hashlib.sha256(repr(held).encode()).hexdigest()[:16]
