"""A hostile answer: nothing in it runs and nothing is fetched, live, saved, reopened, converted."""

from __future__ import annotations

import json

import nbformat
import pytest
from playwright.sync_api import expect

from tests.lab.test_saved import nbconvert
from tests.support.answer import LOAD, ShownAnswer
from tests.support.replay import Answer, replaying

pytestmark = pytest.mark.lab

THERE = "attacker.invalid"
RUN = "window.__pwned=1"
PAYLOADS = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror='{RUN}'>",
    f"<img src='https://{THERE}/html.png'>",
    f"<svg onload='{RUN}'><script>{RUN}</script></svg>",
    f"<iframe src='https://{THERE}/frame' srcdoc='<script>parent.{RUN[7:]}</script>'></iframe>",
    f"<style>@import 'https://{THERE}/sheet.css'; body{{background:url(//{THERE}/b.png)}}</style>",
    f"<link rel=stylesheet href='https://{THERE}/link.css'><base href='https://{THERE}/'>",
    f"<video src='https://{THERE}/v.mp4' autoplay></video><object data='//{THERE}/o'></object>",
    f"<details open ontoggle='{RUN}'><summary>x</summary></details>",
    f"<input autofocus onfocus='{RUN}'>",
    f"![image](https://{THERE}/markdown.png)",
    f"![image][ref]\n\n[ref]: https://{THERE}/reference.png",
    f"[click](javascript:{RUN})  <javascript:{RUN}>",
    f"[click](data:text/html,<script>{RUN}</script>) [v](vbscript:{RUN}) [f](file:///etc/passwd)",
    f"[click](&#106;avascript:{RUN}) [tab](java\tscript:{RUN})",
    f'[title](https://{THERE}/ "\\" onmouseover={RUN} x=\\"")',
    f"```html\n<script>{RUN}</script><img src=x onerror={RUN}>\n```",
    f'```"><script>{RUN}</script>\ncode\n```',
    f"`<img src=x onerror={RUN}>`",
    f"| <img src=x onerror={RUN}> | b |\n|-|-|\n| <script>{RUN}</script> | [c](javascript:{RUN}) |",
    f"$\\href{{javascript:{RUN}}}{{x}}$ and $$\\includegraphics{{https://{THERE}/tex.png}}$$",
    f"$\\htmlData{{x=1}}{{<img src=x onerror={RUN}>}}$ $\\text{{</mtext><script>{RUN}</script>}}$",
    f"$\\style{{background:url(https://{THERE}/style.png)}}{{x}}$ $<img src=x onerror={RUN}>$",
    f"[^1]: <img src=x onerror={RUN}>\n\n# <script>{RUN}</script>\n\n- <img src=x onerror={RUN}>",
)
END = "The end of the hostile answer."
DANGEROUS = (
    "script, iframe, img, object, embed, video, audio, link, base, style, form, "
    "[onerror], [onload], [onclick], [onfocus], [ontoggle], [onmouseover], "
    "a[href^='javascript:' i], a[href^='data:' i], a[href^='vbscript:' i], a[href^='file:' i]"
)


def hostile_chunks(size=11):
    """Return the payloads as a stream, in the reasoning and in the answer, cut into pieces."""
    text = "\n\n".join([*PAYLOADS, END])
    chunks = []
    for name in ("reasoning", "content"):
        for start in range(0, len(text), size):
            delta = {"role": "assistant", name: text[start : start + size]}
            event = {"id": "gen-1", "model": "m", "choices": [{"index": 0, "delta": delta}]}
            chunks.append(f"data: {json.dumps(event)}\n\n".encode())
    return chunks


@pytest.fixture
def held_answer(open_notebook):
    """The hostile answer, all arrived, its connection held open, and its reasoning opened."""
    with replaying(Answer(hostile_chunks(), hold=True)) as server:
        address = f"%env OPENROUTER_BASE_URL={server.base_url}"
        notebook = open_notebook(f"{LOAD}\n{address}", "%%chat m\nGo.")
        answer = ShownAnswer(notebook, 1)
        notebook.run_all()
        expect(answer.text).to_contain_text(END)
        answer.output.locator("details > summary").first.click()
        yield answer


def assert_harmless(page, answer):
    """Check the output's elements and that no script of the answer has run."""
    # A script would run, and a request start, when its element enters the page: that is over
    # once two more frames have been drawn.
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    assert page.evaluate("() => window.__pwned") is None
    found = answer.locator(DANGEROUS).evaluate_all("found => found.map(e => e.outerHTML)")
    assert found == []


def test_live_answer_runs_and_fetches_nothing(held_answer, window):
    assert_harmless(window.page, held_answer.text)
    assert_harmless(window.page, held_answer.output.locator("details").first)
    assert window.foreign_requests() == []
    held_answer.cancel.click()
    held_answer.notebook.wait_until_done(1)


def test_saved_answer_runs_and_fetches_nothing(held_answer, window):
    held_answer.cancel.click()
    held_answer.notebook.wait_until_done(1)
    expect(held_answer.summary).to_be_visible()
    assert_harmless(window.page, held_answer.text)
    reopened = held_answer.notebook.reopen(kernel=False)
    shown = ShownAnswer(reopened, 1)
    expect(shown.text).to_contain_text(END)
    assert_harmless(window.page, shown.text)
    assert window.foreign_requests() == []


def test_untrusted_answer_runs_and_fetches_nothing(held_answer, window):
    held_answer.cancel.click()
    held_answer.notebook.wait_until_done(1)
    saved = held_answer.notebook.save()
    # A changed file has no valid signature, as one that came by mail.
    saved.cells[1].source += " Changed."
    copy = held_answer.notebook.path.with_name("untrusted.ipynb")
    copy.write_text(nbformat.writes(saved))
    window.close_all()
    shown = window.open(copy, kernel=False).output(1)
    expect(shown).to_contain_text(END)
    assert_harmless(window.page, shown)
    assert window.foreign_requests() == []


def test_converted_answer_runs_and_fetches_nothing(held_answer, browser, tmp_path):
    held_answer.cancel.click()
    held_answer.notebook.wait_until_done(1)
    held_answer.notebook.save()
    file = tmp_path / "converted.html"
    file.write_text(nbconvert(held_answer.notebook, "html"))
    page = browser.new_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri(), wait_until="commit")
    answer = page.get_by_role("region", name="Answer")
    expect(answer).to_contain_text(END)
    assert_harmless(page, answer)
    # nbconvert's own page asks for MathJax and RequireJS; the answer must add nothing.
    assert not [url for url in requests if THERE in url]
    page.close()
