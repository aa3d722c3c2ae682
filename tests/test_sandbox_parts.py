"""The pure parts of the sandbox: timetable, tokens, validation, steps."""

from __future__ import annotations

from typing import Any

import pytest

from or_notebook.sandbox.behaviours import BEHAVIOURS, steps_of
from or_notebook.sandbox.body import parse
from or_notebook.sandbox.call import Call, build_call
from or_notebook.sandbox.catalogue import MODELS
from or_notebook.sandbox.errors import ApiError
from or_notebook.sandbox.pacing import TICK, Pace
from or_notebook.sandbox.skins.chat_request import read_chat
from or_notebook.sandbox.steps import (
    ENDS,
    TOKENS,
    Finish,
    Reject,
    Silence,
    Text,
    ToolFragment,
    Wait,
)
from or_notebook.sandbox.texts import fit, load, tokenize

HELLO = [{"role": "user", "content": "Hello"}]


def send_times(tokens_per_second: float, count: int, oversleep: float) -> list[float]:
    """Return when each token is sent on a machine whose sleeps last too long (seconds)."""
    now, times = 0.0, []
    pace = Pace(tokens_per_second, now)
    while len(times) < count:
        delay = pace.delay(now)
        if delay:
            now += delay + oversleep
            continue
        times.append(now)
        pace.advance()
    return times


@pytest.mark.parametrize("rate", [1, 7, 60, 499, 1000, 5000])
@pytest.mark.parametrize("oversleep", [0.0, 0.0007, 0.004])
def test_lateness_never_adds_up(rate: int, oversleep: float) -> None:
    late = [time - i / rate for i, time in enumerate(send_times(rate, 2000, oversleep))]
    assert min(late) >= -1e-9
    assert max(late) <= TICK + oversleep + 1e-9


def test_fast_tokens_are_sent_together() -> None:
    times = send_times(5000, 2000, 0.0)
    assert len(set(times)) <= 0.4 / TICK + 1


def test_pause_is_not_caught_up() -> None:
    pace = Pace(10, 0.0)
    pace.advance()
    pace.restart(100.0)
    assert pace.delay(100.0) == 0
    pace.advance()
    assert pace.delay(100.0) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "  indented\n\n\tcode",
        "Zürich — 😀 你好\u2028x",
        "```python\nx = 1\n```\n",
        load("essay"),
    ],
)
def test_tokens_join_to_the_text(text: str) -> None:
    assert "".join(tokenize(text)) == text


@pytest.mark.parametrize("length", [0, 1, 10, 3000])
def test_text_is_fitted_to_any_length(length: int) -> None:
    assert len(fit(tokenize(load("essay")), length)) == length


def test_every_model_of_the_catalogue_has_a_behaviour() -> None:
    assert [model.name for model in MODELS.values()] == list(BEHAVIOURS)


def test_essay_shows_every_kind_of_markdown() -> None:
    essay = load("essay")
    for piece in ("# ", "## ", "\n- ", "\n1. ", "\n> ", "|:--", "```python", "$$", "**", "[x]"):
        assert piece in essay
    assert 600 <= len(tokenize(essay)) <= 950


def call_of(body: dict[str, Any], attempt: int = 1) -> Call:
    return build_call(read_chat(body), body, attempt=attempt)


def steps(model: str, **body: Any) -> tuple[Any, ...]:
    return steps_of(call_of({"model": f"sandbox/{model}", "messages": HELLO, **body}))


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_every_behaviour_ends_once(name: str) -> None:
    acted = steps(name)
    if isinstance(acted[0], Reject):
        assert len(acted) == 1
    else:
        assert [step for step in acted if isinstance(step, ENDS)] == [acted[-1]]


def test_wait_goes_before_the_first_token() -> None:
    assert steps("slow")[0] == Wait(5.0)
    assert steps("slow", sandbox={"wait": 0})[0] != Wait(5.0)
    assert steps("tools", sandbox={"wait": 2, "keepalives": False})[0] == Wait(2, keepalives=False)
    assert isinstance(steps("silent", sandbox={"wait": 2})[0], Silence)
    assert isinstance(steps("out-of-credits", sandbox={"wait": 2})[0], Reject)


def test_rate_limit_can_hit_several_times() -> None:
    body = {"model": "sandbox/rate-limited", "messages": HELLO, "sandbox": {"times": 2}}
    first = [steps_of(call_of(body, attempt))[0] for attempt in (1, 2, 3)]
    assert [isinstance(step, Reject) for step in first] == [True, True, False]


def test_max_tokens_equal_to_the_length_is_no_cut() -> None:
    tokens = [step for step in steps("essay") if isinstance(step, TOKENS)]
    assert steps("essay", max_tokens=len(tokens))[-1] == Finish("stop")
    assert steps("essay", max_tokens=len(tokens) - 1)[-1] == Finish("length")


