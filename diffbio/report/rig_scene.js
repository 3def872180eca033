// The drawing: an orbiting view of the floor, the map, the capture volume and the cameras.
function makeScene(canvas, data, map, state) {
  const context = canvas.getContext("2d");
  const { low, step, shape } = data.grid;
  const high = low.map((a, k) => a + step[k] * shape[k]);
  const corners = data.cameras.map((c) => c.centre).concat([low, high]);
  const bounds = [0, 1, 2].map((k) => [Math.min(...corners.map((p) => p[k])), Math.max(...corners.map((p) => p[k]))]);
  const everything = bounds.map(([a, b]) => (a + b) / 2);
  const radius = Math.hypot(...bounds.map(([a, b]) => (b - a) / 2));
  const ground = data.floor_known ? 0 : low[2];
  const view = { azimuth: -0.75, elevation: 0.5, distance: 1, target: [...everything] };
  const NEAR = 0.03 * radius, FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
  let theme = {}, camera = null;

  function readTheme() {
    const style = getComputedStyle(document.body);
    for (const name of ["ink", "soft", "grid", "grid-strong", "camera", "chosen", "volume", "one", "stage-bottom"]) {
      theme[name] = style.getPropertyValue("--" + name).trim();
    }
    theme.axes = ["axis-x", "axis-y", "axis-z"].map((name) => getComputedStyle(document.querySelector("." + name)).color);
  }
  // Everything in the middle of the canvas, clear of the buttons above and the colours below.
  function fit() {
    const box = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => [n & 1, n & 2, n & 4].map((far, k) => bounds[k][far ? 1 : 0]));
    const points = box.concat(marks(0).flatMap((x) => [from[1], to[1]].map((y) => [x, y, ground])), data.cameras.map((c) => c.centre));
    Object.assign(view, { target: [...everything], distance: 4 * radius });
    for (let round = 0; round < 12; round++) {
      look();
      const places = points.map(placed).map((q) => flat([q[0], q[1], Math.max(q[2], NEAR)]));
      const [x, y] = [0, 1].map((k) => [Math.min(...places.map((p) => p[k])), Math.max(...places.map((p) => p[k]))]);
      const top = 46, wide = camera.width - 56, tall = camera.height - top - 40, scale = view.distance / camera.focal;
      view.target = plus(view.target, camera.right, scale * ((x[0] + x[1]) / 2 - camera.width / 2));
      view.target = plus(view.target, camera.up, scale * (top + tall / 2 - (y[0] + y[1]) / 2));
      view.distance *= Math.max((x[1] - x[0]) / wide, (y[1] - y[0]) / tall);
    }
  }
  function show(name) {
    const [azimuth, elevation] = { oblique: [-0.75, 0.5], top: [-Math.PI / 2, Math.PI / 2], front: [Math.PI, 0.12], side: [-Math.PI / 2, 0.12] }[name];
    Object.assign(view, { azimuth, elevation });
    fit();
    draw();
  }

  // The camera of the drawing, from the view.
  function look() {
    const ca = Math.cos(view.azimuth), sa = Math.sin(view.azimuth), ce = Math.cos(view.elevation), se = Math.sin(view.elevation);
    camera = {
      width: canvas.clientWidth, height: canvas.clientHeight, focal: 1.35 * canvas.clientHeight,
      right: [-sa, ca, 0], up: [-se * ca, -se * sa, ce], back: [ce * ca, ce * sa, se],
    };
  }
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  function placed(p) {
    const d = [p[0] - view.target[0], p[1] - view.target[1], p[2] - view.target[2]];
    return [dot(d, camera.right), dot(d, camera.up), view.distance - dot(d, camera.back)];
  }
  const flat = ([r, u, depth]) => [camera.width / 2 + (camera.focal * r) / depth, camera.height / 2 - (camera.focal * u) / depth];
  function project(p) { const q = placed(p); return q[2] < NEAR ? null : flat(q); }
  function line(a, b, style, thickness) {
    let p = placed(a), q = placed(b);
    if (p[2] < NEAR && q[2] < NEAR) return;
    if (p[2] < NEAR || q[2] < NEAR) {
      if (p[2] > q[2]) [p, q] = [q, p];
      const t = (NEAR - p[2]) / (q[2] - p[2]);
      p = p.map((v, k) => v + t * (q[k] - v));
    }
    const [x, y] = flat(p), [z, w] = flat(q);
    context.strokeStyle = style; context.lineWidth = thickness;
    context.beginPath(); context.moveTo(x, y); context.lineTo(z, w); context.stroke();
  }
  function area(points, style, opacity) {
    const places = points.map(project);
    if (places.some((p) => !p)) return;
    context.globalAlpha = opacity; context.fillStyle = style;
    context.beginPath();
    places.forEach((p, i) => (i ? context.lineTo(...p) : context.moveTo(...p)));
    context.closePath(); context.fill(); context.globalAlpha = 1;
  }
  function write(text, x, y, style, font, align = "left") {
    context.font = `${font} ${FONT}`; context.textAlign = align; context.lineJoin = "round";
    context.strokeStyle = theme["stage-bottom"]; context.lineWidth = 3.5; context.strokeText(text, x, y);
    context.fillStyle = style; context.fillText(text, x, y);
    context.textAlign = "left";
  }

  let taken = [];
  // Text where no other text is: the first free place around a point, or none.
  function label(text, p, style, font, offsets) {
    context.font = `${font} ${FONT}`;
    const wide = context.measureText(text).width, tall = 13;
    for (const [dx, dy] of offsets) {
      const x = p[0] + (dx < 0 ? dx - wide : dx === 0 ? -wide / 2 : dx), y = p[1] + dy;
      const box = [x - 2, y - tall + 1, x + wide + 2, y + 4];
      if (box[0] < 0 || box[2] > camera.width || taken.some((t) => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1])) continue;
      taken.push(box);
      write(text, x, y, style, font);
      return true;
    }
    return false;
  }
  const AROUND = [[9, -7], [-9, -7], [9, 14], [-9, 14], [0, -16], [0, 25], [14, 4], [-14, 4], [9, -22], [-9, -22], [0, 40], [0, -32]];

  function draw() {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, tall = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(tall * ratio)) canvas.height = Math.round(tall * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, tall);
    context.lineCap = "round";
    look();
    taken = [];
    drawGrid();
    data.cameras.forEach((one, i) => { if (state.views.has(i)) drawView(one); });
    // What lies behind the slice first; all of it where the slice is upright.
    const height = state.map && state.axis === 2 ? map.middle(2, state.index) : Infinity, above = camera.back[2] >= 0;
    if (state.volume) drawVolume((z) => (z < height) === above);
    if (state.map) drawSlice();
    if (state.volume) drawVolume((z) => (z < height) !== above);
    drawCameras();
    drawAxes();
    if (state.names) drawNames();
    drawMarks();
  }

  const spacing = (() => {
    const wide = Math.max(bounds[0][1] - bounds[0][0], bounds[1][1] - bounds[1][0]);
    return [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].find((s) => wide / s <= 13) || 100;
  })();
  const from = [0, 1].map((k) => Math.floor(bounds[k][0] / spacing + 1e-6) * spacing);
  const to = [0, 1].map((k) => Math.ceil(bounds[k][1] / spacing - 1e-6) * spacing);
  const marks = (k) => Array.from({ length: Math.round((to[k] - from[k]) / spacing) + 1 }, (_, i) => from[k] + i * spacing);

  function drawGrid() {
    for (const x of marks(0)) line([x, from[1], ground], [x, to[1], ground], Math.abs(x) < 1e-9 ? theme["grid-strong"] : theme.grid, 1);
    for (const y of marks(1)) line([from[0], y, ground], [to[0], y, ground], Math.abs(y) < 1e-9 ? theme["grid-strong"] : theme.grid, 1);
  }
  // Metres along the two edges of the grid that are nearest to the viewer.
  function drawMarks() {
    if (Math.abs(view.elevation) < 0.08) return;
    const near = [camera.back[0] >= 0 ? to[0] : from[0], camera.back[1] >= 0 ? to[1] : from[1]];
    const text = (v) => (Math.abs(v) < 1e-9 ? 0 : v).toFixed(spacing < 1 ? 1 : 0);
    for (const x of marks(0)) { const p = project([x, near[1], ground]); if (p) label(text(x), p, theme.soft, "11px", [[0, 14]]); }
    for (const y of marks(1)) { const p = project([near[0], y, ground]); if (p) label(text(y), p, theme.soft, "11px", [[0, 14]]); }
  }
  function drawAxes() {
    const inside = [0, 1].every((k) => from[k] <= 0 && to[k] >= 0) && Math.abs(ground) < radius;
    const root = inside ? [0, 0, 0] : [from[0], from[1], ground], long = 0.16 * radius;
    ["x", "y", "z"].forEach((name, k) => {
      const tip = root.map((v, i) => v + (i === k ? long : 0));
      line(root, tip, theme.axes[k], 2.4);
      const p = project(tip);
      if (p) label(name, p, theme.axes[k], "700 13px", [[6, 2], [-6, 2], [0, -8], [0, 16]]);
    });
  }

  const ACROSS = [[1, 2], [0, 2], [0, 1]];
  function drawSlice() {
    const [a, b] = ACROSS[state.axis], range = state.range, node = [0, 0, 0], nodes = [];
    node[state.axis] = map.middle(state.axis, state.index);
    for (let i = 0; i <= shape[a]; i++) {
      node[a] = low[a] + i * step[a];
      nodes.push(Array.from({ length: shape[b] + 1 }, (_, j) => { node[b] = low[b] + j * step[b]; return project(node); }));
    }
    const at = [0, 0, 0];
    at[state.axis] = state.index;
    for (let i = 0; i < shape[a]; i++) {
      for (let j = 0; j < shape[b]; j++) {
        at[a] = i; at[b] = j;
        const cell = map.cell(at[0], at[1], at[2]), v = map.value(state.quantity, cell);
        const quad = [nodes[i][j], nodes[i + 1][j], nodes[i + 1][j + 1], nodes[i][j + 1]];
        if ((v === null && !map.count[cell]) || quad.some((p) => !p)) continue;
        context.globalAlpha = v === null ? 0.22 : 0.86;
        context.fillStyle = context.strokeStyle = v === null ? theme.one : map.colour(state.quantity, v, range);
        context.lineWidth = 0.7;
        context.beginPath();
        quad.forEach((p, k) => (k ? context.lineTo(p[0], p[1]) : context.moveTo(p[0], p[1])));
        context.closePath(); context.fill();
        if (v !== null) context.stroke();
      }
    }
    context.globalAlpha = 1;
    const frame = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([u, w]) => {
      const p = [0, 0, 0];
      p[state.axis] = map.middle(state.axis, state.index);
      p[a] = u ? high[a] : low[a]; p[b] = w ? high[b] : low[b];
      return p;
    });
    frame.forEach((p, k) => line(p, frame[(k + 1) % 4], theme["grid-strong"], 1));
    if (state.hover) {
      const { at: [i, j] } = state.hover, cell = [nodes[i][j], nodes[i + 1][j], nodes[i + 1][j + 1], nodes[i][j + 1]];
      if (cell.every((p) => p)) {
        context.strokeStyle = theme.ink; context.lineWidth = 1.6; context.beginPath();
        cell.forEach((p, k) => (k ? context.lineTo(p[0], p[1]) : context.moveTo(p[0], p[1])));
        context.closePath(); context.stroke();
      }
    }
  }

  // Outlines of the capture volume at several heights: marching squares between middles of cells.
  const outlines = (() => {
    const lines = [], inside = (i, j, k) => i >= 0 && j >= 0 && i < shape[0] && j < shape[1] && map.determined(map.cell(i, j, k)) ? 1 : 0;
    const every = Math.max(1, Math.round(shape[2] / 6));
    const keep = (axis, value) => Math.min(high[axis], Math.max(low[axis], value));
    for (let k = 0; k < shape[2]; k += every) {
      const z = low[2] + (k + 0.5) * step[2];
      for (let i = -1; i < shape[0]; i++) {
        for (let j = -1; j < shape[1]; j++) {
          const [p, q, r, s] = [inside(i, j, k), inside(i + 1, j, k), inside(i + 1, j + 1, k), inside(i, j + 1, k)];
          const x = (d) => keep(0, low[0] + (i + 0.5 + d) * step[0]), y = (d) => keep(1, low[1] + (j + 0.5 + d) * step[1]);
          const cut = [];
          if (p !== q) cut.push([x(0.5), y(0), z]);
          if (q !== r) cut.push([x(1), y(0.5), z]);
          if (r !== s) cut.push([x(0.5), y(1), z]);
          if (s !== p) cut.push([x(0), y(0.5), z]);
          for (let n = 0; n + 1 < cut.length; n += 2) lines.push([cut[n], cut[n + 1]]);
        }
      }
    }
    return lines;
  })();
  function drawVolume(belongs) {
    context.globalAlpha = 0.6;
    for (const [a, b] of outlines) if (belongs(a[2])) line(a, b, theme.volume, 1.1);
    context.globalAlpha = 1;
  }

  const plus = (a, b, s) => a.map((v, k) => v + s * b[k]);
  const size = 0.085 * radius * Math.sqrt(Math.min(1, 10 / data.cameras.length));
  function drawCameras() {
    data.cameras.forEach(({ centre, edges, forward }, i) => {
      const style = state.views.has(i) || state.hot === i ? theme.chosen : theme.camera, quarter = edges.length / 4;
      // All directions reach the same depth, as the picture is flat; those of wide lenses less.
      const rim = edges.map((e) => plus(centre, e, size / Math.max(dot(e, forward), 0.75)));
      area(rim, style, 0.16);
      rim.forEach((p, k) => line(p, rim[(k + 1) % rim.length], style, 1.5));
      for (let k = 0; k < 4; k++) line(centre, rim[k * quarter], style, 1.3);
      // A roof over the upper side, as pictures can be held in any way.
      const top = plus(plus([0, 0, 0], rim[0], 0.5), rim[quarter], 0.5);
      const bottom = plus(plus([0, 0, 0], rim[2 * quarter], 0.5), rim[3 * quarter], 0.5);
      const raised = plus(top, plus(top, bottom, -1), 0.2);
      line(plus(top, plus(rim[0], top, -1), 0.35), raised, style, 1.3);
      line(plus(top, plus(rim[quarter], top, -1), 0.35), raised, style, 1.3);
      const p = project(centre);
      if (p) { context.fillStyle = style; context.beginPath(); context.arc(p[0], p[1], 2.6, 0, 7); context.fill(); }
    });
  }
  // As far as the floor, or to the far side of what is shown.
  function drawView({ centre, edges }) {
    const reach = Math.hypot(...centre.map((v, k) => v - everything[k])) + 0.6 * radius, quarter = edges.length / 4;
    const ends = edges.map((e) => {
      const down = data.floor_known && e[2] < 0 ? (ground - centre[2]) / e[2] : Infinity;
      return plus(centre, e, down > 0 ? Math.min(down, reach) : reach);
    });
    area(ends, theme.chosen, 0.1);
    ends.forEach((p, k) => line(p, ends[(k + 1) % ends.length], theme.chosen, 1.2));
    context.globalAlpha = 0.6;
    for (let k = 0; k < 4; k++) line(centre, ends[k * quarter], theme.chosen, 1);
    context.globalAlpha = 1;
  }
  function drawNames() {
    const order = data.cameras.map((one, i) => [placed(one.centre)[2], i]).sort((a, b) => a[0] - b[0]);
    for (const [, i] of order) {
      const p = project(data.cameras[i].centre);
      if (!p) continue;
      // Behind the camera rather than over its picture.
      const ahead = project(plus(data.cameras[i].centre, data.cameras[i].forward, size)) || p;
      const away = ([dx, dy]) => dx * (ahead[0] - p[0]) + (dy - 4) * (ahead[1] - p[1]);
      const places = [...AROUND].sort((a, b) => Math.sign(away(a)) - Math.sign(away(b)));
      label(data.cameras[i].name, p, state.views.has(i) ? theme.chosen : theme.ink, "600 12px", places);
    }
  }

  // The cell of the slice under a place of the canvas.
  function under(x, y) {
    look();
    const r = (x - camera.width / 2) / camera.focal, u = (camera.height / 2 - y) / camera.focal;
    const ray = [0, 1, 2].map((k) => r * camera.right[k] + u * camera.up[k] - camera.back[k]);
    const eye = plus(view.target, camera.back, view.distance);
    const t = (map.middle(state.axis, state.index) - eye[state.axis]) / ray[state.axis];
    if (!(t > 0) || !isFinite(t)) return null;
    const [a, b] = ACROSS[state.axis], p = plus(eye, ray, t), at = [0, 0, 0];
    at[a] = Math.floor((p[a] - low[a]) / step[a]); at[b] = Math.floor((p[b] - low[b]) / step[b]);
    at[state.axis] = state.index;
    if (at[a] < 0 || at[b] < 0 || at[a] >= shape[a] || at[b] >= shape[b]) return null;
    return { cell: map.cell(at[0], at[1], at[2]), at: [at[a], at[b]], place: at.map((i, k) => map.middle(k, i)) };
  }
  function turn(dx, dy) {
    view.azimuth -= dx;
    view.elevation = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, view.elevation + dy));
    draw();
  }
  function move(dx, dy) {
    look();
    const scale = view.distance / camera.focal;
    view.target = plus(plus(view.target, camera.right, -dx * scale), camera.up, dy * scale);
    draw();
  }
  function zoom(factor) {
    view.distance = Math.max(0.15 * radius, Math.min(12 * radius, view.distance * factor));
    draw();
  }
  readTheme();
  return { draw, show, under, turn, move, zoom, readTheme };
}
