# stable-baselines3 on gymnasium: proximal policy optimization on a pole that is to be balanced.
"""Train PPO for a few hundred steps of CartPole; save, load and predict."""

import io

import numpy as np
import torch
from stable_baselines3 import DQN, PPO


def main() -> dict[str, object]:
    """Weights after training, actions of the trained policy, and the same from a saved copy."""
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=128, batch_size=32, n_epochs=2, seed=0, device="cpu")
    model.learn(256)
    states = np.linspace(-0.1, 0.1, 20, dtype=np.float32).reshape(5, 4)
    actions, _ = model.predict(states, deterministic=True)
    with torch.no_grad():
        values = model.policy.predict_values(torch.as_tensor(states))
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    again, _ = PPO.load(file, device="cpu").predict(states, deterministic=True)
    dqn = DQN("MlpPolicy", "CartPole-v1", learning_starts=50, buffer_size=500, seed=0, device="cpu")
    dqn.learn(200)
    total = sum(p.double().sum() for p in dqn.q_net.parameters())
    return {"actions": actions.tolist(), "values": values, "loaded": (actions == again).all(), "dqn": total}
