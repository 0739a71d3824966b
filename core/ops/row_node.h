// What a row's node keeps besides its saved values, shared by recording and backward.
#pragma once

#include "graph/modes.h"
#include "ops/row.h"

namespace tapeless {

struct alignas(Scalar) RowPayload {
    DType common;                ///< dtype that the operands were promoted to
    std::uint8_t is_number = 0;  ///< bit k: operand k was a number
    /// Behind the payload; by operand. There is room only if an operand was a number.
    Scalar* numbers() { return reinterpret_cast<Scalar*>(this + 1); }
};

/// Which operands (bits) and whether out (bit arity) the wanted gradients need.
std::uint8_t wanted_values(const Row& row, const Node& node);
/// Saves the operands that `wanted` names; `original`: what operand 0 was before it was overwritten.
void save_operands(Node& node, const Row& row, const Argument* arguments, std::uint8_t wanted,
                   const Tensor* original = nullptr);

}  // namespace tapeless
