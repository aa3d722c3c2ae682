// MathML elements have a style in browsers, and temml sets it; jsdom gives them none.
const styles = new WeakMap<Element, Record<string, string>>();

if (!("style" in Element.prototype)) {
  Object.defineProperty(Element.prototype, "style", {
    configurable: true,
    get(this: Element) {
      const style = styles.get(this) ?? {};
      styles.set(this, style);
      return style;
    },
  });
}
