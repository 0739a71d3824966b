# pytorch-msssim: structural similarity of images at one and at many scales, as a number and as a loss.
"""Compare noisy images with clean ones, and denoise one by gradient steps on the loss."""

import torch
from pytorch_msssim import MS_SSIM, SSIM, ms_ssim, ssim


def main() -> dict[str, object]:
    """Similarities for more and more noise, gradients, and a curve of denoising."""
    torch.manual_seed(0)
    rows, columns = torch.meshgrid(torch.arange(176.0), torch.arange(176.0), indexing="ij")
    clean = (0.5 + 0.5 * torch.sin(rows / 7) * torch.cos(columns / 11)).double().expand(2, 3, 176, 176)
    noise = torch.randn(2, 3, 176, 176, dtype=torch.float64)
    found = {}
    for size in (0.01, 0.1, 0.3):
        noisy = (clean + size * noise).clamp(0, 1)
        found[f"ssim {size}"] = ssim(noisy, clean, data_range=1.0, size_average=False)
        found[f"ms-ssim {size}"] = ms_ssim(noisy, clean, data_range=1.0, size_average=False)
    image = noisy[:1, :1, :48, :48].clone().requires_grad_()
    measure = SSIM(data_range=1.0, channel=1, win_size=7, nonnegative_ssim=True).double()
    optimizer = torch.optim.SGD([image], lr=50.0)
    curve = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = 1 - measure(image, clean[:1, :1, :48, :48])
        loss.backward()
        optimizer.step()
        curve.append(loss.item())
    module = MS_SSIM(data_range=1.0, channel=3, win_size=5, weights=[0.3, 0.3, 0.4])
    return {**found, "curve": curve, "gradient": image.grad, "module": module(noisy.float(), clean.float())}
