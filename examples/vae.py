# A variational autoencoder of handwritten digits.
"""Learn a two-dimensional map of scikit-learn's digits by a variational autoencoder (Kingma and Welling, 2014).

python -m tapeless examples/vae.py [--steps 600] [--seed 0]
"""

import torch
import torch.nn.functional as F
from progress import Losses, arguments
from sklearn.datasets import load_digits
from torch import nn
from torch.distributions import Normal, kl_divergence

LATENT, HIDDEN, BATCH = 2, 64, 128


class VAE(nn.Module):
    """An encoder to a normal distribution over the map, and a decoder back to pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 2 * LATENT))
        self.decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 64))

    def encode(self, images):
        mean, log_scale = self.encoder(images).chunk(2, dim=-1)
        return Normal(mean, log_scale.exp())

    def forward(self, images):
        posterior = self.encode(images)
        return self.decoder(posterior.rsample()), posterior


def negative_elbo(logits, images, posterior):
    """Reconstruction and divergence from the prior, for each image."""
    prior = Normal(torch.zeros(()), torch.ones(()))
    reconstruction = F.binary_cross_entropy_with_logits(logits, images, reduction="none").sum(-1)
    return (reconstruction + kl_divergence(posterior, prior).sum(-1)).mean()


def show(image):
    """An 8x8 image as text."""
    shades = " .:-=+*#%@"
    rows = (image.clamp(0, 0.999) * len(shades)).long().view(8, 8).tolist()
    return "\n".join("".join(2 * shades[level] for level in row) for row in rows)


def main() -> None:
    """Train, then decode a digit from the middle of the map."""
    options = arguments(__doc__, steps=600)
    torch.manual_seed(options.seed)
    images = torch.tensor(load_digits().data, dtype=torch.float32) / 16
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    losses = Losses(options)
    for _ in range(options.steps):
        batch = images[torch.randint(len(images), (BATCH,))]
        logits, posterior = model(batch)
        loss = negative_elbo(logits, batch, posterior)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.add(loss, scale=posterior.stddev.mean().item())
    losses.save()
    with torch.no_grad():
        print(show(model.decoder(torch.tensor([1.0, 0.5])).sigmoid()))


if __name__ == "__main__":
    main()
