// Makes the static tables of `%models` searchable and sortable while their page is alive.
//
// Everything it needs stands in the table: it adds a search box, turns the column titles into
// buttons, and moves or hides rows. It builds nodes and sets their text, never markup.

const STARTED = "__or_notebook_models_table";
const ENDS = { ascending: 1, descending: -1 };

function element(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/** The number in a cell such as `$1,250.00`, `131,072` or `free`; NaN if it holds none. */
function numberIn(text) {
  return text === "free" ? 0 : Number.parseFloat(text.replace(/[$,\s]/g, ""));
}

function compare(one, other, direction) {
  const [first, second] = [numberIn(one), numberIn(other)];
  if (Number.isNaN(first) && Number.isNaN(second)) {
    return direction * one.localeCompare(other, undefined, { numeric: true });
  }
  // What is unknown or varies comes last, whichever way the rest is sorted.
  if (Number.isNaN(first) || Number.isNaN(second)) return Number.isNaN(first) ? 1 : -1;
  return direction * (first - second);
}

function sortable(table, column, heading) {
  const title = heading.textContent;
  const mark = element("span", { "aria-hidden": "true" });
  const button = element("button", {
    type: "button",
    style: "all:unset;cursor:pointer;font:inherit;color:inherit;outline:revert",
  }, title);
  heading.replaceChildren(button);
  button.append(mark);
  button.addEventListener("click", () => {
    const order = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of table.tHead.rows[0].cells) {
      other.removeAttribute("aria-sort");
      other.querySelector("span").textContent = "";
    }
    heading.setAttribute("aria-sort", order);
    mark.textContent = order === "ascending" ? " ▲" : " ▼";
    const rows = [...table.tBodies[0].rows];
    const textOf = (row) => row.cells[column].textContent;
    // A column of names is compared as text even where a name begins with a digit.
    const names = column === 0;
    rows.sort((one, other) => names
      ? ENDS[order] * textOf(one).localeCompare(textOf(other), undefined, { numeric: true })
      : compare(textOf(one), textOf(other), ENDS[order]));
    table.tBodies[0].append(...rows);
  });
}

function searchable(box, table) {
  const rows = [...table.tBodies[0].rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const line = element("p");
  const input = element("input", {
    type: "search",
    placeholder: "Search models",
    "aria-label": "Search models",
    autocomplete: "off",
    spellcheck: "false",
  });
  const count = element("span", { role: "status", style: "margin-left:.75em;opacity:.75" });
  // JupyterLab would take letters for its own shortcuts.
  line.dataset.lmSuppressShortcuts = "true";
  line.append(input, count);
  box.prepend(line);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      row.hidden = !words.every((word) => texts.get(row).includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = words.length ? `${shown} of ${rows.length} models` : "";
  });
}

function enliven(box) {
  const table = box.querySelector("table");
  if (!table?.tHead?.rows[0] || !table.tBodies[0]) return;
  [...table.tHead.rows[0].cells].forEach((heading, column) => sortable(table, column, heading));
  searchable(box, table);
}

function start() {
  if (globalThis[STARTED]) return;
  globalThis[STARTED] = true;
  const boxes = document.getElementsByClassName("or-notebook-models");
  const known = new WeakSet();
  const look = () => {
    for (const box of boxes) {
      if (known.has(box)) continue;
      known.add(box);
      enliven(box);
    }
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  look();
}

export default { initialize: start, render() {} };
