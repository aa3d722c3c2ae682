"""Chat completions, streamed or whole (PROTOCOL.md, sections 2 and 3.4).

Only the fields that are used are decoded, each tolerantly: servers differ in every type. One rule
holds throughout: what is missing, null or of an unexpected type says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from or_notebook.wire import deltas as d
from or_notebook.wire.error_bodies import detail_from_object
from or_notebook.wire.request import Request
from or_notebook.wire.skins.frames import deltas_of
from or_notebook.wire.sse import Item

_PLACEHOLDER_IDS = frozenset({"litellm-fallback-metadata"})
_CALL_FIELDS = frozenset({"index", "id", "type", "function"})


class _Chunk(msgspec.Struct, gc=False):
    """The top-level fields that are read; all others are skipped while decoding."""

    id: Any = None
    model: Any = None
    provider: Any = None
    choices: Any = None
    usage: Any = None
    error: Any = None
    x_groq: Any = None
    citations: Any = None
    search_results: Any = None
    code: Any = None
    message: Any = None


_decode_chunk = msgspec.json.Decoder(_Chunk).decode


class ChatSkin:
    """`POST /chat/completions`."""

    headers: Mapping[str, str] = MappingProxyType({})

    def encode(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Return path and body; `parameters` win over the fields set here."""
        body: dict[str, Any] = {}
        if request.model:
            body["model"] = request.model
        body["messages"] = request.messages
        body["stream"] = True
        if request.include_usage:
            body["stream_options"] = {"include_usage": True}
        body.update(request.parameters)
        return "/chat/completions", body

    def decoder(self) -> ChatDecoder:
        """Return a decoder for one response."""
        return ChatDecoder()


