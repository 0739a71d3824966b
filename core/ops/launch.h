// Between tensors and kernels: the layout that an element-wise operation runs in, and its operands seen through it.
#pragma once

#include "kernels/program.h"
#include "ops/row.h"

namespace tapeless {

/// The result's sizes and strides by PyTorch's rule; `order` lists dimensions fastest first, empty for row-major.
struct Layout {
    Dims sizes, strides, order;
};

Layout layout_of(const Argument* arguments, int count, std::uint8_t skipped = 0);
/// The strides of a result that keeps x's order of dimensions: x's own if it has no gaps.
inline Dims preserved_strides(const Tensor& x) {
    const Argument argument(x);
    return is_dense(x->sizes, x->strides) ? x->strides : layout_of(&argument, 1).strides;
}
/// Describes x as an operand; `later`: of an expression, so pending values stay pending and buffers are kept.
void set_operand(Operand& operand, const Tensor& x, const Layout& layout, bool later);
/// The space that strided operands walk, with what can be joined joined; `extra`: strides of an output, joined too.
Dims space_of(const Layout& layout, Operand* operands, int count, Dims* extra);
bool may_defer(std::int64_t numel, const Argument* arguments, int count, const Device& device);
Shared<Expression> make_expression(const Computation& computation, const Operand* operands, int count,
                                   const Layout& layout, Dims space);

}  // namespace tapeless
