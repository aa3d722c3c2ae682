/** Making elements. Text only ever enters the page as text nodes and checked attributes. */

type Attributes = Record<string, string | boolean | undefined>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** Set the text only where it differs, so that an unchanged live region stays silent. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Keep JupyterLab's shortcuts away from a control: Enter there means the control. */
export function control<T extends HTMLElement>(node: T): T {
  node.dataset["lmSuppressShortcuts"] = "true";
  return node;
}

const ACTIVE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Return text without control characters, and with those spelled out that reorder text from right
 * to left: with them code can look like other code (CVE-2021-42574).
 */
export function harmless(text: string): string {
  return text.replace(ACTIVE, (character) =>
    character < "\u0100" ? "" : `⟨U+${character.charCodeAt(0).toString(16).toUpperCase()}⟩`,
  );
}
