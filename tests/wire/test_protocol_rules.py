"""Rules and shapes of PROTOCOL.md that no case of the corpus shows, one small case for each."""

from __future__ import annotations

import json

import pytest

import or_notebook
from or_notebook.chat.reply import Reply
from or_notebook.wire import deltas as d
from or_notebook.wire.skins import SKINS
from or_notebook.wire.sse import Decoder
from tests.support.replay import Answer, replaying

DONE = b"data: [DONE]\n\n"
JSON = {"Content-Type": "application/json"}
EVENTS = {"Content-Type": "text/event-stream"}
KEY = "sk-or-v1-canary0123456789abcdef"


def event(**fields) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def choice(delta=None, finish=None, **fields) -> bytes:
    """Return a chunk of chat with one choice."""
    return event(choices=[{"index": 0, "delta": delta or {}, "finish_reason": finish, **fields}])


def read(*frames: bytes, api: str = "chat") -> Reply:
    """Fold a stream that ends cleanly after these frames."""
    sse, decoder, reply = Decoder(), SKINS[api].decoder(), Reply()
    for item in sse.feed(b"".join(frames)):
        for delta in decoder.decode(item):
            reply.apply(delta, 0.0)
        if reply.done:
            break
    reply.apply(d.Closed(), 1.0)
    return reply


def ask(*chunks: bytes, api: str = "chat", status: int = 200, headers=EVENTS, abort=False) -> Reply:
    """Send the chunks over HTTP; return the reply, also that of a failure."""
    with replaying(Answer(list(chunks), status, headers, abort)) as server:
        try:
            return or_notebook.ask(
                "hi", model="m", base_url=server.base_url, api_key=KEY, api=api, retries=0
            )
        except or_notebook.ChatError as error:
            assert error.reply is not None
            return error.reply


def ask_json(body, *, api: str = "chat", status: int = 200, headers=JSON) -> Reply:
    return ask(json.dumps(body).encode(), api=api, status=status, headers=headers)


def calls(reply: Reply) -> list[tuple[str, str, str]]:
    return [(call.id, call.name, call.arguments) for call in reply.tool_calls]


class TestDone:
    """Section 1.2."""

    @pytest.mark.parametrize("line", [b"data: [DONE]", b"data:[DONE]", b"data:  [DONE] "])
    def test_is_compared_without_white_space(self, line):
        reply = read(choice({"content": "a"}, "stop"), line + b"\n\n", choice({"content": "b"}))
        assert (reply.done, reply.text) == (True, "a")

    @pytest.mark.parametrize("line", [b"data: [DONE]x", b'data: "[DONE]"', b"data: [DONE][DONE]"])
    def test_a_mere_beginning_is_no_end(self, line):
        reply = read(choice({"content": "a"}), line + b"\n\n", choice({"content": "b"}, "stop"))
        assert (reply.done, reply.text, reply.status) == (False, "ab", "complete")

    @pytest.mark.parametrize("api", ["chat", "responses", "messages", "completions"])
    def test_may_carry_an_event_name_in_every_dialect(self, api):
        assert read(b"event: data\n" + DONE, api=api).done


class TestTolerance:
    """Section 1.3."""

    @pytest.mark.parametrize("api", ["chat", "responses", "messages", "completions"])
    def test_data_that_is_not_json_is_kept_short_and_read_past(self, api):
        reply = read(b"data: <" + b"x" * 300 + b"\n\n", b": ping\n\n", api=api)
        assert reply.malformed == ["<" + "x" * 199]
        assert reply.keepalives == 1
        assert "not JSON" in reply.note

    def test_broken_json_costs_one_event(self):
        reply = ask(b'data: {"choices": [\n\n', choice({"content": "a"}, "stop"), DONE)
        assert (reply.text, reply.events, len(reply.malformed)) == ("a", 2, 1)
        assert reply.note is None

    def test_plain_text_is_shown_if_no_finish_reason_follows(self):
        reply = read(choice({"content": "a"}), b"data: upstream died\n\n", DONE)
        assert (reply.status, reply.error) == ("complete", None)
        assert "upstream died" in reply.note

    @pytest.mark.parametrize("data", [b"[]", b"1", b"null", b'"text"', b"{}", b"", b'{"a": 1}'])
    def test_json_of_another_kind_says_nothing(self, data):
        reply = ask(b"data: " + data + b"\n\n", choice({"content": "a"}, "stop"), DONE)
        assert (reply.text, reply.malformed, reply.events) == ("a", [], 2)

    def test_object_without_choices_is_asked_for_error_and_usage(self):
        reply = read(event(usage={"prompt_tokens": 3}), event(error={"message": "m"}))
        assert (reply.usage.prompt_tokens, reply.error.message) == (3, "m")

    def test_comment_that_a_proxy_wrapped_as_data(self):
        reply = read(b"data: : OPENROUTER PROCESSING\n\n", choice({"content": "a"}, "stop"))
        assert (reply.keepalives, reply.malformed) == (1, [])

    @pytest.mark.parametrize("choices", [None, {}, "x", [None], [{}], [{"delta": None}]])
    def test_choices_of_any_type(self, choices):
        reply = read(event(id="x", choices=choices), choice({"content": "a"}, "stop"))
        assert (reply.text, reply.generation_id) == ("a", "x")


