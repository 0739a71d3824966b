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

/// Whether operand k gets a gradient, or a refusal in its place.
inline bool asks_gradient(const Row& row, int k) {
    return row.derivative_root[k] >= 0 || (k == 0 && row.facts.refused);
}
/// Puts a node that fails before the edge of operand 0, x, whose derivative nobody has. It is run only where a backward
/// pass wants that gradient; users see the edge behind it.
void refuse_gradient(Node& node, const Row& row, const Tensor& x);
[[noreturn]] void fail_refused(const char* what);

/// Gradient k of a row: the derivative's own loop, or its code replayed where something is recorded or wrapped.
/// `symbols`: g, the row's operands, out. `numbers`: bit k: operand k is a number.
Tensor row_gradient(const Row& row, int k, const Argument* symbols, std::uint8_t numbers, DType common);
/// The row where a level acts: `wrapped` is the number of the operands' deepest wrapper. Not recorded for the operands
/// themselves.
Tensor apply_at_level(const Row& row, const Argument* arguments, int wrapped);
/// The same written into arguments[0]; fails where the level cannot hold the result.
void apply_inplace_at_level(const Row& row, const Argument* arguments, int wrapped);
/// The number of the deepest wrapper among a row's operands; 0: none.
int deepest(const Argument* arguments, int count);

/// Which operands (bits) and whether out (bit arity) the wanted gradients need.
std::uint8_t wanted_values(const Row& row, const Node& node);
/// Saves the operands that `wanted` names; `original`: what operand 0 was before it was overwritten.
void save_operands(Node& node, const Row& row, const Argument* arguments, std::uint8_t wanted,
                   const Tensor* original = nullptr);

}  // namespace tapeless
