// One time for the drawing, the curves and the slider; controls and keys.
(async function () {
  // What needs no numbers is painted first; a page that is not seen does not wait for ever.
  await new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); setTimeout(done, 3000); });
  const data = JSON.parse(document.getElementById("data").textContent), at = (id) => document.getElementById(id);
  const { curves } = data, followers = [], canvas = at("scene");
  const state = { follow: true, camera: null, hot: null, bones: true, muscles: true, markers: true, points: true, cameras: true, floor: true };
  const arrays = await unpack(at("numbers").textContent, data.arrays);
  const motion = makeMotion(data, arrays), { time } = motion, start = time[0], end = time[time.length - 1];
  let now = start, playing = null, view = "oblique", scene = null, waiting = false;

  const painter = makePainter(canvas);
  if (painter) {
    const { places, normals, faces } = motion.bones();
    painter.setBones(places, normals, faces);
    scene = makeView(canvas, at("labels"), data, motion, painter, state);
  } else at("no-drawing").hidden = false;
  // However often something changes, a picture is drawn once.
  function redraw() {
    if (!scene || waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; scene.at(now); });
  }

  // Time
  const scrub = at("scrub"), frame = () => motion.frameAt(now);
  scrub.max = motion.frames - 1;
  function setTime(t, quietly) {
    now = Math.min(end, Math.max(start, t));
    scrub.value = frame();
    const text = `${now.toFixed(2)} s`;
    at("clock").textContent = `${text} of ${end.toFixed(2)} s · frame ${frame() + 1} of ${motion.frames}`;
    scrub.setAttribute("aria-valuetext", `${text}, frame ${frame() + 1} of ${motion.frames}`);
    followers.forEach((follow) => follow(now));
    redraw();
    if (!quietly) say();
  }
  function pause() {
    if (!playing) return;
    playing = null;
    at("play").textContent = "\u25B6"; at("play").setAttribute("aria-label", "Play");
    say();
  }
  function play() {
    if (playing) return pause();
    at("play").textContent = "\u275A\u275A"; at("play").setAttribute("aria-label", "Pause");
    if (now >= end) setTime(start, true);
    const token = (playing = {});
    let before = null;
    requestAnimationFrame(function step(clock) {
      if (playing !== token) return;
      const next = now + (before === null ? 0 : (Math.max(0, clock - before) / 1000) * Number(at("speed").value));
      before = clock;
      if (next >= end && !at("loop").checked) { setTime(end, true); return pause(); }
      setTime(next >= end ? start : next, true);
      requestAnimationFrame(step);
    });
  }
  const go = (index) => { pause(); setTime(time[Math.min(motion.frames - 1, Math.max(0, index))]); };
  at("play").addEventListener("click", play);
  at("back").addEventListener("click", () => go(frame() - 1));
  at("on").addEventListener("click", () => go(frame() + 1));
  scrub.addEventListener("input", () => go(Number(scrub.value)));
  function pointed(t) { pause(); setTime(t); }

  // In words, for who does not see the drawing.
  const SPOKEN = ["pelvis_tilt", "hip_flexion", "knee_angle", "ankle_angle"], SIDES = { r: "right", l: "left", m: "" };
  function say() {
    if (playing) return;
    const index = nearest(curves.time, now);
    const parts = curves.charts.filter((chart) => SPOKEN.includes(chart.coordinate)).map((chart) => `${chart.title} ${Object.entries(chart.sides).map(([side, column]) => `${SIDES[side]} ${column[index] === null ? "unknown" : minus(column[index].toFixed(0)) + "°"}`.trim()).join(", ")}`);
    const seen = curves.seen[index] ? "" : " No camera saw the person: interpolated.";
    at("reading").textContent = `${now.toFixed(2)} s, frame ${frame() + 1}${state.camera === null ? "" : `, as ${data.cameras[state.camera].name} saw it`}. ${parts.join("; ")}.${seen}`;
  }
  function nearest(list, t) {
    let low = 0, high = list.length - 1;
    while (high - low > 1) { const mid = (low + high) >> 1; if (list[mid] <= t) low = mid; else high = mid; }
    return Math.abs(list[low] - t) <= Math.abs(list[high] - t) ? low : high;
  }

  // Contacts and lift-offs over the slider
  const span = Math.max(1e-9, end - start);
  for (const { time: when, kind, side } of data.events) {
    const mark = html("i", `${side} ${kind}`);
    mark.style.left = `${(100 * (when - start)) / span}%`;
    mark.title = `${kind === "toe_off" ? "toe-off" : "contact"}, ${SIDES[side]}, ${when.toFixed(2)} s`;
    at("events").append(mark);
  }
  at("event-key").hidden = !data.events.length;

  // Curves
  for (const group of curves.groups) {
    const charts = curves.charts.filter((one) => one.group === group), box = html("details", "", html("summary", "", group));
    box.open = ["Pelvis", "Hip", "Knee", "Ankle and foot"].includes(group);
    charts.forEach((chart) => {
      let drawn = null;
      const readout = html("span", "readout"), unit = chart.unit === "deg" ? "°" : " " + chart.unit, figure = html("figure", "chart");
      const follow = (t) => {
        if (!box.open) return;
        if (!drawn) { drawn = curveChart(curves.time, curves.seen, chart.sides, chart.unit, { width: 340, height: 118 }, pointed, chart.bands); figure.append(drawn.root); drawn.root.setAttribute("aria-label", `${chart.title} over time`); }
        drawn.show(t);
        const index = nearest(curves.time, t);
        readout.replaceChildren(...Object.entries(chart.sides).map(([side, column]) => html("span", side, (column[index] === null ? "–" : minus(column[index].toFixed(chart.unit === "deg" ? 1 : 3))) + unit)));
      };
      figure.append(html("figcaption", "", html("span", "title", html("b", "", chart.title)), readout));
      box.append(figure);
      followers.push(follow);
    });
    box.addEventListener("toggle", () => setTime(now, true));
    at("charts").append(box);
  }

  // Views and cameras
  const pressed = (button, on) => { button.classList.toggle("chosen", on); button.setAttribute("aria-pressed", String(on)); };
  function mark() {
    document.querySelectorAll("[data-view]").forEach((button) => pressed(button, state.camera === null && button.dataset.view === view));
    buttons.forEach((button, i) => pressed(button, state.camera === i));
  }
  function choose(name) {
    state.camera = null; view = name; mark();
    if (scene && name) scene.show(name);
    say();
  }
  function chooseCamera(index) {
    if (index >= data.cameras.length) return;
    if (state.camera === index) return choose("oblique");
    state.camera = index; state.hot = null; mark();
    if (scene) scene.frame(false);
    say();
  }
  const buttons = data.cameras.map(({ name }, i) => {
    const button = html("button", "", name);
    button.type = "button";
    button.title = i < 9 ? `As ${name} saw it (key ${i + 1})` : `As ${name} saw it`;
    button.setAttribute("aria-label", `As camera ${name} saw it`);
    button.addEventListener("click", () => chooseCamera(i));
    for (const [kind, hot] of [["pointerenter", i], ["pointerleave", null], ["focus", i], ["blur", null]]) button.addEventListener(kind, () => { state.hot = hot; redraw(); });
    return button;
  });
  at("cameras").append(...buttons);
  document.querySelectorAll("[data-view]").forEach((button) => button.addEventListener("click", () => choose(button.dataset.view)));
  const parts = ["bones", "muscles", "markers", "points", "cameras", "floor", "follow"];
  for (const part of parts) {
    const box = at("show-" + part);
    box.checked = state[part];
    box.addEventListener("change", () => { state[part] = box.checked; redraw(); });
  }
  if (!data.muscles) at("show-muscles").closest("label").hidden = true;
  const flip = (part) => { at("show-" + part).click(); };

  // Pointers: one turns, or moves with shift or another button; two move and zoom.
  const held = new Map();
  let travelled = 0;
  const free = () => { if (view && state.camera === null) { view = null; mark(); } };
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, [event.clientX, event.clientY]);
    travelled = 0;
    try { canvas.setPointerCapture(event.pointerId); } catch { /* a pointer that is gone already */ }
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId), place = [event.clientX, event.clientY];
    if (!scene || !before) {
      const frame = canvas.getBoundingClientRect(), hot = scene ? scene.nearest(place[0] - frame.left, place[1] - frame.top) : null;
      if (hot !== state.hot) { state.hot = hot; canvas.style.cursor = hot === null ? "" : "pointer"; redraw(); }
      return;
    }
    const dx = place[0] - before[0], dy = place[1] - before[1];
    travelled += Math.hypot(dx, dy);
    if (held.size === 2) {
      const [other] = [...held].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
      scene.zoom(Math.hypot(before[0] - other[0], before[1] - other[1]) / Math.max(1, Math.hypot(place[0] - other[0], place[1] - other[1])));
      scene.move(dx / 2, dy / 2);
    } else if (travelled > 3) {
      free();
      if (event.shiftKey || event.buttons & 6) scene.move(dx, dy); else scene.turn(dx, dy);
    }
    held.set(event.pointerId, place);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (held.size === 1 && travelled <= 3 && state.hot !== null) chooseCamera(state.hot);
    held.delete(event.pointerId);
  });
  canvas.addEventListener("pointercancel", (event) => held.delete(event.pointerId));
  canvas.addEventListener("dblclick", () => scene && state.camera !== null && scene.frame(true));
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); if (scene) scene.zoom(Math.exp(event.deltaY * 0.001)); }, { passive: false });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    const { key } = event, many = event.shiftKey ? 10 : 1, step = { ArrowRight: many, ArrowLeft: -many, PageDown: 10, PageUp: -10 }[key];
    const turn = { a: [40, 0], d: [-40, 0], w: [0, 30], s: [0, -30] }[key.toLowerCase()];
    const part = { b: "bones", m: "muscles", k: "markers", p: "points", c: "cameras", g: "floor", f: "follow" }[key.toLowerCase()];
    if (key === " ") { if (["BUTTON", "SUMMARY"].includes(event.target.tagName) && event.target.id !== "play") return; play(); }
    else if (step) go(frame() + step);
    else if (key === "Home") go(0);
    else if (key === "End") go(motion.frames - 1);
    else if (/^[1-9]$/.test(key)) chooseCamera(Number(key) - 1);
    else if (key === "0" || key === "Escape") choose("oblique");
    else if (key === "+" || key === "=" || key === "ArrowUp") scene && scene.zoom(0.87);
    else if (key === "-" || key === "_" || key === "ArrowDown") scene && scene.zoom(1 / 0.87);
    else if (key === "z") scene && scene.frame(true);
    else if (turn && scene) { free(); scene.turn(...turn); }
    else if (part) flip(part);
    else return;
    event.preventDefault();
  });
  window.addEventListener("resize", redraw);
  new ResizeObserver(redraw).observe(canvas);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (scene) scene.readTheme(); redraw(); });

  // Where to begin may be said in the address: #t=1.2&view=side, or #camera=2.
  const asked = new URLSearchParams(location.hash.slice(1));
  setTime(Number(asked.get("t") ?? NaN) || start + 0.4 * span, true);
  choose(["oblique", "side", "front", "top", "room"].includes(asked.get("view")) ? asked.get("view") : "oblique");
  if (asked.get("camera")) { chooseCamera(Number(asked.get("camera")) - 1); if (asked.get("near")) requestAnimationFrame(() => scene && scene.frame(true)); }
  for (const part of (asked.get("hide") ?? "").split(",").filter((part) => parts.includes(part))) flip(part);
  say();
  document.body.dataset.ready = "yes";
})();
