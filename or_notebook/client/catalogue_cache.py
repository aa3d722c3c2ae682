"""Catalogues of models kept between kernels: in memory, and on disk for a day.

One file per endpoint, replaced as a whole, so that kernels that write at the same time leave one
of the two, never a mixture. A file that cannot be read counts as none. Imports no HTTP: TAB
completion reads from here and must be quick.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from or_notebook.client.endpoints import is_loopback
from or_notebook.client.models import Model
from or_notebook.wire.errors import ErrorDetail

DAY = 86_400.0
LOCAL_LIFETIME = 60.0
"""Seconds for a server on this machine: its models change when a person pulls one."""

_in_memory: dict[str, Catalogue] = {}


class Catalogue(msgspec.Struct, frozen=True):
    """The models of one endpoint at one moment (Unix seconds)."""

    models: list[Model]
    fetched_at: float

    @property
    def age(self) -> float:
        """Seconds since it was fetched."""
        return max(time.time() - self.fetched_at, 0.0)

    @property
    def ids(self) -> list[str]:
        """The models' names, in the endpoint's order."""
        return [model.id for model in self.models]

    def find(self, model_id: str) -> Model | None:
        """Return the model of this name."""
        return next((model for model in self.models if model.id == model_id), None)


class Listing(msgspec.Struct, frozen=True):
    """A catalogue, and why it is not newer than it is, if a newer one was wanted."""

    catalogue: Catalogue
    problem: ErrorDetail | None = None


_decoder = msgspec.json.Decoder(Catalogue)
_encoder = msgspec.json.Encoder()


def remembered(base_url: str) -> Catalogue | None:
    """Return the newest catalogue of an endpoint that this machine has, however old."""
    known = _in_memory.get(base_url)
    if known is not None and is_fresh(base_url, known):
        return known
    # Another kernel may have fetched a newer one.
    stored = _read(cache_file(base_url))
    if stored is not None and (known is None or stored.fetched_at > known.fetched_at):
        _in_memory[base_url] = known = stored
    return known


def fresh(base_url: str) -> Catalogue | None:
    """Return the catalogue of an endpoint if it is new enough not to be fetched again."""
    known = remembered(base_url)
    return known if known is not None and is_fresh(base_url, known) else None


def remember(base_url: str, catalogue: Catalogue) -> None:
    """Keep a catalogue for later cells and other kernels."""
    _in_memory[base_url] = catalogue
    # Without a writable folder the catalogue is fetched once per kernel; nothing else changes.
    with contextlib.suppress(OSError):
        _replace(cache_file(base_url), _encoder.encode(catalogue))


def is_fresh(base_url: str, catalogue: Catalogue) -> bool:
    """Tell whether a catalogue is new enough not to be fetched again."""
    local = is_loopback(urlsplit(base_url).hostname or "")
    return catalogue.age < (LOCAL_LIFETIME if local else DAY)


def cache_file(base_url: str) -> Path:
    """Return where the catalogue of an endpoint is kept; the key has no part in the name."""
    import platformdirs

    digest = hashlib.sha256(base_url.encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("or_notebook") / "models" / f"{digest}.json"


def _read(path: Path) -> Catalogue | None:
    try:
        return _decoder.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