class TestDelta:
    """Section 2.6."""

    def test_reasoning_and_its_alias_are_shown_once(self):
        reply = read(choice({"reasoning": "hm", "reasoning_content": "hm"}))
        assert reply.reasoning == "hm"

    def test_alias_counts_where_the_plain_field_is_empty(self):
        assert read(choice({"reasoning": None, "reasoning_content": "hm"})).reasoning == "hm"

    def test_alias_and_details_are_shown_once(self):
        detail = {"type": "reasoning.text", "text": "hm", "index": 0}
        reply = read(choice({"reasoning_content": "hm", "reasoning_details": [detail]}))
        assert (reply.reasoning, reply.reasoning_details) == ("hm", [detail])

    def test_details_alone_are_shown(self):
        text = {"type": "reasoning.text", "text": "hm", "index": 0}
        summary = {"type": "reasoning.summary", "summary": "so", "index": 1}
        assert read(choice({"reasoning_details": [text, summary]})).reasoning == "hmso"

    def test_late_signature_and_data_are_merged_by_index_and_type(self):
        first = {"type": "reasoning.text", "text": "a", "signature": None, "index": 0}
        other = {"type": "reasoning.encrypted", "data": "x", "index": 0}
        signed = {"type": "reasoning.text", "signature": "s", "index": 0}
        more = {"type": "reasoning.encrypted", "data": "y", "index": 0}
        blank = {"type": "reasoning.text", "text": "", "signature": "", "index": 0}
        fragments = (first, other, signed, more, blank)
        reply = read(*(choice({"reasoning_details": [fragment]}) for fragment in fragments))
        assert reply.reasoning_details == [
            {"type": "reasoning.text", "text": "a", "signature": "s", "index": 0},
            {"type": "reasoning.encrypted", "data": "xy", "index": 0},
        ]

    def test_server_tools_without_an_index_stay_apart(self):
        details = [
            {"type": "reasoning.server_tool_call", "tool_name": "t", "tool_call_id": number}
            for number in ("a", "b")
        ]
        reply = read(choice({"reasoning_details": details}))
        assert (reply.reasoning_details, reply.reasoning) == (details, "")

    def test_file_annotation_is_kept_for_the_next_turn(self):
        file = {"type": "file", "file": {"hash": "h", "name": "a.pdf", "content": []}}
        reply = read(choice({"content": "a", "annotations": [file]}, "stop"))
        assert reply.to_message()["annotations"] == [file]

    def test_role_may_repeat_and_a_refusal_comes_in_pieces(self):
        reply = read(choice({"role": "assistant", "refusal": "I "}), choice({"refusal": "can't"}))
        assert (reply.refusal, reply.text) == ("I can't", "")


class TestFinish:
    """Section 2.6."""

    @pytest.mark.parametrize("later", [None, ""])
    def test_empty_never_overwrites(self, later):
        reply = read(choice(finish="length", native_finish_reason="MAX_TOKENS"),
                     choice(finish=later, native_finish_reason=later))  # fmt: skip
        assert (reply.finish_reason, reply.native_finish_reason) == ("length", "MAX_TOKENS")

    def test_later_reason_replaces(self):
        assert read(choice(finish="stop"), choice(finish="tool_calls")).finish_reason == (
            "tool_calls"
        )

    def test_error_is_sticky_and_needs_no_object(self):
        reply = read(choice({"content": "a"}), choice(finish="error"), choice(finish="stop"), DONE)
        assert (reply.finish_reason, reply.status, reply.text) == ("error", "failed", "a")
        assert reply.error.phase == "mid_stream"

    @pytest.mark.parametrize("word", ["function_call", "model_length", "eos"])
    def test_unknown_words_pass_through(self, word):
        assert read(choice({"content": "a"}, word)).finish_reason == word

    def test_finish_reason_key_may_be_missing(self):
        reply = ask(event(choices=[{"delta": {"content": "a"}}]), DONE)
        assert (reply.text, reply.finish_reason, reply.done) == ("a", None, True)
        assert reply.note

    def test_choices_are_kept_apart_by_index(self):
        pieces = [(0, "a", None), (1, "x", None), (1, "y", "length"), (0, "b", "stop")]
        frames = [
            event(choices=[{"index": index, "delta": {"content": text}, "finish_reason": reason}])
            for index, text, reason in pieces
        ]
        reply = read(*frames)
        assert [(str(one.text), one.finish_reason) for one in reply.choices.values()] == [
            ("ab", "stop"), ("xy", "length"),
        ]  # fmt: skip
        assert (reply.text, reply.finish_reason) == ("ab", "stop")


