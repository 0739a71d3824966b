// What rows ask of their operands beyond the domain, and what operands are that a call leaves out.
#pragma once

#include "kernels/formula.h"

// Declared here and compiled once, without the loops: code of one ISA level must not be reached from another.

namespace tapeless {

/// Bounds that bound nothing, of clamp: operand 1 is the lower, 2 the upper.
Scalar no_bound(int operand, DType common);
/// Of nan_to_num: 0, the largest and the smallest number of the dtype.
Scalar finite_stand_in(int operand, DType common);
/// Of logit: an eps that limits nothing.
Scalar no_margin(int operand, DType common);

/// Powers that are squares, roots and inverses.
const char* simpler_power(const Scalar& exponent, DType common);

/// All operands must have the dtype of the first, but for numbers and a last one without dimensions.
void same_dtypes(const Row& row, const Argument* arguments, DType common);
/// Both, of heaviside.
void same_real_dtypes(const Row& row, const Argument* arguments, DType common);
/// addcdiv divides no integers.
void no_integer_quotient(const Row& row, const Argument* arguments, DType common);
/// Complex numbers have no order, which PyTorch says with a RuntimeError.
void refuse_complex(const Row& row, const Argument* arguments, DType common);

}  // namespace tapeless
