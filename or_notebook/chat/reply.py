"""The state of one answer, folded from deltas: live, cancelled, failed or complete.

`Reply.apply` is the only way an answer changes. It is pure: it reads no clock and does no I/O, so
that live, replayed and compared answers are the same thing. One thread applies; any may read.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from or_notebook.chat import endings
from or_notebook.chat.assistant import assistant_message
from or_notebook.chat.choice import Audio, Choice, ToolCall
from or_notebook.chat.timing import Timing
from or_notebook.chat.usage import Usage, usage_of_generation
from or_notebook.wire import deltas as d
from or_notebook.wire.errors import ErrorDetail, TruncatedError, to_exception

Status = Literal["streaming", "complete", "cancelled", "truncated", "failed"]
Phase = Literal["connecting", "waiting", "retrying", "reasoning", "streaming", "done"]


class Reply:
    """One answer of a model.

    Read `text`, `reasoning`, `tool_calls`, `images`, `annotations`, `usage`, `timing` at any time,
    also while it grows; `status` tells whether it is whole. `str(reply)` is the text.
    """

    def __init__(self, *, requested_model: str | None = None, started_at: float = 0.0) -> None:
        self.requested_model = requested_model
        self.status: Status = "streaming"
        self.phase: Phase = "connecting"
        self.choices: dict[int, Choice] = {0: Choice()}
        self.model: str | None = None
        self.provider: str | None = None
        self.generation_id: str | None = None
        self.request_id: str | None = None
        self.usage: Usage | None = None
        self.estimated_cost: Decimal | None = None
        self.error: ErrorDetail | None = None
        self.parsed: Any = None
        self.misfit: ErrorDetail | None = None
        self.note: str | None = None
        self.timing = Timing(started_at=started_at)
        self.keepalives = 0
        self.events = 0
        self.token_events = 0
        self.retries: list[d.Retry] = []
        self.malformed: list[str] = []
        self.done = False
        self._header_id = False

    # -- what people read ---------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The answer so far, as the model wrote it (Markdown source)."""
        return str(self.choices[0].text)

    @property
    def reasoning(self) -> str:
        """The readable reasoning so far, each piece once."""
        return str(self.choices[0].reasoning)

    @property
    def refusal(self) -> str:
        """The refusal, if the model refused."""
        return str(self.choices[0].refusal)

    @property
    def reasoning_details(self) -> list[dict[str, Any]]:
        """The reasoning blocks to send back unmodified on the next turn."""
        return self.choices[0].reasoning_details

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The functions that the model wants called."""
        return self.choices[0].tool_calls

    @property
    def images(self) -> list[str]:
        """The images of the answer, as URLs (mostly `data:`)."""
        return self.choices[0].images

    @property
    def audio(self) -> Audio | None:
        """The audio of the answer with its transcript."""
        return self.choices[0].audio

    @property
    def annotations(self) -> list[dict[str, Any]]:
        """Citations and parsed files."""
        return self.choices[0].annotations

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped, in the endpoint's word; `error` after a failure."""
        return "error" if self.error else self.choices[0].finish_reason

    @property
    def native_finish_reason(self) -> str | None:
        """Why the model stopped, in the provider's own word."""
        return self.choices[0].native_finish_reason

    @property
    def truncated(self) -> bool:
        """Whether the stream broke off: no finish reason, no error, no `[DONE]`."""
        return self.status == "truncated"

    @property
    def tokens_per_second(self) -> float | None:
        """Completion tokens a second, first to last token.

        Counts pieces until usage is in, and where the bill is for more than what had arrived.
        """
        whole = self.usage is not None and self.status == "complete"
        counted = self.usage.completion_tokens if self.usage and whole else None
        return self.timing.rate(counted or self.token_events)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        words = " ".join((self.text or self.refusal).split())
        start = words if len(words) <= 60 else words[:59] + "…"
        return f"<Reply {self.status} from {self.model or self.requested_model}: {start!r}>"

    def raise_for_status(self) -> Reply:
        """Return self, or raise the `ChatError` that a failed or truncated answer stands for."""
        if self.error is not None:
            raise to_exception(self.error, self)
        if self.status == "truncated":
            raise TruncatedError(endings.truncation(self), self)
        if self.misfit is not None:
            raise to_exception(self.misfit, self)
        return self

    def to_message(self) -> dict[str, Any]:
        """Return the assistant message to send back on the next turn (PROTOCOL.md, section 2.3)."""
        return assistant_message(self)

    def metadata(self) -> dict[str, Any]:
        """Return the figures that a saved notebook keeps beside the answer: plain JSON."""
        usage, timing = self.usage, self.timing
        return {
            "model": self.model or self.requested_model,
            "requested_model": self.requested_model,
            "provider": self.provider,
            "generation_id": self.generation_id,
            "status": self.status,
            "finish_reason": self.finish_reason,
            "native_finish_reason": self.native_finish_reason,
            "usage": usage.raw if usage else None,
            "cost": str(usage.cost) if usage and usage.cost is not None else None,
            "estimated_cost": str(self.estimated_cost) if self.estimated_cost else None,
            "timing": {
                "started_at": timing.started_at,
                "time_to_first_token": timing.time_to_first_token,
                "duration": timing.duration,
                "tokens_per_second": self.tokens_per_second,
            },
            "keepalives": self.keepalives,
            "error": self.error.lines() if self.error else None,
        }

    # -- the fold -----------------------------------------------------------------------------

    def apply(self, delta: d.Delta, at: float) -> None:
        """Fold one delta that arrived `at` seconds after the call began."""
        if self.status == "streaming":
            _FOLD[type(delta)](self, delta, at)

    def cancel(self, at: float, note: str | None = None) -> None:
        """End the answer because the person wanted it; what has arrived stays."""
        if self.status == "streaming":
            self.note = note
            self._end("cancelled", at)

    @property
    def lacks_bill(self) -> bool:
        """Whether the service can be asked what a finished answer without figures cost."""
        # A request that was refused has no record.
        refused = self.error is not None and self.error.http_status is not None
        return self.usage is None and self._header_id and self.status != "streaming" and not refused

    def bill(self, record: dict[str, Any]) -> None:
        """Complete a finished answer with the service's own record of it."""
        self.usage = Usage.from_wire(usage_of_generation(record))
        self.provider = self.provider or record.get("provider_name") or None

    def _choice(self, index: int) -> Choice:
        return self.choices.setdefault(index, Choice())

    def _token(self, phase: Phase, at: float) -> None:
        self.token_events += 1
        timing = self.timing
        if timing.first_token is None:
            timing.first_token = at
        if phase == "streaming" and timing.first_text is None:
            timing.first_text = at
        timing.last_token = at
        self.phase = phase

    def _opened(self, delta: d.Opened, at: float) -> None:
        self.phase = "waiting"
        self.timing.opened = at
        if delta.generation_id:
            self.generation_id = delta.generation_id
            self._header_id = True
        self.request_id = delta.request_id or self.request_id

    def _keepalive(self, delta: d.KeepAlive, at: float) -> None:
        self.keepalives += 1
        self.timing.last_keepalive = at

    def _origin(self, delta: d.Origin, at: float) -> None:
        if not self._header_id:
            self.generation_id = self.generation_id or delta.id
        self.model = self.model or delta.model
        self.provider = self.provider or delta.provider

    def _text(self, delta: d.TextDelta, at: float) -> None:
        self._choice(delta.choice).text.append(delta.text)
        self._token("streaming", at)

    def _reasoning(self, delta: d.ReasoningDelta, at: float) -> None:
        self._choice(delta.choice).reasoning.append(delta.text)
        self._token("reasoning", at)

    def _reasoning_detail(self, delta: d.ReasoningDetail, at: float) -> None:
        self._choice(delta.choice).add_reasoning_detail(delta.detail)

    def _refusal(self, delta: d.RefusalDelta, at: float) -> None:
        self._choice(delta.choice).refusal.append(delta.text)
        self._token("streaming", at)

    def _tool_call(self, delta: d.ToolCallDelta, at: float) -> None:
        self._choice(delta.choice).add_tool_call(delta)
        self._token("streaming", at)

    def _image(self, delta: d.ImageDelta, at: float) -> None:
        self._choice(delta.choice).images.append(delta.url)
        self._token("streaming", at)

    def _audio(self, delta: d.AudioDelta, at: float) -> None:
        self._choice(delta.choice).add_audio(delta)
        self._token("streaming", at)

    def _annotation(self, delta: d.AnnotationDelta, at: float) -> None:
        self._choice(delta.choice).annotations.append(delta.annotation)

    def _usage(self, delta: d.UsageDelta, at: float) -> None:
        self.usage = Usage.from_wire(delta.usage)

    def _finish(self, delta: d.Finish, at: float) -> None:
        self._choice(delta.choice).finish(delta.reason, delta.native_reason)

    def _malformed(self, delta: d.Malformed, at: float) -> None:
        self.malformed.append(delta.snippet)

    def _done(self, delta: d.Done, at: float) -> None:
        self.done = True

    def _failure(self, delta: d.Failure, at: float) -> None:
        if self.error is None:
            # Errors in a stream rarely repeat whose they are.
            self.error = msgspec.structs.replace(
                delta.error,
                provider=delta.error.provider or self.provider,
                request_id=delta.error.request_id or self.generation_id or self.request_id,
            )

    def _retry(self, delta: d.Retry, at: float) -> None:
        self.retries.append(delta)
        self.timing.retry_due = at + delta.delay
        self.error = None
        self.generation_id, self._header_id = None, False
        self.phase = "retrying"

    def _closed(self, delta: d.Closed, at: float) -> None:
        self.events = delta.events
        choice = self.choices[0]
        for number, call in enumerate(choice.tool_calls):
            call.id = call.id or f"call_{number}"
        if choice.finish_reason == "error" and self.error is None:
            self.error = endings.nameless_error(self)
        if self.error is not None:
            self._end("failed", at)
        elif choice.finish_reason or self.done:
            self.note = self.note or endings.suspicion(self)
            self._end("complete", at)
        else:
            self.note = delta.reason or endings.broken_off(self)
            self._end("truncated", at)

    def _end(self, status: Status, at: float) -> None:
        self.status = status
        self.phase = "done"
        self.timing.finished = at


_FOLD: dict[type, Any] = {
    d.Opened: Reply._opened,
    d.KeepAlive: Reply._keepalive,
    d.Origin: Reply._origin,
    d.TextDelta: Reply._text,
    d.ReasoningDelta: Reply._reasoning,
    d.ReasoningDetail: Reply._reasoning_detail,
    d.RefusalDelta: Reply._refusal,
    d.ToolCallDelta: Reply._tool_call,
    d.ImageDelta: Reply._image,
    d.AudioDelta: Reply._audio,
    d.AnnotationDelta: Reply._annotation,
    d.UsageDelta: Reply._usage,
    d.Finish: Reply._finish,
    d.Malformed: Reply._malformed,
    d.Done: Reply._done,
    d.Failure: Reply._failure,
    d.Retry: Reply._retry,
    d.Closed: Reply._closed,
}
