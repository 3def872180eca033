// Bars and curves as SVG. Every chart can be told the time and says which time is pointed at.
function svg(tag, attributes, ...children) {
  const node = document.createElementNS(svg.space, tag);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
// The namespace of the page's own svg element, so that no address needs to be written here.
svg.space = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg").namespaceURI;

function html(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.map((child) => (child === null || child === undefined ? "–" : child)));
  return node;
}
function table(headings, rows) {
  const head = html("tr", "", ...headings.map((text) => html("th", "", text)));
  const body = rows.map((row) => html("tr", "", ...row.map((cell) => html("td", "", cell === null ? "–" : String(cell)))));
  return html("table", "", html("thead", "", head), html("tbody", "", ...body));
}
function niceStep(span, count) {
  const raw = span / count, power = 10 ** Math.floor(Math.log10(raw));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999);
}
const minus = (text) => text.replace("-", "−");
const tidy = (value) => minus(String(Number(value.toFixed(6))));

const plusMinus = (value, within, digits) => minus(value.toFixed(digits)) + (within === null ? "" : ` ± ${within.toFixed(digits)}`);

function errorBars(cameras) {
  const rows = cameras.filter((camera) => camera.median_px !== null);
  const left = 110, width = 860, room = width - left - 190, pitch = 26, height = pitch * rows.length + 30;
  const most = Math.max(1e-9, ...rows.map((camera) => Math.max(camera.median_px, camera.mean_px)));
  const step = niceStep(most, 5), scale = room / most;
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Median and mean error of every camera in pixels" });
  for (let value = 0; value <= most; value += step) {
    const x = left + value * scale;
    root.append(svg("line", { x1: x, x2: x, y1: 0, y2: height - 22, class: value ? "grid" : "axis" }));
    root.append(svg("text", { x, y: height - 8, "text-anchor": "middle" }, tidy(value) + (value ? "" : " px")));
  }
  rows.forEach((camera, i) => {
    const y = i * pitch + 4, mean = left + camera.mean_px * scale;
    root.append(svg("text", { x: left - 10, y: y + 13, "text-anchor": "end", class: "name" }, camera.name));
    root.append(svg("rect", { x: left, y, width: Math.max(1, camera.median_px * scale), height: 18, rx: 2, class: "bar" + (camera.odd ? " odd" : "") + (camera.unused ? " unused" : "") }));
    root.append(svg("line", { x1: mean, x2: mean, y1: y - 2, y2: y + 20, class: "tick" }));
    const end = left + Math.max(camera.median_px, camera.mean_px) * scale + 10;
    root.append(svg("text", { x: end, y: y + 13, class: "value" }, `${camera.median_px.toFixed(1)} px · ${camera.median_mm.toFixed(0)} mm · mean ${camera.mean_px.toFixed(1)} px${camera.unused ? " · not used" : ""}`));
  });
  return root;
}

function scaleBars(scales) {
  const left = 130, width = 520, room = (width - left - 76) / 2, pitch = 20, height = pitch * scales.length + 4;
  const most = Math.max(10, ...scales.map((row) => Math.abs(row.percent ?? 0) + (row.within ?? 0))), zero = left + 38 + room;
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Segment sizes in percent of the base model" });
  root.append(svg("line", { x1: zero, x2: zero, y1: 0, y2: height, class: "zero" }));
  scales.forEach(({ name, percent, within }, i) => {
    const unit = (room - 40) / most, y = i * pitch + 3, length = Math.abs(percent ?? 0) * unit, negative = percent < 0;
    const half = (within ?? 0) * unit, end = length + half;
    root.append(svg("text", { x: left - 10, y: y + 11, "text-anchor": "end", class: "name" }, name));
    root.append(svg("rect", { x: negative ? zero - length : zero, y, width: Math.max(0.5, length), height: 14, rx: 2, class: "bar" }));
    if (half) {
      const tip = zero + (negative ? -length : length);
      root.append(svg("path", { d: `M${tip - half} ${y + 4}v6m0 -3h${2 * half}m0 -3v6`, class: "whisker" }));
    }
    const label = percent === null ? "–" : (percent > 0 ? "+" : "") + plusMinus(percent, within, 1) + " %";
    root.append(svg("text", { x: negative ? zero - end - 6 : zero + end + 6, y: y + 11, "text-anchor": negative ? "end" : "start", class: "value" }, label));
  });
  return root;
}

