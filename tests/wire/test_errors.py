"""Every shape of an error in PROTOCOL.md, section 3, comes out as one kind of facts."""

from __future__ import annotations

import json
import time

import pytest

from or_notebook.wire.error_bodies import detail_from_body, detail_from_object
from or_notebook.wire.error_headers import retry_after
from or_notebook.wire.errors import ErrorDetail, to_exception


def body(value, status=400, **headers) -> ErrorDetail:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return detail_from_body(status, {name.lower().replace("_", "-"): text
                                     for name, text in headers.items()}, raw)  # fmt: skip


def in_stream(value, **options) -> ErrorDetail:
    return detail_from_object(value, phase="mid_stream", **options)


class TestShapes:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ({"error": {"code": 400, "message": "m"}}, "m"),
            ({"error": "m"}, "m"),
            ({"code": 20012, "message": "m", "data": None}, "m"),
            ("m", "m"),
            ([{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}], "m"),
            ({"success": False, "error": {"message": "m"}}, "m"),
            ({"detail": "m"}, "m"),
            ({"type": "error", "error": {"type": "x", "message": "m"}, "request_id": "gen-1"}, "m"),
            (b"<html><head><title>m</title></head></html>", "m"),
            (b"m", "m"),
            (b'data: {"error": {"message": "m", "code": "500"}}\n\ndata: [DONE]\n\n', "m"),
        ],
    )
    def test_message_is_found(self, value, message):
        assert body(value).message == message

    @pytest.mark.parametrize("value", [b"", b"null", b"[]", b"{}", b"0", {"error": None}, [[]]])
    def test_nothing_said_is_still_an_error(self, value):
        detail = body(value, 500)
        assert detail.kind == "ProviderFailed"
        assert detail.message

    def test_bare_string_with_a_status(self):
        detail = body(b'"Invalid token"', 401)
        assert (detail.kind, detail.message, detail.code) == (
            "AuthenticationFailed", "Invalid token", 401,
        )  # fmt: skip

    def test_moderation(self):
        metadata = {"reasons": ["violence"], "flagged_input": "how do I", "provider_name": "OpenAI"}
        detail = body({"error": {"code": 403, "message": "m", "metadata": metadata}}, 403)
        assert (detail.kind, detail.provider) == ("PermissionDenied", "OpenAI")
        assert "violence" in detail.meaning
        assert "how do I" in detail.meaning

    def test_guardrail(self):
        detail = body({"error": {"message": "m", "metadata": {"patterns": ["email"]}}}, 403)
        assert "email" in detail.meaning

    def test_legacy_provider_error_shows_what_the_provider_said(self):
        metadata = {"provider_name": "DeepInfra", "raw": '{"detail":"overloaded"}'}
        detail = body({"error": {"message": "Provider returned error", "metadata": metadata}}, 502)
        assert "overloaded" in detail.meaning

    def test_fallback_history(self):
        previous = [{"provider": "A", "code": 502}, {"provider": "B", "status": 429}]
        metadata = {"previous_errors": previous}
        detail = body({"error": {"code": 503, "message": "m", "metadata": metadata}}, 503)
        assert detail.meaning == "Tried before: A (502), B (429)."

    def test_availability_without_a_code(self):
        availability = {"code": "no_endpoints", "retryable": False, "fallback_models": ["a/b"]}
        error = {"message": "m", "error_type": "not_found", "http_status": 404,
                 "availability": availability}  # fmt: skip
        detail = body({"error": error}, 404)
        assert (detail.kind, detail.code, detail.type) == ("NotFound", 404, "not_found")
        assert detail.availability == availability
        assert not detail.retry_safe

    def test_context_too_long_says_by_how_many_tokens(self):
        error = {"message": "m", "type": "exceed_context_size_error", "n_prompt_tokens": 9000,
                 "n_ctx": 8192}  # fmt: skip
        assert "808 too many" in body({"error": error}).meaning
        words = ("This endpoint's maximum context length is 131072 tokens. However, you requested "
                 "about 200000 tokens (190000 of text input, 10000 in the output).")  # fmt: skip
        assert "68,928 too many" in body({"error": {"code": 400, "message": words}}).meaning

    def test_flat_event_of_the_responses_dialect(self):
        event = {"code": "rate_limit_exceeded", "message": "m", "param": None}
        assert in_stream(event).retry_safe

    def test_model_that_does_not_exist_under_any_status(self):
        assert body({"error": {"message": "foo/bar is not a valid model ID"}}).kind == "NotFound"
        assert body({"code": 20012, "message": "Model does not exist."}).kind == "NotFound"


class TestRetry:
    @pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504, 524, 529, "502"])
    def test_codes_that_may_pass(self, code):
        assert in_stream({"code": code, "message": "m"}).retry_safe

    @pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 412, 413, 422, "400"])
    def test_codes_that_do_not(self, code):
        assert not in_stream({"code": code, "message": "m"}).retry_safe

    def test_never_after_a_token(self):
        assert not in_stream({"code": 502, "message": "m"}, tokens_seen=True).retry_safe

    def test_used_up_quota_is_no_rate_limit(self):
        detail = body({"error": {"code": "insufficient_quota", "message": "m"}}, 429)
        assert (detail.kind, detail.retry_safe) == ("OutOfCredits", False)

    def test_retryable_of_the_endpoint_decides(self):
        error = {"message": "m", "availability": {"retryable": True, "retry_after": 3}}
        detail = body({"error": error}, 404)
        assert (detail.retry_safe, detail.retry_after) == (True, 3)

    def test_retry_after_in_each_form(self):
        assert retry_after({"retry-after": "7"}) == 7
        assert retry_after({"retry-after-ms": "1500", "retry-after": "7"}) == 1.5
        assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
        assert retry_after({"retry-after": "soon"}) is None
        assert retry_after({"retry-after": "-1"}) is None
        assert retry_after({}) is None

    @pytest.mark.parametrize("unit", [1, 1000])
    def test_reset_of_a_rate_limit_in_either_unit(self, unit):
        moment = str((time.time() + 40) * unit)
        detail = body({"error": {"code": 429, "message": "m"}}, 429, x_ratelimit_reset=moment)
        assert detail.meaning in {"The limit is renewed in 40 s.", "The limit is renewed in 39 s."}


class TestPresentation:
    def test_at_most_three_lines_whatever_the_endpoint_writes(self):
        error = {"message": "a\nb\nc\n" * 200, "metadata": {"raw": "x\ny\n" * 500}}
        lines = str(to_exception(body({"error": error}, 502))).splitlines()
        assert len(lines) <= 3
        assert max(map(len, lines)) < 700

    def test_what_support_asks_for_is_named(self):
        detail = body({"code": 50505, "message": "m"}, 503, x_siliconcloud_trace_id="ti_1")
        assert "ti_1" in str(to_exception(detail))
        assert "50505" in str(to_exception(detail))
        assert "503" in str(to_exception(detail))

    def test_each_fact_is_told_once(self):
        detail = body({"error": {"message": "m", "code": "500", "type": "server"}}, 500)
        assert detail.lines()[0] == "m (HTTP 500, server)"

    def test_a_long_message_is_cut_but_not_the_facts(self):
        detail = body({"error": {"message": "word " * 200}}, 502, x_request_id="req-1")
        first = detail.lines()[0]
        assert first.endswith("(HTTP 502, request req-1)")
        assert len(first) <= 300

    def test_errors_survive_pickling(self):
        import pickle

        error = to_exception(body({"error": {"message": "m"}}, 404))
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
