"use strict";
// What a page can do beyond being read: choose rows, ask plots for values, browse trees. All texts go in as text.

for (const form of document.querySelectorAll(".filter")) {
  const rows = [...form.nextElementSibling.querySelectorAll("tbody tr")], selects = [...form.querySelectorAll("select")];
  form.hidden = false;
  const apply = () => {
    for (const row of rows) {
      const tags = (row.dataset.tags || "").split("\n");
      row.hidden = selects.some((select, i) => select.value && tags[i] !== select.value);
    }
    form.querySelector("output").textContent = rows.filter((row) => !row.hidden).length + " of " + rows.length + " " + form.dataset.counted;
  };
  form.addEventListener("change", apply);
  apply();
}

// element makes an element of a class that holds a text.
const element = (tag, name, text) => {
  const e = document.createElement(tag);
  if (name) e.className = name;
  if (text !== undefined) e.textContent = text;
  return e;
};

const short = (value, x = Number(value)) => (Math.abs(x) >= 1e5 || (x && Math.abs(x) < 1e-3) ? x.toPrecision(3) : String(Number(x.toPrecision(4)))).replace("-", "−");

for (const plot of document.querySelectorAll(".plot")) {
  const svg = plot.querySelector("svg"), values = plot.querySelector(".values"), guide = plot.querySelector(".guide");
  const curves = [...svg.querySelectorAll("g")], buttons = [...plot.querySelectorAll(".legend button")];
  const names = buttons.map((button) => button.textContent);
  const circles = curves.flatMap((g, series) => [...g.querySelectorAll("circle")].map((circle) => ({ circle, series })));
  for (const { circle } of circles) circle.querySelector("title").remove(); // the box shows it
  const hide = () => { values.hidden = true; guide.setAttribute("visibility", "hidden"); };
  const show = (event) => {
    const matrix = svg.getScreenCTM();
    if (!matrix) return;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    let nearest = null, distance = Infinity;
    for (const c of circles) {
      const d = Math.abs(c.circle.cx.baseVal.value - at.x) + 0.01 * Math.abs(c.circle.cy.baseVal.value - at.y);
      if (!curves[c.series].hasAttribute("hidden") && d < distance) { nearest = c; distance = d; }
    }
    if (!nearest) return hide();
    const x = nearest.circle.cx.baseVal.value;
    values.replaceChildren(element("b", "", short(nearest.circle.dataset.x)));
    for (const { circle, series } of circles) {
      if (circle.cx.baseVal.value !== x || curves[series].hasAttribute("hidden")) continue;
      const row = element("div"), { y, low, high } = circle.dataset;
      row.append(element("span", "s " + curves[series].getAttribute("class").split(" ")[0]), names[series] + " ", element("b", "", short(y)));
      if (low !== undefined && high !== undefined) row.append(" [" + short(low) + ", " + short(high) + "]");
      values.append(row);
    }
    guide.setAttribute("x1", x);
    guide.setAttribute("x2", x);
    guide.setAttribute("visibility", "visible");
    values.hidden = false;
    const right = x > svg.viewBox.baseVal.width / 2;
    values.style.left = right ? "3.2rem" : "auto";
    values.style.right = right ? "auto" : ".4rem";
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  plot.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
  buttons.forEach((button, i) => button.addEventListener("click", () => {
    const off = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!off));
    curves[i].toggleAttribute("hidden", off);
    const seen = curves.filter((g) => !g.hasAttribute("hidden") && g.querySelector("polyline")).length;
    plot.classList.toggle("crowded", seen > 3);
    hide();
  }));
}