// Where a band is wider than the chart it is cut, so that it does not flatten the curve.
function curveChart(time, seen, sides, unit, shape, onTime, bands = {}) {
  const { width, height } = shape, box = { left: 40, right: width - 6, top: 6, bottom: height - 20 };
  const values = Object.values(sides).flat().filter((value) => value !== null);
  let low = Math.min(...values), high = Math.max(...values);
  if (!values.length) [low, high] = [0, 1];
  // Noise of a resting joint is not blown up to the height of the chart.
  const least = unit === "deg" ? 10 : unit === "m" ? 0.1 : 1, spare = Math.max(0, least - (high - low)) / 2;
  const pad = 0.06 * Math.max(high - low, least);
  const widest = 0.5 * Math.max(high - low, least), half = (side, i) => Math.min(widest, (bands[side] ?? [])[i] ?? 0);
  const reach = Object.entries(sides).flatMap(([side, column]) => column.flatMap((v, i) => (v === null ? [] : [v - half(side, i), v + half(side, i)])));
  [low, high] = [Math.min(low - spare - pad, ...reach), Math.max(high + spare + pad, ...reach)];
  if (unit === "px") low = 0;
  const start = time[0], end = time[time.length - 1], span = Math.max(1e-9, end - start);
  const atX = (t) => box.left + ((t - start) / span) * (box.right - box.left);
  const atY = (v) => box.bottom - ((v - low) / (high - low)) * (box.bottom - box.top);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${unit === "px" ? "error" : "angle"} over time` });
  for (let i = 0; i < seen.length;) {
    let j = i;
    while (j < seen.length && seen[j] === seen[i]) j++;
    if (!seen[i]) root.append(svg("rect", { x: atX(time[i]), y: box.top, width: Math.max(1, atX(time[Math.min(j, time.length - 1)]) - atX(time[i])), height: box.bottom - box.top, class: "unseen" }));
    i = j;
  }
  const stepY = niceStep(high - low, 4), stepX = niceStep(span, Math.max(3, Math.floor(width / 80)));
  for (let v = Math.ceil(low / stepY) * stepY; v <= high; v += stepY) {
    root.append(svg("line", { x1: box.left, x2: box.right, y1: atY(v), y2: atY(v), class: Math.abs(v) < 1e-9 ? "zero" : "grid" }));
    root.append(svg("text", { x: box.left - 5, y: atY(v) + 4, "text-anchor": "end" }, tidy(v)));
  }
  for (let t = Math.ceil(start / stepX - 1e-9) * stepX; t <= end + 1e-9; t += stepX) {
    root.append(svg("line", { x1: atX(t), x2: atX(t), y1: box.bottom, y2: box.bottom + 3, class: "axis" }));
    root.append(svg("text", { x: atX(t), y: box.bottom + 15, "text-anchor": "middle" }, tidy(t)));
  }
  root.append(svg("line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, class: "axis" }));
  const inside = (y) => Math.min(box.bottom, Math.max(box.top, y)).toFixed(1);
  for (const [side, column] of Object.entries(sides)) {
    const band = bands[side], known = (i) => column[i] !== null && band[i] !== null;
    for (let i = 0; band && i < column.length; i++) {
      if (!known(i)) continue;
      let j = i, above = "", below = "";
      for (; j < column.length && known(j); j++) {
        const x = atX(time[j]).toFixed(1);
        above += `${j > i ? "L" : "M"}${x} ${inside(atY(column[j] + band[j]))}`;
        below = `L${x} ${inside(atY(column[j] - band[j]))}${below}`;
      }
      root.append(svg("path", { d: above + below + "Z", class: `band ${side}` }));
      i = j;
    }
  }
  for (const [side, column] of Object.entries(sides)) {
    let path = "", open = false;
    column.forEach((v, i) => {
      if (v !== null) path += `${open ? "L" : "M"}${atX(time[i]).toFixed(1)} ${atY(v).toFixed(1)}`;
      open = v !== null;
    });
    root.append(svg("path", { d: path, class: `curve ${side}` }));
  }
  const cursor = svg("line", { y1: box.top, y2: box.bottom, x1: box.left, x2: box.left, class: "cursor" });
  root.append(cursor);
  root.addEventListener("pointermove", (event) => {
    const at = root.getBoundingClientRect(), x = ((event.clientX - at.left) / at.width) * width;
    onTime(start + (Math.min(box.right, Math.max(box.left, x)) - box.left) / (box.right - box.left) * span);
  });
  return { root, show(t) { const x = atX(t); cursor.setAttribute("x1", x); cursor.setAttribute("x2", x); } };
}
