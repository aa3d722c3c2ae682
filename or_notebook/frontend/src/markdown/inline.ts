/** Inline tokens as nodes. Whatever is unknown or not allowed is shown as the text it was. */
import type { Tokens } from "marked";
import { control, element } from "../dom.ts";
import type { AnyToken } from "./lexer.ts";
import { decodeReferences, safeImageUrl, safeUrl } from "./links.ts";
import { renderMath } from "./math.ts";

const LINK = { target: "_blank", rel: "noopener noreferrer" };

export function renderInline(tokens: readonly AnyToken[], inLink = false): DocumentFragment {
  const fragment = document.createDocumentFragment();
  for (const token of tokens) fragment.append(renderOne(token, inLink));
  return fragment;
}

function renderOne(token: AnyToken, inLink: boolean): Node | string {
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
      return element(token.type, {}, renderInline(token.tokens as AnyToken[], inLink));
    case "codespan":
      return element("code", {}, token.text);
    case "br":
      return element("br");
    case "link":
      return link(token, inLink);
    case "image":
      return image(token, inLink);
    case "math_inline":
      return renderMath(token);
    case "checkbox":
      return checkbox(token.checked);
    case "text":
      return decodeReferences(token.text);
    case "escape":
      return token.text;
    default:
      return token.raw;
  }
}

export function checkbox(checked: boolean): HTMLElement {
  const label = checked ? "done" : "not done";
  return element("input", { type: "checkbox", disabled: true, checked, "aria-label": label });
}

function link(token: Tokens.Link, inLink: boolean): Node {
  const inner = renderInline(token.tokens as AnyToken[], true);
  const url = safeUrl(token.autolink ? token.href : decodeReferences(token.href));
  if (url === null || inLink) return inner;
  const title = token.title ? decodeReferences(token.title) : undefined;
  return element("a", { href: url, title, ...LINK }, inner);
}

/** An image is only a link: to load it would tell its server that, and what, somebody reads. */
function image(token: Tokens.Image, inLink: boolean): Node | string {
  const url = safeImageUrl(decodeReferences(token.href));
  const alt = decodeReferences(token.text);
  const label = `image: ${alt || token.href}`;
  return url === null || inLink ? label : imageLink(url, label, alt);
}

export function imageLink(url: string, label: string, alt: string): HTMLElement {
  const title = `Load this image from ${new URL(url).host}`;
  const anchor = control(element("a", { href: url, class: "ornb-image", title, ...LINK }, label));
  anchor.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    anchor.replaceWith(element("img", { src: url, alt, referrerpolicy: "no-referrer" }));
  });
  return anchor;
}
