"""Pictures of each state in both themes, for people to look at, and what can be checked of them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.answer import LOAD, ShownAnswer, wait_for_record

pytestmark = pytest.mark.lab

WAITING = "%%chat sandbox/slow -p sandbox.wait=60\nAre you there?"
THINKING = "%%chat sandbox/reasoning -p sandbox.tokens_per_second=100\nThe bat and the ball?"
STREAMING = (
    "%%chat sandbox/essay -p sandbox.tokens_per_second=300 -p sandbox.tokens=3000\n"
    "How does streaming work?"
)
FAILED = "%%chat sandbox/fails\nTell me something."
ENDED = "%%chat sandbox/essay -p sandbox.tokens_per_second=3000\nHow does streaming work?"


@pytest.fixture(params=["light", "dark"])
def theme(request, window):
    """The theme, in a window that is tall enough for a whole answer."""
    usual = window.page.viewport_size
    window.page.set_viewport_size({"width": 1000, "height": 2600})
    window.change_theme(request.param)
    yield request.param
    window.page.set_viewport_size(usual)
    window.change_theme("light")


def test_each_state_is_legible_in_both_themes(open_notebook, sandbox, theme):
    notebook = open_notebook(LOAD, WAITING, THINKING, STREAMING, FAILED, ENDED)
    waiting, thinking, streaming = (ShownAnswer(notebook, index) for index in (1, 2, 3))
    notebook.execute(0)

    notebook.run(1)
    expect(waiting.output).to_contain_text("2 keepalives")
    assert_legible(waiting.state)
    notebook.screenshot(f"waiting-{theme}", 1)
    waiting.cancel.click()
    notebook.wait_until_done(1)
    notebook.screenshot(f"cancelled-early-{theme}", 1)

    notebook.run(2)
    expect(thinking.state).to_contain_text("1 s")
    notebook.screenshot(f"thinking-{theme}", 2)
    thinking.output.locator("details > summary").first.click()
    notebook.screenshot(f"thinking-open-{theme}", 2)
    notebook.wait_until_done(2)
    notebook.screenshot(f"thought-{theme}", 2)

    notebook.run(3)
    wait_for_record(sandbox, model="sandbox/essay", tokens_sent=lambda count: count >= 180)
    assert_legible(streaming.text.locator("p").first)
    assert_legible(streaming.cancel)
    notebook.screenshot(f"streaming-{theme}", 3)
    expect(streaming.text.locator("table").first).to_be_visible()
    expect(streaming.text.get_by_role("button", name="Copy").first).to_be_visible()
    assert_legible(streaming.text.locator(".hljs-comment").first)
    notebook.screenshot(f"streaming-code-{theme}", 3)
    streaming.cancel.click()
    notebook.wait_until_done(3)
    expect(streaming.summary).to_contain_text("cancelled")
    assert_legible(streaming.summary)
    assert_legible(streaming.text.locator(".highlight .c").first)
    notebook.screenshot(f"cancelled-{theme}", 3)

    notebook.run(4)
    notebook.wait_until_done(4)
    notebook.screenshot(f"failed-{theme}", 4)

    notebook.execute(5)
    notebook.screenshot(f"ended-{theme}", 5)

    reopened = notebook.reopen(kernel=False)
    expect(ShownAnswer(reopened, 5).text.locator("mjx-container").first).to_be_visible()
    reopened.screenshot(f"reopened-{theme}", 5)


def assert_legible(element):
    """Check that the element's text has at least WCAG's contrast of 4.5 with what is behind it."""
    ratio = element.evaluate(
        """element => {
          const canvas = document.createElement("canvas").getContext("2d");
          const channels = colour => {
            canvas.clearRect(0, 0, 1, 1);
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data];
          };
          const luminance = rgb => {
            const [red, green, blue] = rgb.map(byte => {
              const part = byte / 255;
              return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
          };
          const over = (front, back) => {
            const opacity = front[3] / 255;
            return [0, 1, 2].map(i => front[i] * opacity + back[i] * (1 - opacity));
          };
          const layers = [];
          let opacity = 1;
          for (let node = element; node; node = node.parentElement) {
            opacity *= getComputedStyle(node).opacity;
            layers.push(channels(getComputedStyle(node).backgroundColor));
            if (layers.at(-1)[3] === 255) break;
          }
          const page = [255, 255, 255];
          const behind = layers.reverse().reduce((back, front) => over(front, back), page);
          const [red, green, blue, alpha] = channels(getComputedStyle(element).color);
          const text = over([red, green, blue, alpha * opacity], behind);
          const [low, high] = [luminance(text), luminance(behind)].sort((a, b) => a - b);
          return (high + 0.05) / (low + 0.05);
        }"""
    )
    assert ratio >= 4.5
