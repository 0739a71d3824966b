// Matrices put together from blocks: block_diag, and pieces padded and joined (_chunk_cat).
#include <algorithm>

#include "ops/fresh.h"
#include "ops/joining.h"
#include "ops/levels.h"
#include "ops/operation.h"
#include "ops/underived.h"

namespace tapeless {
namespace {

/// A block with those sizes as a matrix: a vector is a row, a number one element.
Dims as_matrix(const Dims& sizes) {
    return {sizes.size() == 2 ? sizes[0] : 1, sizes.empty() ? 1 : sizes.back()};
}

/// Which blocks lie along the diagonal.
struct BlockDiag {
    static constexpr const char* node = "BlockDiagBackward0";
    std::vector<Dims> sizes;
    std::vector<DType> dtypes;

    /// Calls visit(i, view) with the place of each block in a matrix.
    template <class Visit> void each_block(const Tensor& matrix, Visit&& visit) const {
        std::int64_t row = 0, column = 0;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            const Dims block = as_matrix(sizes[i]);
            const Tensor rows = slice(matrix, 0, row, row + block[0], 1);
            visit(i, slice(rows, 1, column, column + block[1], 1));
            row += block[0];
            column += block[1];
        }
    }
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        each_block(in[0], [&](std::size_t i, const Tensor& block) {
            if (node.needs(static_cast<int>(i))) out[i] = part_for(reshape(block, sizes[i]), dtypes[i]);
        });
    }
};

Tensor block_diag(const std::vector<Tensor>& blocks) {
    if (blocks.empty()) return fresh({1, 0}, default_dtype(), {});
    BlockDiag node{{}, dtypes_of(blocks)};
    Dims whole(2);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const Tensor& x = blocks[i];
        check(x->dim() <= 2, "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input ", i,
              " has ", x->dim(), " dimensions");
        check_devices("block_diag", {&blocks[0], &x});
        for (int d : {0, 1}) whole[d] += as_matrix(x->sizes)[d];
        node.sizes.push_back(x->sizes);
    }
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = marked(full(whole, Scalar(0), common_dtype(blocks), blocks[0]->device));
        node.each_block(out, [&](std::size_t i, const Tensor& block) {
            if (on_cpu(out)) write(block, blocks[i]);
        });
    }
    record_all(out, blocks, std::move(node));
    return out;
}

Dims leading(const Tensor& x, int dims) { return Dims(x->sizes.data(), dims); }
Dims joined(Dims dims, std::initializer_list<std::int64_t> more) {
    for (std::int64_t size : more) dims.push_back(size);
    return dims;
}

/// Elements of each of `chunks` pieces of x along dim, after padding.
std::int64_t share_of(const Tensor& x, int dim, std::int64_t chunks) {
    return (x->sizes[dim] + chunks - 1) / chunks * (x->numel / product(leading(x, dim + 1)));
}

std::int64_t checked_width(const std::vector<Tensor>& tensors, int dim, std::int64_t chunks) {
    std::int64_t width = 0;
    for (const Tensor& x : tensors) {
        check(x->dtype == tensors[0]->dtype, "_chunk_cat expects all input tensors with the same dtype");
        check(x->numel > 0, "_chunk_cat expects non-empty tensor");
        check(x->dim() > dim, "_chunk_cat expects input tensors of more than ", dim, " dimensions");
        check_devices("_chunk_cat", {&tensors[0], &x});
        check(leading(x, dim) == leading(tensors[0], dim),
              "_chunk_cat expects same sizes of 0,...,dim-1 dimensions for all tensors");
        width += share_of(x, dim, chunks);
    }
    return width;
}

/// Each tensor in `chunks` equal pieces along dim, padded with zeros and flattened from dim on; pieces of one number are
/// joined.
Tensor chunk_cat(const std::vector<Tensor>& tensors, std::int64_t given, std::int64_t chunks) {
    check(!tensors.empty(), "_chunk_cat expects a non-empty input tensor list");
    check(chunks > 0, "_chunk_cat expects positive num_chunks, but got ", chunks);
    const int dim = wrap_dim(given, tensors[0]->dim());
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        const Dims sizes = joined(leading(tensors[0], dim), {chunks, checked_width(tensors, dim, chunks)});
        out = marked(full(sizes, Scalar(0), tensors[0]->dtype, tensors[0]->device));
        std::int64_t start = 0;
        for (const Tensor& x : tensors) {
            const std::int64_t share = share_of(x, dim, chunks), count = x->numel / product(leading(x, dim));
            const std::int64_t complete = count / share, rest = count % share;
            const Tensor rows = reshape(x, joined(leading(x, dim), {count}));
            const Tensor place = slice(out, dim + 1, start, start + share, 1);
            write(slice(place, dim, 0, complete, 1), reshape(slice(rows, dim, 0, complete * share, 1),
                                                             joined(leading(x, dim), {complete, share})));
            if (rest) {
                write(slice(select(place, dim, complete), dim, 0, rest, 1),
                      slice(rows, dim, complete * share, count, 1));
            }
            start += share;
        }
    }
    record_all(out, tensors, Underived{"_chunk_cat", "pad, view and cat"});
    return out;
}

const Offer offer({
    operation<&block_diag>("_block_diag", "tensors",
                           "A matrix with the given ones along its diagonal and zeros elsewhere. Derivative: "
                           "each takes its block of g.",
                           Offered::Function),
    operation<&chunk_cat>("_chunk_cat", "tensors, dim, num_chunks",
                          "Each tensor cut along dim in num_chunks equal pieces, the last padded with zeros, "
                          "and flattened from dim on; "
                          "the pieces of one number are joined. PyTorch has no derivative for it.",
                          Offered::Function),
});

}  // namespace
}  // namespace tapeless
