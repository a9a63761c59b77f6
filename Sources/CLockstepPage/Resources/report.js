// Draws the charts of `lockstep report` as SVG from the data in the page. What they mean, and everything
// that is text, the program has written into the page; here is drawing, hovering and the keyboard alone.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const live = document.getElementById("live");

  // MARK: Elements

  function node(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function svg(name, attributes = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function text(x, y, content, attributes = {}) {
    return svg("text", { x, y, ...attributes }, content);
  }

  const color = (number) => `var(--c${number % 8})`;
  const round = (value) => Math.round(value * 100) / 100;
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  // MARK: Numbers

  function readable(value, digits = 5) {
    if (value === null || value === undefined) return "not finite";
    if (Number.isInteger(value) && Math.abs(value) < 1e7) return value.toLocaleString("en-US");
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
      return value.toExponential(Math.min(digits, 4) - 1).replace(/\.?0+e/, "e").replace("e+", "e");
    }
    return Number(value.toPrecision(digits)).toLocaleString("en-US", { maximumFractionDigits: 10 });
  }

  function linearTicks(low, high, count) {
    const raw = (high - low) / Math.max(count, 1);
    if (!(raw > 0) || !Number.isFinite(raw)) return [];
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw * 0.75);
    const ticks = [];
    for (let index = Math.ceil(low / step - 1e-9); index * step <= high * (1 + 1e-12) + 1e-300; index++) {
      ticks.push(Number((index * step).toPrecision(12)));
      if (ticks.length > 100) break;
    }
    return ticks;
  }

  function logarithmicTicks(low, high, count) {
    const decades = Math.log10(high / low);
    const every = [1, 2, 5, 10, 20, 50, 100].find((every) => decades / every <= count) ?? 100;
    const factors = decades < 1.2 ? [1, 2, 3, 5, 7] : decades < 2.5 ? [1, 2, 5] : [1];
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      if (power % every !== 0) continue;
      for (const factor of factors) {
        const value = Number(`${factor}e${power}`);
        if (value >= low && value <= high) ticks.push(value);
      }
    }
    return ticks.length >= 2 ? ticks : linearTicks(low, high, count);
  }

  /// A range of values on a line of pixels.
  class Axis {
    constructor(values, { log = false, from = 0, to = 1, exact = false, count = 5 }) {
      const found = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
      let low = found.length ? found.reduce((a, b) => Math.min(a, b)) : log ? 1 : 0;
      let high = found.length ? found.reduce((a, b) => Math.max(a, b)) : log ? 10 : 1;
      if (log) {
        if (high <= low * 1.0001) [low, high] = [low / 2, high * 2];
        if (!exact) {
          const margin = (high / low) ** 0.04;
          [low, high] = [low / margin, high * margin];
        }
      } else {
        if (high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high), 1e-300)) {
          const half = low === 0 ? 0.5 : Math.abs(low) / 2;
          [low, high] = [low - half, high + half];
        }
        if (!exact) {
          const margin = 0.05 * (high - low);
          low = low >= 0 && low < 6 * margin ? 0 : low - margin;
          high += margin;
        }
      }
      Object.assign(this, { log, from, to, low, high });
      this.ticks = log ? logarithmicTicks(low, high, count) : linearTicks(low, high, count);
    }

    shows(value) { return Number.isFinite(value) && (!this.log || value > 0); }

    place(value) {
      const { low, high, from, to, log } = this;
      const part = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
      return from + clamp(part, 0, 1) * (to - from);
    }

    value(place) {
      const part = (place - this.from) / (this.to - this.from);
      return this.low + part * (this.high - this.low);
    }
  }

  // MARK: Pieces that charts share

  /// The index of the number nearest to `value` in a rising list.
  function nearest(list, value) {
    let [low, high] = [0, list.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle] < value) low = middle + 1; else high = middle;
    }
    return low > 0 && value - list[low - 1] <= list[low] - value ? low - 1 : low;
  }

  function sample(series) {
    const key = svg("svg", { class: "key", viewBox: "0 0 22 10", "aria-hidden": "true" });
    key.append(svg("line", {
      x1: 0, y1: 5, x2: 22, y2: 5, stroke: color(series.color), "stroke-width": 2.2,
      "stroke-dasharray": series.dashed ? "5 3" : "none", "stroke-opacity": series.faint && !series.means ? 0.55 : 1,
    }));
    if (series.marked) key.append(svg("circle", { cx: 11, cy: 5, r: 3, fill: color(series.color) }));
    return key;
  }

  /// What stands beside the pointer: a title and rows of [color, name, value].
  function showTip(figure, tip, x, title, rows) {
    const body = node("tbody");
    for (const [tint, name, value] of rows) {
      const dot = node("i");
      dot.style.background = tint ?? "transparent";
      body.append(node("tr", {}, node("td", {}, dot), node("td", { class: "name" }, name), node("td", {}, value)));
    }
    tip.replaceChildren(node("strong", {}, title), node("table", {}, body));
    tip.hidden = false;
    const room = figure.clientWidth - tip.offsetWidth - 4;
    const wanted = x + 14 + tip.offsetWidth > figure.clientWidth ? x - tip.offsetWidth - 14 : x + 14;
    tip.style.left = `${clamp(wanted, 4, Math.max(room, 4))}px`;
  }

  function say(title, rows) {
    live.textContent = `${title}: ${rows.map(([, name, value]) => `${name} ${value}`).join(", ")}`;
  }

  /// A figure with a place to draw in, which is drawn again when its width changes.
  class Figure {
    constructor(spec) {
      this.spec = spec;
      this.figure = document.getElementById(spec.id);
      this.head = this.figure.querySelector(".head");
      this.body = node("div", { class: "body" });
      this.tip = node("div", { class: "tip", "aria-hidden": "true" });
      this.tip.hidden = true;
      this.figure.append(this.body, this.tip);
      this.width = 0;
    }

    start() {
      new ResizeObserver(() => {
        const width = Math.round(this.body.clientWidth);
        if (width > 0 && width !== this.width) this.redraw(width);
      }).observe(this.body);
    }

    redraw(width = this.width) {
      this.width = width;
      const focused = this.drawing === document.activeElement;
      const before = this.drawing;
      this.drawing = this.draw(width);
      if (before) before.replaceWith(this.drawing); else this.body.prepend(this.drawing);
      this.drawing.addEventListener("pointermove", (event) => this.point(event));
      this.drawing.addEventListener("pointerdown", (event) => this.point(event));
      this.drawing.addEventListener("pointerleave", () => this.leave());
      this.drawing.addEventListener("blur", () => this.leave());
      this.drawing.addEventListener("keydown", (event) => {
        if (event.key === "Escape") this.leave();
        else if (this.key(event)) event.preventDefault();
      });
      if (focused) this.drawing.focus();
    }

    /// Where the pointer is, in the drawing's own units.
    position(event) {
      const box = this.drawing.getBoundingClientRect();
      return [(event.clientX - box.left) * this.width / box.width, (event.clientY - box.top) * this.width / box.width];
    }

    canvas(height) {
      return svg("svg", {
        class: "chart", viewBox: `0 0 ${this.width} ${height}`, tabindex: 0, role: "img",
        "aria-label": this.label(), "aria-describedby": "keys",
      });
    }

    leave() {
      this.tip.hidden = true;
      this.mark?.replaceChildren();
      this.cursor = undefined;
    }

    label() { return this.spec.title; }
    key() { return false; }
  }

  // MARK: Lines

  class LineChart extends Figure {
    constructor(spec) {
      super(spec);
      this.hidden = new Set();
      this.log = spec.log === true;
      if (spec.series.some((series) => series.y.some((value) => value > 0)) && spec.canLog !== false) {
        const button = node("button", { type: "button", class: "control", "aria-pressed": this.log }, "log");
        button.title = "logarithmic axis";
        button.addEventListener("click", () => {
          this.log = !this.log;
          button.setAttribute("aria-pressed", this.log);
          button.textContent = this.log ? "log" : "linear";
          this.redraw();
        });
        button.textContent = this.log ? "log" : "linear";
        this.head.append(button);
      }
      this.figure.insertBefore(this.legend(), this.body);
      this.body.after(this.values());
    }

    legend() {
      const list = node("ul", { class: "legend" });
      this.spec.series.forEach((series, index) => {
        const button = node("button", { type: "button", "aria-pressed": "true" }, sample(series), node("span", {}, series.name));
        button.addEventListener("click", () => {
          const shown = this.hidden.delete(index);
          if (!shown) this.hidden.add(index);
          button.setAttribute("aria-pressed", shown);
          this.redraw();
        });
        list.append(node("li", {}, button));
      });
      const rest = (name, drawing) => list.append(node("li", {}, node("span", {}, drawing, name)));
      const key = (child) => svg("svg", { class: "key", viewBox: "0 0 22 10", "aria-hidden": "true" }, child);
      for (const level of this.spec.levels ?? []) {
        rest(level.name, key(svg("line", {
          x1: 0, y1: 5, x2: 22, y2: 5, stroke: level.color === undefined ? "var(--soft)" : color(level.color),
          "stroke-width": 1.5, "stroke-dasharray": "2 3" })));
      }
      const strips = this.spec.strips ?? [];
      if (strips.length) rest(strips[0].name, key(svg("rect", { x: 1, y: 2, width: 20, height: 6, fill: color(strips[0].color) })));
      if (this.spec.series.some((series) => series.bad?.length)) {
        rest("not finite", key(svg("path", { d: "M7 1L15 9M7 9L15 1", stroke: "var(--bad)", "stroke-width": 2 })));
      }
      return list;
    }

    get shown() { return this.spec.series.filter((series, index) => !this.hidden.has(index) && series.x.length); }

    label() {
      const parts = this.spec.series.filter((series) => series.y.length).map((series) => {
        const values = series.y.filter((value) => value !== null);
        if (!values.length) return `${series.name}: no finite value`;
        const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
        return `${series.name}: first ${readable(values[0])}, last ${readable(values.at(-1))}, least ${readable(low)}, most ${readable(high)}`;
      });
      return `${this.spec.title}, ${this.spec.yLabel} over ${this.spec.xLabel}. ${parts.join(". ")}`;
    }

    /// Some of the numbers as a table, made when it is opened.
    values() {
      const details = node("details", { class: "values" }, node("summary", {}, "numbers"));
      details.addEventListener("toggle", () => {
        if (!details.open || details.children.length > 1) return;
        const series = this.spec.series.filter((series) => series.x.length);
        const longest = series.reduce((best, next) => (next.x.length > best.x.length ? next : best), series[0]);
        const rows = Math.min(longest.x.length, 12);
        const body = node("tbody");
        for (let row = 0; row < rows; row++) {
          const x = longest.x[Math.round(row * (longest.x.length - 1) / Math.max(rows - 1, 1))];
          body.append(node("tr", {}, node("th", { scope: "row", class: "number" }, readable(x)),
            ...series.map((one) => node("td", { class: "number" }, readable(one.y[nearest(one.x, x)])))));
        }
        const header = node("tr", {}, node("th", { scope: "col", class: "number" }, this.spec.xLabel),
          ...series.map((one) => node("th", { scope: "col", class: "number" }, one.name)));
        details.append(node("div", { class: "scroll" }, node("table", {}, node("thead", {}, header), body)));
      });
      return details;
    }

    draw(width) {
      const { spec } = this;
      const strips = spec.strips ?? [];
      const height = (spec.square ? clamp(width * 0.8, 220, 340) : 250) + 6 * strips.length;
      const shown = this.shown;
      const top = 10, bottom = height - 40 - 6 * strips.length - (strips.length ? 4 : 0);
      const ys = shown.flatMap((series) => series.y).filter((value) => value !== null)
        .concat((spec.levels ?? []).map((level) => level.y));
      const log = this.log && ys.some((value) => value > 0);
      const y = new Axis(spec.range ?? ys, { log, from: bottom, to: top, exact: spec.range !== undefined, count: 5 });
      const labels = y.ticks.map((tick) => readable(tick, 4));
      const left = 30 + 7 * Math.max(...labels.map((label) => label.length), 1);
      const right = width - 14;
      const xs = shown.flatMap((series) => [series.x[0], series.x.at(-1)]);
      const x = new Axis(xs, { from: left, to: right, exact: true, count: clamp(Math.floor((right - left) / 80), 2, 10) });
      Object.assign(this, { x, y, top, bottom });
      const picture = this.canvas(height);

      for (const [index, tick] of y.ticks.entries()) {
        const place = round(y.place(tick));
        picture.append(svg("line", { x1: left, x2: right, y1: place, y2: place, stroke: "var(--grid)" }),
          text(left - 6, place + 4, labels[index], { "text-anchor": "end" }));
      }
      for (const tick of x.ticks) {
        const place = round(x.place(tick));
        picture.append(svg("line", { x1: place, x2: place, y1: top, y2: bottom, stroke: "var(--grid)" }),
          text(place, height - 22, readable(tick), { "text-anchor": tick === x.ticks.at(-1) && place > right - 16 ? "end" : "middle" }));
      }
      picture.append(svg("path", { d: `M${left} ${top}V${bottom}H${right}`, fill: "none", stroke: "var(--line)" }),
        text((left + right) / 2, height - 5, spec.xLabel, { "text-anchor": "middle" }),
        text(12, (top + bottom) / 2, spec.yLabel, { "text-anchor": "middle", transform: `rotate(-90 12 ${(top + bottom) / 2})` }));
      for (const level of spec.levels ?? []) {
        if (!y.shows(level.y)) continue;
        const place = round(y.place(level.y));
        picture.append(svg("line", {
          x1: left, x2: right, y1: place, y2: place, "stroke-dasharray": "2 3", "stroke-width": 1.5,
          stroke: level.color === undefined ? "var(--soft)" : color(level.color),
        }));
      }
      for (const series of shown) this.line(picture, series);
      strips.forEach((strip, row) => this.strip(picture, strip, bottom + 4 + 6 * row));
      this.mark = svg("g", { "pointer-events": "none" });
      picture.append(this.mark);
      return picture;
    }

    line(picture, series) {
      const { x, y } = this;
      const points = [];
      let path = "", pen = "M", column = null;
      const flush = () => {
        if (!column) return;
        // The first, least, most and last of a pixel's column, in their order.
        const kept = [...new Set([column.first, column.low, column.high, column.last])].sort((a, b) => a.index - b.index);
        for (const point of kept) {
          path += `${pen}${round(point.x)} ${round(point.y)}`;
          pen = "L";
        }
        column = null;
      };
      for (let index = 0; index < series.x.length; index++) {
        const value = series.y[index];
        if (!y.shows(value)) {
          flush();
          pen = "M";
          continue;
        }
        const point = { index, x: x.place(series.x[index]), y: y.place(value) };
        points.push(point);
        if (column && Math.floor(column.first.x) !== Math.floor(point.x)) flush();
        if (!column) column = { first: point, low: point, high: point, last: point };
        if (point.y < column.low.y) column.low = point;
        if (point.y > column.high.y) column.high = point;
        column.last = point;
      }
      flush();
      const paint = {
        fill: "none", stroke: color(series.color), "stroke-linejoin": "round", "stroke-linecap": "round",
        "stroke-width": series.faint ? 1 : 1.6, "stroke-opacity": series.means ? 0.35 : series.faint ? 0.55 : 1,
        "stroke-dasharray": series.dashed ? "5 3" : "none",
      };
      if (path) picture.append(svg("path", { d: path, ...paint }));
      if (series.means) {
        let means = "";
        series.means.y.forEach((value, index) => {
          if (y.shows(value)) means += `${means ? "L" : "M"}${round(x.place(series.means.x[index]))} ${round(y.place(value))}`;
        });
        picture.append(svg("path", { d: means, ...paint, "stroke-width": 2, "stroke-opacity": 1 }));
      }
      if (series.marked && points.length <= 80 || points.length === 1) {
        for (const point of points) {
          picture.append(svg("circle", { cx: round(point.x), cy: round(point.y), r: 3, fill: color(series.color) }));
        }
      }
      const seen = new Set();
      for (const step of series.bad ?? []) {
        const place = Math.round(x.place(step));
        if (seen.has(place)) continue;
        seen.add(place);
        picture.append(svg("path", {
          d: `M${place - 4} ${this.top + 2}l8 8m-8 0l8 -8`, stroke: "var(--bad)", "stroke-width": 2,
        }));
      }
    }

    /// The share of the steps of each place that were clipped, as how dark it is.
    strip(picture, strip, top) {
      const { x } = this;
      const columns = new Map();
      strip.clipped.forEach((clipped, bin) => {
        if (!strip.total[bin]) return;
        const start = Math.floor(x.place(strip.first + bin * strip.width));
        const column = columns.get(start) ?? { clipped: 0, total: 0, end: start };
        column.clipped += clipped;
        column.total += strip.total[bin];
        column.end = Math.max(column.end, Math.ceil(x.place(strip.first + (bin + 1) * strip.width)));
        columns.set(start, column);
      });
      for (const [start, column] of columns) {
        if (column.clipped === 0) continue;
        picture.append(svg("rect", {
          x: start, y: top, width: Math.max(column.end - start, 1), height: 4, fill: color(strip.color),
          "fill-opacity": round(0.2 + 0.8 * column.clipped / column.total),
        }));
      }
    }

    point(event) {
      const shown = this.shown;
      if (!shown.length) return;
      const [place] = this.position(event);
      const value = this.x.value(place);
      let best = null;
      for (const series of shown) {
        const found = series.x[nearest(series.x, value)];
        if (best === null || Math.abs(found - value) < Math.abs(best - value)) best = found;
      }
      this.show(best, false);
    }

    key(event) {
      const shown = this.shown;
      if (!shown.length) return false;
      const series = shown.reduce((best, next) => (next.x.length > best.x.length ? next : best), shown[0]);
      const last = series.x.length - 1;
      const now = this.cursor === undefined ? last : nearest(series.x, this.cursor);
      const jump = event.shiftKey ? Math.ceil(series.x.length / 20) : 1;
      const next = {
        ArrowLeft: now - jump, ArrowRight: now + jump, Home: 0, End: last, Enter: now,
        PageUp: now - Math.ceil(last / 10), PageDown: now + Math.ceil(last / 10),
      }[event.key];
      if (next === undefined) return false;
      this.show(series.x[clamp(next, 0, last)], true);
      return true;
    }

    show(value, spoken) {
      this.cursor = value;
      const { x, y, top, bottom } = this;
      const reach = 0.04 * (x.high - x.low);
      const place = round(x.place(value));
      this.mark.replaceChildren(svg("line", { x1: place, x2: place, y1: top, y2: bottom, stroke: "var(--soft)", "stroke-dasharray": "3 3" }));
      const rows = [];
      for (const series of this.shown) {
        const index = nearest(series.x, value);
        const at = series.x[index];
        if (Math.abs(at - value) > reach) continue;
        const number = series.y[index];
        rows.push([color(series.color), series.name + (at === value ? "" : ` (${readable(at)})`), readable(number)]);
        if (y.shows(number)) {
          this.mark.append(svg("circle", {
            cx: round(x.place(at)), cy: round(y.place(number)), r: 4, fill: color(series.color), stroke: "var(--card)", "stroke-width": 1.5,
          }));
        }
      }
      for (const strip of this.spec.strips ?? []) {
        const bin = Math.floor((value - strip.first) / strip.width);
        if (!strip.total[bin]) continue;
        const answer = strip.width === 1 ? (strip.clipped[bin] ? "yes" : "no") : `${strip.clipped[bin]} of ${strip.total[bin]} steps`;
        rows.push([color(strip.color), strip.run ? `clipped, ${strip.run}` : "clipped", answer]);
      }
      const title = `${this.spec.xLabel} ${readable(value)}`;
      const scale = this.drawing.getBoundingClientRect().width / this.width;
      showTip(this.figure, this.tip, place * scale + 16, title, rows);
      this.tip.style.top = `${this.body.offsetTop + 8}px`;
      if (spoken) say(title, rows);
    }
  }

  // MARK: Heat maps

  const stops = ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"]
    .map((hex) => [0, 2, 4].map((start) => parseInt(hex.slice(start, start + 2), 16)));

  /// A color of viridis, from 0 to 1.
  function viridis(part) {
    const place = clamp(part, 0, 1) * (stops.length - 1);
    const index = Math.min(Math.floor(place), stops.length - 2);
    return stops[index].map((from, channel) => Math.round(from + (place - index) * (stops[index + 1][channel] - from)));
  }

  class HeatMap extends Figure {
    label() {
      const { spec } = this;
      return `${spec.title}: ${spec.rows.length} rows, ${spec.columns.length} columns, from ${readable(this.low)} to ${readable(this.high)}`;
    }

    draw(width) {
      const { spec } = this;
      const values = spec.values.flat().filter((value) => value !== null && (!spec.log || value > 0));
      this.low = values.length ? values.reduce((a, b) => Math.min(a, b)) : 0;
      this.high = values.length ? values.reduce((a, b) => Math.max(a, b)) : 1;
      const rowHeight = clamp(Math.floor(420 / spec.rows.length), 5, 20);
      const every = Math.ceil(13 / rowHeight);
      const most = Math.floor(width * 0.42 / 6.6);
      const short = (name) => (name.length > most ? `…${name.slice(name.length - most + 1)}` : name);
      const left = 10 + 6.6 * Math.min(Math.max(...spec.rows.map((name) => name.length)), most);
      const right = width - 10, top = 6, bottom = top + rowHeight * spec.rows.length;
      const height = bottom + 82;
      Object.assign(this, { left, right, top, bottom, rowHeight });
      const picture = this.canvas(height);
      picture.append(svg("image", {
        href: this.image(), x: left, y: top, width: right - left, height: bottom - top,
        preserveAspectRatio: "none", style: "image-rendering: pixelated",
      }));
      spec.rows.forEach((name, row) => {
        if (row % every) return;
        picture.append(text(left - 6, top + (row + 0.5) * rowHeight + 4, short(name), { "text-anchor": "end" },));
      });
      const count = spec.columns.length;
      const gap = Math.max(1, Math.ceil(count / Math.max(1, Math.floor((right - left) / 64))));
      for (let column = 0; column < count; column += gap) {
        const place = left + (column + 0.5) * (right - left) / count;
        picture.append(text(round(clamp(place, left + 8, right - 12)), bottom + 16, readable(spec.columns[column]), { "text-anchor": "middle" }));
      }
      picture.append(text((left + right) / 2, bottom + 33, spec.xLabel, { "text-anchor": "middle" }));
      this.scale(picture, left, right, bottom + 44);
      this.mark = svg("g", { "pointer-events": "none" });
      picture.append(this.mark);
      return picture;
    }

    part(value) {
      if (this.high <= this.low) return 0.5;
      return this.spec.log
        ? Math.log(value / this.low) / Math.log(this.high / this.low)
        : (value - this.low) / (this.high - this.low);
    }

    image() {
      const { spec } = this;
      const canvas = node("canvas", { width: spec.columns.length, height: spec.rows.length });
      const context = canvas.getContext("2d");
      const pixels = context.createImageData(spec.columns.length, spec.rows.length);
      spec.values.forEach((row, index) => row.forEach((value, column) => {
        const start = 4 * (index * spec.columns.length + column);
        if (value === null || (spec.log && value <= 0)) return;
        pixels.data.set([...viridis(this.part(value)), 255], start);
      }));
      context.putImageData(pixels, 0, 0);
      return canvas.toDataURL();
    }

    scale(picture, left, right, top) {
      const id = `${this.spec.id}-scale`;
      const gradient = svg("linearGradient", { id });
      stops.forEach((stop, index) => gradient.append(svg("stop", {
        offset: index / (stops.length - 1), "stop-color": `rgb(${stop.join(",")})`,
      })));
      picture.append(gradient, svg("rect", { x: left, y: top, width: right - left, height: 8, fill: `url(#${id})` }),
        text(left, top + 22, readable(this.low, 3)), text(right, top + 22, readable(this.high, 3), { "text-anchor": "end" }),
        text((left + right) / 2, top + 22, this.spec.yLabel, { "text-anchor": "middle" }));
    }

    point(event) {
      const [x, y] = this.position(event);
      const { spec } = this;
      const column = Math.floor((x - this.left) / (this.right - this.left) * spec.columns.length);
      const row = Math.floor((y - this.top) / this.rowHeight);
      if (column < 0 || row < 0 || column >= spec.columns.length || row >= spec.rows.length) return this.leave();
      this.show([row, column], false);
    }

    key(event) {
      const [row, column] = this.cursor ?? [0, this.spec.columns.length - 1];
      const next = {
        ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column],
        ArrowDown: [row + 1, column], Home: [row, 0], End: [row, this.spec.columns.length - 1], Enter: [row, column],
      }[event.key];
      if (!next) return false;
      this.show([clamp(next[0], 0, this.spec.rows.length - 1), clamp(next[1], 0, this.spec.columns.length - 1)], true);
      return true;
    }

    show([row, column], spoken) {
      this.cursor = [row, column];
      const { spec } = this;
      const cell = (this.right - this.left) / spec.columns.length;
      this.mark.replaceChildren(svg("rect", {
        x: round(this.left + column * cell), y: this.top + row * this.rowHeight, width: round(Math.max(cell, 2)), height: this.rowHeight,
        fill: "none", stroke: "var(--text)", "stroke-width": 1.5,
      }));
      const title = `${spec.rows[row]}, ${spec.xLabel} ${readable(spec.columns[column])}`;
      const rows = [[null, spec.yLabel, readable(spec.values[row][column])]];
      if (spec.second) rows.push([null, spec.secondLabel, readable(spec.second[row][column])]);
      const scale = this.drawing.getBoundingClientRect().width / this.width;
      showTip(this.figure, this.tip, (this.left + column * cell) * scale + 16, title, rows);
      this.tip.style.top = `${this.body.offsetTop + (this.top + (row + 1) * this.rowHeight) * scale + 6}px`;
      if (spoken) say(title, rows);
    }
  }

  // MARK: Stacked bars

  class StackedBars extends Figure {
    constructor(spec) {
      super(spec);
      const list = node("ul", { class: "legend" });
      spec.parts.forEach((part, index) => {
        const key = svg("svg", { class: "key", viewBox: "0 0 22 10", "aria-hidden": "true" }, svg("rect", { x: 4, y: 0, width: 14, height: 10, ...this.paint(index) }));
        list.append(node("li", {}, node("span", {}, key, part.name)));
      });
      this.figure.insertBefore(list, this.body);
    }

    /// Work in colors; waits pale, so that what is lost can be told from what is done.
    paint(index) {
      return { fill: color(index), "fill-opacity": this.spec.parts[index].isWaiting ? 0.3 : index >= 8 ? 0.6 : 0.9 };
    }

    label() {
      const { spec } = this;
      return `${spec.title}. ${spec.rows.map((name, row) =>
        `${name}: ${spec.parts.map((part) => `${part.name} ${readable(part.values[row], 3)}`).join(", ")} ${spec.unit}`).join(". ")}`;
    }

    draw(width) {
      const { spec } = this;
      const rowHeight = clamp(Math.floor(360 / spec.rows.length), 8, 26);
      const every = Math.ceil(14 / rowHeight);
      const left = 16 + 7 * Math.max(...spec.rows.map((name) => name.length)), right = width - 14, top = 6;
      const bottom = top + rowHeight * spec.rows.length;
      const sums = spec.rows.map((_, row) => spec.parts.reduce((sum, part) => sum + part.values[row], 0));
      const x = new Axis([0, ...sums], { from: left, to: right, exact: true, count: clamp(Math.floor((right - left) / 80), 2, 10) });
      Object.assign(this, { x, left, right, top, bottom, rowHeight });
      const picture = this.canvas(bottom + 40);
      for (const tick of x.ticks) {
        picture.append(svg("line", { x1: x.place(tick), x2: x.place(tick), y1: top, y2: bottom, stroke: "var(--grid)" }),
          text(round(x.place(tick)), bottom + 16, readable(tick), { "text-anchor": "middle" }));
      }
      picture.append(text((left + right) / 2, bottom + 34, spec.unit, { "text-anchor": "middle" }));
      spec.rows.forEach((name, row) => {
        if (row % every === 0) picture.append(text(left - 6, top + (row + 0.5) * rowHeight + 4, name, { "text-anchor": "end" }));
        let start = 0;
        spec.parts.forEach((part, index) => {
          const end = start + part.values[row];
          picture.append(svg("rect", {
            x: round(x.place(start)), y: top + row * rowHeight + 1, height: rowHeight - 2,
            width: round(Math.max(x.place(end) - x.place(start), 0)), ...this.paint(index),
          }));
          start = end;
        });
      });
      this.mark = svg("g", { "pointer-events": "none" });
      picture.append(this.mark);
      return picture;
    }

    point(event) {
      const row = Math.floor((this.position(event)[1] - this.top) / this.rowHeight);
      if (row < 0 || row >= this.spec.rows.length) return this.leave();
      this.show(row, false);
    }

    key(event) {
      const step = { ArrowUp: -1, ArrowDown: 1, Enter: 0, Home: -1e9, End: 1e9 }[event.key];
      if (step === undefined) return false;
      this.show(this.cursor === undefined ? 0 : clamp(this.cursor + step, 0, this.spec.rows.length - 1), true);
      return true;
    }

    show(row, spoken) {
      this.cursor = row;
      const { spec } = this;
      this.mark.replaceChildren(svg("rect", {
        x: this.left, y: this.top + row * this.rowHeight, width: this.right - this.left, height: this.rowHeight,
        fill: "none", stroke: "var(--text)",
      }));
      const sum = spec.parts.reduce((sum, part) => sum + part.values[row], 0);
      const rows = spec.parts.filter((part) => part.values[row] > 0).map((part) =>
        [color(spec.parts.indexOf(part)), part.name, `${readable(part.values[row], 3)} · ${readable(100 * part.values[row] / sum, 3)} %`]);
      const title = `${spec.rows[row]}: ${readable(sum, 4)} ${spec.unit}`;
      showTip(this.figure, this.tip, (this.left + 40) * this.drawing.getBoundingClientRect().width / this.width, title, rows);
      this.tip.style.top = `${this.body.offsetTop + this.top + (row + 1) * this.rowHeight + 6}px`;
      if (spoken) say(title, rows);
    }
  }

  // MARK: The page

  const root = document.documentElement;
  const wish = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  function setTheme(theme) {
    root.dataset.theme = theme;
    button.textContent = theme === "dark" ? "light theme" : "dark theme";
  }
  setTheme(wish.matches ? "dark" : "light");
  wish.addEventListener("change", () => setTheme(wish.matches ? "dark" : "light"));
  button.addEventListener("click", () => setTheme(root.dataset.theme === "dark" ? "light" : "dark"));
  button.hidden = false;

  const kinds = { lines: LineChart, heat: HeatMap, bars: StackedBars };
  for (const spec of data.charts) new kinds[spec.kind](spec).start();
})();
