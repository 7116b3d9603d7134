// The rows of the diagram: its lines, and folds that stand for several messages.

/**
 * Returns the rows of a flow. A row is the index of a line, `at`, or a fold; `isOpen` says whether
 * the reader has opened a fold.
 */
export function rowsOf(flow, isOpen) {
  const foldOf = new Map(flow.folds.flatMap((fold) => fold.messages.map((message) => [message, fold])));
  const begun = new Set();
  const rows = [];
  flow.lines.forEach((line, at) => {
    const fold = foldOf.get(line.message);
    if (fold && !begun.has(fold)) {
      begun.add(fold);
      rows.push({ fold });
    }
    if (!fold || isOpen(fold)) rows.push({ at });
  });
  return rows;
}

/** Returns a key that identifies a fold while it grows. */
export function keyOfFold(flow, fold) {
  const first = flow.messages[fold.messages[0]];
  return `${fold.kind} ${first.sent_micros} ${first.url}`;
}
