// What is shown, in the fragment of the address: a link holds all of it, and no browser sends that part to a server.

const MARK = "#v1=";

/** The state that a fragment holds, or null. */
export async function read(fragment) {
  if (!fragment.startsWith(MARK)) return null;
  try {
    const packed = Uint8Array.from(atob(fragment.slice(MARK.length).replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const found = JSON.parse(await new Response(through(packed, new DecompressionStream("deflate-raw"))).text());
    return found !== null && typeof found === "object" ? found : null;
  } catch {
    return null;
  }
}

export async function written(state) {
  const packed = await new Response(through(JSON.stringify(state), new CompressionStream("deflate-raw"))).arrayBuffer();
  const letters = Array.from(new Uint8Array(packed), (byte) => String.fromCharCode(byte)).join("");
  return MARK + btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function through(data, stream) {
  return new Blob([data]).stream().pipeThrough(stream);
}
