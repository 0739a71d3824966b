# Writes an arranged picture as SVG text.
"""SVG of boxes and edges; every text is escaped, and nothing outside the document is named."""

from __future__ import annotations

from html import escape as _escape

from ._collect import Box, Picture, Wire
from ._layout import LINE_SIZE, MARGIN, TITLE_SIZE

# kind -> what the legend says, fill, outline, text
KINDS: dict[str, tuple[str, str, str, str]] = {
    "param": ("named leaf", "#d8f3e3", "#2f9e68", "#14532d"),
    "leaf": ("leaf", "#eefaf3", "#7cc7a0", "#14532d"),
    "pointwise": ("element by element", "#e6f0ff", "#5b8def", "#1e3a70"),
    "product": ("matrix product", "#efe7ff", "#8b6be0", "#3f2a80"),
    "reduction": ("reduction", "#fff0dc", "#e29a3b", "#6b4208"),
    "view": ("view or copy", "#f3f4f7", "#a4adbd", "#3d4656"),
    "index": ("indexing", "#ddf5f7", "#3aa5b1", "#12484f"),
    "inplace": ("written in place", "#ffe6e6", "#dd6b6b", "#6e1d1d"),
    "custom": ("own Function", "#fde8f5", "#d267ab", "#661a4b"),
    "folded": ("folded", "#fffbe0", "#c9b458", "#5c5010"),
    "output": ("output", "#263550", "#263550", "#ffffff"),
}
FONT = "'Inter','Segoe UI',system-ui,-apple-system,'Helvetica Neue',Arial,sans-serif"
MONO = "ui-monospace,'SF Mono','DejaVu Sans Mono',Menlo,Consolas,monospace"

# Letters that XML 1.0 forbids even when escaped.
_FORBIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), " ")
_FORBIDDEN |= dict.fromkeys(range(0xD800, 0xE000), "�")


def safe(text: str) -> str:
    """`text` as it may stand in XML, in an attribute or between tags."""
    return _escape(text.translate(_FORBIDDEN), quote=True)


def draw(picture: Picture) -> str:
    """The SVG document of an arranged picture."""
    width, height = picture.width, picture.height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{FONT}" role="img">',
        f"<title>{safe(picture.summary)}</title>",
        f"<style>{_style()}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6.5" '
        'markerHeight="6.5" orient="auto"><path d="M0 0.6L7.4 4L0 7.4z" fill="#8792a8"/></marker>'
        "</defs>",
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" fill="#fcfcfe"/>',
        _header(picture),
        '<g class="edges" fill="none" stroke="#b3bccd" stroke-width="1.4">',
        *(_edge(edge) for edge in picture.edges),
        "</g>",
        '<g class="nodes">',
        *(_box(box) for box in picture.boxes),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _style() -> str:
    rules = [
        f".k-{kind} rect{{fill:{fill};stroke:{line}}}.k-{kind} text{{fill:{text}}}"
        for kind, (_, fill, line, text) in KINDS.items()
    ]
    return "".join(
        [
            f".t{{font-size:{TITLE_SIZE}px;font-weight:600}}",
            f".l{{font-size:{LINE_SIZE}px;font-family:{MONO};opacity:.78}}",
            ".node rect{stroke-width:1.3}.ghost rect{stroke-dasharray:4 3}",
            *rules,
        ]
    )


def _header(picture: Picture) -> str:
    """What the picture is of, what it leaves out, and the meaning of the colours in it."""
    parts = [
        '<g class="header">',
        f'<text x="{MARGIN:.0f}" y="30" font-size="14" font-weight="600" fill="#263550">'
        f"{safe(picture.summary)}</text>",
    ]
    y = 52.0
    if picture.notice:
        parts.append(
            f'<text class="notice" x="{MARGIN:.0f}" y="{y:.0f}" font-size="11.5" fill="#9a5b00">'
            f"{safe(picture.notice)}</text>"
        )
        y += 22
    present = {box.kind for box in picture.boxes}
    x = MARGIN
    for kind, (label, fill, line, _) in KINDS.items():
        length = 34 + 6.3 * len(label)
        if kind not in present or x + length > picture.width - MARGIN / 2:
            continue
        parts.append(
            f'<rect x="{x:.0f}" y="{y - 9:.0f}" width="12" height="10" rx="3" fill="{fill}" '
            f'stroke="{line}"/><text x="{x + 17:.0f}" y="{y:.0f}" font-size="11" '
            f'fill="#5b6577">{label}</text>'
        )
        x += length
    return "".join([*parts, "</g>"])


def _edge(edge: Wire) -> str:
    (x, y), *rest = edge.points
    path = [f"M{x:.1f} {y:.1f}"]
    for at, (next_x, next_y) in enumerate(rest):
        if at % 2 == 1:  # inside a row, past its boxes: straight down
            path.append(f"L{next_x:.1f} {next_y:.1f}")
        else:
            middle = (y + next_y) / 2
            path.append(f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    return (
        f'<path class="edge" data-from="n{edge.source}" data-to="n{edge.target}" '
        f'd="{"".join(path)}" marker-end="url(#arrow)"/>'
    )


def _box(box: Box) -> str:
    left, top = box.x - box.width / 2, box.y - box.height / 2
    round_ = box.height / 2 if box.kind in ("leaf", "param", "output") else 9.0
    ghost = "" if box.ghost_of is None else " ghost"
    first = box.y + TITLE_SIZE * 0.36 - 7.0 * len(box.lines)
    parts = [
        f'<g class="node k-{box.kind}{ghost}" id="n{box.number}" data-name="{safe(box.title)}">',
        f"<title>{safe(_tooltip(box))}</title>",
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{min(round_, 22.0):.1f}"/>',
        _text("t", box.x, first, _clipped(box.title, (box.width - 16) / (0.62 * TITLE_SIZE))),
    ]
    for at, line in enumerate(box.lines):
        room = (box.width - 16) / (0.6 * LINE_SIZE)
        parts.append(_text("l", box.x, first + 14.5 * (at + 1), _clipped(line, room)))
    return "".join([*parts, "</g>"])


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{safe(text)}</text>'


def _clipped(text: str, room: float) -> str:
    return text if len(text) <= room + 1 else text[: max(1, int(room) - 1)] + "…"


def _tooltip(box: Box) -> str:
    return "\n".join([box.title, *(f"{name}: {value}" for name, value in box.details)])
