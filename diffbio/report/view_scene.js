// What is looked at and from where: the body, what was detected, the cameras, the floor.
function makeView(canvas, overlay, data, motion, painter, state) {
  const context = overlay.getContext("2d");
  const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
  const LIGHT = normal([0.35, 0.28, 0.9]), BONE = [0.93, 0.89, 0.8];
  const view = { azimuth: 0, elevation: 0.2, distance: 3.6, shift: [0, 0, 0], zoom: 1, pan: [0, 0] };
  let theme = {}, lens = null, now = motion.time[0];

  function normal(a) { const size = Math.hypot(...a) || 1; return a.map((v) => v / size); }
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const plus = (a, b, s = 1) => [a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]];

  // The track of the person: bounds, direction, and a smooth path for the view to follow.
  const roots = Array.from({ length: motion.frames }, (_, i) => motion.rootAt(i));
  const bounds = (rows) => [0, 1, 2].map((k) => rows.reduce(([a, b], row) => [Math.min(a, row[k]), Math.max(b, row[k])], [Infinity, -Infinity]));
  const track = bounds(roots), middle = track.map(([a, b]) => (a + b) / 2);
  const reach = Math.max(1, Math.round(0.4 * data.rate)), smooth = smoothed(roots, reach);
  function smoothed(rows, half) {
    const total = [[0, 0, 0]];
    rows.forEach((row) => total.push(plus(total[total.length - 1], row)));
    return rows.map((_, i) => {
      const a = Math.max(0, i - half), b = Math.min(rows.length, i + half + 1);
      return total[b].map((v, k) => (v - total[a][k]) / (b - a));
    });
  }
  const travelled = plus(roots[roots.length - 1], roots[0], -1);
  const heading = Math.hypot(travelled[0], travelled[1]) > 0.3 ? Math.atan2(travelled[1], travelled[0]) : 0;
  const floorBox = [0, 1].map((k) => [Math.floor(track[k][0] - 2.6), Math.ceil(track[k][1] + 2.6)]);

  function readTheme() {
    const style = getComputedStyle(document.body);
    const read = (name) => style.getPropertyValue("--" + name).trim();
    const colour = (name) => [1, 3, 5].map((i) => parseInt(read(name).slice(i, i + 2), 16) / 255);
    theme = { ink: read("ink"), halo: read("stage-bottom"), fine: colour("grid"), strong: colour("grid-strong"), camera: colour("camera"), chosen: colour("chosen"), marker: colour("marker"), point: colour("point"), shade: Number(read("shade")), cameraText: read("camera"), chosenText: read("chosen"), pointText: read("point"), markerText: read("marker") };
  }

  // The picture of a lens: axes of it in the world, where it is, focal lengths and middle in pixels of the canvas.
  function orbit() {
    const { azimuth: a, elevation: e } = view, width = canvas.clientWidth, height = canvas.clientHeight;
    const back = [Math.cos(e) * Math.cos(a), Math.cos(e) * Math.sin(a), Math.sin(e)];
    const right = [-Math.sin(a), Math.cos(a), 0], up = [-Math.sin(e) * Math.cos(a), -Math.sin(e) * Math.sin(a), Math.cos(e)];
    const target = plus(state.follow ? followed() : [middle[0], middle[1], middle[2]], view.shift);
    const focal = 1.45 * Math.min(height, 1.25 * width);
    return { right, down: up.map((v) => -v), forward: back.map((v) => -v), eye: plus(target, back, view.distance), focal: [focal, focal], middle: [width / 2, height / 2], width, height };
  }
  function followed() {
    const at = Math.min(motion.frames - 1, Math.max(0, motion.frameAt(now))), target = smooth[at];
    return [target[0], target[1], middle[2] * 0.9];
  }
  // As the camera saw it: its whole picture, or nearer.
  function through(index) {
    const { rotation: r, centre, focal, principal, size } = data.cameras[index];
    const width = canvas.clientWidth, height = canvas.clientHeight;
    const scale = Math.min((width - 24) / size[0], (height - 84) / size[1]) * view.zoom;
    const corner = [(width - size[0] * scale) / 2 + view.pan[0], 12 + (height - size[1] * scale) / 2 + view.pan[1]];
    return {
      right: r.slice(0, 3), down: r.slice(3, 6), forward: r.slice(6, 9), eye: centre, focal: focal.map((f) => f * scale),
      middle: [corner[0] + (principal[0] + 0.5) * scale, corner[1] + (principal[1] + 0.5) * scale], width, height, scale, corner, size,
    };
  }
  function finish(l) {
    const { width: w, height: h, focal: [fx, fy], middle: [cx, cy] } = l, near = 0.05, far = 200;
    const t = [l.right, l.down, l.forward].map((axis) => -dot(axis, l.eye));
    const rows = [
      [...l.right.map((v, k) => (2 * fx * v + (2 * cx - w) * l.forward[k]) / w), (2 * fx * t[0] + (2 * cx - w) * t[2]) / w],
      [...l.down.map((v, k) => -(2 * fy * v * 1 + (2 * cy - h) * l.forward[k]) / h), -(2 * fy * t[1] + (2 * cy - h) * t[2]) / h],
      [...l.forward.map((v) => (v * (far + near)) / (far - near)), (t[2] * (far + near) - 2 * far * near) / (far - near)],
      [...l.forward, t[2]],
    ];
    l.picture = new Float32Array(16);
    rows.forEach((row, i) => row.forEach((v, k) => { l.picture[4 * k + i] = v; }));
    l.ratio = Math.min(2, window.devicePixelRatio || 1);
    return l;
  }
  function project(p) {
    const d = plus(p, lens.eye, -1), depth = dot(d, lens.forward);
    return depth < 0.05 ? null : [lens.middle[0] + (lens.focal[0] * dot(d, lens.right)) / depth, lens.middle[1] + (lens.focal[1] * dot(d, lens.down)) / depth, depth];
  }

  // Lists that the painter draws.
  const tubes = { list: new Float32Array(painter.TUBE * 4096), count: 0 }, balls = { list: new Float32Array(painter.BALL * 1024), count: 0 };
  function room(into, stride) {
    if (stride * (into.count + 1) > into.list.length) { const more = new Float32Array(2 * into.list.length); more.set(into.list); into.list = more; }
    return into.count++;
  }
  const push = (into, stride, values) => { const at = stride * room(into, stride); into.list.set(values, at); };
  const tube = (a, b, colour, alpha, radius, pixels, round) => push(tubes, painter.TUBE, [...a, ...b, ...colour, alpha, radius, pixels, round]);
  const ball = (p, colour, alpha, radius, pixels) => push(balls, painter.BALL, [...p, ...colour, alpha, radius, pixels]);

  const widths = data.muscles ? data.muscles.force.map((f) => Math.min(0.009, 0.0014 + 0.00009 * Math.sqrt(f))) : [];
  const RED = [0.68, 0.2, 0.17];
  function activationColour(a) { return [0.45 + 0.5 * a, 0.42 - 0.3 * a, 0.5 - 0.4 * a]; }
  function addMuscles() {
    const activation = data.muscles.activation, frame = motion.frameAt(now), { paths, start } = motion;
    for (let m = 0; m < widths.length; m++) {
      const colour = activation ? activationColour(activation[frame][m]) : RED;
      for (let p = start[m]; p + 1 < start[m + 1]; p++) {
        // Both ends of a stretch follow each other in the list of points.
        const at = painter.TUBE * room(tubes, painter.TUBE), { list } = tubes;
        for (let k = 0; k < 6; k++) list[at + k] = paths[3 * p + k];
        list[at + 6] = colour[0]; list[at + 7] = colour[1]; list[at + 8] = colour[2]; list[at + 9] = 1;
        list[at + 10] = widths[m]; list[at + 11] = 0.7; list[at + 12] = 1;
      }
    }
  }
  function frustum({ rotation: r, centre, focal, principal, size }, depth) {
    return [[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]].map(([u, v]) => {
      const d = [(u - 0.5 - principal[0]) / focal[0], (v - 0.5 - principal[1]) / focal[1], 1];
      return [0, 1, 2].map((k) => centre[k] + depth * (r[k] * d[0] + r[3 + k] * d[1] + r[6 + k] * d[2]));
    });
  }
  function addCameras() {
    data.cameras.forEach((camera, i) => {
      if (i === state.camera) return;
      const colour = state.hot === i ? theme.chosen : theme.camera, corners = frustum(camera, 0.28);
      corners.forEach((p, k) => { tube(camera.centre, p, colour, 0.9, 0, 0.9, 0); tube(p, corners[(k + 1) % 4], colour, 0.9, 0, 1.1, 0); });
      const [a, b] = corners, top = plus(plus(a, b), plus(corners[2], corners[3]), -0.2).map((v) => v / 1.6);
      for (const side of [a, b]) tube(plus(side, plus(b, a, -1), side === a ? 0.3 : -0.3), top, colour, 0.9, 0, 0.9, 0);
      if (state.hot === i) frustum(camera, 12).forEach((p) => tube(camera.centre, p, theme.chosen, 0.5, 0, 0.6, 0));
      ball(camera.centre, colour, 1, 0.012, 2);
    });
  }
  function addTrail() {
    const step = Math.max(1, Math.floor(smooth.length / 300));
    for (let i = step; i < smooth.length; i += step) tube([smooth[i - step][0], smooth[i - step][1], 0.003], [smooth[i][0], smooth[i][1], 0.003], theme.strong, 0.8, 0.006, 0.5, 0);
  }

  // The picture that the camera took nearest in time, behind the drawing.
  const picture = document.getElementById("picture");
  function showPicture() {
    const pictures = state.camera === null ? null : data.pictures[state.camera];
    picture.hidden = !pictures;
    if (!pictures) return false;
    const frame = motion.frameAt(now), { frames, images } = pictures;
    const nearest = frames.reduce((best, f, i) => (Math.abs(f - frame) < Math.abs(frames[best] - frame) ? i : best), 0);
    const shown = `${state.camera} ${nearest}`;
    if (picture.dataset.shown !== shown) { picture.dataset.shown = shown; picture.src = images[nearest]; }
    const { corner, scale, size } = lens;
    Object.assign(picture.style, { left: `${corner[0]}px`, top: `${corner[1]}px`, width: `${size[0] * scale}px`, height: `${size[1] * scale}px` });
    return true;
  }

  function draw() {
    lens = finish(state.camera === null ? orbit() : through(state.camera));
    painter.begin({ picture: lens.picture, eye: lens.eye, width: lens.width, height: lens.height, focal: lens.focal[0], ratio: lens.ratio });
    const filmed = showPicture(), ground = state.floor && !filmed;
    if (ground) painter.floor([floorBox[0][0], floorBox[1][0], floorBox[0][1], floorBox[1][1]], 0, theme.fine, theme.strong);
    motion.pose(now);
    if (state.bones) {
      if (ground) painter.shadow(data.parts, motion.worlds, 0, LIGHT, [0.1, 0.13, 0.17, theme.shade]);
      painter.meshes(data.parts, motion.worlds, BONE, LIGHT);
    }
    tubes.count = balls.count = 0;
    if (state.muscles && data.muscles) addMuscles();
    if (ground) addTrail();
    if (state.cameras && !filmed) addCameras();
    const markers = motion.placesOf("markers", now), found = motion.placesOf("triangulated", now);
    if (state.markers) markers.forEach((p) => p && ball(p, theme.marker, 1, 0.009, 2));
    if (state.points) found.forEach((p, i) => {
      if (!p) return;
      ball(p, theme.point, 1, 0.006, 1.6);
      if (state.markers && markers[i]) tube(p, markers[i], theme.point, 0.9, 0, 0.8, 0);
    });
    painter.tubes(tubes.list, tubes.count);
    painter.balls(balls.list, balls.count);
    label(markers);
  }

  // Names, and what the chosen camera detected, over the drawing.
  function label(markers) {
    const { width, height, ratio } = lens;
    if (overlay.width !== Math.round(width * ratio)) overlay.width = Math.round(width * ratio);
    if (overlay.height !== Math.round(height * ratio)) overlay.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (state.camera !== null) return overPicture(markers);
    if (state.cameras) data.cameras.forEach(({ name, centre }, i) => {
      const p = project(centre);
      if (p) write(`${i + 1} ${name}`, p[0] + 8, p[1] - 6, state.hot === i ? theme.chosenText : theme.cameraText);
    });
    if (state.floor) axes();
  }
  function axes() {
    const corner = [floorBox[0][0] + 1.5, floorBox[1][0] + 1.5, 0], at = project(corner);
    [["x", [0.4, 0, 0]], ["y", [0, 0.4, 0]], ["z", [0, 0, 0.4]]].forEach(([name, offset]) => {
      const colour = getComputedStyle(document.querySelector(".axis-" + name)).color, tip = project(plus(corner, offset));
      if (!at || !tip) return;
      context.strokeStyle = colour; context.lineWidth = 2; context.beginPath(); context.moveTo(at[0], at[1]); context.lineTo(tip[0], tip[1]); context.stroke();
      write(name, tip[0] + 4, tip[1] - 2, colour);
    });
  }
  function write(text, x, y, colour) {
    context.font = `600 12px ${FONT}`; context.lineJoin = "round"; context.lineWidth = 3.5;
    context.strokeStyle = theme.halo; context.strokeText(text, x, y);
    context.fillStyle = colour; context.fillText(text, x, y);
  }
  function overPicture(markers) {
    const { corner: [left, top], scale, size } = lens, at = ([u, v]) => [left + (u + 0.5) * scale, top + (v + 0.5) * scale];
    const stroke = (a, b, colour, thickness) => { context.strokeStyle = colour; context.lineWidth = thickness; context.beginPath(); context.moveTo(a[0], a[1]); context.lineTo(b[0], b[1]); context.stroke(); };
    context.strokeStyle = theme.chosenText; context.lineWidth = 1.5;
    context.strokeRect(left, top, size[0] * scale, size[1] * scale);
    const seen = motion.detections(state.camera, now), shown = markers.map((p) => p && project(p));
    if (state.markers) for (const [a, b] of data.markers.edges) if (shown[a] && shown[b]) { context.globalAlpha = 0.75; stroke(shown[a], shown[b], theme.markerText, 1.4); }
    context.globalAlpha = 1;
    if (!state.points) return;
    seen.forEach((p, i) => {
      if (!p) return;
      const [x, y] = at(p);
      if (shown[i]) stroke([x, y], shown[i], theme.pointText, 1.3);
      context.strokeStyle = theme.pointText; context.lineWidth = 1.8; context.beginPath(); context.arc(x, y, 4, 0, 7); context.stroke();
    });
  }

  function show(name) {
    const [azimuth, elevation, distance] = {
      oblique: [heading - 0.85, 0.16, 3.2], side: [heading - Math.PI / 2, 0.03, 3.1], front: [heading, 0.03, 3.1], top: [heading - Math.PI / 2, 1.55, 4],
      room: [heading - 0.85, 0.5, 1.25 * Math.hypot(...bounds(roots.concat(data.cameras.map((c) => c.centre))).map(([a, b]) => b - a)) + 0.5],
    }[name];
    Object.assign(view, { azimuth, elevation, distance, shift: [0, 0, 0] });
    draw();
  }
  function turn(dx, dy) {
    if (state.camera !== null) { view.pan = [view.pan[0] + dx, view.pan[1] + dy]; return draw(); }
    view.azimuth -= 0.008 * dx;
    view.elevation = Math.max(-1.2, Math.min(1.565, view.elevation + 0.008 * dy));
    draw();
  }
  function move(dx, dy) {
    if (state.camera !== null) return turn(dx, dy);
    const scale = view.distance / lens.focal[0];
    view.shift = plus(plus(view.shift, lens.right, -dx * scale), lens.down, -dy * scale);
    draw();
  }
  function zoom(factor) {
    if (state.camera !== null) view.zoom = Math.max(0.5, Math.min(20, view.zoom / factor));
    else view.distance = Math.max(0.25, Math.min(60, view.distance * factor));
    draw();
  }
  // The whole picture of the camera, or, nearer, the person in it.
  function frame(near) {
    Object.assign(view, { zoom: 1, pan: [0, 0] });
    if (!near || state.camera === null) return draw();
    lens = finish(through(state.camera));
    const places = motion.placesOf("markers", now).map((p) => p && project(p)).filter(Boolean);
    if (places.length) {
      const [x, y] = bounds(places), wide = x[1] - x[0] + 1, tall = y[1] - y[0] + 1;
      view.zoom = Math.max(1, Math.min(12, 0.72 * Math.min(lens.width / wide, (lens.height - 70) / tall)));
      view.pan = [view.zoom * (lens.width / 2 - (x[0] + x[1]) / 2), view.zoom * (12 + lens.height / 2 - (y[0] + y[1]) / 2)];
    }
    draw();
  }
  readTheme();
  return { draw, show, turn, move, zoom, frame, readTheme, at(t) { now = t; draw(); }, nearest(x, y) {
    let best = null;
    if (state.camera === null && state.cameras) data.cameras.forEach(({ centre }, i) => { const p = project(centre), d = p ? Math.hypot(p[0] - x, p[1] - y) : 99; if (d < 22 && (!best || d < best[1])) best = [i, d]; });
    return best ? best[0] : null;
  } };
}