class TestToolCalls:
    """Sections 2.7 and 7."""

    def test_first_id_and_name_count(self):
        """SiliconFlow sends `id: null, name: ""` with later pieces, others repeat them."""
        pieces = [
            {"index": 0, "id": "c1", "type": "function", "function": {"name": "f"}},
            {"index": 0, "id": None, "function": {"name": "", "arguments": '{"a"'}},
            {"index": 0, "id": "c1", "function": {"name": "f", "arguments": ":1}"}},
        ]
        frames = [choice({"tool_calls": [piece]}) for piece in pieces]
        assert calls(read(*frames)) == [("c1", "f", '{"a":1}')]

    def test_repeated_finish_chunk_doubles_nothing(self):
        last = choice({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f",
                      "arguments": "{}"}}]}, "tool_calls")  # fmt: skip
        assert calls(read(last, last)) == [("c", "f", "{}")]

    def test_gemini_sends_fragments_without_index(self):
        signature = {"google": {"thought_signature": "s"}}
        pieces = [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":'}},
            {"function": {"arguments": "1}"}},
            {"extra_content": signature},
            {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ]
        reply = read(*(choice({"tool_calls": [piece]}) for piece in pieces), choice(finish="stop"))
        assert calls(reply) == [("a", "f", '{"x":1}'), ("b", "f", "{}")]
        assert reply.to_message()["tool_calls"][0]["extra_content"] == signature
        assert "extra_content" not in reply.to_message()["tool_calls"][1]

    def test_ollama_sends_a_whole_call(self):
        call = {"index": 0, "id": "call_1", "type": "function",
                "function": {"name": "f", "arguments": '{"a":1}'}}  # fmt: skip
        reply = read(choice({"role": "assistant", "content": "", "tool_calls": [call]}),
                     choice({"role": "assistant", "content": ""}, "tool_calls"), DONE)  # fmt: skip
        assert calls(reply) == [("call_1", "f", '{"a":1}')]

    def test_empty_arguments_mean_no_arguments(self):
        call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}
        reply = read(choice({"tool_calls": [call]}, "tool_calls"))
        assert reply.tool_calls[0].parsed_arguments() == {}


class TestUsage:
    """Section 2.8."""

    ONE, TWO = {"prompt_tokens": 5, "completion_tokens": 1}, {"completion_tokens": 2}

    def test_last_one_counts_and_null_says_nothing(self):
        frames = [event(choices=[], usage=usage) for usage in (self.ONE, self.TWO, None)]
        assert read(*frames).usage.raw == self.TWO

    def test_zeros_of_a_cache_hit_are_real(self):
        zeros = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cost": 0}
        reply = ask(
            choice({"content": "a"}, "stop"), event(choices=[], usage=zeros), DONE,
            headers={**EVENTS, "X-Generation-Id": "gen-2", "X-OpenRouter-Cache-Status": "HIT"},
        )  # fmt: skip
        assert (reply.usage.raw, reply.usage.cost, reply.generation_id) == (zeros, 0, "gen-2")

    def test_finish_reason_repeated_beside_it(self):
        last = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
        reply = read(choice({"content": "a"}, "stop"), event(choices=[last], usage=self.ONE), DONE)
        assert (reply.text, reply.finish_reason, reply.usage.raw) == ("a", "stop", self.ONE)

    def test_groq_puts_it_in_its_own_object(self):
        reply = read(event(id="c", x_groq={"id": "req_1"}, choices=[]),
                     choice({"reasoning": "hm"}), choice({"content": "a"}),
                     event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}],
                           x_groq={"id": "req_1", "usage": self.ONE}), DONE)  # fmt: skip
        assert (reply.usage.raw, reply.generation_id, reply.reasoning) == (self.ONE, "c", "hm")

    def test_perplexity_itemises_the_cost(self):
        cost = {"input_tokens_cost": 0.001, "request_cost": 0.005, "total_cost": 0.006}
        reply = read(event(choices=[], usage={**self.ONE, "cost": cost}))
        assert str(reply.usage.cost) == "0.006"


