"""What the sandbox saw: every request, and every generation with its bill.

Nothing here holds a key: of the Authorization header only a short digest is kept, which tells
whether two requests used the same key.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

KEPT = 1000
"""Requests and generations remembered; older ones are forgotten."""
_SECRET = ("auth", "key", "token", "secret", "cookie")
"""Headers with one of these in their name are not recorded."""


@dataclass
class RequestRecord:
    """One request; `*_at` are Unix seconds, `*_monotonic` seconds of the system's steady clock."""

    method: str
    path: str
    headers: dict[str, str]
    key: dict[str, Any]
    received_at: float = field(default_factory=time.time)
    received_monotonic: float = field(default_factory=time.monotonic)
    body: Any = None
    status: int | None = None
    generation_id: str | None = None
    model: str | None = None
    tokens_sent: int = 0
    keepalives_sent: int = 0
    finish_reason: str | None = None
    cancelled: bool = False
    disconnected_at: float | None = None
    disconnected_monotonic: float | None = None
    finished_at: float | None = None

    def disconnected(self) -> None:
        """Note that the client left."""
        self.disconnected_at = time.time()
        self.disconnected_monotonic = time.monotonic()


class Records:
    """The memory of one sandbox; safe to read from other threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[RequestRecord] = deque(maxlen=KEPT)
        self._generations: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._attempts: Counter[str] = Counter()
        self._spent: defaultdict[str, Decimal] = defaultdict(Decimal)

    def add_request(self, record: RequestRecord) -> None:
        """Remember a request that has just come in."""
        with self._lock:
            self._requests.append(record)

    def requests(self) -> list[dict[str, Any]]:
        """Return all requests as JSON objects, oldest first."""
        with self._lock:
            return [asdict(record) for record in self._requests]

    def clear(self) -> None:
        """Forget all requests, generations and attempts."""
        with self._lock:
            self._requests.clear()
            self._generations.clear()
            self._attempts.clear()
            self._spent.clear()

    def attempt(self, fingerprint: str) -> int:
        """Count one more request of this fingerprint and return how many there were."""
        with self._lock:
            self._attempts[fingerprint] += 1
            return self._attempts[fingerprint]

    def add_generation(self, data: dict[str, Any], key: str, ready_at: float) -> None:
        """Remember a generation's bill, to be told from `ready_at` (steady clock) on."""
        with self._lock:
            self._generations.append({"ready_at": ready_at, "data": data})
            self._spent[key] += Decimal(str(data["total_cost"]))

    def generation(self, generation_id: str) -> dict[str, Any] | None:
        """Return a generation's bill; None if it is unknown or not yet written."""
        now = time.monotonic()
        with self._lock:
            for entry in self._generations:
                if entry["data"]["id"] == generation_id and entry["ready_at"] <= now:
                    found: dict[str, Any] = entry["data"]
                    return found
        return None

    def spent(self, key: str | None = None) -> Decimal:
        """Return the USD that one key, or all keys, have spent."""
        with self._lock:
            if key is None:
                return sum(self._spent.values(), Decimal(0))
            return self._spent.get(key, Decimal(0))


def digest(secret: str) -> str:
    """Return twelve hexadecimal digits that tell secrets apart and do not reveal them."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()[:12]


def bearer(authorization: str | None) -> str:
    """Return the key of an Authorization header; empty if there is none."""
    scheme, _, key = (authorization or "").strip().partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def new_record(method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> RequestRecord:
    """Return the record of a request from its raw headers."""
    plain = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    key = bearer(plain.get("authorization"))
    if not key and path.endswith("/messages"):
        # Anthropic's own header; the service takes it on this address only.
        key = plain.get("x-api-key", "").strip()
    kept = {name: plain[name] for name in plain if not any(word in name for word in _SECRET)}
    return RequestRecord(
        method=method,
        path=path,
        headers=kept,
        key={"present": bool(key), "sha256": digest(key) if key else None},
    )
