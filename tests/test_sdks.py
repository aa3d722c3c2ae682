"""Clients that we did not write talk to the sandbox, and hear what `or_notebook` hears.

Both sides are checked by it: that the sandbox speaks its dialects well, and that nothing is lost or
doubled on the way into a `Reply`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import or_notebook
from or_notebook.sandbox.server import RunningSandbox

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")
openrouter = pytest.importorskip("openrouter")

WELL_FORMED = (
    "hello",
    "essay",
    "reasoning",
    "tools",
    "refuses",
    "length",
    "citations",
    "image",
)
PROMPT = "Tell me, in Zürich: what is „new“? 😀"
MESSAGES = [{"role": "user", "content": PROMPT}]
FAST = 100_000
SUMMARY = {"reasoning": "summary"}


@pytest.fixture(scope="module")
def clients(sandbox_server: RunningSandbox) -> Iterator[dict[str, Any]]:
    """The three SDKs, each with one client: making them takes longer than asking them."""
    url = sandbox_server.base_url
    with (
        openai.OpenAI(base_url=url, api_key="any", max_retries=0) as of_openai,
        anthropic.Anthropic(
            base_url=url.removesuffix("/v1"), api_key="any", max_retries=0
        ) as of_anthropic,
        openrouter.OpenRouter(api_key="any", server_url=url) as of_openrouter,
    ):
        yield {"openai": of_openai, "anthropic": of_anthropic, "openrouter": of_openrouter}


@dataclass(frozen=True)
class Heard:
    """What a client has understood of one answer."""

    text: str
    reasoning: str
    refusal: str
    tool_calls: tuple[tuple[str, str, Any], ...]
    finish: str | None
    tokens: tuple[int | None, int | None, int | None]
    """Of the prompt, of the answer, and of the reasoning in it."""
    cost: float | None


def ours(sandbox: RunningSandbox, model: str, api: str, **settings: Any) -> Heard:
    """What `or_notebook` hears; the finish reason is the dialect's own word in messages."""
    reply = or_notebook.ask(
        PROMPT,
        model=f"sandbox/{model}",
        base_url=sandbox.base_url,
        api_key="any",
        api=api,
        temperature=0,
        sandbox={"tokens_per_second": FAST, **settings},
    )
    usage = reply.usage
    assert usage is not None
    assert (reply.status, reply.malformed) == ("complete", [])
    return Heard(
        text=reply.text,
        reasoning=reply.reasoning,
        refusal=reply.refusal,
        tool_calls=_calls((c.id, c.name, c.arguments) for c in reply.tool_calls),
        finish=reply.native_finish_reason if api == "messages" else reply.finish_reason,
        tokens=(usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens),
        cost=None if usage.cost is None else float(usage.cost),
    )


def _calls(calls: Iterable[tuple[str, str, str]]) -> tuple[tuple[str, str, Any], ...]:
    return tuple((call_id, name, json.loads(arguments)) for call_id, name, arguments in calls)


def _body(model: str, **settings: Any) -> dict[str, Any]:
    more = {"temperature": 0, "sandbox": {"tokens_per_second": FAST, **settings}}
    return {"model": f"sandbox/{model}", "extra_body": more}


# -- openai ------------------------------------------------------------------------------------


def _chat_tokens(usage: Any) -> tuple[int, int, int]:
    thought = usage.completion_tokens_details.reasoning_tokens
    return usage.prompt_tokens, usage.completion_tokens, thought


def _chat_message(completion: Any) -> Heard:
    choice, usage = completion.choices[0], completion.usage
    calls = choice.message.tool_calls or ()
    return Heard(
        text=choice.message.content or "",
        reasoning=getattr(choice.message, "reasoning", None) or "",
        refusal=choice.message.refusal or "",
        tool_calls=_calls((c.id, c.function.name, c.function.arguments) for c in calls),
        finish=choice.finish_reason,
        tokens=_chat_tokens(usage),
        cost=usage.cost,
    )


def openai_chat_body(client: Any, model: str) -> Heard:
    return _chat_message(client.chat.completions.create(messages=MESSAGES, **_body(model)))


