/**
 * Block tokens as elements that can be brought up to date in place.
 *
 * Every frame lexes the unfinished block again, but only what differs is drawn again: the last item
 * of a list, the last row of a table, the new lines of code.
 */
import type { Token, Tokens } from "marked";
import { element } from "../dom.ts";
import { PlainText } from "../plain.ts";
import { CodeBlock } from "./code.ts";
import { checkbox, renderInline } from "./inline.ts";
import { LONGEST_INLINE, type AnyToken, type Blocks } from "./lexer.ts";
import { renderMath, type MathToken } from "./math.ts";

export interface BlockView {
  readonly kind: string;
  readonly node: HTMLElement;
  /** What is drawn: two tokens with the same key look the same. */
  key: string;
  update(token: AnyToken, blocks: Blocks): void;
  /** Called when nothing follows any more. */
  seal?(): void;
}

/** Bring the views of a container up to date; all but the last one will not change any more. */
export function reconcile(
  parent: HTMLElement,
  views: BlockView[],
  tokens: readonly AnyToken[],
  blocks: Blocks,
): void {
  const drawn = tokens.filter(isDrawn);
  drawn.forEach((token, index) => {
    const kind = kindOf(token);
    let view = views[index];
    if (view?.kind !== kind) {
      const fresh = MAKERS[kind]();
      if (view) view.node.replaceWith(fresh.node);
      else parent.append(fresh.node);
      views[index] = view = fresh;
    }
    const key = keyOf(token);
    if (view.key !== key) {
      view.update(token, blocks);
      view.key = key;
    }
    if (index < drawn.length - 1) view.seal?.();
  });
  for (const view of views.splice(drawn.length)) view.node.remove();
}

export function isDrawn(token: AnyToken): boolean {
  return token.type !== "space" && token.type !== "def";
}

type Kind = keyof typeof MAKERS;

function kindOf(token: AnyToken): Kind {
  switch (token.type) {
    case "heading":
      return `h${token.depth as 1 | 2 | 3 | 4 | 5 | 6}`;
    case "list":
      return token.ordered ? "ol" : "ul";
    case "paragraph":
      return token.text.length > LONGEST_INLINE ? "plain" : "p";
    case "text":
      return "tight";
    case "code":
    case "blockquote":
    case "table":
    case "hr":
    case "html":
    case "checkbox":
    case "math_block":
      return token.type;
    default:
      return "plain";
  }
}

function keyOf(token: AnyToken): string {
  if (token.type === "list") return `${token.loose} ${token.raw}`;
  // Whether its end is there is not seen in the text of a formula.
  if (token.type === "math_block") return `${token.open} ${token.raw}`;
  // Lines that marked joins to a paragraph afterwards lose their indentation in its text.
  return token.type === "paragraph" ? `${token.text}\n${token.raw}` : token.raw;
}

const MAKERS = {
  h1: () => leaf("h1"),
  h2: () => leaf("h2"),
  h3: () => leaf("h3"),
  h4: () => leaf("h4"),
  h5: () => leaf("h5"),
  h6: () => leaf("h6"),
  p: () => leaf("p"),
  // A span, so that the text stays on the line of its checkbox.
  tight: () => leaf("span"),
  ul: () => list("ul"),
  ol: () => list("ol"),
  blockquote: () => container(),
  table: () => table(),
  code: () => code(),
  math_block: () => formula(),
  html: () => plainText("html"),
  plain: () => plainText("plain"),
  hr: () => fixed("hr", element("hr")),
  checkbox: () => box(),
} satisfies Record<string, () => BlockView>;

type Leaf = Tokens.Paragraph | Tokens.Heading | Tokens.Text;

function leaf(tag: "p" | "span" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"): BlockView {
  const node = element(tag);
  return {
    kind: tag === "span" ? "tight" : tag,
    node,
    key: "",
    update: (token, blocks) => {
      node.replaceChildren(renderInline(blocks.inline((token as Leaf).tokens ?? [])));
    },
  };
}

function fixed(kind: string, node: HTMLElement): BlockView {
  return { kind, node, key: "", update: () => undefined };
}