class TestOtherChunks:
    """Sections 2.9 and 7."""

    def test_router_metadata_and_padding_are_read_past(self):
        frame = event(choices=[], obfuscation="xx", openrouter_metadata={"attempt": 1, "error": 1})
        reply = read(choice({"content": "a"}, "stop"), frame, DONE)
        assert (reply.text, reply.error) == ("a", None)

    def test_azure_filters_in_frames_without_a_delta(self):
        results = {"hate": {"filtered": False, "severity": "safe"}}
        late = {"index": 0, "finish_reason": None, "content_filter_results": results,
                "content_filter_offsets": {"check_offset": 1, "start_offset": 0}}  # fmt: skip
        first = event(id="", model="", object="", created=0, choices=[], prompt_filter_results=[])
        reply = ask(first, choice({"content": "a"}), event(id="c", model="gpt", choices=[late]),
                    choice(finish="stop"), DONE)  # fmt: skip
        assert (reply.text, reply.generation_id, reply.model) == ("a", "c", "gpt")
        assert (reply.finish_reason, reply.events) == ("stop", 4)

    def test_mistral_sends_lists_of_parts(self):
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
        parts = [{"type": "text", "text": "a"}, {"type": "reference", "reference_ids": [1]},
                 {"type": "image_url", "image_url": "https://example.com/a.png"}]  # fmt: skip
        reply = read(choice({"content": [thinking]}),
                     choice({"content": [{**thinking, "closed": True, "signature": "s"}]}),
                     choice({"content": parts}), choice({"content": "b"}, "model_length"),
                     DONE)  # fmt: skip
        assert (reply.reasoning, reply.text, reply.finish_reason) == ("hmhm", "ab", "model_length")
        assert reply.images == ["https://example.com/a.png"]

    def test_perplexity_repeats_the_answer_so_far(self):
        found = {"url": "https://example.com", "title": "Example", "date": None}
        common = {"citations": [found["url"]], "search_results": [found], "model": "sonar"}
        frames = [
            event(**common, choices=[{"index": 0, "delta": {"content": piece},
                  "message": {"role": "assistant", "content": whole}, "finish_reason": finish}])
            for piece, whole, finish in [("a", "a", None), ("b", "ab", "stop")]
        ]  # fmt: skip
        last = event(**common, type="end_of_stream", status="COMPLETED",
                     choices=[{"index": 0, "message": {"content": "ab"}}])  # fmt: skip
        reply = read(*frames, last, DONE)
        assert (reply.text, reply.finish_reason) == ("ab", "stop")
        assert [one["url_citation"]["title"] for one in reply.annotations] == ["Example"]

    def test_litellm_fallback_names_the_model_but_not_the_answer(self):
        first = event(id="litellm-fallback-metadata", model="backup", choices=[])
        reply = read(first, event(id="c", model="other", choices=[]), choice(finish="stop"))
        assert (reply.generation_id, reply.model) == ("c", "backup")

    def test_ollama_blanks_out_a_failure(self):
        blank = {"role": "assistant", "content": ""}
        reply = ask(choice({**blank, "content": "Par"}), choice(blank))
        assert (reply.truncated, reply.error, reply.text) == (True, None, "Par")
        assert ask(choice(blank)).truncated

    def test_empty_stream_of_a_gateway(self):
        reply = ask()
        assert (reply.truncated, reply.error, reply.finish_reason) == (True, None, None)

    def test_reset_before_any_token(self):
        reply = ask(b": ping\n\n", abort=True)
        assert (reply.truncated, reply.error, reply.keepalives) == (True, None, 1)


