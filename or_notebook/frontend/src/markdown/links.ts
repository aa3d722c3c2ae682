/** What a link may lead to, and the characters that Markdown writes as references. */

const PROTOCOLS = new Set(["http:", "https:", "mailto:"]);
const REFERENCE = /&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[Xx][0-9A-Fa-f]{1,6});/g;

const decoded = new Map<string, string>();

/** Decode character references such as `&amp;` and `&#39;`. */
export function decodeReferences(text: string): string {
  return text.includes("&") ? text.replace(REFERENCE, decodeOne) : text;
}

function decodeOne(reference: string): string {
  let character = decoded.get(reference);
  if (character === undefined) {
    // An inert document: it runs no script and loads nothing. The pattern allows one reference only.
    character = new DOMParser().parseFromString(reference, "text/html").body.textContent || reference;
    decoded.set(reference, character);
  }
  return character;
}

/** Return the address as the browser understands it, or null where a link may not lead. */
export function safeUrl(href: string): string | null {
  const url = parse(href);
  return url && PROTOCOLS.has(url.protocol) ? url.href : null;
}

/** Return the address if an image may be loaded from there. */
export function safeImageUrl(href: string): string | null {
  const url = safeUrl(href);
  return url && !url.startsWith("mailto:") ? url : null;
}

function parse(href: string): URL | null {
  try {
    return new URL(href);
  } catch {
    return null;
  }
}