function box(): BlockView {
  const node = element("span", { class: "ornb-task" });
  const update = (token: AnyToken): void =>
    node.replaceChildren(checkbox((token as Tokens.Checkbox).checked));
  return { kind: "checkbox", node, key: "", update };
}

function plainText(kind: "html" | "plain"): BlockView {
  const node = element("div", { class: "ornb-plain" });
  const text = new PlainText(node);
  return {
    kind,
    node,
    key: "",
    update: (token) => text.set(("text" in token ? token.text : token.raw).replace(/\n+$/, "")),
  };
}

function code(): BlockView {
  const block = new CodeBlock();
  return {
    kind: "code",
    node: block.node,
    key: "",
    update: (token) => {
      const { text, lang } = token as Tokens.Code;
      block.set(text.replace(/\n$/, ""), /^\S*/.exec(lang ?? "")?.[0] ?? "");
    },
    seal: () => block.seal(),
  };
}

function formula(): BlockView {
  const node = element("div", { class: "ornb-formula", tabindex: "0" });
  const update = (token: AnyToken): void => node.replaceChildren(renderMath(token as MathToken));
  return { kind: "math_block", node, key: "", update };
}

function container(): BlockView {
  const node = element("blockquote");
  const views: BlockView[] = [];
  return {
    kind: "blockquote",
    node,
    key: "",
    update: (token, blocks) =>
      reconcile(node, views, (token as Tokens.Blockquote).tokens as AnyToken[], blocks),
    seal: () => views.at(-1)?.seal?.(),
  };
}

function list(tag: "ul" | "ol"): BlockView {
  const node = element(tag);
  const items: { node: HTMLElement; key: string; views: BlockView[] }[] = [];
  return {
    kind: tag,
    node,
    key: "",
    update: (token, blocks) => {
      const { items: tokens, start, loose } = token as Tokens.List;
      if (tag === "ol" && start !== 1) node.setAttribute("start", String(start));
      else node.removeAttribute("start");
      tokens.forEach((item, index) => {
        const key = `${loose} ${item.task} ${item.raw}`;
        let shown = items[index];
        if (!shown) {
          items[index] = shown = { node: element("li"), key: "", views: [] };
          node.append(shown.node);
        }
        if (shown.key === key) return;
        shown.key = key;
        shown.node.classList.toggle("ornb-task-item", item.task);
        if (!shown.node.classList.length) shown.node.removeAttribute("class");
        reconcile(shown.node, shown.views, item.tokens as AnyToken[], blocks);
        items[index - 1]?.views.at(-1)?.seal?.();
      });
      for (const extra of items.splice(tokens.length)) extra.node.remove();
    },
    seal: () => items.at(-1)?.views.at(-1)?.seal?.(),
  };
}

function table(): BlockView {
  const head = element("thead");
  const body = element("tbody");
  const scroller = element("div", { class: "ornb-table", tabindex: "0" });
  scroller.append(element("table", {}, head, body));
  const rows: { node: HTMLElement; key: string }[] = [];
  return {
    kind: "table",
    node: scroller,
    key: "",
    update: (token, blocks) => {
      const { header, rows: lines } = token as Tokens.Table;
      [header, ...lines].forEach((cells, index) => {
        const key = cells.map((cell) => `${cell.align} ${cell.text}`).join("\n");
        const shown = rows[index];
        if (shown?.key === key) return;
        const node = row(cells, index === 0, blocks);
        if (shown) shown.node.replaceWith(node);
        else (index === 0 ? head : body).append(node);
        rows[index] = { node, key };
      });
      for (const extra of rows.splice(lines.length + 1)) extra.node.remove();
    },
  };
}

function row(cells: Tokens.TableCell[], isHeader: boolean, blocks: Blocks): HTMLElement {
  const node = element("tr");
  for (const { align, tokens } of cells) {
    const cell = element(isHeader ? "th" : "td", { class: align ? `ornb-${align}` : undefined });
    cell.append(renderInline(blocks.inline(tokens as Token[])));
    node.append(cell);
  }
  return node;
}