for (const browser of document.querySelectorAll(".browser")) {
  const trees = JSON.parse(browser.parentElement.querySelector("script.trees").textContent) || [];
  if (!trees.length) continue;
  browser.hidden = false;
  const output = browser.querySelector("output");
  const choice = { question: trees[0].question, method: trees[0].method, step: trees[0].step };
  const values = (of) => [...new Set(trees.map(of))];
  const find = (c) => trees.find((t) => t.question === c.question && t.method === c.method && t.step === c.step);
  const keys = [
    ["question", values((t) => t.question), (q) => q],
    ["method", values((t) => t.method), (m) => m],
    ["step", values((t) => t.step).sort((a, b) => a - b), (s) => (s ? "after step " + s : "before training")],
  ];

  // segment shows one segment; scale is the largest advantage.
  const segment = (tree, i, scale) => {
    const s = tree.segments[i], row = element("div", "segment " + s.kind), body = element("div", "body");
    row.append(element("span", "kind", s.kind), body);
    s.pieces.forEach((text, j) => {
      const a = s.advantages ? s.advantages[s.advantages.length === 1 ? 0 : j] : 0;
      if (!s.logprobs) return body.append(text);
      const token = element("span", "token" + (a > 0 ? " plus" : a < 0 ? " minus" : ""), text);
      token.style.setProperty("--a", scale ? Math.abs(a) / scale : 0);
      token.dataset.value = "advantage " + (s.advantages ? short(a) : "none") + ", probability " + short(Math.exp(s.logprobs[j]));
      body.append(token);
    });
    if (s.rewards) {
      const parts = element("div", "parts");
      for (const r of s.rewards) {
        const part = element("span", "", r.name + " " + short(r.value));
        if (r.source) part.title = r.source;
        parts.append(part);
      }
      body.append(parts);
    }
    return row;
  };

  // summary names a branch by its first words.
  const summary = (tree, i, kids) => {
    let texts = [], at = i;
    for (let n = 0; n < 4 && at !== undefined; n++) {
      const s = tree.segments[at];
      if (s.value && (s.kind === "query" || s.kind === "answer")) { texts.push(s.kind + ": " + s.value); break; }
      if (s.value) texts.push(s.value);
      at = kids[at].length === 1 ? kids[at][0] : undefined;
    }
    return texts.join(" → ") || tree.segments[i].kind;
  };

  const draw = () => {
    const tree = find(choice), root = browser.querySelector(".tree");
    browser.querySelector(".choices").replaceChildren(...keys.map(([key, all, text]) => {
      const row = element("div");
      row.append(element("span", "name", key));
      for (const value of all) {
        const button = element("button", "", text(value));
        button.type = "button";
        button.setAttribute("aria-pressed", String(choice[key] === value));
        button.addEventListener("click", () => {
          choice[key] = value;
          if (!find(choice)) choice.step = trees.find((t) => t.question === choice.question && t.method === choice.method).step;
          draw();
        });
        button.disabled = !trees.some((t) => t[key] === value && (key !== "step" || (t.method === choice.method && t.question === choice.question)));
        row.append(button);
      }
      return row;
    }));
    browser.querySelector(".question").textContent = tree.text + "  (answer: " + tree.gold.join(" or ") + ")";
    const kids = tree.segments.map(() => []);
    tree.segments.forEach((s, i) => { if (s.parent >= 0) kids[s.parent].push(i); });
    const below = (i) => kids[i].reduce((n, k) => n + below(k), 1);
    const scale = Math.max(0, ...tree.segments.flatMap((s) => (s.advantages || []).map(Math.abs)));
    const ends = {};
    for (const t of tree.trajectories) ends[t.leaf] = t;
    const flow = (into, i, depth) => {
      for (;;) {
        into.append(segment(tree, i, scale));
        if (ends[i]) {
          const e = ends[i];
          into.append(element("div", "end", e.end + (e.answer ? ": " + e.answer : "") + ", reward " + short(e.reward)));
        }
        if (kids[i].length !== 1) break;
        i = kids[i][0];
      }
      if (!kids[i].length) return;
      // The one branch that goes on, where the others end at once.
      const long = kids[i].filter((k) => kids[k].length && below(k) > 3), goesOn = long.length === 1 ? long[0] : undefined;
      kids[i].forEach((k, n) => {
        const branch = element("details", "branch"), title = element("summary");
        const a = (tree.segments[k].advantages || [])[0];
        title.append(n + 1 + " of " + kids[i].length + " ");
        if (a !== undefined) {
          const chip = element("span", "token" + (a > 0 ? " plus" : a < 0 ? " minus" : ""), (a > 0 ? "+" : "") + short(a));
          chip.style.setProperty("--a", scale ? Math.abs(a) / scale : 0);
          title.append(chip, " ");
        }
        title.append(element("span", "sum", summary(tree, k, kids)));
        if (k === goesOn) branch.classList.add("taken");
        branch.open = goesOn === undefined ? depth === 0 && n === 0 : k === goesOn;
        branch.append(title);
        into.append(branch);
        flow(branch, k, depth + 1);
      });
    };
    root.replaceChildren();
    tree.segments.forEach((s, i) => { if (s.parent < 0) flow(root, i, 0); });
  };

  const tell = (event) => {
    const token = event.target.closest(".token[data-value]");
    if (!token) return;
    for (const other of browser.querySelectorAll(".chosen")) other.classList.remove("chosen");
    token.classList.add("chosen");
    output.textContent = token.dataset.value;
  };
  browser.addEventListener("pointerover", tell);
  browser.addEventListener("click", tell);
  draw();
}
