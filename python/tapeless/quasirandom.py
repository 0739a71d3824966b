# torch.quasirandom: Sobol' sequences, points that fill the unit cube more evenly than random ones.
"""Sobol' sequences with Joe and Kuo's direction numbers, plain and scrambled."""

from __future__ import annotations

import functools
from typing import Any

import tapeless
from tapeless import Tensor

__all__ = ["SobolEngine"]

# The initial direction numbers of dimensions 2 and up: S. Joe and F. Y. Kuo, Constructing Sobol' sequences with better
# two-dimensional projections, SIAM J. Sci. Comput. 30 (2008). There are as many as the degree of the dimension's
# polynomial; the polynomials are the primitive ones over GF(2) in order of degree and coefficients.
_INITIAL = """
1 1,3 1,3,1 1,1,1 1,1,3,3 1,3,5,13 1,1,5,5,17 1,1,5,5,5 1,1,7,11,19 1,1,5,1,1 1,1,1,3,11 1,3,5,5,31 1,3,3,9,7,49
1,1,1,15,21,21 1,3,1,13,27,49 1,1,1,15,7,5 1,3,1,15,13,25 1,1,5,5,19,61 1,3,7,11,23,15,103 1,3,7,13,13,15,69
1,1,3,13,7,35,63 1,3,5,9,1,25,53 1,3,1,13,9,35,107 1,3,1,5,27,61,31 1,1,5,11,19,41,61 1,3,5,3,3,13,69
1,1,7,13,1,19,1 1,3,7,5,13,19,59 1,1,3,9,25,29,41 1,3,5,13,23,1,55 1,3,7,3,13,59,17 1,3,1,3,5,53,69 1,1,5,5,23,33,13
1,1,7,7,1,61,123 1,1,7,9,13,61,49 1,3,3,5,3,55,33 1,3,1,15,31,13,49,245 1,3,5,15,31,59,63,97 1,3,1,11,11,11,77,249
1,3,1,11,27,43,71,9 1,1,7,15,21,11,81,45 1,3,7,3,25,31,65,79 1,3,1,1,19,11,3,205 1,1,5,9,19,21,29,157
1,3,7,11,1,33,89,185 1,3,3,3,15,9,79,71 1,3,7,11,15,39,119,27 1,1,3,1,11,31,97,225 1,1,1,3,23,43,57,177
1,3,7,7,17,17,37,71 1,3,1,5,27,63,123,213 1,1,3,5,11,43,53,133 1,3,5,5,29,17,47,173,479 1,3,3,11,3,1,109,9,69
1,1,1,5,17,39,23,5,343 1,3,1,5,25,15,31,103,499 1,1,1,11,11,17,63,105,183 1,1,5,11,9,29,97,231,363
1,1,5,15,19,45,41,7,383 1,3,7,7,31,19,83,137,221 1,1,1,3,23,15,111,223,83 1,1,5,13,31,15,55,25,161
1,1,3,13,25,47,39,87,257 1,1,1,11,21,53,125,249,293 1,1,7,11,11,7,57,79,323 1,1,5,5,17,13,81,3,131
1,1,7,13,23,7,65,251,475 1,3,5,1,9,43,3,149,11 1,1,3,13,31,13,13,255,487 1,3,3,1,5,63,89,91,127
1,1,3,3,1,19,123,127,237 1,1,5,7,23,31,37,243,289 1,1,5,11,17,53,117,183,491 1,1,1,5,1,13,13,209,345
1,1,3,15,1,57,115,7,33 1,3,1,11,7,43,81,207,175 1,3,1,1,15,27,63,255,49 1,3,5,3,27,61,105,171,305
1,1,5,3,1,3,57,249,149 1,1,3,5,5,57,15,13,159 1,1,1,11,7,11,105,141,225 1,3,3,5,27,59,121,101,271
1,3,5,9,11,49,51,59,115 1,1,7,1,23,45,125,71,419 1,1,3,5,23,5,105,109,75 1,1,7,15,7,11,67,121,453
1,3,7,3,9,13,31,27,449 1,3,1,15,19,39,39,89,15 1,1,1,1,1,33,73,145,379 1,3,1,15,15,43,29,13,483
1,1,7,3,19,27,85,131,431 1,3,3,3,5,35,23,195,349 1,3,3,7,9,27,39,59,297 1,1,3,9,11,17,13,241,157
1,3,7,15,25,57,33,189,213 1,1,7,1,9,55,73,83,217 1,3,3,13,19,27,23,113,249 1,3,5,3,23,43,3,253,479
1,1,5,5,11,5,45,117,217 1,3,3,7,29,37,33,123,147 1,3,1,15,5,5,37,227,223,459 1,1,7,5,5,39,63,255,135,487
1,3,1,7,9,7,87,249,217,599 1,1,3,13,9,47,7,225,363,247 1,3,7,13,19,13,9,67,9,737 1,3,5,5,19,59,7,41,319,677
1,1,5,3,31,63,15,43,207,789 1,1,7,9,13,39,3,47,497,169 1,3,1,7,21,17,97,19,415,905 1,3,7,1,3,31,71,111,165,127
1,1,5,11,1,61,83,119,203,847 1,3,3,13,9,61,19,97,47,35 1,1,7,7,15,29,63,95,417,469 1,3,1,9,25,9,71,57,213,385
1,3,5,13,31,47,101,57,39,341 1,1,3,3,31,57,125,173,365,551 1,3,7,1,13,57,67,157,451,707 1,1,1,7,21,13,105,89,429,965
1,1,5,9,17,51,45,119,157,141 1,3,7,7,13,45,91,9,129,741 1,3,7,1,23,57,67,141,151,571 1,1,3,11,17,47,93,107,375,157
1,3,3,5,11,21,43,51,169,915 1,1,5,3,15,55,101,67,455,625 1,3,5,9,1,23,29,47,345,595 1,3,7,7,5,49,29,155,323,589
1,3,3,7,5,41,127,61,261,717 1,3,7,7,17,23,117,67,129,1009 1,1,3,13,11,39,21,207,123,305 1,1,3,9,29,3,95,47,231,73
1,3,1,9,1,29,117,21,441,259 1,3,1,13,21,39,125,211,439,723 1,1,7,3,17,63,115,89,49,773 1,3,7,13,11,33,101,107,63,73
1,1,5,5,13,57,63,135,437,177 1,1,3,7,27,63,93,47,417,483 1,1,3,1,23,29,1,191,49,23 1,1,3,15,25,55,9,101,219,607
1,3,1,7,7,19,51,251,393,307 1,3,3,3,25,55,17,75,337,3 1,1,1,13,25,17,65,45,479,413 1,1,7,7,27,49,99,161,213,727
1,3,5,1,23,5,43,41,251,857 1,3,3,7,11,61,39,87,383,835 1,1,3,15,13,7,29,7,505,923 1,3,7,1,5,31,47,157,445,501
1,1,3,7,1,43,9,147,115,605 1,3,3,13,5,1,119,211,455,1001 1,1,3,5,13,19,3,243,75,843 1,3,7,7,1,19,91,249,357,589
1,1,1,9,1,25,109,197,279,411 1,3,1,15,23,57,59,135,191,75 1,1,5,15,29,21,39,253,383,349 1,3,3,5,19,45,61,151,199,981
1,3,5,13,9,61,107,141,141,1 1,3,1,11,27,25,85,105,309,979 1,3,3,11,19,7,115,223,349,43 1,1,7,9,21,39,123,21,275,927
1,1,7,13,15,41,47,243,303,437 1,1,1,7,7,3,15,99,409,719
"""


