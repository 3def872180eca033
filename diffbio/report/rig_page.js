// Controls: what is drawn, moving about, and saying it in words.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const map = makeMap(data), { shape } = data.grid;
  const state = { axis: 2, index: 0, quantity: "error", range: [0, 1], map: true, volume: true, names: true, views: new Set(), hover: null, hot: null };
  const canvas = at("scene"), scene = makeScene(canvas, data, map, state), tip = at("tip");
  const best = map.best();
  let view = "oblique";

  const digits = (v) => v.toFixed(v < 0.995 ? 2 : v < 9.95 ? 1 : 0), mm = (v) => digits(v) + " mm";
  const WORDS = { error: "Expected 3-D error", worst: "Error along the worst direction", x: "Error along x", y: "Error along y", z: "Error along z", count: "Cameras that see it" };

  function drawScale() {
    state.range = map.range(state.quantity);
    document.querySelector(".scale").hidden = !best && state.quantity !== "count";
    const [low, high] = state.range, counted = state.quantity === "count";
    const colours = Array.from({ length: 13 }, (_, i) => map.colour(state.quantity, low + (i / 12) * (high - low), state.range));
    at("bar").style.background = `linear-gradient(to right, ${colours.join(",")})`;
    const middle = (low + high) / 2, text = counted ? [low, "", high] : [low, middle, high].map(digits);
    at("ticks").replaceChildren(...text.map((t, i) => { const s = document.createElement("span"); s.textContent = i === 2 && !counted ? "≥ " + t : t; return s; }));
    at("unit").textContent = counted ? "cameras that see it" : `mm, ${WORDS[state.quantity].toLowerCase().replace("3-d", "3-D")}`;
  }
  function say() {
    const where = map.middle(state.axis, state.index), name = ["Across x at", "Across y at", data.floor_known ? "At height" : "Across z at"][state.axis];
    const cells = map.ofSlice(state.axis, state.index), values = map.valuesOf("error", cells);
    const share = Math.round((100 * values.length) / cells.length);
    const seen = `two or more cameras see ${share} % of the slice`;
    at("reading").textContent = values.length
      ? `${name} ${where.toFixed(2)} m, ${seen}; expected 3-D error ${mm(values[0])} at best, ${mm(map.quantile(values, 0.5))} in the median, 95 % within ${mm(map.quantile(values, 0.95))}.`
      : `${name} ${where.toFixed(2)} m, nothing can be triangulated.`;
    at("slice-at").textContent = `${where.toFixed(2)} m`;
    canvas.setAttribute("aria-label", `The cameras in space, with a coloured slice of the expected error. ${at("reading").textContent}`);
  }
  function hide() { state.hover = null; tip.hidden = true; }
  function setSlice(index) {
    state.index = Math.max(0, Math.min(shape[state.axis] - 1, index));
    at("slice").value = state.index;
    hide(); say(); scene.draw();
  }
  // About the height of a hip where the floor is known; else the middle.
  function usual(axis) {
    const hip = Math.round((1 - data.grid.low[2]) / data.grid.step[2] - 0.5);
    return axis === 2 && data.floor_known && hip >= 0 && hip < shape[2] ? hip : Math.floor(shape[axis] / 2);
  }
  function setAxis(axis, index) {
    state.axis = axis;
    at("axis").value = axis;
    at("slice").max = shape[axis] - 1;
    at("slice-name").textContent = ["x", "y", data.floor_known ? "Height" : "z"][axis];
    setSlice(index ?? usual(axis));
  }
  at("axis").addEventListener("change", () => setAxis(Number(at("axis").value)));
  at("slice").addEventListener("input", () => setSlice(Number(at("slice").value)));
  at("quantity").addEventListener("change", () => { state.quantity = at("quantity").value; hide(); drawScale(); scene.draw(); });
  at("pixels").addEventListener("input", () => {
    const px = Number(at("pixels").value);
    if (!(px > 0 && px <= 50)) return;
    map.setPixels(px);
    hide(); drawScale(); say(); scene.draw();
  });
  at("best").addEventListener("click", () => best && setAxis(state.axis, best[state.axis]));
  at("best").hidden = !best;
  for (const part of ["map", "volume", "names"]) {
    at("show-" + part).addEventListener("change", (event) => { state[part] = event.target.checked; hide(); scene.draw(); });
  }

  // Fields of view, one by one and all at once.
  const boxes = data.cameras.map((camera, i) => {
    const label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.addEventListener("change", () => { if (box.checked) state.views.add(i); else state.views.delete(i); setAll(); scene.draw(); });
    label.addEventListener("pointerenter", () => { state.hot = i; scene.draw(); });
    label.addEventListener("pointerleave", () => { state.hot = null; scene.draw(); });
    label.append(box, camera.name);
    return { label, box };
  });
  const title = document.createElement("span");
  title.textContent = "Fields of view:";
  at("each").append(title, ...boxes.map(({ label }) => label));
  function setAll() {
    const all = at("show-views");
    all.checked = state.views.size === boxes.length;
    all.indeterminate = state.views.size > 0 && !all.checked;
  }
  at("show-views").addEventListener("change", (event) => {
    boxes.forEach(({ box }, i) => { box.checked = event.target.checked; if (box.checked) state.views.add(i); else state.views.delete(i); });
    scene.draw();
  });

  // Views
  function choose(name) {
    view = name;
    document.querySelectorAll("[data-view]").forEach((button) => {
      button.classList.toggle("on", button.dataset.view === name);
      button.setAttribute("aria-pressed", String(button.dataset.view === name));
    });
    if (name) scene.show(name);
  }
  document.querySelectorAll("[data-view]").forEach((button) => button.addEventListener("click", () => { hide(); choose(button.dataset.view); }));
  at("nearer").addEventListener("click", () => scene.zoom(0.8));
  at("farther").addEventListener("click", () => scene.zoom(1.25));
  const left = () => { if (view) choose(null); };

  function point(event) {
    const frame = canvas.getBoundingClientRect(), x = event.clientX - frame.left, y = event.clientY - frame.top;
    const found = state.map ? scene.under(x, y) : null;
    if (!found) { const was = state.hover; hide(); if (was) scene.draw(); return; }
    state.hover = found;
    scene.draw();
    const line = (text, strong) => { const p = document.createElement(strong ? "b" : "div"); p.textContent = text; return p; };
    const error = map.value("error", found.cell), names = map.names(found.cell);
    const each = ["x", "y", "z"].map((k) => `${k} ${error === null ? "" : mm(map.value(k, found.cell))}`).join(", ");
    tip.replaceChildren(
      line(error === null ? "nothing to triangulate" : mm(error), true),
      ...(error === null ? [] : [line(each), line(`worst direction ${mm(map.value("worst", found.cell))}`)]),
      line(`at x ${found.place[0].toFixed(2)}, y ${found.place[1].toFixed(2)}, z ${found.place[2].toFixed(2)} m`),
      line(names.length ? `${names.length} of ${data.cameras.length} see it: ${names.join(", ")}` : "no camera sees it"));
    tip.hidden = false;
    tip.style.left = `${Math.max(4, Math.min(x + 16, frame.width - tip.offsetWidth - 6))}px`;
    tip.style.top = `${Math.max(4, y + 16 + tip.offsetHeight > frame.height ? y - tip.offsetHeight - 12 : y + 16)}px`;
  }

  // One pointer turns, or moves with shift or the other button; two move and zoom.
  const held = new Map();
  let travelled = 0;
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, [event.clientX, event.clientY]);
    travelled = 0;
    try { canvas.setPointerCapture(event.pointerId); } catch { /* a pointer that is gone already */ }
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId), now = [event.clientX, event.clientY];
    if (!before) return point(event);
    const dx = now[0] - before[0], dy = now[1] - before[1];
    travelled += Math.hypot(dx, dy);
    if (held.size === 2) {
      const [other] = [...held].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
      scene.zoom(Math.hypot(before[0] - other[0], before[1] - other[1]) / Math.max(1, Math.hypot(now[0] - other[0], now[1] - other[1])));
      scene.move(dx / 2, dy / 2);
    } else if (travelled > 3) {
      hide(); left();
      if (event.shiftKey || event.buttons & 6) scene.move(dx, dy); else scene.turn(dx * 0.008, dy * 0.008);
    }
    held.set(event.pointerId, now);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, (event) => {
      if (kind === "pointerup" && held.size === 1 && travelled <= 3) point(event);
      held.delete(event.pointerId);
    });
  }
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && !held.size) { hide(); scene.draw(); } });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    hide(); scene.zoom(Math.exp(event.deltaY * 0.001));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const slice = { PageUp: 1, PageDown: -1 }[event.key];
    if (arrow && event.shiftKey) { left(); scene.move(-40 * arrow[0], -40 * arrow[1]); }
    else if (arrow) { left(); scene.turn(0.12 * arrow[0], -0.12 * arrow[1]); }
    else if (event.key === "+" || event.key === "=") scene.zoom(0.85);
    else if (event.key === "-" || event.key === "_") scene.zoom(1 / 0.85);
    else if (event.key === "0" || event.key === "Home") choose("oblique");
    else if (slice) setSlice(state.index + slice);
    else return;
    event.preventDefault();
  });
  window.addEventListener("resize", () => { hide(); if (view) scene.show(view); else scene.draw(); });
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    window.matchMedia(query).addEventListener("change", () => { scene.readTheme(); scene.draw(); });
  }
  if (!best) at("show-views").click(); // no map to look at, but where the cameras look
  drawScale();
  setAxis(2);
  choose("oblique");
})();
