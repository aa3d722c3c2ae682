"""What each model does: pure functions from a call to its steps.

A behaviour says what would happen if nobody interrupted it; who cancels is none of its business.
So the steps also tell what a provider bills that cannot be cancelled.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from or_notebook.sandbox.call import Call
from or_notebook.sandbox.error_table import ERRORS
from or_notebook.sandbox.picture import gradient_data_url
from or_notebook.sandbox.steps import (
    ENDS,
    REFUSALS,
    TOKENS,
    Citation,
    CutOff,
    Failure,
    Finish,
    Image,
    Reasoning,
    Refusal,
    Reject,
    Reset,
    Signature,
    Silence,
    Step,
    Text,
    Wait,
)
from or_notebook.sandbox.texts import before_stop, fit, load, tokenize
from or_notebook.sandbox.tool_calls import call_tools, tool_results

Behaviour: TypeAlias = Callable[[Call], Iterator[Step]]

SLOW_START = 5.0
"""Seconds that `sandbox/slow` waits if the request names no other time."""
GREETINGS = (
    "Hello! I am a model that acts on your own machine: no key, no network, no real bill.",
    "Hello there! What you see arrives token by token, from a server on your own machine.",
    "Hello and welcome! Try `sandbox/essay` for a long answer and `sandbox/slow` for a wait.",
)
SOURCES = (
    (
        "Server-sent events",
        "https://html.spec.whatwg.org/multipage/server-sent-events.html",
        "Event streams are UTF-8 text; a line that begins with a colon is a comment.",
    ),
    (
        "Chunked transfer coding",
        "https://www.rfc-editor.org/rfc/rfc9112#section-7.1",
        "A last chunk of size zero ends the body.",
    ),
)


def steps_of(call: Call) -> tuple[Step, ...]:
    """Return what the call's model does, within the call's token limit."""
    act = BEHAVIOURS[call.model.behaviour]
    steps = tuple(_limited(_disturbed(call, act(call)), call.question.max_tokens))
    wait = call.settings.wait
    if wait is None:
        wait = SLOW_START if call.model.behaviour == "slow" else 0.0
    if wait and not isinstance(steps[0], (*REFUSALS, Silence)):
        return (Wait(wait, call.settings.keepalives is not False), *steps)
    return steps


def _disturbed(call: Call, steps: Iterator[Step]) -> Iterator[Step]:
    """Yield the steps, or what the error that the request asks for makes of them."""
    name, times = call.settings.error, call.settings.times
    if name is None or (times is not None and call.attempt > times):
        yield from steps
        return
    error = ERRORS[name]
    if not isinstance(error, REFUSALS):
        yield from _first_tokens(steps, _tokens_before_end(call))
    yield error


def _first_tokens(steps: Iterable[Step], count: int) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, TOKENS):
            count -= 1
        if count < 0 or isinstance(step, ENDS):
            return
        yield step


def _tokens_before_end(call: Call) -> int:
    return 20 if call.settings.after is None else call.settings.after


def _limited(steps: Iterator[Step], max_tokens: int | None) -> Iterator[Step]:
    spent = 0
    for step in steps:
        if isinstance(step, TOKENS):
            if spent == max_tokens:
                yield Finish("length")
                return
            spent += 1
        yield step


def _spoken(call: Call, text: str) -> list[Text]:
    """Return an answer as tokens, cut at the stop sequences and fitted to the wanted length."""
    tokens = tokenize(text)
    if call.settings.tokens is not None:
        tokens = fit(tokens, call.settings.tokens)
    return [Text(token) for token in tokenize(before_stop("".join(tokens), call.question.stop))]


def _say(call: Call, text: str) -> Iterator[Step]:
    yield from _spoken(call, text)
    yield Finish("stop")


def _broken(call: Call, end: Step) -> Iterator[Step]:
    """Yield the beginning of the essay and then what breaks it off."""
    yield from _spoken(call, load("essay"))[: _tokens_before_end(call)]
    yield end


def _hello(call: Call) -> Iterator[Step]:
    seed = call.question.seed
    chance = random.Random(0 if call.question.temperature == 0 and seed is None else seed)
    return _say(call, chance.choice(GREETINGS))


def _essay(call: Call) -> Iterator[Step]:
    return _say(call, load("essay"))


def _reasoning(call: Call) -> Iterator[Step]:
    shown = call.question.reasoning == "shown"
    if call.question.reasoning != "off":
        for token in tokenize(load("reasoning")):
            yield Reasoning(token, visible=shown)
        if shown:
            yield Signature("c2FuZGJveC1zaWduYXR1cmU=")
    yield from _say(call, load("reasoned_answer"))


def _slow(call: Call) -> Iterator[Step]:
    return _say(call, load("waited"))


def _rate_limited(call: Call) -> Iterator[Step]:
    if call.attempt > (1 if call.settings.times is None else call.settings.times):
        yield from _say(call, "Now it works: the limit is over, and the same request was accepted.")
        return
    retry_after = f"{call.settings.retry_after:g}"
    yield Reject(
        429,
        {
            "code": 429,
            "message": f"Rate limit exceeded, try again in {retry_after} s",
            "metadata": {"error_type": "rate_limit_exceeded", "provider_name": call.provider},
        },
        {"Retry-After": retry_after, "X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0"},
    )


def _out_of_credits(_call: Call) -> Iterator[Step]:
    yield Reject(
        402,
        {
            "code": 402,
            "message": "Insufficient credits. Add more using https://openrouter.ai/credits",
            "metadata": {"error_type": "payment_required"},
        },
    )


def _fails(call: Call) -> Iterator[Step]:
    error = Failure(502, "Provider returned error", "provider_unavailable", "upstream_disconnect")
    return _broken(call, error)


def _truncated(call: Call) -> Iterator[Step]:
    return _broken(call, CutOff())


def _reset(call: Call) -> Iterator[Step]:
    return _broken(call, Reset())


def _stall(call: Call) -> Iterator[Step]:
    """Stop in the middle for ever; the rest is what an uncancellable provider would bill."""
    after = _tokens_before_end(call)
    answer = _spoken(call, load("essay"))
    yield from answer[:after]
    yield Wait(None, call.settings.keepalives is not False)
    yield from answer[after:]
    yield Finish("stop")


def _silent(call: Call) -> Iterator[Step]:
    yield Silence()
    yield from _spoken(call, load("essay"))
    yield Finish("stop")


def _echo(call: Call) -> Iterator[Step]:
    received = json.dumps(call.body, ensure_ascii=False, indent=2)
    ticks = max((len(run) for run in re.findall("`+", received)), default=0)
    fence = "`" * max(3, ticks + 1)
    return _say(call, f"{fence}json\n{received}\n{fence}")


def _tools(call: Call) -> Iterator[Step]:
    results = tool_results(call.question)
    if results or not call.question.may_call_tools:
        yield from _say(call, results or "I was told not to call any tool.")
        return
    yield from call_tools(call.question)
    yield Finish("tool_calls")


def _refuses(call: Call) -> Iterator[Step]:
    yield from (Refusal(step.text) for step in _spoken(call, load("refusal")))
    yield Finish("stop")


def _length(call: Call) -> Iterator[Step]:
    wanted = 40 if call.settings.tokens is None else call.settings.tokens
    yield from (Text(token) for token in fit(tokenize(load("story")), wanted))
    yield Finish("length")


def _citations(call: Call) -> Iterator[Step]:
    answer = "".join(step.text for step in _spoken(call, _cited_text()))
    yield from (Text(token) for token in tokenize(answer))
    for title, url, content in SOURCES:
        start = answer.find(f"[{title}]")
        if start >= 0:
            yield Citation(url, title, content, start, start + len(f"[{title}]({url})"))
    yield Finish("stop")


def _cited_text() -> str:
    first, second = (f"[{title}]({url})" for title, url, _ in SOURCES)
    return (
        f"A stream of tokens is an ordinary HTTP response in a simple text format, {first}. "
        f"Its body has no known length, so HTTP/1.1 sends it piece by piece, {second}."
    )


def _image(call: Call) -> Iterator[Step]:
    yield from _spoken(call, load("image"))
    yield Image(gradient_data_url())
    yield Finish("stop")


BEHAVIOURS: dict[str, Behaviour] = {
    "hello": _hello,
    "essay": _essay,
    "reasoning": _reasoning,
    "slow": _slow,
    "rate-limited": _rate_limited,
    "out-of-credits": _out_of_credits,
    "fails": _fails,
    "truncated": _truncated,
    "reset": _reset,
    "stall": _stall,
    "silent": _silent,
    "echo": _echo,
    "tools": _tools,
    "refuses": _refuses,
    "length": _length,
    "citations": _citations,
    "image": _image,
}
"""What each model does, by its name in the catalogue."""