class ChatDecoder:
    """Decodes one response; remembers its origin, so that each name is sent once."""

    def __init__(self) -> None:
        self._origin: tuple[Any, Any, Any] = (None, None, None)
        self._cited: set[str] = set()
        self._streamed: set[int] = set()
        self._tokens_seen = False
        self.finished = False

    def decode(self, item: Item) -> list[d.Delta]:
        """Return the deltas of one event or comment."""
        return deltas_of(item, _decode_chunk, self._chunk, self._failure)

    def whole(self, body: dict[str, Any]) -> list[d.Delta] | None:
        """Return the deltas of a non-streamed completion; None if the body is none."""
        if not isinstance(body.get("choices"), list):
            return None
        return self._chunk(msgspec.convert(body, _Chunk))

    # -- chunks --------------------------------------------------------------------------------

    def _chunk(self, chunk: _Chunk) -> list[d.Delta]:
        out: list[d.Delta] = []
        origin = (chunk.id, chunk.model, chunk.provider)
        if origin != self._origin:
            self._add_origin(origin, out)
        choices = chunk.choices
        if isinstance(choices, list):
            for choice in choices:
                if isinstance(choice, dict):
                    self._choice(choice, out)
        if chunk.citations or chunk.search_results:
            self._perplexity_citations(chunk, out)
        if chunk.error:
            out.append(self._failure(chunk.error))
        elif choices is None and isinstance(chunk.message, str) and chunk.code is not None:
            # SiliconFlow's error body, seen as an event (section 7).
            out.append(self._failure({"message": chunk.message, "code": chunk.code}))
        groq = chunk.x_groq if isinstance(chunk.x_groq, dict) else {}
        if groq.get("error"):
            out.append(self._failure(groq["error"]))
        usage = chunk.usage or groq.get("usage")
        if isinstance(usage, dict):
            out.append(d.UsageDelta(usage))
        return out

    def _add_origin(self, origin: tuple[Any, Any, Any], out: list[d.Delta]) -> None:
        self._origin = origin
        id_, model, provider = (value if _is_text(value) else None for value in origin)
        if id_ in _PLACEHOLDER_IDS:
            id_ = None
        if id_ or model or provider:
            out.append(d.Origin(id_, model, provider))

    def _failure(self, error: Any) -> d.Failure:
        detail = detail_from_object(error, phase="mid_stream", tokens_seen=self._tokens_seen)
        return d.Failure(detail)

    def _choice(self, choice: dict[str, Any], out: list[d.Delta]) -> None:
        index = choice.get("index")
        number = index if type(index) is int else 0
        before = len(out)
        if "delta" in choice:
            self._streamed.add(number)
        # Perplexity repeats the whole answer in `message`, beside each `delta` or after them.
        delta = choice.get("delta" if number in self._streamed else "message")
        if isinstance(delta, dict):
            self._delta(delta, number, out)
        text = choice.get("text")
        if isinstance(text, str) and text:
            # A legacy completion; OpenRouter calls its chunks chat chunks too (section 6.3).
            out.append(d.TextDelta(text, number))
        if len(out) > before:
            self._tokens_seen = True
        reason, native = choice.get("finish_reason"), choice.get("native_finish_reason")
        if reason or native:
            self.finished = self.finished or _is_text(reason)
            out.append(
                d.Finish(
                    reason if _is_text(reason) else None,
                    native if _is_text(native) else None,
                    number,
                )
            )
        if choice.get("error"):
            out.append(self._failure(choice["error"]))

    def _delta(self, delta: dict[str, Any], number: int, out: list[d.Delta]) -> None:
        for name, value in delta.items():
            if not value:
                continue
            if name == "content":
                self._content(value, number, out)
            elif name == "reasoning" and isinstance(value, str):
                out.append(d.ReasoningDelta(value, number))
            elif name == "reasoning_content" and isinstance(value, str):
                # An alias of `reasoning`: both may stand in one chunk with the same text.
                if not delta.get("reasoning"):
                    out.append(d.ReasoningDelta(value, number))
            elif name == "reasoning_details":
                self._reasoning_details(value, delta, number, out)
            elif name == "refusal" and isinstance(value, str):
                out.append(d.RefusalDelta(value, number))
            elif name == "tool_calls":
                self._tool_calls(value, number, out)
            elif name == "images":
                self._images(value, number, out)
            elif name == "audio" and isinstance(value, dict):
                out.append(_audio(value, number))
            elif name == "annotations" and isinstance(value, list):
                out += [d.AnnotationDelta(entry, number) for entry in value if _is_object(entry)]

    def _content(self, value: Any, number: int, out: list[d.Delta]) -> None:
        if isinstance(value, str):
            out.append(d.TextDelta(value, number))
            return
        for part in value if isinstance(value, list) else ():
            if not isinstance(part, dict):
                continue
            if part.get("type") == "thinking":
                out += [d.ReasoningDelta(text, number) for text in _texts(part.get("thinking"))]
            elif part.get("type") == "image_url":
                self._images([part], number, out)
            elif _is_text(part.get("text")):
                out.append(d.TextDelta(part["text"], number))

    def _reasoning_details(
        self, value: Any, delta: dict[str, Any], number: int, out: list[d.Delta]
    ) -> None:
        """Keep every fragment; show its text only where no plain string repeats it."""
        shown_elsewhere = bool(delta.get("reasoning") or delta.get("reasoning_content"))
        for detail in value if isinstance(value, list) else ():
            if not isinstance(detail, dict):
                continue
            out.append(d.ReasoningDetail(detail, number))
            text = detail.get("text") or detail.get("summary")
            if not shown_elsewhere and isinstance(text, str) and text:
                out.append(d.ReasoningDelta(text, number))

    def _tool_calls(self, value: Any, number: int, out: list[d.Delta]) -> None:
        for call in value if isinstance(value, list) else ():
            if not isinstance(call, dict):
                continue
            function = call.get("function")
            function = function if isinstance(function, dict) else {}
            index, arguments = call.get("index"), function.get("arguments")
            if isinstance(arguments, (dict, list)):
                arguments = msgspec.json.encode(arguments).decode()
            extra = {key: entry for key, entry in call.items() if key not in _CALL_FIELDS}
            out.append(
                d.ToolCallDelta(
                    index if type(index) is int else None,
                    call["id"] if _is_text(call.get("id")) else None,
                    function["name"] if _is_text(function.get("name")) else None,
                    arguments if isinstance(arguments, str) else "",
                    extra or None,
                    number,
                )
            )

    def _images(self, value: Any, number: int, out: list[d.Delta]) -> None:
        for image in value if isinstance(value, list) else ():
            source = image.get("image_url") if isinstance(image, dict) else None
            url = source.get("url") if isinstance(source, dict) else source
            if isinstance(url, str) and url:
                out.append(d.ImageDelta(url, number))

    def _perplexity_citations(self, chunk: _Chunk, out: list[d.Delta]) -> None:
        """Turn Perplexity's cumulative lists into one citation per address (section 7)."""
        results = chunk.search_results if isinstance(chunk.search_results, list) else []
        titles = {entry.get("url"): entry.get("title") for entry in results if _is_object(entry)}
        urls = chunk.citations if isinstance(chunk.citations, list) else list(titles)
        for url in urls:
            if _is_text(url) and url not in self._cited:
                self._cited.add(url)
                citation = {"url": url, "title": titles.get(url) or url}
                out.append(d.AnnotationDelta({"type": "url_citation", "url_citation": citation}))


def _audio(value: dict[str, Any], number: int) -> d.AudioDelta:
    data, transcript, expires = (value.get(name) for name in ("data", "transcript", "expires_at"))
    return d.AudioDelta(
        value["id"] if _is_text(value.get("id")) else None,
        data if isinstance(data, str) else "",
        transcript if isinstance(transcript, str) else "",
        expires if isinstance(expires, int) else None,
        number,
    )


def _texts(parts: object) -> list[str]:
    if isinstance(parts, str):
        return [parts] if parts else []
    known = parts if isinstance(parts, list) else []
    found = [part.get("text") for part in known if isinstance(part, dict)]
    return [text for text in found if isinstance(text, str) and text]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)
