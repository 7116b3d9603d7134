// Fits texts into a width. SVG has no line breaks of its own.

const pen = document.createElement("canvas").getContext("2d");

/** Returns the width of a text in a font. */
export function measured(content, font) {
  pen.font = font;
  return pen.measureText(content).width;
}

/** Cuts off the end of a text that is too wide. */
export function shortened(content, font, width) {
  if (measured(content, font) <= width) return content;
  let kept = content;
  while (kept && measured(`${kept}…`, font) > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}

/** Leaves out the first segments of a path after a method. The last one says the most. */
export function shortenedPath(content, font, width) {
  let kept = content;
  while (measured(kept, font) > width && /\/[^/]+\//.test(kept)) kept = kept.replace(/ [^/]*\/[^/]+\//, " …/");
  return shortened(kept, font, width);
}

/** Breaks a text into lines, and cuts off what `most` lines do not hold. */
export function wrapped(content, font, width, most) {
  const lines = [""];
  for (const piece of pieces(content)) {
    const longer = lines.at(-1) + piece;
    const fits = measured(longer.trimEnd(), font) <= width;
    if (fits || lines.at(-1) === "" || lines.length === most) lines[lines.length - 1] = longer;
    else lines.push(piece.trimStart());
  }
  return lines.map((line) => shortened(line.trim(), font, width));
}

/** Returns the pieces between which a line may break: words, and each Chinese character. */
const pieces = (content) => content.match(/[一-鿿“‘（][，。、；：”’）]*|[^\s一-鿿“‘（]+\s*|\s+/g) ?? [];
