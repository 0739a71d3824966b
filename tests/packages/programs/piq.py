# piq: measures of the quality of images, eleven as losses with their gradients, and three more.
"""Each measure compares an image with a noisy one; the loss's gradient goes back to the noisy one."""

import piq
import torch


def main() -> dict[str, object]:
    """Values and sizes of gradients."""
    torch.manual_seed(0)
    rows, columns = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    shades = torch.tensor([0.4, 0.5, 0.3])[:, None, None]
    clean = (0.5 + shades * torch.sin(rows / 5) * torch.cos(columns / 8)).double()[None]
    noisy = (clean + 0.1 * torch.randn(clean.shape, dtype=torch.float64)).clamp(0.01, 0.99).requires_grad_()
    found = {"psnr": piq.psnr(noisy, clean), "total variation": piq.total_variation(noisy)}
    measures = {
        "ssim": piq.SSIMLoss(),
        "multi-scale": piq.MultiScaleSSIMLoss(kernel_size=5),
        "gmsd": piq.GMSDLoss(),
        "multi-scale gmsd": piq.MultiScaleGMSDLoss(),
        "vif": piq.VIFLoss(),
        "fsim": piq.FSIMLoss(),
        "vsi": piq.VSILoss(),
        "mdsi": piq.MDSILoss(),
        "haarpsi": piq.HaarPSILoss(),
        "srsim": piq.SRSIMLoss(),
        "dss": piq.DSSLoss(),
    }
    for name, measure in measures.items():
        noisy.grad = None
        loss = measure(noisy, clean)
        loss.backward()
        found[name] = [loss, noisy.grad.norm()]
    features = torch.randn(40, 6, dtype=torch.float64)
    found["frechet"] = piq.FID()(features, features * 1.3 + 0.2)
    return found