class TestErrorsInTheStream:
    """Section 3.4."""

    def test_error_of_a_choice(self):
        error = {"code": 502, "message": "m", "metadata": {"error_type": "provider_unavailable"}}
        reply = read(choice({"content": "a"}), choice(finish="error", error=error), DONE)
        assert (reply.error.code, reply.error.type) == (502, "provider_unavailable")
        assert (reply.text, reply.error.retry_safe, reply.done) == ("a", False, True)

    @pytest.mark.parametrize(
        ("error", "code", "message"),
        [
            ("m", None, "m"),
            ({"message": "m"}, None, "m"),
            ({"code": None, "message": "m"}, None, "m"),
            ({"code": "server_error", "message": "m"}, "server_error", "m"),
            ({"code": 429, "message": "m"}, 429, "m"),
        ],
    )
    def test_code_of_any_type(self, error, code, message):
        reply = read(event(id="gen-1", choices=[], error=error))
        assert (reply.error.code, reply.error.message) == (code, message)
        assert (reply.generation_id, reply.finish_reason) == ("gen-1", "error")

    def test_first_one_wins(self):
        reply = read(event(error={"message": "first"}), event(error={"message": "second"}))
        assert reply.error.message == "first"

    @pytest.mark.parametrize("error", ["down", {"message": "down"}])
    def test_groq_puts_it_in_its_own_object(self, error):
        reply = read(
            choice({"content": "a"}), event(choices=[], x_groq={"id": "r", "error": error})
        )
        assert (reply.error.message, reply.text) == ("down", "a")

    def test_gateway_and_siliconflow_shapes(self):
        assert read(event(success=False, error={"message": "m"})).error.message == "m"
        reply = read(event(code=50505, message="m", data=None))
        assert (reply.error.code, reply.error.message) == (50505, "m")

    @pytest.mark.parametrize(
        "value",
        [
            b'{"code":500,"message":"m","type":"server_error"}',
            b'{"error":{"code":500,"message":"m"}}',
            b'"m"',
        ],
    )
    @pytest.mark.parametrize("api", ["chat", "responses", "messages", "completions"])
    def test_old_llamacpp_field(self, value, api):
        reply = ask(b"error: " + value + b"\n\n", DONE, api=api)
        assert (reply.error.message, reply.done, reply.events) == ("m", True, 0)

    def test_error_field_that_is_not_json_is_ignored(self):
        assert read(b"error: {oops\n", b"error: oops\n\n", choice(finish="stop")).error is None

    @pytest.mark.parametrize(
        ("piece", "safe"),
        [
            ({"role": "assistant", "content": ""}, True),
            ({"content": "a"}, False),
            ({"reasoning": "a"}, False),
            ({"refusal": "a"}, False),
            ({"images": [{"image_url": {"url": "data:,"}}]}, False),
            ({"audio": {"data": "AA"}}, False),
            ({"tool_calls": [{"index": 0, "id": "c"}]}, False),
        ],
    )
    def test_another_try_is_safe_before_the_first_token_only(self, piece, safe):
        error = {"code": 429, "message": "m"}
        reply = read(b": ping\n\n", event(choices=[], debug={}), choice(piece), event(error=error))
        assert reply.error.retry_safe is safe

    @pytest.mark.parametrize("word", [
        "rate_limit_exceeded", "provider_overloaded", "provider_unavailable", "timeout", "server",
    ])  # fmt: skip
    def test_types_that_may_pass(self, word):
        assert read(
            event(error={"message": "m", "metadata": {"error_type": word}})
        ).error.retry_safe

    @pytest.mark.parametrize("word", [
        "content_policy_violation", "payload_too_large", "unprocessable", "precondition_failed",
        "payment_required", "invalid_image", "image_too_large", "context_length_exceeded",
    ])  # fmt: skip
    def test_exact_type_counts_more_than_the_code_that_masks_it(self, word):
        response = {"status": "failed", "error": {"code": "server_error", "message": "m"}}
        failed = event(type="response.failed", response={**response, "error_type": word})
        reply = read(failed, api="responses")
        assert (reply.error.type, reply.error.retry_safe) == (word, False)


class TestErrorsBeforeTheStream:
    """Sections 3.1, 3.2 and 7."""

    def test_header_names_the_generation_of_a_refused_request(self):
        error = {"error": {"code": 503, "message": "m"}}
        reply = ask_json(error, status=503, headers={**JSON, "X-Generation-Id": "gen-1"})
        assert (reply.generation_id, reply.error.phase) == ("gen-1", "pre_stream")
        assert not reply.lacks_bill

    @pytest.mark.parametrize(("status", "kind"), [(401, "AuthenticationFailed"),
                             (403, "PermissionDenied"), (404, "NotFound"),
                             (504, "ProviderFailed")])  # fmt: skip
    def test_siliconflow_sends_a_bare_string(self, status, kind):
        reply = ask_json("Invalid token", status=status)
        assert (reply.error.message, reply.error.code) == ("Invalid token", status)
        assert (reply.error.kind, reply.error.retry_safe) == (kind, status == 504)

    def test_siliconflow_error_with_status_200(self):
        reply = ask_json({"code": 20012, "message": "m", "data": None})
        assert (reply.error.code, reply.error.http_status, reply.status) == (20012, 200, "failed")

    def test_gemini_sends_a_list(self):
        reply = ask_json([{"error": {"code": 400, "message": "m", "status": "X"}}], status=400)
        assert (reply.error.code, reply.error.message) == (400, "m")

    @pytest.mark.parametrize("status", [502, 504, 524])
    def test_page_of_a_gateway(self, status):
        page = b"<html><head><title>Gateway &amp; Co</title></head></html>"
        reply = ask(page, status=status, headers={"Content-Type": "text/html"})
        assert (reply.error.message, reply.error.retry_safe) == ("Gateway & Co", True)

    @pytest.mark.parametrize("status", [498, 520, 529])
    def test_empty_body(self, status):
        reply = ask(status=status)
        assert (reply.error.code, reply.error.http_status) == (status, status)
        assert reply.error.retry_safe

    def test_partial_answer_beside_an_error_is_kept(self):
        choices = [{"message": {"content": "Par"}, "finish_reason": "error"}]
        reply = ask_json({"id": "g", "choices": choices, "error": {"code": 502, "message": "m"}})
        assert (reply.text, reply.generation_id, reply.error.code) == ("Par", "g", 502)


