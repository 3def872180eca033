// Puts the data into the page and keeps one time for the figure, the curves and the slider.
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const { curves } = data, followers = [];
  let now = 0, playing = null;

  const figure = makeFigure(at("figure"), data.figure);
  const scrub = at("scrub"), times = data.figure.time;
  scrub.max = times.length - 1;

  function nearest(list, t) {
    let low = 0, high = list.length - 1;
    while (high - low > 1) { const mid = (low + high) >> 1; if (list[mid] <= t) low = mid; else high = mid; }
    return Math.abs(list[low] - t) <= Math.abs(list[high] - t) ? low : high;
  }
  function setTime(t) {
    now = Math.min(times[times.length - 1], Math.max(times[0], t));
    const index = nearest(times, now);
    scrub.value = index;
    at("clock").textContent = `${now.toFixed(2)} s of ${times[times.length - 1].toFixed(2)} s`;
    figure.show(index);
    followers.forEach((follow) => follow(now));
  }
  function pause() { playing = null; at("play").textContent = "\u25B6"; }
  function play() {
    if (playing) return pause();
    at("play").textContent = "\u275A\u275A";
    if (now >= times[times.length - 1]) now = times[0];
    const token = (playing = {});
    let before = performance.now();
    requestAnimationFrame(function step(clock) {
      if (playing !== token) return;
      setTime(now + Math.max(0, clock - before) / 1000);
      before = clock;
      if (now >= times[times.length - 1]) return pause();
      requestAnimationFrame(step);
    });
  }
  at("play").addEventListener("click", play);
  scrub.addEventListener("input", () => { pause(); setTime(times[Number(scrub.value)]); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "BUTTON"].includes(event.target.tagName)) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === " ") { event.preventDefault(); play(); }
    if (step) { event.preventDefault(); pause(); setTime(times[Math.min(times.length - 1, Math.max(0, Number(scrub.value) + step))]); }
  });
  document.querySelectorAll("[data-view]").forEach((button) => button.addEventListener("click", () => {
    document.querySelectorAll("[data-view]").forEach((other) => other.classList.toggle("on", other === button));
    figure.presets(button.dataset.view);
  }));
  at("show-markers").addEventListener("change", (event) => figure.markers(event.target.checked));
  function pointed(t) { pause(); setTime(t); }

  // Errors
  if (data.cameras.length) at("camera-bars").append(errorBars([...data.cameras, ...(data.held_out ? [{ ...data.held_out, unused: true }] : [])]));
  const error = curveChart(curves.time, curves.seen, { m: curves.error_px }, "px", { width: 860, height: 130 }, pointed);
  at("error-curve").append(html("h3", "", "Median error over time, px against s"), error.root);
  followers.push(error.show);

  // Curves
  for (const group of curves.groups) {
    const grid = html("div", "grid-of-charts");
    for (const chart of curves.charts.filter((one) => one.group === group)) {
      const drawn = curveChart(curves.time, curves.seen, chart.sides, chart.unit, { width: 340, height: 150 }, pointed, chart.bands);
      const readout = html("span", "readout"), unit = chart.unit === "deg" ? "°" : " " + chart.unit;
      const title = html("span", "title", html("b", "", chart.title), html("code", "", chart.coordinate));
      title.title = chart.coordinate;
      grid.append(html("figure", "chart", html("figcaption", "", title, readout), drawn.root));
      followers.push((t) => {
        drawn.show(t);
        const index = nearest(curves.time, t);
        readout.replaceChildren(...Object.entries(chart.sides).map(([side, column]) => html("span", side, reading(column[index], chart.bands[side], index, chart.unit === "deg" ? 1 : 3) + unit)));
      });
    }
    const units = group === "Pelvis" ? "degrees, metres" : "degrees";
    at("angle-charts").append(html("h3", "", `${group} (${units}, against time in s)`), grid);
  }

  function reading(value, band, index, digits) {
    return value === null ? "–" : plusMinus(value, band ? band[index] : null, digits);
  }

  // Pictures
  data.pictures.forEach(({ time, label, views }) => {
    const row = html("div", "panels"), many = views.length > 6;
    row.style.setProperty("--columns", many ? Math.ceil(views.length / 2) : Math.max(4, views.length));
    views.forEach((view) => row.append(picture(view)));
    at("picture-frames").append(html("div", "frame", html("h3", "", `${time.toFixed(2)} s, ${label}`), row));
  });
  if (!data.pictures.length) at("pictures").remove();

  function picture({ camera, note, crop, image, detected, projected, median_px }) {
    const [x, y, width, height] = crop, unit = height / 100;
    // Pixel (0, 0) is the centre of the top-left pixel, so the image starts half a pixel before.
    const root = svg("svg", { viewBox: `${x - 0.5} ${y - 0.5} ${width} ${height}`, role: "img", "aria-label": `${camera}: detected and reprojected keypoints` });
    root.style.overflow = "hidden";
    if (image) root.append(svg("image", { x: x - 0.5, y: y - 0.5, width, height, href: image, preserveAspectRatio: "none" }));
    const line = (a, b, stroke, thickness) => a && b && root.append(svg("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1], stroke, "stroke-width": thickness * unit, "stroke-linecap": "round" }));
    data.figure.edges.forEach(([a, b]) => line(projected[a], projected[b], image ? "#4fe3ff" : "#00798c", 0.55));
    detected.forEach((d, i) => {
      const p = projected[i], r = 0.9 * unit;
      if (d) line(d, p, "#e07b00", 0.4);
      if (d) root.append(svg("circle", { cx: d[0], cy: d[1], r: 1.1 * unit, fill: "none", stroke: "#ff9a1f", "stroke-width": 0.5 * unit }));
      if (p) { line([p[0] - r, p[1]], [p[0] + r, p[1]], image ? "#4fe3ff" : "#00798c", 0.45); line([p[0], p[1] - r], [p[0], p[1] + r], image ? "#4fe3ff" : "#00798c", 0.45); }
    });
    const text = median_px === null ? "nothing detected" : `${note || "median"} ${note ? "· " : ""}${median_px.toFixed(1)} px`;
    return html("figure", "panel", root, html("figcaption", "", html("b", "", camera), html("span", "", text)));
  }

  // Body, cameras, coverage
  at("scale-bars").append(scaleBars(data.scales));
  at("lengths").append(table(["from, to", "right", "left", "right − left"], data.lengths.map((row) => [row.name, ...["r", "l", "difference"].map((side) => (row[side] === null ? null : plusMinus(row[side], row.within[side], 0)))])));
  if (data.adjustments) at("adjustments").append(table(["camera", ...data.adjustments.headings], data.adjustments.rows.map((row) => [row.name, ...row.cells.map(({ value, within, digits }) => (value === null ? null : plusMinus(value, within, digits)))])));
  else at("adjustments").append(html("p", "note", "The cameras were used as given."));
  at("camera-coverage").append(table(["camera", "frames that show the person, %"], data.cameras.map((row) => [row.name, row.seen_percent])));
  const keypoints = [...data.keypoints].sort((a, b) => a.located_percent - b.located_percent);
  at("keypoint-coverage").append(table(["keypoint", "frames with two views, %", "median error, px"], keypoints.map((row) => [row.name, row.located_percent, row.median_px])));

  document.querySelector("[data-view=person]").classList.add("on");
  setTime(times[0] + 0.4 * (times[times.length - 1] - times[0]));
})();