def _is_primitive(polynomial: int, degree: int) -> bool:
    """Whether the powers of x modulo the polynomial (its bits are the coefficients) are all 2^degree - 1 that exist."""
    power = 1
    for _ in range((1 << degree) - 2):
        power <<= 1
        if power >> degree & 1:
            power ^= polynomial
        if power == 1:
            return False
    return polynomial & 1 == 1


@functools.cache
def _initial_numbers() -> list[list[int]]:
    return [[int(m) for m in entry.split(",")] for entry in _INITIAL.split()]


@functools.cache
def _polynomials() -> list[int]:
    """The polynomial of each entry of the table."""
    found: list[int] = []
    for degree in range(1, len(_initial_numbers()[-1]) + 1):
        found += [p for p in range((1 << degree) + 1, 2 << degree, 2) if _is_primitive(p, degree)]
    return found


def _direction_numbers(dimension: int, bits: int) -> list[int]:
    """The first `bits` direction numbers of a dimension counted from 0, as fractions of 2^bits."""
    if dimension == 0:
        return [1 << (bits - 1 - j) for j in range(bits)]
    initial, polynomial = _initial_numbers()[dimension - 1], _polynomials()[dimension - 1]
    degree = len(initial)
    numbers = [m << (bits - 1 - j) for j, m in enumerate(initial)]
    for j in range(degree, bits):
        number = numbers[j - degree] ^ (numbers[j - degree] >> degree)
        for k in range(1, degree):
            if polynomial >> (degree - k) & 1:
                number ^= numbers[j - k]
        numbers.append(number)
    return numbers