def _chat_chunks(chunks: list[Any]) -> Heard:
    """Assemble a stream by hand: OpenAI's helper raises at a length limit, OpenRouter has none."""
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    calls: dict[int, list[Any]] = {}
    for fragment in (one for delta in deltas for one in delta.tool_calls or ()):
        call = calls.setdefault(int(fragment.index), [fragment.id, fragment.function.name, ""])
        call[2] += fragment.function.arguments or ""
    (finish,) = [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason]
    (usage,) = [chunk.usage for chunk in chunks if chunk.usage]
    return Heard(
        text="".join(delta.content or "" for delta in deltas),
        reasoning="".join(getattr(delta, "reasoning", None) or "" for delta in deltas),
        refusal="".join(delta.refusal or "" for delta in deltas),
        tool_calls=_calls((call[0], call[1], call[2]) for call in calls.values()),
        finish=finish,
        tokens=_chat_tokens(usage),
        cost=usage.cost,
    )


def openai_chat_stream(client: Any, model: str) -> Heard:
    request = {"messages": MESSAGES, "stream": True, **_body(model)}
    with client.chat.completions.create(**request) as stream:
        return _chat_chunks(list(stream))


def _response(response: Any) -> Heard:
    text, reasoning, refusal, calls = "", "", "", []
    for item in response.output:
        if item.type == "function_call":
            calls.append((item.call_id, item.name, item.arguments))
        elif item.type == "reasoning":
            parts = [*item.summary, *(item.content or ())]
            reasoning += "".join(part.text for part in parts)
        elif item.type == "message":
            text += "".join(part.text for part in item.content if part.type == "output_text")
            refusal += "".join(part.refusal for part in item.content if part.type == "refusal")
    usage, thought = response.usage, response.usage.output_tokens_details
    words = {None: "tool_calls" if calls else "stop", "max_output_tokens": "length"}
    assert response.status == ("incomplete" if response.incomplete_details else "completed")
    return Heard(
        text=text,
        reasoning=reasoning,
        refusal=refusal,
        tool_calls=_calls(calls),
        finish=words[response.incomplete_details and response.incomplete_details.reason],
        tokens=(usage.input_tokens, usage.output_tokens, thought.reasoning_tokens),
        cost=getattr(usage, "cost", None),
    )


def openai_responses_body(client: Any, model: str) -> Heard:
    return _response(client.responses.create(input=PROMPT, **_body(model)))


def openai_responses_stream(client: Any, model: str, **settings: Any) -> Heard:
    request = {"input": PROMPT, "stream": True, **_body(model, **settings)}
    with client.responses.create(**request) as stream:
        events = list(stream)
    numbers = [event.sequence_number for event in events]
    assert numbers == list(range(len(events)))
    heard = _response(events[-1].response)
    assert heard.text == "".join(e.delta for e in events if e.type == "response.output_text.delta")
    return heard


def openai_responses_summary(client: Any, model: str) -> Heard:
    return openai_responses_stream(client, model, **SUMMARY)


def openai_responses_own_flavour(client: Any, model: str) -> Heard:
    return openai_responses_stream(client, model, flavour="openai")


def _completion(chunks: list[Any]) -> Heard:
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    (usage,) = [chunk.usage for chunk in chunks if chunk.usage]
    (finish,) = [choice.finish_reason for choice in choices if choice.finish_reason]
    return Heard(
        text="".join(choice.text for choice in choices),
        reasoning="",
        refusal="",
        tool_calls=(),
        finish=finish,
        tokens=_chat_tokens(usage),
        cost=getattr(usage, "cost", None),
    )


def openai_completions_body(client: Any, model: str) -> Heard:
    return _completion([client.completions.create(prompt=PROMPT, **_body(model))])


def openai_completions_stream(client: Any, model: str, **settings: Any) -> Heard:
    request = {"prompt": PROMPT, "stream": True, **_body(model, **settings)}
    with client.completions.create(**request) as stream:
        return _completion(list(stream))


def openai_completions_own_flavour(client: Any, model: str) -> Heard:
    return openai_completions_stream(client, model, flavour="openai")


# -- anthropic ---------------------------------------------------------------------------------


def _message(message: Any) -> Heard:
    blocks, usage = message.content, message.usage
    return Heard(
        text="".join(block.text for block in blocks if block.type == "text"),
        reasoning="".join(block.thinking for block in blocks if block.type == "thinking"),
        refusal="",
        tool_calls=tuple((b.id, b.name, b.input) for b in blocks if b.type == "tool_use"),
        finish=message.stop_reason,
        tokens=(
            usage.input_tokens + usage.cache_read_input_tokens,
            usage.output_tokens,
            usage.output_tokens_details.thinking_tokens,
        ),
        cost=getattr(usage, "cost", None),
    )


def anthropic_body(client: Any, model: str) -> Heard:
    request = {"messages": MESSAGES, "max_tokens": 4096, **_body(model, flavour="anthropic")}
    return _message(client.messages.create(**request))


