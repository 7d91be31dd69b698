// The packed data of an exported page: JSON, compressed with gzip, as base64. A moment is stored as what differs from
// the moment before it, and each row of a list once in its block of moments.

/** Return the value of a packed text. */
export async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Change a moment into the next one. `rows` are the rows of the block. */
export function applyPatch(moment, patch, rows) {
  for (const [name, value] of Object.entries(patch.values)) moment[name] = value;
  for (const [name, numbers] of Object.entries(patch.lists)) moment[name] = numbers.map((number) => rows[number]);
  for (const [name, sections] of Object.entries(patch.sections)) {
    moment[name] = sections.map(([head, numbers]) => ({ head, rows: numbers.map((number) => rows[number]) }));
  }
}
