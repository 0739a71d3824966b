// Rows at run time: the one table of pointwise operations, and what follows from each row for tensors.
#pragma once

#include "graph/node.h"
#include "kernels/code.h"
#include "kernels/formula.h"

namespace tapeless {

/// A pointwise operation with everything that its formulas gave.
struct Row {
    Facts facts;
    int arity = 0;
    bool differentiable = false;
    int index = 0;                 ///< in the table
    std::uint16_t accepts = 0;     ///< bit d: the dtype d, once promoted, is in the domain
    std::uint8_t saved_slots = 0;  ///< saved values that a node has room for
    Kernel forward{};
    Kernel derivative[kMostArity]{};  ///< operands: g, the row's operands, out
    CodeGraph code;
    int forward_root = -1;
    int derivative_root[kMostArity] = {-1, -1, -1, -1};
    std::uint8_t saved[kMostArity] = {};  ///< per gradient: bit k for operand k, bit `arity` for out
    NodeClass node{}, number_node{},
        left_number_node{};     ///< by whether the last or the first operand is a number
    NodeClass in_place_node{};  ///< of the in-place form, where its name is another
    std::string node_name;

    /// How many operands may be tensors: the first ones.
    int tensor_count() const { return arity - facts.number_count(); }
    bool is_number(int k) const { return k >= tensor_count(); }
    const NumberOperand& number(int k) const { return facts.numbers[k - tensor_count()]; }
    bool needs_keyword(int k) const { return (facts.keyword_operands >> k) & 1; }
    bool is_optional(int k) const { return (facts.optional_operands >> k) & 1; }
};

/// Keyword of operand k, and the name under which its node saves it; the input is "input".
const char* operand_name(const Row& row, int k);

/// All rows, in the order of their families; built once.
const std::vector<Row>& rows();
/// The row of that name; fails when there is none.
const Row& row(const char* name);
/// The row's gradients in words, by operand: "Derivative: g * out."
std::string derivative_text(const Row& row);

/// Letters of the operands in a row's code.
inline constexpr const char* kOperandLetters[kMostArity] = {"x", "y", "z", "w"};

/// An operand as the caller gave it: a tensor, or a number.
struct Argument {
    const Tensor* tensor = nullptr;
    Scalar number;
    Argument(const Tensor& x) : tensor(&x) {}
    Argument(Scalar value) : number(value) {}
};

/// The result dtype of PyTorch's promotion: numbers and 0-dimensional tensors only decide the category.
DType result_type(const Argument* arguments, int count);

/// The row whose loops serve this call: itself, or a simpler one of the first operand alone.
const Row& simplest(const Row& row, const Argument* arguments, DType common);
/// The row applied, recorded if a gradient is wanted.
Tensor apply(const Row& row, const Argument* arguments);
/// The same, written into arguments[0], which must be a tensor.
void apply_inplace(const Row& row, const Argument* arguments);

template <class... Operands>
    requires((std::is_same_v<Operands, Tensor> || std::is_same_v<Operands, Scalar>) && ...)
Tensor apply(const Row& row, const Operands&... operands) {
    const Argument arguments[] = {Argument(operands)...};
    return apply(row, arguments);
}

/// A formula's kernel over tensors and numbers, not recorded: promotion, broadcasting, output strides, deferral.
struct Computation {
    const Kernel* kernel;
    DType compute;             ///< dtype of the loop
    DType result;              ///< dtype of the tensor made
    std::uint8_t skipped = 0;  ///< bit k: operand k is not read
    bool eager = false;
};
Tensor compute(const Computation& computation, const Argument* arguments, int count);

}  // namespace tapeless
