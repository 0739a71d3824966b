# A recurrent network reads words of the Python documentation strings and predicts the next one.
"""A word-level language model with an LSTM, in the way of Zaremba, Sutskever and Vinyals (2014).

    python -m tapeless examples/lstm_language_model.py [--steps 400] [--seed 0]

The text is what the standard library's modules say of themselves.
"""

import ast
import math
import pathlib
import re
import sysconfig
from collections import Counter

import torch
import torch.nn.functional as F
from progress import Losses, arguments
from torch import nn

LENGTH, BATCH, WIDTH, LAYERS, WORDS = 24, 16, 96, 2, 2000
SOURCES = ("argparse.py", "subprocess.py", "statistics.py", "tarfile.py", "typing.py", "pathlib.py", "threading.py")


class LanguageModel(nn.Module):
    """Words to vectors, two LSTM layers, and scores of the next word."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, WIDTH)
        self.lstm = nn.LSTM(WIDTH, WIDTH, num_layers=LAYERS)
        self.decoder = nn.Linear(WIDTH, words)

    def forward(self, words, state=None):
        hidden, state = self.lstm(self.embedding(words), state)
        return self.decoder(hidden), state


def documentation(source: str) -> str:
    """All docstrings of a module's source."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    found = (ast.get_docstring(node) for node in ast.walk(ast.parse(source)) if isinstance(node, kinds))
    return "\n".join(text for text in found if text)


def load():
    """The words as numbers in BATCH columns, and how many words there are."""
    library = pathlib.Path(sysconfig.get_paths()["stdlib"])
    text = "\n".join(documentation((library / name).read_text(encoding="utf-8")) for name in SOURCES)
    words = re.findall(r"\w+|[^\w\s]", text.lower())
    known = {word: at for at, (word, _) in enumerate(Counter(words).most_common(WORDS - 1), start=1)}
    numbers = torch.tensor([known.get(word, 0) for word in words])
    rows = len(numbers) // BATCH
    return numbers[: rows * BATCH].view(BATCH, rows).t().contiguous(), len(known) + 1


def main() -> None:
    """Train by truncated backpropagation through time."""
    options = arguments(__doc__, steps=400)
    torch.manual_seed(options.seed)
    text, words = load()
    model = LanguageModel(words)
    print(f"{text.numel()} words, {words} of them different")
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses, state, at = Losses(options), None, 0
    for _ in range(options.steps):
        if at + LENGTH + 1 > len(text):
            state, at = None, 0
        inputs, targets = text[at : at + LENGTH], text[at + 1 : at + LENGTH + 1]
        at += LENGTH
        if state is not None:
            state = tuple(part.detach() for part in state)
        scores, state = model(inputs, state)
        loss = F.cross_entropy(scores.view(-1, words), targets.view(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.add(loss, perplexity=math.exp(loss.item()))
    losses.save()


if __name__ == "__main__":
    main()
