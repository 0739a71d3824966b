# x-transformers: a decoder with rotary positions, RMSNorm and gated units, trained and sampled; and an encoder.
"""Train on repeating sequences; generate greedily from the trained model."""

import torch
from x_transformers import AutoregressiveWrapper, ContinuousTransformerWrapper, Decoder, Encoder, TransformerWrapper


def main() -> dict[str, object]:
    """Losses, a generated sequence, and the output of an encoder of vectors."""
    torch.manual_seed(0)
    layers = Decoder(dim=32, depth=2, heads=2, attn_dim_head=16, rotary_pos_emb=True, use_rmsnorm=True, ff_glu=True)
    model = AutoregressiveWrapper(TransformerWrapper(num_tokens=12, max_seq_len=32, attn_layers=layers))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        start = torch.randint(0, 12, (8, 1))
        loss = model((start + torch.arange(17)) % 12)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    generated = model.generate(torch.arange(4)[None], 8, temperature=0.0)
    encoder = ContinuousTransformerWrapper(
        dim_in=5, dim_out=3, max_seq_len=10, attn_layers=Encoder(dim=16, depth=2, heads=2, alibi_pos_bias=True)
    ).eval()
    vectors = torch.randn(2, 10, 5, requires_grad=True)
    mask = torch.arange(10) < torch.tensor([[10], [7]])
    out = encoder(vectors, mask=mask)
    out[mask].square().mean().backward()
    return {"losses": losses, "generated": generated, "encoder": out, "gradient": vectors.grad}
