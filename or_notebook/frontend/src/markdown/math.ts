/** Mathematics: finding `$…$`, `$$…$$`, `\(…\)`, `\[…\]`, and setting it as MathML. */
import temml from "temml";
import type { TokenizerAndRendererExtension, Tokens } from "marked";
import { element } from "../dom.ts";

/** Characters above which a formula is shown as its source. */
const LONGEST_FORMULA = 4_000;

export interface MathToken extends Tokens.Generic {
  type: "math_block" | "math_inline";
  tex: string;
  display: boolean;
  /** Whether the end is still missing; such a block may yet turn out to be prose. */
  open: boolean;
}

/** Where a line inside of other text may begin a formula. */
export const MATH_START = /\n {0,3}(?:\$\$|\\\[)/;
const BLOCK_OPEN = /^ {0,3}(\$\$|\\\[)/;
const CLOSER: Record<string, string> = { $$: "$$", "\\[": "\\]" };
const BLANK_LINE = /\n[ \t]*\n/;

/** A formula on lines of its own. It has no blank line inside, as in TeX. */
export const mathBlock: TokenizerAndRendererExtension = {
  name: "math_block",
  level: "block",
  start(source) {
    const blank = source.search(BLANK_LINE);
    const paragraph = blank < 0 ? source : source.slice(0, blank);
    const index = paragraph.search(MATH_START);
    return index < 0 ? undefined : index + 1;
  },
  tokenizer(source): MathToken | undefined {
    const opener = BLOCK_OPEN.exec(source);
    if (!opener) return undefined;
    const start = opener[0].length;
    const closer = CLOSER[opener[1] ?? ""] ?? "";
    const blank = source.slice(start).search(BLANK_LINE);
    const limit = blank < 0 ? source.length : start + blank;
    const end = source.indexOf(closer, start);
    if (end < 0 || end >= limit) {
      // Lines that may still get their end must stay together until it or a blank line comes.
      if (blank >= 0) return undefined;
      return { type: "math_block", raw: source, tex: source, display: true, open: true };
    }
    const after = /^[ \t]*(?:\n|$)/.exec(source.slice(end + closer.length));
    if (!after) return undefined;
    const raw = source.slice(0, end + closer.length + after[0].length);
    return { type: "math_block", raw, tex: source.slice(start, end), display: true, open: false };
  },
};

const INLINE: [pattern: RegExp, display: boolean, closer: string][] = [
  [/^\$\$([^$\n](?:[^$\n]|\n(?![ \t]*\n))*?)\$\$/, true, "$$"],
  // A dollar before a blank or after one is money, and so is one before a digit.
  [/^\$(?![\s$])((?:\\[^\n]|[^$\\\n]|\n(?![ \t]*\n))*?)(?<![\s\\])\$(?![\d$])/, false, "$"],
  [/^\\\(((?:[^\\\n]|\\[^)\n]|\n(?![ \t]*\n))+?)\\\)/, false, "\\)"],
  [/^\\\[((?:[^\\\n]|\\[^\]\n]|\n(?![ \t]*\n))+?)\\\]/, true, "\\]"],
];

export const mathInline: TokenizerAndRendererExtension = {
  name: "math_inline",
  level: "inline",
  start(source) {
    const index = source.search(/\$|\\[([]/);
    return index < 0 ? undefined : index;
  },
  tokenizer(source): MathToken | undefined {
    if (source[0] !== "$" && source[0] !== "\\") return undefined;
    const near = source.slice(0, LONGEST_FORMULA);
    for (const [pattern, display, closer] of INLINE) {
      if (!near.includes(closer, 2)) continue;
      const [raw, tex] = pattern.exec(near) ?? [];
      if (raw && tex?.trim()) return { type: "math_inline", raw, tex, display, open: false };
    }
    return undefined;
  },
};

/** Return the formula as MathML; what is no formula after all is shown as its source. */
export function renderMath(token: MathToken): HTMLElement {
  const box = element("span", { class: token.display ? "ornb-math ornb-display" : "ornb-math" });
  if (token.open || token.tex.length > LONGEST_FORMULA) return source(token);
  try {
    temml.render(token.tex.trim(), box, {
      displayMode: token.display,
      throwOnError: true,
      trust: false,
      maxExpand: 500,
      maxSize: [20, 50],
    });
  } catch {
    // Not TeX, or a document in quirks mode, where MathML cannot be set.
    return source(token);
  }
  return box;
}

function source(token: MathToken): HTMLElement {
  return element("code", { class: "ornb-tex" }, token.raw.trim());
}
