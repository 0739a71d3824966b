// embedding: rows of a table by number; its gradient adds up each row's, but for a padding row, or averages them.
#include "base/warn.h"
#include "kernels/indexing.h"
#include "ops/fresh.h"
#include "ops/indexing.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

struct Embedding {
    static constexpr const char* node = "EmbeddingBackward0";
    static constexpr const char* const saved_names[] = {"indices"};
    std::int64_t rows, padding;
    bool by_frequency;

    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor index = reshape(to_dtype(unpack(of.saved[0], of), DType::Int64), {-1});
        const std::int64_t width = in[0]->sizes[in[0]->dim() - 1];
        // Half types are added up in float32 and rounded once.
        const DType dtype = compute_type(in[0]->dtype);
        Tensor g = to_dtype(reshape(in[0], {index->numel, width}), dtype);
        if (by_frequency) {
            const Tensor ones = full(index->sizes, Scalar(1), dtype, g->device);
            const Tensor counts =
                index_add(full({rows}, Scalar(0), dtype, g->device), 0, index, ones, Scalar(1));
            g = apply(row("div"), g, unsqueeze(index_select(counts, 0, index), 1));
        }
        if (padding >= 0) {
            const Tensor counts = unsqueeze(apply(row("ne"), index, Scalar(padding)), 1);
            const Argument parts[] = {counts, g, Scalar(0)};
            g = apply(row("where"), parts);
        }
        out[0] = to_dtype(index_add(full({rows, width}, Scalar(0), dtype, g->device), 0, index, g, Scalar(1)),
                          in[0]->dtype);
    }
    std::optional<Scalar> saved_number(const char* name) const {
        const std::string_view what = name;
        if (what == "padding_idx") return Scalar(padding);
        if (what == "scale_grad_by_freq") return Scalar(by_frequency);
        if (what == "sparse") return Scalar(false);
        if (what == "weight_sym_argsize_0") return Scalar(rows);
        return std::nullopt;
    }
};

Tensor embedding(const Tensor& weight, const Tensor& indices, std::int64_t padding, bool by_frequency,
                 bool sparse) {
    check(weight->dim() == 2, "'weight' must be 2-D");
    if (indices->dtype != DType::Int64 && indices->dtype != DType::Int32) {
        fail(ErrorKind::Runtime,
             "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, "
             "Int; but got ",
             describe(*indices), " instead (while checking arguments for embedding)");
    }
    if (sparse) warn_user("embedding: sparse=True asks for a sparse gradient, which is dense here");
    Dims sizes = indices->sizes;
    sizes.push_back(weight->sizes[1]);
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        const Tensor flat = indices->dim() == 1 ? indices : reshape(indices, {-1});
        out = reshape(index_select(weight, 0, flat), sizes);
    }
    if (out->autograd) out = alias(out);  // Not a view of the rows that were taken.
    out = marked(out);
    if (is_differentiable(weight->dtype) && needs_record({&weight})) {
        save(record(out, {&weight}, Embedding{weight->sizes[0], padding, by_frequency}, 1)->saved[0],
             indices);
    }
    return out;
}

const Offer offer({
    operation<&embedding>(
        "embedding", "weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False",
        "The rows of weight that indices name. Derivative: each row gets the sum of its gradients, "
        "divided by its count with scale_grad_by_freq; row padding_idx gets none.",
        Offered::Function),
});

}  // namespace
}  // namespace tapeless
