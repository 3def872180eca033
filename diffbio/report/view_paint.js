// Bones, tubes, balls and the floor, in WebGL2. Places in metres, colours 0 to 1; z is up.
function makePainter(canvas) {
  const gl = canvas.getContext("webgl2", { antialias: true, alpha: true, stencil: true, powerPreference: "high-performance" });
  if (!gl) return null;

  const HEAD = "#version 300 es\nprecision highp float;\n";
  const LIGHT = `
    vec3 lit(vec3 colour, vec3 n, vec3 v, vec3 light) {
      float key = 0.5 + 0.5 * dot(n, light), front = max(dot(n, v), 0.0), edge = 1.0 - front;
      vec3 around = mix(vec3(0.66, 0.60, 0.57), vec3(0.98, 1.0, 1.04), 0.5 + 0.5 * n.z);
      float gloss = pow(max(dot(n, normalize(light + v)), 0.0), 32.0);
      return colour * (0.34 * around + 0.44 * key * key + 0.36 * front) * (1.0 - 0.35 * edge * edge) + 0.08 * gloss;
    }`;
  const SOURCES = {
    mesh: [`
      in vec3 place, normal; uniform mat4 world, picture; uniform vec3 eye; out vec3 n, v;
      void main() {
        vec4 p = world * vec4(place, 1.0);
        n = mat3(world) * normal; v = eye - p.xyz; gl_Position = picture * p;
      }`, `
      in vec3 n, v; uniform vec3 colour, light; out vec4 shown; ${LIGHT}
      void main() {
        vec3 a = normalize(n), b = normalize(v);
        shown = vec4(lit(colour, dot(a, b) < 0.0 ? -a : a, b, light), 1.0);
      }`],
    // Along the light onto the floor.
    shadow: [`
      in vec3 place; uniform mat4 world, picture; uniform vec3 light; uniform float ground; out float height;
      void main() {
        vec3 p = (world * vec4(place, 1.0)).xyz;
        height = p.z - ground;
        gl_Position = picture * vec4(p.xy - light.xy * height / light.z, ground + 0.001, 1.0);
      }`, `
      in float height; uniform vec4 colour; out vec4 shown;
      void main() {
        if (height < -0.02) discard;
        float a = colour.a * exp(-0.55 * max(height, 0.0));
        shown = vec4(colour.rgb * a, a);
      }`],
    // A strip between two places, as wide as asked in metres but at least in pixels; shaded as a tube where round.
    tube: [`
      in vec2 corner; in vec3 start, end; in vec4 tint; in vec3 size;
      uniform mat4 picture; uniform vec2 screen; uniform float focal; out vec4 c; out float across, round;
      void main() {
        vec4 a = picture * vec4(start, 1.0), b = picture * vec4(end, 1.0);
        float near = 0.02;
        if (a.w < near && b.w < near) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); return; }
        if (a.w < near) a = mix(a, b, (near - a.w) / (b.w - a.w));
        if (b.w < near) b = mix(b, a, (near - b.w) / (a.w - b.w));
        vec2 p = a.xy / a.w * screen, q = b.xy / b.w * screen, along = q - p;
        along = length(along) < 1e-4 ? vec2(1.0, 0.0) : normalize(along);
        vec4 here = corner.x < 0.5 ? a : b;
        float half_px = max(size.x * focal / here.w, size.y);
        vec2 shift = vec2(-along.y, along.x) * corner.y * half_px + along * (corner.x * 2.0 - 1.0) * 0.35 * half_px;
        gl_Position = vec4(here.xy + shift / screen * here.w, here.z, here.w);
        c = tint; across = corner.y; round = size.z;
      }`, `
      in vec4 c; in float across, round; out vec4 shown;
      void main() {
        float lift = sqrt(max(0.0, 1.0 - across * across));
        vec3 colour = mix(c.rgb, c.rgb * (0.42 + 0.66 * lift) + 0.10 * pow(lift, 12.0), round);
        float a = c.a * mix(clamp((1.0 - abs(across)) * 3.0, 0.0, 1.0), 1.0, round);
        shown = vec4(colour * a, a);
      }`],
    ball: [`
      in vec2 corner; in vec3 centre; in vec4 tint; in vec2 size;
      uniform mat4 picture; uniform vec2 screen; uniform float focal; out vec4 c; out vec2 at;
      void main() {
        vec4 p = picture * vec4(centre, 1.0);
        float r = max(size.x * focal / max(p.w, 0.02), size.y);
        // A little nearer than its centre, as a ball is.
        gl_Position = vec4(p.xy + corner * r / screen * p.w, p.z - 0.0004 * p.w, p.w);
        c = tint; at = corner;
      }`, `
      in vec4 c; in vec2 at; out vec4 shown;
      void main() {
        float d = length(at);
        if (d > 1.0) discard;
        float lift = sqrt(1.0 - d * d), gloss = pow(max(0.0, 1.0 - length(at - vec2(-0.3, 0.35))), 6.0);
        float a = c.a * clamp((1.0 - d) * 5.0, 0.0, 1.0);
        shown = vec4((c.rgb * (0.5 + 0.55 * lift) + 0.35 * gloss) * a, a);
      }`],
    floor: [`
      in vec2 corner; uniform mat4 picture; uniform vec4 box; uniform float ground; out vec2 p;
      void main() { p = mix(box.xy, box.zw, corner); gl_Position = picture * vec4(p, ground, 1.0); }`, `
      in vec2 p; uniform vec4 box; uniform vec3 fine, strong; out vec4 shown;
      float lines(vec2 at, float width) {
        vec2 w = fwidth(at) * width, d = abs(fract(at - 0.5) - 0.5);
        vec2 l = 1.0 - smoothstep(0.5 * w, 1.5 * w, d);
        vec2 calm = clamp(1.5 - 4.0 * fwidth(at), 0.0, 1.0);
        return max(l.x * calm.x, l.y * calm.y);
      }
      void main() {
        vec2 middle = 0.5 * (box.xy + box.zw), reach = 0.5 * (box.zw - box.xy);
        vec2 far = abs(p - middle) / reach;
        float fade = 1.0 - smoothstep(0.62, 1.0, max(far.x, far.y));
        float thin = lines(p * 2.0, 0.7), thick = lines(p, 0.8);
        float a = fade * max(0.5 * thin, 0.7 * thick);
        shown = vec4(mix(fine, strong, thick) * a, a);
      }`],
  };

  function compile(name) {
    const program = gl.createProgram();
    SOURCES[name].forEach((source, i) => {
      const shader = gl.createShader(i ? gl.FRAGMENT_SHADER : gl.VERTEX_SHADER);
      gl.shaderSource(shader, HEAD + source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    });
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`${name}: ${gl.getProgramInfoLog(program)}`);
    const places = {};
    for (let i = 0; i < gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS); i++) {
      const { name: key } = gl.getActiveUniform(program, i);
      places[key] = gl.getUniformLocation(program, key);
    }
    return { program, places, attribute: (key) => gl.getAttribLocation(program, key) };
  }
  const programs = Object.fromEntries(Object.keys(SOURCES).map((name) => [name, compile(name)]));
  const buffer = (content, target = gl.ARRAY_BUFFER) => {
    const made = gl.createBuffer();
    gl.bindBuffer(target, made);
    gl.bufferData(target, content, target === gl.ARRAY_BUFFER && typeof content === "number" ? gl.DYNAMIC_DRAW : gl.STATIC_DRAW);
    return made;
  };
  function feed(program, key, size, stride, offset, divisor = 0) {
    const at = programs[program].attribute(key);
    if (at < 0) return;
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, gl.FLOAT, false, 4 * stride, 4 * offset);
    gl.vertexAttribDivisor(at, divisor);
  }
  function use(name) {
    const { program, places } = programs[name];
    gl.useProgram(program);
    return places;
  }

  // Every mesh once, with places and normals; drawn part by part.
  let bones = null;
  function setBones(places, normals, faces) {
    const arrays = {};
    const at = buffer(places), across = buffer(normals), index = buffer(faces, gl.ELEMENT_ARRAY_BUFFER);
    for (const name of ["mesh", "shadow"]) {
      arrays[name] = gl.createVertexArray();
      gl.bindVertexArray(arrays[name]);
      gl.bindBuffer(gl.ARRAY_BUFFER, at); feed(name, "place", 3, 3, 0);
      gl.bindBuffer(gl.ARRAY_BUFFER, across); feed(name, "normal", 3, 3, 0);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, index);
    }
    gl.bindVertexArray(null);
    bones = arrays;
  }

  const corners = { tube: buffer(new Float32Array([0, -1, 1, -1, 0, 1, 1, 1])), ball: buffer(new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1])), floor: buffer(new Float32Array([0, 0, 1, 0, 0, 1, 1, 1])) };
  const TUBE = 13, BALL = 9;
  const FIELDS = { tube: [["start", 3, 0], ["end", 3, 3], ["tint", 4, 6], ["size", 3, 10]], ball: [["centre", 3, 0], ["tint", 4, 3], ["size", 2, 7]] };
  const instanced = {};
  for (const [name, stride] of [["tube", TUBE], ["ball", BALL]]) {
    const array = gl.createVertexArray(), content = gl.createBuffer();
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, corners[name]); feed(name, "corner", 2, 2, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, content);
    for (const [key, size, offset] of FIELDS[name]) feed(name, key, size, stride, offset, 1);
    instanced[name] = { array, content, stride };
  }
  const floorArray = gl.createVertexArray();
  gl.bindVertexArray(floorArray);
  gl.bindBuffer(gl.ARRAY_BUFFER, corners.floor); feed("floor", "corner", 2, 2, 0);
  gl.bindVertexArray(null);

  let view = null;
  function begin(next) {
    view = next;
    const ratio = view.ratio, width = Math.round(view.width * ratio), height = Math.round(view.height * ratio);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }
  function floor(box, ground, fine, strong) {
    const places = use("floor");
    gl.uniformMatrix4fv(places.picture, false, view.picture);
    gl.uniform4fv(places.box, box); gl.uniform1f(places.ground, ground);
    gl.uniform3fv(places.fine, fine); gl.uniform3fv(places.strong, strong);
    gl.bindVertexArray(floorArray);
    gl.depthMask(false);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.depthMask(true);
  }
  function drawParts(name, parts, worlds, places) {
    gl.bindVertexArray(bones[name]);
    parts.forEach(({ face, faces }, i) => {
      if (!faces) return;
      gl.uniformMatrix4fv(places.world, false, worlds, 16 * i, 16);
      gl.drawElements(gl.TRIANGLES, 3 * faces, gl.UNSIGNED_INT, 12 * face);
    });
  }
  // Each pixel of the floor once, however many bones shade it.
  function shadow(parts, worlds, ground, light, colour) {
    const places = use("shadow");
    gl.uniformMatrix4fv(places.picture, false, view.picture);
    gl.uniform3fv(places.light, light); gl.uniform1f(places.ground, ground); gl.uniform4fv(places.colour, colour);
    gl.enable(gl.STENCIL_TEST);
    gl.stencilFunc(gl.EQUAL, 0, 255); gl.stencilOp(gl.KEEP, gl.KEEP, gl.INCR);
    gl.depthMask(false);
    drawParts("shadow", parts, worlds, places);
    gl.depthMask(true);
    gl.disable(gl.STENCIL_TEST);
  }
  function meshes(parts, worlds, colour, light) {
    const places = use("mesh");
    gl.uniformMatrix4fv(places.picture, false, view.picture);
    gl.uniform3fv(places.eye, view.eye); gl.uniform3fv(places.light, light); gl.uniform3fv(places.colour, colour);
    drawParts("mesh", parts, worlds, places);
  }
  function many(name, content, count) {
    if (!count) return;
    const { array, content: into, stride } = instanced[name], places = use(name);
    gl.uniformMatrix4fv(places.picture, false, view.picture);
    gl.uniform2f(places.screen, view.width / 2, view.height / 2); gl.uniform1f(places.focal, view.focal);
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, into);
    gl.bufferData(gl.ARRAY_BUFFER, content.subarray(0, stride * count), gl.DYNAMIC_DRAW);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
  }
  return {
    setBones, begin, floor, shadow, meshes, TUBE, BALL,
    tubes: (content, count) => many("tube", content, count),
    balls: (content, count) => many("ball", content, count),
  };
}