class TestWholeBodies:
    """Section 3.1: a JSON body is an answer too; nothing in it is a `[DONE]`."""

    def test_chat_after_the_empty_lines_of_deepseek(self):
        body = {"id": "g", "model": "m", "usage": {"prompt_tokens": 1}, "choices": [
            {"index": 0, "finish_reason": "tool_calls", "message": {
                "content": "a", "reasoning_content": "hm",
                "tool_calls": [{"id": "c", "type": "function",
                                "function": {"name": "f", "arguments": "{}"}}]}}]}  # fmt: skip
        reply = ask(b"\n\n", b"\r\n\n", json.dumps(body).encode(), headers=JSON)
        assert (reply.text, reply.reasoning, calls(reply)) == ("a", "hm", [("c", "f", "{}")])
        assert (reply.finish_reason, reply.usage.raw) == ("tool_calls", {"prompt_tokens": 1})
        assert (reply.done, reply.status, reply.events) == (False, "complete", 0)

    def test_error_of_a_choice(self):
        error = {"code": 502, "message": "m"}
        choices = [{"message": {"content": "a"}, "finish_reason": "error", "error": error}]
        reply = ask_json({"id": "g", "choices": choices})
        assert (reply.error.code, reply.text, reply.finish_reason) == (502, "a", "error")

    def test_without_a_finish_reason_it_is_whole_all_the_same(self):
        reply = ask_json({"choices": [{"message": {"content": "a"}}]})
        assert (reply.status, reply.text) == ("complete", "a")

    def test_completions(self):
        body = {"id": "c", "choices": [{"index": 0, "text": "a", "finish_reason": "length"}]}
        reply = ask_json(body, api="completions")
        assert (reply.text, reply.finish_reason, reply.done) == ("a", "length", False)

    def test_responses(self):
        output = [
            {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": "a"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        ]
        body = {"id": "g", "model": "m", "status": "completed", "output": output, "error": None}
        reply = ask_json(body, api="responses")
        assert (reply.text, reply.reasoning, calls(reply)) == ("a", "hm", [("c", "f", "{}")])
        assert (reply.generation_id, reply.model, reply.finish_reason) == ("g", "m", "tool_calls")

    def test_responses_that_failed_after_some_text(self):
        output = [{"type": "message", "content": [{"type": "output_text", "text": "Par"}]}]
        error = {"code": "server_error", "message": "m"}
        body = {"id": "g", "status": "failed", "output": output, "error": error}
        reply = ask_json(body, api="responses")
        assert (reply.text, reply.error.message, reply.error.retry_safe) == ("Par", "m", False)

    def test_responses_error(self):
        body = {"error": {"code": "invalid_prompt", "message": "m"}, "metadata": None}
        reply = ask_json(body, api="responses", status=400)
        assert (reply.error.code, reply.error.http_status) == ("invalid_prompt", 400)

    def test_messages(self):
        content = [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "a"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}},
            {"type": "tool_use", "id": "u", "name": "g", "input": {}},
        ]
        usage = {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": None}
        body = {"id": "g", "model": "m", "content": content, "stop_reason": "tool_use"}
        reply = ask_json({**body, "usage": usage}, api="messages")
        assert (reply.text, reply.reasoning) == ("a", "hm")
        assert calls(reply) == [("t", "f", '{"x":1}'), ("u", "g", "{}")]
        assert (reply.usage.raw, reply.finish_reason) == (usage, "tool_calls")

    def test_messages_error_with_status_200(self):
        body = {"type": "error", "error": {"type": "overloaded_error", "message": "m"}}
        reply = ask_json({**body, "request_id": "gen-1"}, api="messages")
        assert (reply.error.type, reply.error.retry_safe) == ("overloaded_error", True)
        assert (reply.error.http_status, reply.error.request_id) == (200, "gen-1")


def responses(*frames: bytes) -> Reply:
    return read(*frames, api="responses")


def piece(kind: str, delta: str, **fields) -> bytes:
    return event(type=f"response.{kind}.delta", delta=delta, **fields)


def end(kind: str = "completed", **response) -> bytes:
    return event(type=f"response.{kind}", response={"output": [], **response})


class TestResponses:
    """Sections 3.5 and 6.1."""

    @pytest.mark.parametrize("fields", [
        {"type": "error", "code": "server_error", "message": "m", "param": None,
         "sequence_number": 3},
        {"type": "error", "error": {"code": "server_error", "message": "m"}},
        {"type": "response.error", "error": {"code": "server_error", "message": "m"}},
    ])  # fmt: skip
    def test_error_flat_or_nested(self, fields):
        reply = responses(piece("output_text", "a"), event(**fields), DONE)
        assert (reply.error.code, reply.error.message) == ("server_error", "m")
        assert (reply.error.type, reply.text, reply.finish_reason) == (None, "a", "error")
        assert responses(event(**fields)).error.retry_safe

    def test_only_the_last_event_names_the_answer(self):
        for kind, status in [("completed", "completed"), ("failed", "failed")]:
            reply = responses(end(kind, id="g", model="m", status=status))
            assert (reply.generation_id, reply.model) == ("g", "m")

    @pytest.mark.parametrize(("reason", "finish"), [("max_output_tokens", "length"),
                             ("content_filter", "content_filter"), (None, "length")])  # fmt: skip
    def test_incomplete(self, reason, finish):
        details = {"reason": reason} if reason else None
        last = end("incomplete", incomplete_details=details, usage={"input_tokens": 1})
        reply = responses(piece("output_text", "a"), last)
        assert (reply.finish_reason, reply.text, reply.error) == (finish, "a", None)
        assert reply.usage.raw == {"input_tokens": 1}

    def test_synonyms_of_openrouter(self):
        message = {"type": "message", "content": [{"type": "output_text", "text": "ab"}]}
        reply = responses(
            piece("content_part", "a"), piece("content_part", "b"),
            end("done", id="g", status="completed", output=[{"type": "reasoning"}, message]), DONE,
        )  # fmt: skip
        assert (reply.text, reply.finish_reason, reply.done) == ("ab", "stop", True)

    def test_refusal(self):
        message = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}
        pieces = [piece("refusal", "No", output_index=0), piece("refusal", ".", output_index=0)]
        done = event(type="response.refusal.done", refusal="No.", output_index=0)
        for frames in ([*pieces, done], []):
            reply = responses(*frames, end(output=[message]))
            assert (reply.refusal, reply.text, reply.finish_reason) == ("No.", "", "stop")

    @pytest.mark.parametrize("with_item", [True, False])
    def test_text_that_only_came_whole(self, with_item):
        message = {"type": "message", "id": "m1", "content": [{"type": "output_text", "text": "a"}]}
        item = event(type="response.output_item.done", output_index=0, item=message)
        reply = responses(*([item] if with_item else []), end(output=[message]))
        assert reply.text == "a"

    def test_function_call_that_only_came_whole(self):
        call = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"}
        reply = responses(end(output=[call]))
        assert (calls(reply), reply.finish_reason) == ([("c", "f", "{}")], "tool_calls")

    def test_parallel_calls_are_kept_apart_by_place(self):
        items = [{"type": "function_call", "id": f"fc{n}", "call_id": f"c{n}", "name": "f",
                  "arguments": ""} for n in (0, 1)]  # fmt: skip
        added = [event(type="response.output_item.added", output_index=n, item=items[n])
                 for n in (0, 1)]  # fmt: skip
        pieces = [piece("function_call_arguments", text, output_index=n, item_id=f"fc{n}")
                  for n, text in [(1, "[1"), (0, "[0"), (1, "]"), (0, "]")]]  # fmt: skip
        whole = [{**item, "arguments": f"[{n}]"} for n, item in enumerate(items)]
        reply = responses(*added, *pieces, end(output=whole))
        assert calls(reply) == [("c0", "f", "[0]"), ("c1", "f", "[1]")]

    def test_last_event_that_leaves_out_an_item_repeats_none(self):
        message = {"type": "message", "id": "m1", "content": [{"type": "output_text", "text": "a"}]}
        reply = responses(
            piece("reasoning_text", "hm", output_index=0, item_id="r1"),
            piece("output_text", "a", output_index=1, item_id="m1"),
            end(output=[message]),
        )
        assert (reply.text, reply.reasoning) == ("a", "hm")

    def test_encrypted_reasoning_goes_back_unmodified(self):
        item = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "x"}
        done = event(type="response.output_item.done", output_index=0, item=item)
        reply = responses(done, end(output=[item]))
        assert (reply.reasoning, reply.reasoning_details) == ("", [item])

    def test_annotation(self):
        annotation = {"type": "url_citation", "url": "https://example.com", "title": "E"}
        added = event(type="response.output_text.annotation.added", annotation=annotation)
        part = {"type": "output_text", "text": "a", "annotations": [annotation]}
        reply = responses(added, end(output=[{"type": "message", "content": [part]}]))
        assert [one["url_citation"]["url"] for one in reply.annotations] == ["https://example.com"]

    @pytest.mark.parametrize("kind", ["response.debug", "response.web_search_call.searching", None])
    def test_unknown_types_are_ignored(self, kind):
        reply = responses(event(type=kind, delta="x"), piece("output_text", "a"), end())
        assert (reply.text, reply.finish_reason) == ("a", "stop")


