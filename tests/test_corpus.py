"""Every case of the corpus, through real HTTP and `or_notebook.ask`."""

from __future__ import annotations

import pytest

import or_notebook
from or_notebook.chat.reply import Reply
from tests.support.protocol import Case, corpus, cut
from tests.support.replay import answer_of, replaying

CASES = corpus()
KEY = "sk-or-v1-canary0123456789abcdef"


def ask(case: Case, chunks: list[bytes]) -> Reply:
    with replaying(answer_of(case, chunks)) as server:
        try:
            return or_notebook.ask(
                "hello",
                model="m",
                base_url=server.base_url,
                api_key=KEY,
                api=case.dialect,
                retries=0,
            )
        except or_notebook.ChatError as error:
            assert error.reply is not None
            assert 1 <= len(str(error).splitlines()) <= 3
            assert KEY[9:17] not in repr(error.detail) + str(error)
            return error.reply


def result(reply: Reply) -> dict:
    """Bring a reply into the shape of the sidecars."""
    error = reply.error
    found = {
        "generation_id": reply.generation_id,
        "provider": reply.provider,
        "model": reply.model,
        "text": reply.text,
        "reasoning": reply.reasoning,
        "refusal": reply.refusal,
        "tool_calls": [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in reply.tool_calls
        ],
        "finish_reason": reply.finish_reason,
        "native_finish_reason": reply.native_finish_reason,
        "usage": reply.usage.raw if reply.usage else None,
        "comments": reply.keepalives,
        "done": reply.done,
        "truncated": reply.truncated,
        "images": len(reply.images),
        "annotations": len(reply.annotations),
        "events": reply.events,
        "retry_safe": error.retry_safe if error else None,
        "error": None,
    }
    if error is not None:
        known = {
            "code": error.code,
            "message": error.message,
            "type": error.type,
            "phase": error.phase,
            "http_status": error.http_status,
            "provider_code": error.provider_code,
            "provider_name": error.provider,
            "raw": error.raw,
            "reasons": error.metadata.get("reasons"),
            "flagged_input": error.metadata.get("flagged_input"),
        }
        found["error"] = known
    if reply.audio:
        found["audio_b64"] = reply.audio.data
        found["audio_transcript"] = reply.audio.transcript
    return found


def compare(case: Case, reply: Reply) -> None:
    expected, found = dict(case.expected), result(reply)
    # The sidecar counts fragments; a reply holds them merged, as they are sent back.
    expected.pop("reasoning_details", None)
    if expected["events"] is None:
        expected.pop("events")
    if expected["error"] is not None:
        assert {name: found["error"][name] for name in expected["error"]} == expected.pop("error")
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_as_declared(case):
    compare(case, ask(case, case.chunks))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_whole(case):
    compare(case, ask(case, [case.body]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_byte_by_byte(case):
    compare(case, ask(case, cut(case.body, 1)))


@pytest.mark.parametrize("name", ["or_chat_reasoning_text", "or_chat_reasoning_encrypted"])
def test_reasoning_details_are_merged_by_index_and_type(name):
    case = next(case for case in CASES if case.name == name)
    details = ask(case, case.chunks).reasoning_details
    if name == "or_chat_reasoning_text":
        assert details == [
            {
                "type": "reasoning.text",
                "text": "Let me add.",
                "signature": "c2lnbmF0dXJl",
                "format": "anthropic-claude-v1",
                "index": 0,
            }
        ]
    else:
        assert [detail["type"] for detail in details] == [
            "reasoning.summary",
            "reasoning.encrypted",
        ]
