import css from "./style.css";

const ID = "ornb-style-__ORNB_BUILD__";

/** Add the style sheet once to the document, or to the shadow root, that the element lies in. */
export function addStyle(el: HTMLElement): void {
  const root = el.getRootNode();
  const home = root instanceof ShadowRoot ? root : document.head;
  if (home.querySelector(`#${ID}`)) return;
  const style = document.createElement("style");
  style.id = ID;
  style.textContent = css;
  home.append(style);
}
