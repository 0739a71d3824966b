# A transformer that predicts the next character of the Python standard library's sources.
"""Train a small GPT on the text of Python's own library, then let it write.

    python -m tapeless examples/char_gpt.py [--steps 300] [--seed 0]

The model is the decoder of Vaswani et al. (2017), with the normalisation first, as in GPT-2 (Radford et al., 2019).
"""

import pathlib
import sysconfig

import torch
import torch.nn.functional as F
from progress import Losses, arguments
from torch import nn

CONTEXT, BATCH, WIDTH, HEADS, LAYERS = 64, 16, 96, 4, 3
SOURCES = ("argparse.py", "dataclasses.py", "textwrap.py", "statistics.py", "heapq.py")


class Block(nn.Module):
    """Attention to what came before, then two dense layers, each added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention_in, self.attention_out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.dense = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def attend(self, x):
        batch, length, _ = x.shape
        heads = self.attention_in(x).view(batch, length, 3, HEADS, WIDTH // HEADS)
        q, k, v = heads.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.attention_out(mixed.transpose(1, 2).reshape(batch, length, WIDTH))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.dense(self.norm2(x))


class GPT(nn.Module):
    """Characters and positions to scores of the next character."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(characters, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, characters, bias=False)
        self.apply(self.initialize)

    @staticmethod
    def initialize(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, tokens):
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))

    @torch.no_grad()
    def write(self, tokens, count):
        """Goes on from the tokens for as many characters."""
        for _ in range(count):
            scores = self(tokens[:, -CONTEXT:])[:, -1]
            tokens = torch.cat([tokens, torch.multinomial(F.softmax(scores, dim=-1), 1)], dim=1)
        return tokens


def load():
    """The sources as numbers, and the characters they stand for."""
    library = pathlib.Path(sysconfig.get_paths()["stdlib"])
    text = "".join((library / name).read_text(encoding="utf-8") for name in SOURCES)
    characters = sorted(set(text))
    numbers = {character: at for at, character in enumerate(characters)}
    return torch.tensor([numbers[character] for character in text]), characters


def main() -> None:
    """Train, then print a sample."""
    options = arguments(__doc__, steps=300)
    torch.manual_seed(options.seed)
    text, characters = load()
    model = GPT(len(characters))
    print(f"{len(text)} characters, {sum(p.numel() for p in model.parameters())} parameters")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 50))
    losses = Losses(options)
    for _ in range(options.steps):
        starts = torch.randint(len(text) - CONTEXT - 1, (BATCH,))
        pieces = torch.stack([text[start : start + CONTEXT + 1] for start in starts])
        scores = model(pieces[:, :-1])
        loss = F.cross_entropy(scores.flatten(0, 1), pieces[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.add(loss)
    losses.save()
    model.eval()
    written = model.write(text[:1].unsqueeze(0), 200)[0]
    print("".join(characters[number] for number in written.tolist()))


if __name__ == "__main__":
    main()
