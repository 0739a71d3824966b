// Pieces: several views of one tensor by one call, which share a node with an output for each.
#include "ops/embed.h"
#include "ops/joining.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

/// split and unbind: one node with an output for each piece.
struct Split {
    static constexpr const char* node = "SplitBackward0";
    static constexpr bool takes_undefined = true;
    Dims sizes;
    std::int64_t dim;
    DType dtype;
    Dims lengths;
    bool unbinds = false;

    void backward(Node& node, Gradients in, Gradients out) const {
        int present = 0;
        for (int i = 0; i < node.output_count; ++i) present += in[i] ? 1 : 0;
        if (present > 1) {  // Placing each into zeros would be a pass over the whole for each.
            out[0] = joined(node, in);
            return;
        }
        std::int64_t start = 0;
        for (int i = 0; i < node.output_count; ++i) {
            const std::int64_t length = unbinds ? 1 : lengths[i];
            if (in[i]) {
                const Embed embed{sizes, dim, start, start + length, 1, unbinds};
                out[0] = embed(in[i]);
            }
            start += length;
        }
    }

    /// The gradients beside each other, zeros where there are none.
    Tensor joined(const Node& node, Gradients in) const {
        std::vector<Tensor> parts;
        Device device;
        for (int i = 0; i < node.output_count; ++i) {
            if (in[i]) device = in[i]->device;
        }
        for (int i = 0; i < node.output_count; ++i) {
            if (in[i]) {
                parts.push_back(in[i]);
                continue;
            }
            Dims missing = sizes;
            if (unbinds)
                missing.erase(static_cast<int>(dim));
            else
                missing[static_cast<int>(dim)] = lengths[i];
            parts.push_back(full(missing, Scalar(0), dtype, device));
        }
        return unbinds ? stack(parts, dim) : cat(parts, dim);
    }
};
struct SplitSizes : Split {
    static constexpr const char* node = "SplitWithSizesBackward0";
};
struct UnsafeSplit : Split {
    static constexpr const char* node = "UnsafeSplitBackward0";
};
struct UnsafeSplitSizes : Split {
    static constexpr const char* node = "UnsafeSplitWithSizesBackward0";
};
struct Unbind : Split {
    static constexpr const char* node = "UnbindBackward0";
};

template <class P> void record_pieces(const std::vector<Tensor>& pieces, const Tensor& x, P payload) {
    if (!needs_record({&x})) return;
    Ref<Node> node = make_node(class_of<P>(), 1, 0, static_cast<int>(pieces.size()), std::move(payload));
    node->edges[0] = gradient_edge(x);
    for (std::size_t i = 0; i < pieces.size(); ++i) set_history(pieces[i], node, static_cast<int>(i));
}

Tensor piece(const Tensor& x, Dims sizes, Dims strides, std::int64_t offset) {
    Tensor out = tensor_of(x->storage, std::move(sizes), std::move(strides), offset, x->dtype);
    set_view(out, x, grad_enabled() ? Creation::MultiView : Creation::NoGrad);
    return out;
}

}  // namespace

namespace {

std::vector<Tensor> pieces_of(const Tensor& x, const Dims& lengths, int d) {
    std::vector<Tensor> pieces;
    std::int64_t start = 0;
    for (std::int64_t length : lengths) {
        if (lifted(x)) {
            pieces.push_back(slice(untracked(x), d, start, start + length, 1));
            start += length;
            continue;
        }
        Dims sizes = x->sizes;
        sizes[d] = length;
        pieces.push_back(piece(x, std::move(sizes), x->strides, x->offset + start * x->strides[d]));
        start += length;
    }
    return pieces;
}

}  // namespace

std::vector<Tensor> split(const Tensor& x, const Dims& lengths, std::int64_t dim) {
    const int d = wrap_dim(dim, x->dim());
    std::vector<Tensor> pieces = pieces_of(x, lengths, d);
    record_pieces(pieces, x, SplitSizes{{x->sizes, d, x->dtype, lengths}});
    return pieces;
}

std::vector<Tensor> split_evenly(const Tensor& x, const Dims& lengths, std::int64_t dim) {
    const int d = wrap_dim(dim, x->dim());
    std::vector<Tensor> pieces = pieces_of(x, lengths, d);
    record_pieces(pieces, x, Split{x->sizes, d, x->dtype, lengths});
    return pieces;
}

namespace {

/// Whoever writes into a piece writes into x unnoticed by the graph.
template <class P> std::vector<Tensor> unsafe_split(const Tensor& x, const Dims& lengths, std::int64_t dim) {
    const int d = wrap_dim(dim, x->dim());
    std::vector<Tensor> pieces = pieces_of(x, lengths, d);
    for (const Tensor& piece : pieces) piece->autograd->view.reset();
    record_pieces(pieces, x, P{{x->sizes, d, x->dtype, lengths}});
    return pieces;
}

}  // namespace

std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim) {
    if (x->dim() == 0) fail(ErrorKind::Index, "Dimension specified as 0 but tensor has no dimensions");
    const int d = wrap_dim(dim, x->dim());
    std::vector<Tensor> pieces;
    for (std::int64_t i = 0; i < x->sizes[d]; ++i) {
        if (lifted(x)) {
            pieces.push_back(select(untracked(x), d, i));
            continue;
        }
        Dims sizes = x->sizes, strides = x->strides;
        sizes.erase(d);
        strides.erase(d);
        pieces.push_back(piece(x, std::move(sizes), std::move(strides), x->offset + i * x->strides[d]));
    }
    record_pieces(pieces, x, Unbind{{x->sizes, d, x->dtype, {}, true}});
    return pieces;
}

namespace {

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&split>(
            "split_with_sizes", "input, split_sizes, dim=0",
            "Views of consecutive pieces of a dimension. Derivative: the pieces' gradients joined."),
        operation<&unsafe_split<UnsafeSplitSizes>>(
            "_unsafe_split_with_sizes", "input, split_sizes, dim=0",
            "Pieces of listed sizes over the input's memory that autograd takes for copies.",
            Offered::Function),
        operation<&unsafe_split<UnsafeSplit>>(
            "_unsafe_split", "input, split_sizes, dim=0",
            "Pieces over the input's memory that autograd takes for copies.", Offered::Function),
        operation<&split_evenly>("_split", "input, split_sizes, dim=0", "Views of pieces of one size.",
                                 Offered::Function),
        operation<&unbind>(
            "unbind", "input, dim=0",
            "The views at every index of a dimension. Derivative: the views' gradients stacked."),
    });

}  // namespace
}  // namespace tapeless