def messages(*events: dict) -> Reply:
    frames = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]
    return read(*frames, api="messages")


def start(index: int, **block) -> dict:
    return {"type": "content_block_start", "index": index, "content_block": block}


def more(index: int, kind: str, **delta) -> dict:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def stop(index: int) -> dict:
    return {"type": "content_block_stop", "index": index}


def message_end(reason: str | None = "end_turn", **usage) -> dict:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": usage}


PING = {"type": "ping"}
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "m"}}


class TestMessages:
    """Sections 3.5 and 6.2."""

    def test_thinking_with_its_late_signature(self):
        reply = messages(
            start(0, type="thinking", thinking="", signature=""),
            more(0, "thinking_delta", thinking="h"), PING, more(0, "thinking_delta", thinking="m"),
            more(0, "signature_delta", signature="sig"), stop(0),
            start(1, type="redacted_thinking", data="xyz"), stop(1),
            start(2, type="text", text=""), more(2, "text_delta", text="a"), stop(2), message_end(),
        )  # fmt: skip
        assert (reply.reasoning, reply.text) == ("hm", "a")
        assert reply.reasoning_details == [
            {"type": "thinking", "index": 0, "text": "hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "xyz", "index": 1},
        ]

    @pytest.mark.parametrize("stopped", [True, False])
    @pytest.mark.parametrize(("pieces", "arguments"), [(["", '{"a"', ":1}"], '{"a":1}'),
                             ([], "{}"), ([""], "{}")])  # fmt: skip
    def test_tool_use(self, pieces, arguments, stopped):
        reply = messages(
            start(1, type="tool_use", id="t", name="f", input={}),
            *(more(1, "input_json_delta", partial_json=piece) for piece in pieces),
            *([stop(1)] if stopped else []), message_end("tool_use"),
        )  # fmt: skip
        assert calls(reply) == [("t", "f", arguments)]
        assert (reply.finish_reason, reply.native_finish_reason) == ("tool_calls", "tool_use")

    def test_tools_of_the_endpoint_itself_are_nobodys_to_call(self):
        reply = messages(
            start(0, type="server_tool_use", id="s", name="web_search", input={}),
            more(0, "input_json_delta", partial_json='{"query":"x"}'), stop(0),
            start(1, type="text", text="a"), message_end(),
        )  # fmt: skip
        assert (calls(reply), reply.text, reply.finish_reason) == ([], "a", "stop")

    def test_citation(self):
        cited = {"type": "web_search_result_location", "url": "https://example.com", "title": "E"}
        reply = messages(start(0, type="text", text="a"),
                         more(0, "citations_delta", citation=cited), message_end())  # fmt: skip
        assert reply.annotations[0]["url_citation"]["url"] == "https://example.com"

    def test_error_before_and_after_text(self):
        before = messages(PING, OVERLOADED)
        assert (before.error.retry_safe, before.error.type) == (True, "overloaded_error")
        after = messages(start(0, type="text", text="Par"), OVERLOADED, message_end())
        assert (after.error.retry_safe, after.text, after.finish_reason) == (False, "Par", "error")

    def test_usage_lays_what_is_not_null_over_the_first(self):
        first = {"input_tokens": 12, "cache_read_input_tokens": None, "output_tokens": 1}
        reply = messages(
            {"type": "message_start", "message": {"id": "g", "model": "m", "usage": first}},
            message_end(input_tokens=None, output_tokens=9, server_tool_use=None),
        )
        assert reply.usage.raw == {**first, "output_tokens": 9}

    @pytest.mark.parametrize(("reason", "finish"), [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"),
        ("tool_use", "tool_calls"), ("refusal", "content_filter"), ("pause_turn", "pause_turn"),
    ])  # fmt: skip
    def test_stop_reason_in_the_words_of_chat(self, reason, finish):
        reply = messages(start(0, type="text", text="a"), message_end(reason))
        assert (reply.finish_reason, reply.native_finish_reason) == (finish, reason)

    def test_without_a_stop_reason_it_is_truncated(self):
        reply = messages(start(0, type="text", text="a"), message_end(None))
        assert reply.truncated


class TestCompletions:
    """Section 6.3."""

    def test_openrouter_calls_its_chunks_chat_chunks(self):
        frames = [
            event(id="gen-1", provider="P", object="chat.completion.chunk", model="m", usage=usage,
                  choices=[{"index": 0, "text": text, "finish_reason": finish}])
            for text, finish, usage in [("a", None, None), ("b", "stop", None),
                                        ("", None, {"prompt_tokens": 1})]
        ]  # fmt: skip
        reply = read(b": OPENROUTER PROCESSING\n\n", *frames, DONE, api="completions")
        assert (reply.text, reply.finish_reason, reply.provider) == ("ab", "stop", "P")
        assert reply.usage.raw == {"prompt_tokens": 1}

    def test_error_in_the_middle(self):
        reply = read(event(choices=[{"text": "a"}]), event(error={"code": 502, "message": "m"}),
                     api="completions")  # fmt: skip
        assert (reply.text, reply.error.code, reply.error.retry_safe) == ("a", 502, False)
