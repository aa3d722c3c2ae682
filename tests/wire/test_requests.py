"""What each skin sends for the same conversation."""

from __future__ import annotations

from or_notebook.wire.request import Request
from or_notebook.wire.skins import SKINS

PICTURE = "data:image/png;base64,AAAA"
TOOL = {
    "type": "function",
    "function": {"name": "get", "description": "d", "parameters": {"type": "object"}},
}
THOUGHT = {"type": "thinking", "index": 0, "text": "hm", "signature": "sig"}
ITEM = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}
CONVERSATION = [
    {"role": "system", "content": "Be {brief}."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": PICTURE}},
        ],
    },
    {
        "role": "assistant",
        "content": "Let me look.",
        "reasoning_details": [THOUGHT, ITEM],
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "get", "arguments": '{"a": 1}'}},
            {"id": "c2", "type": "function", "function": {"name": "get", "arguments": ""}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "one"},
    {"role": "tool", "tool_call_id": "c2", "content": "two"},
    {"role": "user", "content": "And?"},
]
PARAMETERS = {
    "max_tokens": 50,
    "reasoning_effort": "low",
    "stop": "END",
    "tools": [TOOL],
    "tool_choice": "required",
    "top_k": 3,
}


def encode(skin, messages=CONVERSATION, parameters=PARAMETERS):
    request = Request(messages=messages, model="a/b", parameters=dict(parameters))
    return SKINS[skin].encode(request)


def test_chat_sends_it_as_it_is():
    path, body = encode("chat")
    assert path == "/chat/completions"
    assert body["messages"] == CONVERSATION
    assert {name: body[name] for name in PARAMETERS} == PARAMETERS


class TestMessages:
    def test_conversation(self):
        path, body = encode("messages")
        assert path == "/messages"
        assert body["system"] == "Be {brief}."
        source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
        assert body["messages"] == [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image", "source": source},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "sig"},
                    {"type": "text", "text": "Let me look."},
                    {"type": "tool_use", "id": "c1", "name": "get", "input": {"a": 1}},
                    {"type": "tool_use", "id": "c2", "name": "get", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": "one"},
                    {"type": "tool_result", "tool_use_id": "c2", "content": "two"},
                ],
            },
            {"role": "user", "content": "And?"},
        ]

    def test_parameters(self):
        _, body = encode("messages")
        assert body["stop_sequences"] == ["END"]
        assert body["thinking"] == {"type": "enabled", "budget_tokens": 2048}
        assert body["max_tokens"] > 2048
        assert body["tools"] == [
            {"name": "get", "input_schema": {"type": "object"}, "description": "d"}
        ]
        assert body["tool_choice"] == {"type": "any"}
        assert body["top_k"] == 3
        assert not {"stop", "reasoning_effort"} & set(body)

    def test_a_limit_is_required_and_kept(self):
        question = [{"role": "user", "content": "hi"}]
        assert encode("messages", question, {})[1]["max_tokens"] == 4096
        assert encode("messages", question, {"max_tokens": 7})[1]["max_tokens"] == 7


class TestResponses:
    def test_conversation(self):
        path, body = encode("responses")
        assert path == "/responses"
        assert [item["type"] for item in body["input"]] == [
            "message",
            "message",
            "reasoning",
            "message",
            "function_call",
            "function_call",
            "function_call_output",
            "function_call_output",
            "message",
        ]
        assert body["input"][1]["content"][1] == {
            "type": "input_image",
            "image_url": PICTURE,
            "detail": "auto",
        }
        assert body["input"][2] == ITEM
        assert body["input"][4]["call_id"] == "c1"
        assert body["input"][6] == {
            "type": "function_call_output",
            "call_id": "c1",
            "output": "one",
        }

    def test_parameters(self):
        _, body = encode("responses")
        assert body["max_output_tokens"] == 50
        assert body["reasoning"] == {"effort": "low"}
        assert body["tools"][0] == {
            "type": "function",
            "name": "get",
            "description": "d",
            "parameters": {"type": "object"},
        }
        assert not {"max_tokens", "reasoning_effort", "previous_response_id"} & set(body)


class TestCompletions:
    def test_lone_prompt_is_sent_literally(self):
        path, body = encode("completions", [{"role": "user", "content": "Once {upon}"}], {})
        assert (path, body["prompt"]) == ("/completions", "Once {upon}")

    def test_conversation_becomes_a_transcript(self):
        turns = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
        assert encode("completions", turns, {})[1]["prompt"] == "System: S\n\nUser: U\n\nAssistant:"
