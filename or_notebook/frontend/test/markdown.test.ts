import { describe, expect, it } from "vitest";
import { renderInto } from "./render.ts";

const html = (text: string): string => renderInto(text).innerHTML;

describe("Markdown", () => {
  it("keeps raw HTML as text", () => {
    expect(renderInto("a <b>x</b>\n\n<div>\ny\n</div>").textContent).toBe("a <b>x</b><div>\ny\n</div>");
  });

  it("decodes character references once", () => {
    expect(renderInto("&amp;lt; &copy; &#39; &#x26;amp;").textContent).toBe("&lt; © ' &amp;");
  });

  it("resolves a link that is defined later", () => {
    expect(renderInto("See [x].\n\n[x]: https://e.org/").querySelector("a")?.href).toBe("https://e.org/");
  });

  it("starts an ordered list where the text says", () => {
    expect(html("3. a\n4. b\n")).toBe(
      '<ol start="3"><li><span>a</span></li><li><span>b</span></li></ol>',
    );
  });

  it("shows tasks with checkboxes that cannot be changed", () => {
    const boxes = renderInto("- [x] a\n- [ ] b\n").querySelectorAll("input");
    expect([...boxes].map((box) => [box.checked, box.disabled])).toEqual([[true, true], [false, true]]);
  });

  it("aligns the cells of a table", () => {
    const cells = renderInto("| a | b |\n|:-:|--:|\n| 1 | 2 |\n").querySelectorAll("td");
    expect([...cells].map((cell) => cell.className)).toEqual(["ornb-center", "ornb-right"]);
  });

  it("labels and colours code", () => {
    const root = renderInto("```python\ndef f(): pass\n```\n");
    expect(root.querySelector(".ornb-language")?.textContent).toBe("python");
    expect(root.querySelector(".hljs-keyword")?.textContent).toBe("def");
    expect(root.querySelector("pre")?.tabIndex).toBe(0);
  });

  it("leaves code in an unknown language plain", () => {
    expect(renderInto("```klingon\nx < y\n```\n").querySelector("code")?.textContent).toBe("x < y");
  });

  it("sets mathematics in all four notations", () => {
    const root = renderInto("$a$ \\(b\\)\n\n$$\nc\n$$\n\n\\[\nd\n\\]\n");
    expect([...root.querySelectorAll("math")].map((math) => math.textContent)).toEqual(["a", "b", "c", "d"]);
  });

  it("takes no money for mathematics", () => {
    expect(renderInto("It costs $5 or $10, or $3-$4.").querySelector("math")).toBeNull();
  });

  it("shows wrong TeX as its source", () => {
    expect(renderInto("$\\frac{1$").querySelector("code")?.textContent).toBe("$\\frac{1$");
  });

  it("never touches a finished block again", async () => {
    const { MarkdownStream } = await import("../src/markdown/stream.ts");
    const root = document.createElement("div");
    const stream = new MarkdownStream(root);
    stream.append("# One\n\nTwo *em*\n\nThree");
    stream.paint(100);
    const [heading, paragraph] = root.children;
    const inner = paragraph?.querySelector("em");
    const changes: MutationRecord[] = [];
    const observer = new MutationObserver((records) => changes.push(...records));
    if (heading) observer.observe(heading, { subtree: true, childList: true, characterData: true });
    if (paragraph) observer.observe(paragraph, { subtree: true, childList: true, characterData: true });
    for (const piece of [" more", "\n\n- a\n", "- b\n\n", "```\nx\n```\n"]) {
      stream.append(piece);
      stream.paint(100);
    }
    stream.finish();
    changes.push(...observer.takeRecords());
    expect(changes).toEqual([]);
    expect(root.children[0]).toBe(heading);
    expect(root.children[1]?.querySelector("em")).toBe(inner);
  });
});