def test_tools_of_the_request_are_called_with_fitting_arguments() -> None:
    properties = {"place": {"type": "string"}, "days": {"type": "integer"}}
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": properties}}}
    fragments = [s for s in steps("tools", tools=[tool]) if isinstance(s, ToolFragment)]
    for index in (0, 1):
        mine = [fragment for fragment in fragments if fragment.index == index]
        assert mine[0].name == "f"
        assert "".join(f.arguments for f in mine) == '{"place": "Zürich", "days": 3}'


def test_tool_results_are_answered_with_text() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    conversation = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "12 °C"},
    ]
    text = "".join(s.text for s in steps("tools", messages=conversation) if isinstance(s, Text))
    assert text.endswith("- `c1`: 12 °C")


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"messages": "hi"}, "messages: must be an array, not a string"),
        ({"messages": []}, "messages: must not be empty"),
        ({"messages": ["hi"]}, "messages[0]: must be an object, not a string"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role: required"),
        ({"messages": [{"role": "bot", "content": "hi"}]}, "messages[0].role: must be one of"),
        (
            {"messages": [{"role": "user", "content": 3}]},
            "messages[0].content: must be a string or an array of parts, not a number",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "txt"}]}]},
            "messages[0].content[0].type: must be one of text, image_url",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
            "messages[0].content[0].image_url: must be an object, not a string",
        ),
        (
            {"messages": [{"role": "system", "content": [{"type": "file", "file": {}}]}]},
            "messages[0].content[0].type: a message of role system holds text only",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id: required"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]},
            "messages[0].tool_calls[0].function: required",
        ),
        ({"stream": "yes"}, "stream: must be a boolean, not a string"),
        ({"temperature": 2.5}, "temperature: must be 0 to 2, not 2.5"),
        ({"temperature": True}, "temperature: must be a number, not a boolean"),
        ({"top_p": 0}, "top_p: must be above 0 and at most 1, not 0"),
        ({"max_tokens": 0}, "max_tokens: must be at least 1, not 0"),
        ({"max_tokens": 1.5}, "max_tokens: must be an integer, not 1.5"),
        ({"stop": ["a"] * 5}, "stop: must have at most 4 items, not 5"),
        ({"stop": ["a", 1]}, "stop[1]: must be a string, not a number"),
        ({"seed": "x"}, "seed: must be an integer, not a string"),
        ({"top_logprobs": 21}, "top_logprobs: must be at most 20, not 21"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort: must be one of max, xhigh"),
        (
            {"reasoning": {"effort": "low"}, "reasoning_effort": "high"},
            "reasoning_effort: contradicts reasoning.effort",
        ),
        ({"response_format": {}}, "response_format.type: required"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema: required"),
        ({"tools": [{"type": "function"}]}, "tools[0].function: required"),
        ({"tools": [{"type": "other"}]}, "tools[0].type: must be"),
        ({"tool_choice": "always"}, "tool_choice: must be"),
        ({"provider": {"order": "OpenAI"}}, "provider.order: must be an array, not a string"),
        ({"metadata": {"a": 1}}, "metadata.a: must be a string, not a number"),
        ({"session_id": "x" * 257}, "session_id: must be at most 256 characters"),
        ({"sandbox": {"speed": 3}}, "sandbox.speed: unknown; known are after, cached_tokens"),
        ({"sandbox": {"tokens_per_second": 0}}, "sandbox.tokens_per_second: must be above 0"),
    ],
)
def test_wrong_fields_are_named(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_chat({"model": "sandbox/hello", "messages": HELLO, **fields})
    assert caught.value.status == 400
    assert str(caught.value).startswith(complaint)


def test_what_the_service_takes_is_taken() -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf,x"}},
    ]
    read_chat(
        {
            "messages": [
                {"role": "developer", "content": "Be short."},
                {"role": "user", "content": parts, "name": "ann"},
                {"role": "assistant", "content": "A cat.", "reasoning_details": []},
            ],
            "temperature": None,
            "n": 3,
            "stream_options": {"include_usage": True},
            "stop": "x",
            "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
            "tools": [{"type": "openrouter:web_search"}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "provider": {"sort": {"by": "price"}, "max_price": {"prompt": "1"}},
            "unknown_field": object(),
        }
    )
    read_chat({"prompt": "Once upon a time"})


def test_json_without_a_meaning_is_refused() -> None:
    with pytest.raises(ApiError, match="NaN is not a JSON value"):
        parse(b'{"temperature": NaN}')


@pytest.mark.parametrize("name", ["essay@0", "essay@fast", "essay@-5", "essay@inf"])
def test_impossible_speed_is_refused(name: str) -> None:
    with pytest.raises(ApiError, match="speed in tokens per second"):
        steps(name)
