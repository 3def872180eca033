// The map of expected errors: reading it, its colours, and numbers of a slice.
function makeMap(data) {
  const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const whole = (text) => { const b = bytes(text); return new Uint16Array(b.buffer, 0, b.length / 2); };
  const columns = (encoded) => encoded && Object.fromEntries(Object.entries(encoded).map(([k, v]) => [k, whole(v)]));
  const pixels = columns(data.from_pixels), rig = columns(data.from_rig);
  const seen = bytes(data.seen), width = Math.ceil(data.cameras.length / 8);
  const [nx, ny, nz] = data.grid.shape, size = nx * ny * nz;
  const count = new Uint16Array(size);
  for (let cell = 0; cell < size; cell++) {
    for (let k = 0; k < width; k++) for (let b = seen[cell * width + k]; b; b &= b - 1) count[cell]++;
  }
  let factor = 1;

  function along(name, cell) {
    if (pixels[name][cell] === data.nothing) return null;
    const own = factor * pixels[name][cell];
    return data.unit_mm * (rig ? Math.hypot(own, rig[name][cell]) : own);
  }
  // In millimetres, or a number of cameras; null where nothing can be triangulated.
  function value(quantity, cell) {
    if (quantity === "count") return count[cell] || null;
    if (quantity !== "error") return along(quantity, cell);
    const x = along("x", cell);
    return x === null ? null : Math.hypot(x, along("y", cell), along("z", cell));
  }
  function valuesOf(quantity, cells) {
    const found = [];
    for (const cell of cells) { const v = value(quantity, cell); if (v !== null) found.push(v); }
    return found.sort((a, b) => a - b);
  }
  const all = Array.from({ length: size }, (_, cell) => cell);
  const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

  // From the best to what 95 % of the volume stays below: one scale for all slices.
  function range(quantity) {
    if (quantity === "count") return [1, Math.max(2, data.cameras.length)];
    const sorted = valuesOf(quantity, all);
    if (!sorted.length) return [0, 1];
    const low = sorted[0], high = Math.max(quantile(sorted, 0.95), 1.2 * low);
    return [low, high];
  }
  // Blue is precise, red is not; light and dark grounds both show it, and so do most eyes.
  const stops = [[43, 92, 184], [86, 160, 206], [166, 213, 202], [247, 226, 140], [240, 148, 78], [186, 38, 46]];
  function colour(quantity, v, [low, high]) {
    let t = Math.min(1, Math.max(0, (v - low) / (high - low)));
    if (quantity === "count") t = 1 - t;
    const at = t * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(at)), f = at - i;
    return `rgb(${stops[i].map((c, k) => Math.round(c + f * (stops[i + 1][k] - c))).join(",")})`;
  }
  function cell(i, j, k) { return (i * ny + j) * nz + k; }
  function ofSlice(axis, index) {
    const cells = [];
    const [a, b] = [[1, 2], [0, 2], [0, 1]][axis], at = [0, 0, 0];
    at[axis] = index;
    for (at[a] = 0; at[a] < data.grid.shape[a]; at[a]++) {
      for (at[b] = 0; at[b] < data.grid.shape[b]; at[b]++) cells.push(cell(at[0], at[1], at[2]));
    }
    return cells;
  }
  function best() {
    let winner = null, least = Infinity;
    for (const one of all) { const v = value("error", one); if (v !== null && v < least) { least = v; winner = one; } }
    return winner === null ? null : [Math.floor(winner / (ny * nz)), Math.floor(winner / nz) % ny, winner % nz];
  }
  return {
    value, range, colour, cell, ofSlice, best, valuesOf, quantile, count,
    determined: (one) => pixels.x[one] !== data.nothing,
    names: (one) => data.cameras.filter((_, c) => seen[one * width + (c >> 3)] & (1 << (c & 7))).map((c) => c.name),
    middle: (axis, index) => data.grid.low[axis] + (index + 0.5) * data.grid.step[axis],
    setPixels(px) { factor = px / data.pixel_sd; },
  };
}
