// Builds the committed bundle in ../display/static. Two builds of the same sources are identical
// to the byte, so that CI can compare.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const output = new URL("../display/static/", import.meta.url);
const PLACEHOLDER = "__ORNB_BUILD__";

async function bundle(entry) {
  const result = await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    charset: "ascii",
    legalComments: "none",
    loader: { ".css": "text" },
    plugins: [minifiedCss],
  });
  return result.outputFiles[0].text;
}

// The style sheet travels inside the script, so it is minified on its own.
const minifiedCss = {
  name: "minified-css",
  setup(context) {
    context.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const result = await build({ entryPoints: [path], minify: true, write: false });
      return { contents: result.outputFiles[0].text, loader: "text" };
    });
  },
};

const [widget, loader] = [await bundle("src/widget.ts"), await bundle("src/loader.ts")];
const id = createHash("sha256").update(widget).update(loader).digest("hex").slice(0, 12);

await mkdir(output, { recursive: true });
await writeFile(new URL("widget.js", output), widget.replaceAll(PLACEHOLDER, id));
await writeFile(new URL("loader.js", output), loader.replaceAll(PLACEHOLDER, id));
console.log(`build ${id}: widget.js ${widget.length}, loader.js ${loader.length} bytes`);
