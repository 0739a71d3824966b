# Distances and lengths of vectors.
"""Distances of vectors, and vectors brought to length 1."""

from __future__ import annotations

from typing import Any

import tapeless

__all__ = ["cosine_similarity", "normalize", "pairwise_distance", "pdist"]

cosine_similarity = tapeless.cosine_similarity
pairwise_distance = tapeless.pairwise_distance
pdist = tapeless.pdist


def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None) -> Any:
    """input over its p-norm along `dim`, which counts as eps at least. Derivative: that of the quotient."""
    length = input.norm(p, dim, keepdim=True).clamp_min(eps)
    return tapeless.div(input, length.expand_as(input), out=out)
