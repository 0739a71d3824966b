// Structured operations: views, copies, reductions, products, indexing. Each has its file; this is what they offer.
#pragma once

#include <vector>

#include "graph/record.h"
#include "ops/into.h"
#include "ops/row.h"

namespace tapeless {

/// Records one output with one differentiable input: a node of class P with its payload.
template <class P>
Ref<Node> record(const Tensor& out, std::initializer_list<const Tensor*> inputs, P payload, int saved = 0) {
    Ref<Node> node = make_node(class_of<P>(), static_cast<int>(inputs.size()), saved, 1, std::move(payload));
    const int wrapped = deepest(inputs);
    int edge = 0;
    for (const Tensor* x : inputs) {
        if (*x) node->edges[edge] = edge_above(*x, wrapped);
        ++edge;
    }
    set_history(out, node);
    return node;
}

// Views (ops/view.cpp): results share x's storage.
Tensor as_strided(const Tensor& x, const Dims& sizes, const Dims& strides, std::int64_t offset);
Tensor select(const Tensor& x, std::int64_t dim, std::int64_t index);
Tensor slice(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step);
/// `length` indices of dim from start on, which both must lie within.
Tensor narrow(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length);
Tensor permute(const Tensor& x, const Dims& dims);
Tensor transpose(const Tensor& x, std::int64_t dim0, std::int64_t dim1);
Tensor expand(const Tensor& x, const Dims& sizes);
Tensor view(const Tensor& x, const Dims& sizes);
Tensor reshape(const Tensor& x, const Dims& sizes);
Tensor unsqueeze(const Tensor& x, std::int64_t dim);
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, std::int64_t dim);
Tensor squeeze(const Tensor& x, const Dims& dims);
Tensor t(const Tensor& x);
Tensor detach(const Tensor& x);
std::vector<Tensor> split(const Tensor& x, const Dims& sizes, std::int64_t dim);  ///< SplitWithSizesBackward0
std::vector<Tensor> split_evenly(const Tensor& x, const Dims& sizes, std::int64_t dim);  ///< SplitBackward0
std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim);
/// x as one output of several: writing through it is refused.
Tensor alias_view(const Tensor& x);

// Copies (ops/copy.cpp).
Tensor clone(const Tensor& x, MemoryFormat format = MemoryFormat::Preserve);
Tensor contiguous(const Tensor& x);
Tensor to_dtype(const Tensor& x, DType dtype, bool copy = false,
                MemoryFormat format = MemoryFormat::Preserve);
void copy_(const Tensor& x, const Tensor& source);
void fill_(const Tensor& x, const Scalar& value);
void fill_(const Tensor& x, const Tensor& element);  ///< a tensor's only element, which gets the gradient
/// x[...] = value, whose node PyTorch names as that of a fill by a tensor.
void set_number(const Tensor& x, const Scalar& value);
Tensor full(const Dims& sizes, const Scalar& value, DType dtype, Device device = {});

// div with rounding_mode "floor" or "trunc", and round to decimals (ops/rounded.cpp).
Tensor div_rounded(const Argument* arguments, bool floors);
void div_rounded_(const Argument* arguments, bool floors);
Tensor round_decimals(const Tensor& x, std::int64_t decimals);
void round_decimals_(const Tensor& x, std::int64_t decimals);

// Reductions (ops/reduce.cpp). Empty dims: all.
Tensor sum(const Tensor& x, const Dims& dims, bool keepdim, const DType* dtype = nullptr);
Tensor mean(const Tensor& x, const Dims& dims, bool keepdim, const DType* dtype = nullptr);
/// x summed to `sizes`, which broadcast to x's.
Tensor sum_to_size(const Tensor& x, const Dims& sizes);

}  // namespace tapeless
