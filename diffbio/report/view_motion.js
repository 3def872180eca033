// The packed numbers unpacked, and where everything is at a time between two frames.
async function unpack(text, table) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const content = await new Response(stream).arrayBuffer();
  const kinds = { int16: Int16Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };
  return Object.fromEntries(Object.entries(table).map(([name, { kind, at, shape, moving }]) => {
    const count = shape.reduce((a, b) => a * b, 1), values = new kinds[kind](content, at, count);
    // Differences in time, added up; whole numbers wrap round as they did when subtracted.
    if (moving) for (let step = count / shape[0], i = step; i < count; i++) values[i] += values[i - step];
    return [name, values];
  }));
}

function makeMotion(data, arrays) {
  const { length, vertex, turn } = data.units, { missing } = data;
  const frames = arrays.time.length, parts = data.parts.length, markers = data.markers.names.length;
  const worlds = new Float32Array(16 * parts), root = new Float32Array(3);
  const points = data.muscles ? arrays.path_part.length : 0, paths = new Float32Array(3 * points);
  const wrappedCount = data.muscles ? arrays.wrapped.length / frames / 3 : 0;

  // Normals: of each vertex the mean over its triangles, by area.
  function bones() {
    const places = Float32Array.from(arrays.vertices, (v) => v * vertex), normals = new Float32Array(places.length), faces = arrays.faces.slice();
    for (const { vertex: first, face, faces: count } of data.parts) for (let i = 3 * face; i < 3 * (face + count); i++) faces[i] += first;
    for (let f = 0; f < faces.length; f += 3) {
      const [i, j, k] = [3 * faces[f], 3 * faces[f + 1], 3 * faces[f + 2]];
      const a = [0, 1, 2].map((n) => places[j + n] - places[i + n]), b = [0, 1, 2].map((n) => places[k + n] - places[i + n]);
      const n = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
      for (const at of [i, j, k]) for (let m = 0; m < 3; m++) normals[at + m] += n[m];
    }
    return { places, normals, faces };
  }

  // Index of the frame before a time, and the share of the way to the next.
  function between(t) {
    let low = 0, high = frames - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (arrays.time[middle] <= t) low = middle; else high = middle; }
    const span = arrays.time[high] - arrays.time[low];
    return [low, high, span > 0 ? Math.min(1, Math.max(0, (t - arrays.time[low]) / span)) : 0];
  }
  const blend = (list, stride, i, j, share, k) => (1 - share) * list[stride * i + k] + share * list[stride * j + k];

  function pose(t) {
    const [i, j, share] = between(t);
    for (let k = 0; k < 3; k++) root[k] = blend(arrays.root, 3, i, j, share, k);
    for (let p = 0; p < parts; p++) {
      let [w, x, y, z] = [0, 1, 2, 3].map((k) => blend(arrays.turns, 4 * parts, i, j, share, 4 * p + k) * turn);
      const size = Math.hypot(w, x, y, z) || 1;
      [w, x, y, z] = [w / size, x / size, y / size, z / size];
      const at = [0, 1, 2].map((k) => root[k] + length * blend(arrays.positions, 3 * parts, i, j, share, 3 * p + k));
      worlds.set([
        1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y), 0,
        2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x), 0,
        2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y), 0, ...at, 1,
      ], 16 * p);
    }
    const local = [0, 0, 0];
    for (let p = 0; p < points; p++) {
      const wrapped = arrays.path_wrapped[p], m = 16 * arrays.path_part[p];
      for (let k = 0; k < 3; k++) local[k] = wrapped < 0 ? arrays.path_fixed[3 * p + k] : length * blend(arrays.wrapped, 3 * wrappedCount, i, j, share, 3 * wrapped + k);
      for (let k = 0; k < 3; k++) paths[3 * p + k] = worlds[m + k] * local[0] + worlds[m + 4 + k] * local[1] + worlds[m + 8 + k] * local[2] + worlds[m + 12 + k];
    }
  }
  // Markers or triangulated points at a time; null where they are not known.
  function placesOf(name, t) {
    const [i, j, share] = between(t), list = arrays[name];
    return Array.from({ length: markers }, (_, p) => {
      const first = 3 * markers * i + 3 * p, second = 3 * markers * j + 3 * p;
      if (list[first] === missing || list[second] === missing) return null;
      return [0, 1, 2].map((k) => blend(arrays.root, 3, i, j, share, k) + length * ((1 - share) * list[first + k] + share * list[second + k]));
    });
  }
  // What a camera detected in the nearest frame, in pixels of its pinhole; null where nothing.
  function detections(camera, t) {
    const [i, j, share] = between(t), frame = share < 0.5 ? i : j, { unit, size } = data.cameras[camera];
    return Array.from({ length: markers }, (_, p) => {
      const at = 2 * (markers * (data.cameras.length * frame + camera) + p), u = arrays.detections[at], v = arrays.detections[at + 1];
      return u === missing || v === missing ? null : [u * unit + size[0] / 2, v * unit + size[1] / 2];
    });
  }
  const frameAt = (t) => { const [i, j, share] = between(t); return share < 0.5 ? i : j; };
  return { frames, time: arrays.time, rootAt: (i) => [0, 1, 2].map((k) => arrays.root[3 * i + k]), worlds, root, paths, start: arrays.path_start, bones, pose, placesOf, detections, frameAt };
}
