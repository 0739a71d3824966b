# The HTML page around an SVG picture: search, pan, zoom, details; no file or address but its own.
"""One page that works from a disk, offline, in any current browser."""

from __future__ import annotations

import json

from ._collect import Picture
from ._draw import FONT, KINDS, MONO, safe
from ._layout import HEADER

_CSS = """
*{box-sizing:border-box}
html,body{margin:0;height:100%;overflow:hidden;background:#fcfcfe;color:#263550;font:14px/1.45 FONT}
#stage{position:absolute;inset:0;cursor:grab;touch-action:none}
#stage.drag{cursor:grabbing}
#stage svg{width:100%;height:100%;display:block}
#stage .paper,#stage .header{display:none}
.node{cursor:pointer}
.node rect,.node text,.edge{transition:opacity .12s}
.dim .node:not(.on){opacity:.22}.dim .edge:not(.on){opacity:.12}
.edge.on{stroke:#4a6fd8;stroke-width:2.2}
.node.pin rect{stroke-width:3}
.bar,.card{position:absolute;background:#ffffffee;border:1px solid #e1e5ee;border-radius:12px;
box-shadow:0 2px 14px #26355014}
.bar{left:16px;top:16px;right:16px;display:flex;flex-wrap:wrap;gap:8px 14px;align-items:center;
padding:9px 14px;width:fit-content;max-width:min(860px,calc(100% - 32px))}
.bar b{font-weight:600}
.bar .notice{color:#9a5b00;font-size:12.5px}
input{font:inherit;padding:5px 10px;border:1px solid #cfd6e4;border-radius:8px;width:250px;
background:#fff;color:inherit}
input:focus{outline:2px solid #5b8def55;border-color:#5b8def}
button{font:inherit;padding:5px 11px;border:1px solid #cfd6e4;border-radius:8px;background:#fff;
color:inherit;cursor:pointer}
button:hover{background:#f1f4fa}
#found{color:#6a7487;min-width:4.6em;font-size:12.5px}
.card{right:16px;bottom:16px;width:300px;max-height:60%;overflow:auto;padding:12px 16px;
display:none}
.card h2{font-size:15px;margin:0 0 6px;overflow-wrap:anywhere}
.card dl{display:grid;grid-template-columns:auto 1fr;gap:3px 12px;margin:0;font-size:12.5px}
.card dt{color:#6a7487}.card dd{margin:0;font-family:MONO;overflow-wrap:anywhere}
.key{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:12px;color:#5b6577;flex-basis:100%}
.key i{display:inline-block;width:12px;height:10px;border:1px solid;border-radius:3px;
margin-right:6px}
.hint{position:absolute;left:18px;bottom:14px;color:#8792a8;font-size:12px;pointer-events:none}
"""

