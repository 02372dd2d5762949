"""What parts and blocks are called, in both languages, for who does not read declarations."""

from __future__ import annotations

from shuzhi.share.linkage.model import Block, Linkage, Title
from shuzhi.share.linkage.presets import presets


def part_title(linkage: Linkage, name: str) -> Title:
    """Return what a part is called; its own name too, where that says more."""
    part = next(p for p in linkage.parts if p.name == name)
    return named(presets().forms[part.form].title, name)


def named(form: Title, part: str) -> Title:
    """Return what a part is called whose form has a title."""
    is_said = form.en.replace(" ", "_") == part
    return Title(f"{form.zh}（{part}）", form.en if is_said else f"{form.en} ({part})")


def block_title(linkage: Linkage, block: Block) -> Title:
    """Return in what two records agree that a block puts together."""
    if block.rare is not None:
        part = part_title(linkage, block.rare)
        return Title(f"{part.zh}中的少见词", f"rare words of {part.en}")
    parts = [(part_title(linkage, piece.part), piece.first) for piece in block.pieces]
    return Title(
        "、".join(p.zh if n is None else f"{p.zh}前 {n} 位" for p, n in parts),
        " and ".join(p.en if n is None else f"the first {n} of {p.en}" for p, n in parts),
    )
