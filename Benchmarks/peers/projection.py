"""Max-norm: rows that are longer than a radius are shortened to it."""

import torch


@torch.no_grad()
def project(kernels, radius):
    for kernel in kernels:
        rows = kernel.view(kernel.shape[0], -1) if kernel.is_contiguous() else kernel
        axes = tuple(range(1, rows.dim()))
        norm = torch.linalg.vector_norm(rows, dim=axes, keepdim=True)
        rows.mul_((radius / norm).clamp_(max=1.0))


@torch.no_grad()
def renormalize(kernels, radius):
    """The same by PyTorch's own function."""
    for kernel in kernels:
        kernel.renorm_(2, 0, radius)
