# Q-learning with a network: an agent finds its way through a windy field to the goal.
"""Deep Q-learning (Mnih et al., 2015) on a small world that is written here.

python -m tapeless examples/dqn.py [--steps 1500] [--seed 0]
"""

import copy
import random
from collections import deque

import torch
import torch.nn.functional as F
from progress import Losses, arguments
from torch import nn

SIZE, GOAL, LIMIT = 6, (5, 5), 40
MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0))
DISCOUNT, BATCH, MEMORY, START = 0.95, 64, 5000, 100


class WindyField:
    """A square field; each step costs a little, wind pushes left in the middle columns, the goal pays one."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.reset()

    def reset(self):
        self.row, self.column, self.age = 0, 0, 0
        return self.state()

    def state(self):
        return [self.row / SIZE, self.column / SIZE]

    def step(self, action: int):
        """Moves; the new state, the reward, and whether the episode is over."""
        down, right = MOVES[action]
        if self.column in (2, 3) and self.random.random() < 0.2:
            right -= 1
        self.row = min(max(self.row + down, 0), SIZE - 1)
        self.column = min(max(self.column + right, 0), SIZE - 1)
        self.age += 1
        if (self.row, self.column) == GOAL:
            return self.state(), 1.0, True
        return self.state(), -0.02, self.age >= LIMIT


def network():
    """The value of each move in a state."""
    return nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, len(MOVES)))


def learn(online, target, optimizer, memory, draws):
    """One step on a batch of what was lived through; the loss."""
    states, actions, rewards, followers, done = zip(*draws.sample(memory, BATCH), strict=True)
    actions = torch.tensor(actions).unsqueeze(1)
    values = online(torch.tensor(states)).gather(1, actions).squeeze(1)
    with torch.no_grad():
        best = target(torch.tensor(followers)).max(dim=1).values
        wanted = torch.tensor(rewards) + DISCOUNT * best * ~torch.tensor(done)
    loss = F.smooth_l1_loss(values, wanted)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(online.parameters(), 1.0)
    optimizer.step()
    return loss.detach()


def way(online, field):
    """The number of moves to the goal when the best move is always taken; None if it is not reached."""
    state, over = field.reset(), False
    while not over:
        with torch.no_grad():
            action = online(torch.tensor(state)).argmax().item()
        state, reward, over = field.step(action)
    return field.age if reward > 0 else None


def main() -> None:
    """Explore and learn; then walk to the goal."""
    options = arguments(__doc__, steps=1500)
    torch.manual_seed(options.seed)
    draws, field = random.Random(options.seed), WindyField(options.seed)
    online = network()
    target = copy.deepcopy(online).requires_grad_(False)
    optimizer = torch.optim.RMSprop(online.parameters(), lr=1e-3)
    memory, losses, state = deque(maxlen=MEMORY), Losses(options), field.reset()
    while len(losses) < options.steps:
        if draws.random() < max(0.05, 1 - len(losses) / 600):
            action = draws.randrange(len(MOVES))
        else:
            with torch.no_grad():
                action = online(torch.tensor(state)).argmax().item()
        follower, reward, over = field.step(action)
        memory.append((state, action, reward, follower, over))
        state = field.reset() if over else follower
        if len(memory) >= START:
            losses.add(learn(online, target, optimizer, memory, draws))
            if len(losses) % 50 == 0:
                target.load_state_dict(online.state_dict())
    losses.save()
    print("moves to the goal:", way(online, field))


if __name__ == "__main__":
    main()