class SobolEngine:
    """Points of a Sobol' sequence in [0, 1)^dimension, the same as PyTorch's.

    `scramble=True` applies a random lower triangular matrix to the bits of every coordinate and shifts them (Matousek,
    1998), from `seed` or from entropy. `dimension` is at most 161, for which there are direction numbers here;
    ValueError above. The engine remembers how many points it has drawn.
    """

    MAXBIT = 30
    MAXDIM = 161

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError(f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]")
        self.seed, self.scramble, self.dimension = seed, scramble, dimension
        rows = [_direction_numbers(d, self.MAXBIT) for d in range(dimension)]
        self.sobolstate = tapeless.tensor(rows, dtype=tapeless.long)
        self.shift = tapeless.zeros(dimension, dtype=tapeless.long)
        if scramble:
            self._scramble()
        self.quasi = self.shift.clone()
        self._first_point = (self.quasi / 2**self.MAXBIT).reshape(1, -1)
        self.num_generated = 0

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next n points, [n, dimension], of the default dtype unless another is given."""
        dtype = tapeless.get_default_dtype() if dtype is None else dtype
        points = self._integers(self.num_generated, n)
        self._advance(n)
        result = points.to(dtype) * 2.0**-self.MAXBIT
        if out is None:
            return result
        out.resize_(result.shape).copy_(result)
        return out

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next 2^m points; ValueError unless the number of points drawn so far and then is a power of 2."""
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: n={self.num_generated}+2**{m}="
                f"{total}. If you still want to do this, please use 'SobolEngine.draw()' instead."
            )
        return self.draw(n=n, out=out, dtype=dtype)

    def reset(self) -> SobolEngine:
        """Begins again with the first point."""
        self.quasi.copy_(self.shift)
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Leaves the next n points out."""
        self._advance(n)
        return self

    def _advance(self, n: int) -> None:
        self.num_generated += n
        if self.num_generated:
            self.quasi.copy_(self._integers(self.num_generated - 1, 1)[0])

    def _integers(self, first: int, n: int) -> Tensor:
        """Points first, first + 1, … as integers: direction numbers where the Gray code of the index has a 1."""
        index = tapeless.arange(first, first + n, dtype=tapeless.long)
        gray = index ^ (index >> 1)
        points = self.shift.expand(n, self.dimension)
        for bit in range((first + n).bit_length()):
            points = points ^ ((gray >> bit & 1)[:, None] * self.sobolstate[:, bit])
        return points

    def _scramble(self) -> None:
        generator = tapeless.Generator()
        if self.seed is not None:
            generator.manual_seed(self.seed)
        else:
            generator.seed()
        bits, powers = self.MAXBIT, 2 ** tapeless.arange(self.MAXBIT)
        shifts = tapeless.randint(2, (self.dimension, bits), generator=generator)
        self.shift = (shifts * powers).sum(-1)
        matrices = tapeless.randint(2, (self.dimension, bits, bits), generator=generator).tril()
        matrices.diagonal(dim1=-2, dim2=-1).fill_(1)
        # A direction number's bits, the highest first, times the matrix modulo 2.
        high_first = powers.flip(0)
        inside = self.sobolstate[:, :, None] >> tapeless.arange(bits).flip(0) & 1
        scrambled = (inside[:, :, None, :] * matrices[:, None]).sum(-1) % 2
        self.sobolstate = (scrambled * high_first).sum(-1)

    def __repr__(self) -> str:
        shown = [f"dimension={self.dimension}"]
        if self.scramble:
            shown.append("scramble=True")
        if self.seed is not None:
            shown.append(f"seed={self.seed}")
        return f"{self.__class__.__name__}({', '.join(shown)})"