def anthropic_stream(client: Any, model: str) -> Heard:
    """It crashes on OpenRouter's `[DONE]`, so this is Anthropic's own flavour."""
    request = {"messages": MESSAGES, "max_tokens": 4096, **_body(model, flavour="anthropic")}
    with client.messages.stream(**request) as stream:
        return _message(stream.get_final_message())


# -- openrouter --------------------------------------------------------------------------------


def openrouter_chat_stream(client: Any, model: str) -> Heard:
    """It takes no unknown fields: the speed stands in the model's name."""
    request = {"model": f"sandbox/{model}@{FAST}", "messages": MESSAGES, "temperature": 0}
    with client.chat.send(**request, stream=True) as stream:
        return _chat_chunks(list(stream))


def openrouter_chat_body(client: Any, model: str) -> Heard:
    request = {"model": f"sandbox/{model}@{FAST}", "messages": MESSAGES, "temperature": 0}
    return _chat_message(client.chat.send(**request, stream=False))


def openrouter_responses_body(client: Any, model: str) -> Heard:
    request = {"model": f"sandbox/{model}@{FAST}", "input": PROMPT, "temperature": 0}
    return _response(client.responses.send(**request, stream=False))


def openrouter_responses_stream(client: Any, model: str) -> Heard:
    request = {"model": f"sandbox/{model}@{FAST}", "input": PROMPT, "temperature": 0}
    with client.responses.send(**request, stream=True) as stream:
        *_, last = stream
    return _response(last.response)


Theirs = Callable[[Any, str], Heard]

CLIENTS: tuple[tuple[Theirs, str, dict[str, Any]], ...] = (
    (openai_chat_body, "chat", {}),
    (openai_chat_stream, "chat", {}),
    (openai_responses_body, "responses", {}),
    (openai_responses_stream, "responses", {}),
    (openai_responses_summary, "responses", SUMMARY),
    (openai_responses_own_flavour, "responses", {"flavour": "openai"}),
    (openai_completions_body, "completions", {}),
    (openai_completions_stream, "completions", {}),
    (openai_completions_own_flavour, "completions", {"flavour": "openai"}),
    (anthropic_body, "messages", {"flavour": "anthropic"}),
    (anthropic_stream, "messages", {"flavour": "anthropic"}),
    (openrouter_chat_body, "chat", {}),
    (openrouter_chat_stream, "chat", {}),
    (openrouter_responses_body, "responses", {}),
    (openrouter_responses_stream, "responses", {}),
)


def _name(value: Any) -> str | None:
    return value.__name__ if callable(value) else "" if isinstance(value, dict) else None


@pytest.mark.parametrize("model", WELL_FORMED)
@pytest.mark.parametrize(("theirs", "api", "settings"), CLIENTS, ids=_name)
def test_sdk_and_or_notebook_agree(
    sandbox: RunningSandbox,
    clients: dict[str, Any],
    theirs: Theirs,
    api: str,
    settings: dict[str, Any],
    model: str,
) -> None:
    client = clients[theirs.__name__.partition("_")[0]]
    assert theirs(client, model) == ours(sandbox, model, api, **settings)


@pytest.mark.parametrize(
    ("model", "status"), [("out-of-credits", 402), ("rate-limited", 429), ("esay", 400)]
)
def test_sdks_understand_a_refused_request(
    clients: dict[str, Any], model: str, status: int
) -> None:
    for theirs in (openai_chat_stream, openai_responses_stream, openai_completions_stream):
        with pytest.raises(openai.APIStatusError) as refused:
            theirs(clients["openai"], model)
        assert refused.value.status_code == status
    with pytest.raises(anthropic.APIStatusError) as refused:
        anthropic_stream(clients["anthropic"], model)
    assert refused.value.status_code == status


def test_sdks_notice_a_failure_in_the_middle(clients: dict[str, Any]) -> None:
    for theirs in (openai_chat_stream, openai_completions_stream):
        with pytest.raises(openai.APIError, match="Provider returned error"):
            theirs(clients["openai"], "fails")
    with pytest.raises(anthropic.APIStatusError, match="Provider returned error"):
        anthropic_stream(clients["anthropic"], "fails")
    request = {"input": PROMPT, "stream": True, **_body("fails")}
    with clients["openai"].responses.create(**request) as stream:
        *_, last = stream
    assert (last.type, last.response.status) == ("response.failed", "failed")
    assert last.response.error.message == "Provider returned error"
