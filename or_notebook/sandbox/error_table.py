"""Errors by name, for the request field `sandbox.error` (PROTOCOL.md, sections 3 and 7)."""

from __future__ import annotations

from or_notebook.sandbox.errors_elsewhere import DURING, ELSEWHERE
from or_notebook.sandbox.errors_own import BEFORE
from or_notebook.sandbox.steps import Failure, Foreign, Reject, Verbatim

ERRORS: dict[str, Reject | Failure | Foreign | Verbatim] = {**BEFORE, **ELSEWHERE, **DURING}
"""Errors instead of an answer, OpenRouter's and others', and errors in the middle of one."""
