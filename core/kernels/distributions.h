// Draws whose parameters differ from element to element, number by number PyTorch's for the same stream.
#pragma once

#include "base/dtype.h"
#include "kernels/generator.h"

namespace tapeless {

// All arrays are row-major and of one floating dtype. Parameters are checked element by element, before its draws.

void draw_poisson(Generator& generator, DType dtype, const void* rates, void* out, std::int64_t n);
/// How many of `counts` trials succeed, each with its probability.
void draw_binomial(Generator& generator, DType dtype, const void* counts, const void* probabilities,
                   void* out, std::int64_t n);
/// Gamma numbers of scale 1.
void draw_gamma(Generator& generator, DType dtype, const void* shapes, void* out, std::int64_t n);
/// How fast a gamma number grows with its shape, its place in the distribution held.
void gamma_slopes(DType dtype, const void* shapes, const void* drawn, void* out, std::int64_t n);
/// Rows that add up to 1.
void draw_dirichlet(Generator& generator, DType dtype, const void* shapes, void* out, std::int64_t rows,
                    std::int64_t length);
/// `samples` places for each row of weights, each place as probable as its weight, whatever was drawn before.
void draw_places(Generator& generator, DType dtype, const void* weights, std::int64_t rows,
                 std::int64_t length, std::int64_t samples, std::int64_t* out);

}  // namespace tapeless
