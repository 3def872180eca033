// The stick figure: an orbiting view of bodies, markers, cameras and the floor grid.
function makeFigure(canvas, figure) {
  const context = canvas.getContext("2d");
  const colour = { r: "#1f6fd1", l: "#c8373f", m: "#4a5562" };
  const view = { azimuth: -0.9, elevation: 0.22, distance: 4, scene: false };
  let frame = 0, showMarkers = true;

  function point(flat, i) {
    const x = flat[3 * i], y = flat[3 * i + 1], z = flat[3 * i + 2];
    return x === null || y === null || z === null ? null : [x / 1000, y / 1000, z / 1000];
  }
  function middleOf(flat) {
    const sum = [0, 0, 0];
    let count = 0;
    for (let i = 0; i < flat.length / 3; i++) {
      const p = point(flat, i);
      if (p) { for (let k = 0; k < 3; k++) sum[k] += p[k]; count++; }
    }
    return count ? sum.map((s) => s / count) : null;
  }
  const middles = figure.bodies.map(middleOf);
  const finite = middles.filter((m) => m);
  // The view follows the person, smoothly: half a second either side.
  const reach = Math.max(1, Math.round(0.5 / Math.max(1e-3, (figure.time[1] ?? 1) - figure.time[0])));
  const targets = middles.map((_, i) => {
    const near = middles.slice(Math.max(0, i - reach), i + reach + 1).filter((m) => m);
    return near.length ? [0, 1, 2].map((k) => near.reduce((s, m) => s + m[k], 0) / near.length) : [0, 0, 0];
  });
  const bounds = (rows) => [0, 1, 2].map((k) => {
    const values = rows.map((row) => row[k]);
    return [Math.min(...values), Math.max(...values)];
  });
  const track = bounds(finite.length ? finite : [[0, 0, 0]]);
  const everything = bounds(finite.concat(figure.cameras.map((c) => c.points[0])));

  function presets(name) {
    view.scene = name === "scene";
    const wide = Math.hypot(...everything.slice(0, 2).map(([low, high]) => high - low));
    const settings = {
      person: [-0.9, 0.22, 3.9], side: [-Math.PI / 2, 0.04, 3.9], front: [0, 0.04, 3.9],
      top: [-Math.PI / 2, 1.5, 4.6], scene: [-0.9, 0.5, 0.95 * wide + 1.5],
    }[name];
    [view.azimuth, view.elevation, view.distance] = settings;
    draw();
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const target = view.scene ? everything.map(([low, high]) => (low + high) / 2) : targets[frame];
    const ca = Math.cos(view.azimuth), sa = Math.sin(view.azimuth);
    const ce = Math.cos(view.elevation), se = Math.sin(view.elevation);
    const focal = 1.35 * height;
    function project(p) {
      const [x, y, z] = [p[0] - target[0], p[1] - target[1], p[2] - target[2]];
      const right = -sa * x + ca * y, near = ca * x + sa * y;
      const up = ce * z - se * near, depth = view.distance - (ce * near + se * z);
      return depth < 0.1 ? null : [width / 2 + focal * right / depth, height / 2 - focal * up / depth, depth];
    }
    function line(a, b, style, thickness) {
      const p = a && project(a), q = b && project(b);
      if (!p || !q) return;
      context.strokeStyle = style;
      context.lineWidth = thickness;
      context.beginPath(); context.moveTo(p[0], p[1]); context.lineTo(q[0], q[1]); context.stroke();
    }
    context.lineCap = "round";
    drawFloor(line, project);
    drawCameras(line, project);
    drawBody(line, project);
  }

  function drawFloor(line, project) {
    const low = [0, 1].map((k) => Math.floor(2 * (track[k][0] - 1)) / 2);
    const high = [0, 1].map((k) => Math.ceil(2 * (track[k][1] + 1)) / 2);
    const step = Math.max(0.5, Math.ceil(Math.max(high[0] - low[0], high[1] - low[1]) / 40) / 2);
    for (let x = low[0]; x <= high[0] + 1e-9; x += step) line([x, low[1], 0], [x, high[1], 0], "#d3dae1", 1);
    for (let y = low[1]; y <= high[1] + 1e-9; y += step) line([low[0], y, 0], [high[0], y, 0], "#d3dae1", 1);
    const corner = [low[0], low[1], 0];
    [["x", [0.4, 0, 0], "#b3262e"], ["y", [0, 0.4, 0], "#1c7c4a"], ["z", [0, 0, 0.4], "#1f6fd1"]].forEach(
      ([name, offset, style]) => {
        const tip = corner.map((c, k) => c + offset[k]);
        line(corner, tip, style, 2);
        const p = project(tip);
        if (p) { context.fillStyle = style; context.font = "600 12px system-ui, sans-serif"; context.fillText(name, p[0] + 4, p[1] - 2); }
      });
    for (let i = 1; i < middles.length; i++) {
      const a = middles[i - 1], b = middles[i];
      if (a && b) line([a[0], a[1], 0], [b[0], b[1], 0], "#b9c4ce", 2);
    }
  }

  function drawCameras(line, project) {
    for (const { name, points } of figure.cameras) {
      for (let i = 1; i <= 4; i++) {
        line(points[0], points[i], "#76828f", 1.2);
        line(points[i], points[1 + (i % 4)], "#76828f", 1.2);
      }
      const p = project(points[0]);
      if (p) { context.fillStyle = "#5b6876"; context.font = "11px system-ui, sans-serif"; context.fillText(name, p[0] + 6, p[1] - 6); }
    }
  }

  function drawBody(line, project) {
    const bodies = figure.bodies[frame], markers = figure.markers[frame];
    for (const [a, b] of figure.edges) line(point(markers, a), point(markers, b), "rgba(90,104,118,0.22)", 5);
    const ends = figure.bones.map(([parent, child, side]) => [point(bodies, parent), point(bodies, child), side])
      .concat(figure.tips.map(([body, marker, side]) => [point(bodies, body), point(markers, marker), side]));
    const bones = ends.map(([a, b, side]) => {
      const p = a && b && project([0, 1, 2].map((k) => (a[k] + b[k]) / 2));
      return { a, b, side, depth: p ? p[2] : 0 };
    }).sort((one, other) => other.depth - one.depth);
    for (const { a, b, side, depth } of bones) line(a, b, colour[side], Math.max(2, Math.min(9, 17 / depth)));
    for (let i = 0; showMarkers && i < markers.length / 3; i++) {
      const p = point(markers, i), q = p && project(p);
      if (!q) continue;
      context.beginPath(); context.arc(q[0], q[1], Math.max(1.5, Math.min(4, 10 / q[2])), 0, 7);
      context.fillStyle = "#fff"; context.fill();
      context.strokeStyle = "#00798c"; context.lineWidth = 1.5; context.stroke();
    }
  }

  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    held = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    view.azimuth -= (event.clientX - held[0]) * 0.008;
    view.elevation = Math.max(-0.3, Math.min(1.55, view.elevation + (event.clientY - held[1]) * 0.008));
    held = [event.clientX, event.clientY];
    draw();
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => { held = null; });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    view.distance = Math.max(0.8, Math.min(60, view.distance * Math.exp(event.deltaY * 0.001)));
    draw();
  }, { passive: false });
  window.addEventListener("resize", draw);
  return {
    presets,
    show(index) { frame = index; draw(); },
    markers(visible) { showMarkers = visible; draw(); },
  };
}
