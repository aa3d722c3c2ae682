/** Markdown into tokens: marked's lexer, bounded, with mathematics. */
import { Lexer, Marked, Tokenizer } from "marked";
import type { MarkedToken, Token, Tokens, TokensList } from "marked";
import { MATH_START, mathBlock, mathInline, type MathToken } from "./math.ts";

/** Containers inside containers; what lies deeper is shown as plain text. */
const DEEPEST_BLOCK = 10;
const DEEPEST_INLINE = 12;

/** Characters of one paragraph, heading or cell above which it is shown as plain text. */
export const LONGEST_INLINE = 6_000;

export type Links = TokensList["links"];

/** Text that is shown as it is. */
export interface PlainToken {
  type: "plain";
  raw: string;
  text: string;
}

export type AnyToken = MarkedToken | MathToken | PlainToken;

const options = new Marked({ gfm: true, extensions: [mathBlock, mathInline] }).defaults;

/** A line that opens this many quotations at once is no quotation: marked takes 2ⁿ steps for n. */
const QUOTES = /^(?: {0,3}>[ \t]?){8}/;

/** Lines of a link definition. */
const LONGEST_DEFINITION = 8;

class BoundedTokenizer extends Tokenizer {
  override blockquote(source: string): Tokens.Blockquote | undefined {
    return QUOTES.test(source) ? undefined : super.blockquote(source);
  }

  /** A title lies on one line here: its end could be any number of blocks away. */
  override def(source: string): Tokens.Def | undefined {
    const whole = super.def(source);
    if (!whole?.title?.includes("\n")) return whole;
    let best: Tokens.Def | undefined;
    const lines = source.split("\n", LONGEST_DEFINITION);
    for (let count = 1; count < lines.length; count += 1) {
      const shorter = super.def(lines.slice(0, count).join("\n"));
      if (shorter && !shorter.title?.includes("\n")) best = shorter;
      else if (best) return best;
    }
    return best;
  }

  override lheading(source: string): Tokens.Heading | undefined {
    const heading = super.lheading(source);
    if (!heading || !MATH_START.test(heading.raw)) return heading;
    // The lines before a formula are a paragraph of their own, so no underline reaches over it.
    this.lexer.inlineQueue.pop();
    return undefined;
  }
}

export class BlockLexer extends Lexer {
  #blockDepth = 0;
  #inlineDepth = 0;

  constructor(links: Links) {
    super({ ...options, tokenizer: new BoundedTokenizer() });
    Object.assign(this.tokens.links, links);
  }

  override blockTokens(source: string, tokens: Token[] = [], clipped = false): TokensList {
    if (this.#blockDepth >= DEEPEST_BLOCK) {
      tokens.push(plain(source) as unknown as Token);
      // As in the overridden method: a list relies on it.
      this.state.top = true;
      return tokens as TokensList;
    }
    this.#blockDepth += 1;
    try {
      return super.blockTokens(source, tokens, clipped) as TokensList;
    } finally {
      this.#blockDepth -= 1;
    }
  }

  override inlineTokens(source: string, tokens: Token[] = []): Token[] {
    if (this.#inlineDepth >= DEEPEST_INLINE || source.length > LONGEST_INLINE) {
      tokens.push(plain(source) as unknown as Token);
      return tokens;
    }
    this.#inlineDepth += 1;
    try {
      return super.inlineTokens(source, tokens);
    } finally {
      this.#inlineDepth -= 1;
    }
  }
}

/** Blocks of which the texts are not yet split: that is done only for what is drawn anew. */
export class Blocks {
  readonly tokens: AnyToken[];
  readonly #lexer: BlockLexer;
  readonly #unsplit = new Map<Token[], string>();

  constructor(source: string, links: Links) {
    this.#lexer = new BlockLexer(links);
    this.tokens = this.#lexer.blockTokens(source, []) as AnyToken[];
    for (const { src, tokens } of this.#lexer.inlineQueue) this.#unsplit.set(tokens, src);
    // Until a block is finished its definitions may change, so they do not count yet.
    this.#lexer.tokens.links = links;
  }

  /** Return the inline tokens of a block; `tokens` is the list that the lexer left to be filled. */
  inline(tokens: Token[]): AnyToken[] {
    const source = this.#unsplit.get(tokens);
    if (source !== undefined) {
      this.#unsplit.delete(tokens);
      this.#lexer.state.inLink = false;
      this.#lexer.state.inRawBlock = false;
      this.#lexer.inlineTokens(source, tokens);
    }
    return tokens as AnyToken[];
  }
}

/** Return the link definitions in these blocks, the first of each name. */
export function definitions(tokens: readonly AnyToken[], into: Links): Links {
  for (const token of tokens) {
    if (token.type === "def") into[token.tag] ??= { href: token.href, title: token.title };
    else if (token.type === "list") definitions(token.items as AnyToken[], into);
    else if (token.type === "blockquote" || token.type === "list_item") {
      definitions(token.tokens as AnyToken[], into);
    }
  }
  return into;
}

function plain(source: string): PlainToken {
  return { type: "plain", raw: source, text: source };
}
