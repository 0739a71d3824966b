# Two networks in contest: one draws points on a ring of eight spots, the other tells them from real ones.
"""A generative adversarial network (Goodfellow et al., 2014) in the plane.

python -m tapeless examples/gan.py [--steps 1500] [--seed 0]
"""

import math

import torch
from progress import Losses, arguments
from torch import nn

NOISE, HIDDEN, BATCH, SPOTS, SPREAD = 4, 64, 128, 8, 0.08


def real(count):
    """Points near eight spots on a circle."""
    angle = torch.randint(SPOTS, (count,)) * (2 * math.pi / SPOTS)
    return torch.stack([angle.cos(), angle.sin()], dim=1) + SPREAD * torch.randn(count, 2)


def network(inputs, outputs):
    """Two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN),
        nn.LeakyReLU(0.2),
        nn.Linear(HIDDEN, HIDDEN),
        nn.LeakyReLU(0.2),
        nn.Linear(HIDDEN, outputs),
    )


def spots_hit(points):
    """How many of the spots have a point within three spreads."""
    angle = torch.arange(SPOTS) * (2 * math.pi / SPOTS)
    centres = torch.stack([angle.cos(), angle.sin()], dim=1)
    return int((torch.cdist(centres, points).min(dim=1).values < 3 * SPREAD).sum())


def main() -> None:
    """Train both in turn; the loss that is kept is the sum of theirs."""
    options = arguments(__doc__, steps=1500)
    torch.manual_seed(options.seed)
    generator, critic = network(NOISE, 2), network(2, 1)
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.999))
    criterion = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
    losses = Losses(options)
    for _ in range(options.steps):
        fake = generator(torch.randn(BATCH, NOISE))
        critic_loss = criterion(critic(real(BATCH)), ones) + criterion(critic(fake.detach()), zeros)
        critic_optimizer.zero_grad()
        critic_loss.backward()
        critic_optimizer.step()

        generator_loss = criterion(critic(fake), ones)
        generator_optimizer.zero_grad()
        generator_loss.backward()
        generator_optimizer.step()
        losses.add(critic_loss + generator_loss, generator=generator_loss.item())
    losses.save()
    with torch.no_grad():
        print(f"spots hit: {spots_hit(generator(torch.randn(1000, NOISE)))} of {SPOTS}")


if __name__ == "__main__":
    main()
