"""What the page shows -> the page: one HTML file that asks nothing of any network. Standard library only.

The data stands in it as JSON that HTML can take for nothing else, and what is drawn of it is drawn as text. The page
forbids itself whatever it does not need: its scripts and its style run by their hashes, and nothing is fetched.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

PARTS = Path(__file__).parent / "parts"
SCRIPTS = ("base", "layout", "picture", "tables", "details", "walk", "replay", "curves", "main")


def page(data: dict[str, Any], title: str) -> str:
    """The page. `title` is what the browser calls it."""
    library = _part("viz.js")
    script = '"use strict";\n{\n' + "\n".join(_part(f"{name}.js") for name in SCRIPTS) + "}\n"
    style = _part("page.css")
    policy = (
        f"default-src 'none'; script-src {_hash(library)} {_hash(script)} 'wasm-unsafe-eval'; "
        f"style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": escape(policy),
        "title": escape(title),
        "style": style,
        "data": embedded(data),
        "licence": _part("viz.LICENSE.txt"),
        "library": library,
        "script": script,
    }
    pieces = _part("page.html").split("%%")  # text and the name of a part by turns
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def embedded(data: Any) -> str:
    """JSON in ASCII without the letters that HTML would look at; lone surrogates and line separators are spelt out."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _part(name: str) -> str:
    return (PARTS / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
