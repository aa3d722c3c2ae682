import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CORPUS } from "./corpus.ts";
import { cut, render } from "./render.ts";

describe("the same text looks the same however it was cut", () => {
  for (const [name, text] of Object.entries(CORPUS)) {
    const whole = render([text]);
    it(`${name}: one character at a time`, () => {
      const pieces = text.length > 5_000 ? cut(text, 1, 40) : text.split("");
      expect(render(pieces)).toBe(whole);
    });
    it(`${name}: random pieces`, () => {
      for (let seed = 0; seed < (text.length > 5_000 ? 2 : 12); seed += 1) {
        expect(render(cut(text, seed, 4 + seed * 5))).toBe(whole);
      }
    });
    it(`${name}: without a frame in between`, () => {
      expect(render(cut(text, 7, 9), false)).toBe(whole);
    });
  }

  it("all of the corpus in one answer", () => {
    const text = Object.values(CORPUS).join("\n\n");
    const whole = render([text]);
    for (let seed = 0; seed < 3; seed += 1) expect(render(cut(text, seed, 300))).toBe(whole);
  });

  it("lines of markers in any order", () => {
    const line = fc.oneof(
      fc.constantFrom(
        "# h", "a", "b *c*", "- x", "  - y", "    z", "1. n", "> q", ">> r", "```", "```js", "~~~", "",
        "  ", "---", "===", "| a | b |", "|---|---|", "| 1 | 2 |", "<div>", "</div>", "<!--", "-->",
        "[r]: https://e.org", '  "t"', "[r] [s][r]", "[s]:", "/url", "$$", "x = 1", "\\[", "\\]",
        "$a$", "\\(b\\)", "- [ ] t", "- [x] u", "**open", "`tick", "***", "+", "2)", "<x-y>", "\ta",
        "      deep", "a  ", "-", "=", "|", "> ```", "> - l", "   > p", "<script>", "</script>",
      ),
      fc.string({ maxLength: 12 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 14 }), fc.integer(), (lines, seed) => {
        const text = lines.join("\n");
        const whole = render([text]);
        expect(render(cut(text, seed, 6))).toBe(whole);
        expect(render(lines.map((one, index) => (index ? `\n${one}` : one)))).toBe(whole);
        expect(render(lines.map((one) => `${one}\n`))).toBe(render([`${text}\n`]));
      }),
      { numRuns: 1500 },
    );
  });
});
