import { describe, expect, it } from "vitest";
import { MarkdownStream } from "../src/markdown/stream.ts";

/** Milliseconds that one frame may take in this slow DOM; a browser is several times faster. */
const LIMIT = 1_000;

const HOSTILE: Record<string, string> = {
  "10,000 quotes": ">".repeat(10_000) + " x",
  "10,000 quotes with blanks": "> ".repeat(10_000) + "x\nlazy\n",
  "quotes, lazy lines": `${">".repeat(300)} a\n`.repeat(20) + "lazy\n".repeat(50),
  "10,000 bullets": "- ".repeat(10_000) + "x",
  "deep list": Array.from({ length: 400 }, (_, depth) => `${"  ".repeat(depth)}- x`).join("\n"),
  "quote in list in quote": "> - ".repeat(3_000) + "x\ny\n",
  "10,000 brackets": "[".repeat(10_000),
  "brackets, closed": "[".repeat(5_000) + "]".repeat(5_000),
  "link starts": "[a](".repeat(3_000),
  "image starts": "![".repeat(5_000),
  "reference starts": "[a][".repeat(3_000),
  stars: "*a ".repeat(5_000),
  "star pairs": "**a *b ".repeat(2_500),
  "stars only": "*".repeat(10_000),
  "star underscore": "*_".repeat(5_000) + "a" + "_*".repeat(5_000),
  underscores: "_a __b ".repeat(2_500),
  tildes: "~~a ~".repeat(3_000),
  backticks: Array.from({ length: 140 }, (_, n) => "`".repeat(n + 1)).join(" "),
  "angle brackets": "<".repeat(10_000),
  "tag starts": "<a ".repeat(4_000),
  "attributes": `<a${' b="c"'.repeat(2_000)}`,
  "comment starts": "<!-- ".repeat(3_000),
  "dollar signs": "$a ".repeat(4_000),
  "math starts": "\\(a ".repeat(3_000),
  "TeX braces": `$${"{".repeat(3_000)}$`,
  "TeX macros": "$\\def\\a{\\a\\a}\\a$",
  "fraction in fraction": `$${"\\frac{1}{".repeat(300)}${"}".repeat(300)}$`,
  "wide table": `${"|a".repeat(3_000)}|\n${"|-".repeat(3_000)}|\n${"|b".repeat(3_000)}|\n`,
  "pipes": "|".repeat(20_000),
  "table heads": "| a | b |\n".repeat(2_000),
  "underline of dashes": `a\n${"-".repeat(50_000)}x\n`,
  "blanks": " ".repeat(50_000) + "x",
  "blank lines": "\n".repeat(50_000),
  "backslashes": "\\".repeat(20_000),
  "entities": "&amp;".repeat(4_000),
  "addresses": "a@b.".repeat(3_000),
  "web addresses": "www.".repeat(3_000),
  "https addresses": "https://a.b/(".repeat(900),
  "definitions": "[a]: b\n".repeat(3_000),
  "definition starts": `[${"a".repeat(20_000)}`,
  "definition titles": `[a]: b "${"\\".repeat(20_000)}`,
  "1 MB line": "word ".repeat(200_000),
  "1 MB without a blank": "x".repeat(1_000_000),
  "1 MB of code": `\`\`\`text\n${"let a = 1;\n".repeat(90_000)}`,
  "code in one line": `\`\`\`js\n${"a(".repeat(50_000)}\n\`\`\`\n`,
  "json in one line": `\`\`\`json\n${"[".repeat(50_000)}\n\`\`\`\n`,
  "ordered numbers": "1.".repeat(10_000),
  "quotes of rules": "> ***\n".repeat(3_000),
};

describe("no answer freezes the page", () => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    it(name, () => {
      const stream = new MarkdownStream(document.createElement("div"));
      let longest = 0;
      const frame = (draw: () => boolean | void): boolean => {
        const began = performance.now();
        const left = draw();
        longest = Math.max(longest, performance.now() - began);
        return Boolean(left);
      };
      const size = Math.max(1_000, text.length / 10);
      for (let index = 0; index < text.length; index += size) {
        stream.append(text.slice(index, index + size));
        while (frame(() => stream.paint(10)));
      }
      frame(() => stream.finish());
      if (process.env["SHOW"]) console.log(`${name}: ${longest.toFixed(0)} ms`);
      expect(longest).toBeLessThan(LIMIT);
    });
  }
});