_SCRIPT = """
"use strict";
const boxes = JSON.parse(document.getElementById("boxes").textContent);
const stage = document.getElementById("stage"), svg = stage.querySelector("svg");
const card = document.getElementById("card"), found = document.getElementById("found");
const search = document.getElementById("search");
const whole = svg.viewBox.baseVal, full = [whole.x, whole.y, whole.width, whole.height];
const nodes = new Map(), edges = [...svg.querySelectorAll(".edge")], touching = new Map();
for (const node of svg.querySelectorAll(".node")) {
  nodes.set(node.id, node); touching.set(node.id, []);
  const title = node.querySelector("title"); if (title) title.remove();
}
for (const edge of edges) {
  touching.get(edge.dataset.from).push(edge); touching.get(edge.dataset.to).push(edge);
}
let view = full.slice(), pinned = null, matches = [], at = -1;

function show() { svg.setAttribute("viewBox", view.join(" ")); }
function fit() {
  // The bar covers the top: leave as much room above the picture as it takes.
  const bar = document.querySelector(".bar").offsetHeight + 30, head = HEADER;
  const height = full[3] - head, free = Math.max(120, stage.clientHeight - bar);
  const above = bar * height / free;
  view = [full[0], head - above, full[2], height + above]; show();
}
function scale() { return Math.max(view[2] / stage.clientWidth, view[3] / stage.clientHeight); }
function point(event) {
  const inverse = svg.getScreenCTM().inverse();
  return new DOMPoint(event.clientX, event.clientY).matrixTransform(inverse);
}
function zoom(factor, x, y) {
  const width = view[2] * factor;
  if (width < 40 || width > full[2] * 40 + 4000) return;
  view = [x - (x - view[0]) * factor, y - (y - view[1]) * factor, width, view[3] * factor]; show();
}
function centre(node) {
  const box = node.getBBox(), width = Math.min(full[2], 900);
  const height = width * stage.clientHeight / stage.clientWidth;
  view = [box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2, width, height];
  show();
}
function clear() {
  svg.classList.remove("dim");
  for (const part of svg.querySelectorAll(".on,.pin")) part.classList.remove("on", "pin");
}
function describe(id) {
  const box = boxes[id]; card.replaceChildren();
  const head = document.createElement("h2"), list = document.createElement("dl");
  head.textContent = box.title;
  for (const [name, value] of box.details) {
    const term = document.createElement("dt"), text = document.createElement("dd");
    term.textContent = name; text.textContent = value; list.append(term, text);
  }
  card.append(head, list); card.style.display = "block";
}
function select(id, pin) {
  clear(); describe(id); svg.classList.add("dim");
  nodes.get(id).classList.add("on"); if (pin) nodes.get(id).classList.add("pin");
  for (const edge of touching.get(id)) {
    edge.classList.add("on");
    for (const end of [edge.dataset.from, edge.dataset.to]) nodes.get(end).classList.add("on");
  }
}
function rest() {
  if (pinned) select(pinned, true);
  else if (search.value) mark();
  else { clear(); card.style.display = "none"; }
}
function mark() {
  clear();
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  matches = [];
  if (!words.length) { found.textContent = ""; return; }
  for (const [id, node] of nodes) {
    const text = boxes[id].text;
    if (words.every(word => text.includes(word))) { matches.push(id); node.classList.add("on"); }
  }
  svg.classList.add("dim"); found.textContent = matches.length + " found"; at = -1;
}
for (const [id, node] of nodes) {
  node.addEventListener("pointerenter", () => { if (!moving) select(id, id === pinned); });
  node.addEventListener("pointerleave", () => { if (!moving) rest(); });
}
let moving = null, travelled = 0;
stage.addEventListener("pointerdown", event => {
  moving = [event.clientX, event.clientY]; travelled = 0;
});
addEventListener("pointermove", event => {
  if (!moving) return;
  const x = event.clientX - moving[0], y = event.clientY - moving[1], size = scale();
  travelled += Math.abs(x) + Math.abs(y);
  view[0] -= x * size; view[1] -= y * size; moving = [event.clientX, event.clientY];
  stage.classList.add("drag"); show();
});
addEventListener("pointerup", event => {
  if (!moving) return;
  moving = null; stage.classList.remove("drag");
  if (travelled > 4) return;
  const node = event.target.closest ? event.target.closest(".node") : null;
  pinned = node && node.id !== pinned ? node.id : null; rest();
});
stage.addEventListener("wheel", event => {
  event.preventDefault(); const place = point(event);
  zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * .0035), place.x, place.y);
}, { passive: false });
search.addEventListener("input", () => { pinned = null; mark(); });
search.addEventListener("keydown", event => {
  if (event.key === "Enter" && matches.length) {
    at = (at + (event.shiftKey ? matches.length - 1 : 1)) % matches.length;
    centre(nodes.get(matches[at])); describe(matches[at]);
    found.textContent = (at + 1) + " of " + matches.length;
  }
});
addEventListener("keydown", event => {
  if (event.key === "Escape") { search.value = ""; pinned = null; found.textContent = ""; rest(); }
  if (document.activeElement === search) return;
  if (event.key === "/") { event.preventDefault(); search.focus(); }
  if (event.key === "f") fit();
});
document.getElementById("fit").addEventListener("click", fit);
const middle = factor => () => zoom(factor, view[0] + view[2] / 2, view[1] + view[3] / 2);
document.getElementById("in").addEventListener("click", middle(.75));
document.getElementById("out").addEventListener("click", middle(1.33));
function start() {
  // A tall or wide graph opens at a size that can be read, at its outputs.
  fit();
  if (scale() < 1.5) return;
  const last = [...nodes.values()].find(node => node.classList.contains("k-output")).getBBox();
  const width = stage.clientWidth * 1.1, height = stage.clientHeight * 1.1;
  view = [last.x + last.width / 2 - width / 2, full[3] - height, width, height]; show();
}
start();
"""


def page(picture: Picture, svg: str) -> str:
    """The whole page as text."""
    boxes = {}
    for box in picture.boxes:
        text = " ".join([box.title, *box.lines, *(value for _, value in box.details)])
        boxes[f"n{box.number}"] = {
            "title": box.title,
            "details": box.details,
            "text": text.lower(),
        }
    # Inside a script element only "<" could end it early.
    data = json.dumps(boxes, ensure_ascii=True).replace("<", "\\u003c")
    notice = f'<span class="notice">{safe(picture.notice)}</span>' if picture.notice else ""
    present = {box.kind for box in picture.boxes}
    key = "".join(
        f'<span><i style="background:{fill};border-color:{line}"></i>{label}</span>'
        for kind, (label, fill, line, _) in KINDS.items()
        if kind in present
    )
    head = HEADER + (22.0 if picture.notice else 0.0) - 12.0
    script = _SCRIPT.replace("HEADER", f"{head:.0f}")
    css = _CSS.replace("FONT", FONT).replace("MONO", MONO)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{safe(picture.summary)}</title>
<style>{css}</style>
</head>
<body>
<div id="stage">{svg}</div>
<div class="bar">
<b>{safe(picture.summary)}</b>
<input id="search" type="search" placeholder="Search name, shape, line ( / )" aria-label="Search">
<span id="found"></span>
<button id="out" aria-label="Zoom out">−</button>
<button id="in" aria-label="Zoom in">+</button>
<button id="fit">Fit</button>
{notice}
<div class="key">{key}</div>
</div>
<div class="card" id="card"></div>
<div class="hint">drag to move · wheel to zoom · click a node to keep it · Enter: next match</div>
<script type="application/json" id="boxes">{data}</script>
<script>{script}</script>
</body>
</html>
"""
