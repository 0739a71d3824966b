// The *_copy operations: copies of views, with the derivatives of the views.
#include "ops/view_copies.h"

#include <map>
#include <memory>

#include "ops/embed.h"
#include "ops/linear.h"
#include "ops/operation.h"
#include "ops/underived.h"

namespace tapeless {
namespace {

/// Passes gradients as the view's own node does, which it holds.
struct ViewCopy {
    static constexpr const char* node = "ViewBackward0_copy";
    Ref<Node> view;

    int visit(const Visit& visit) const { return view ? visit.object(view.get(), visit.context) : 0; }
    void clear() { view.reset(); }
    void backward(Node&, Gradients in, Gradients out) const { view->cls->apply(*view, in, out); }
};

/// The class of copies of that class's views.
const NodeClass& class_beside(const NodeClass& view) {
    struct Named {
        std::string name;
        NodeClass cls;
    };
    static std::map<const NodeClass*, std::unique_ptr<Named>> known;
    std::unique_ptr<Named>& named = known[&view];
    if (!named) {
        named = std::make_unique<Named>(Named{std::string(view.name) + "_copy", class_of<ViewCopy>()});
        named->cls.name = named->name.c_str();
        named->cls.binding = nullptr;
        named->cls.takes_undefined = view.takes_undefined;
    }
    return named->cls;
}

Ref<Node> node_beside(const Ref<Node>& view) {
    Ref<Node> node = make_node(class_beside(*view->cls), 1, 0, view->output_count, ViewCopy{view});
    node->edges[0] = view->edges[0];
    return node;
}

Tensor bytes_of(const Tensor& view) {
    const ModeGuard quiet(kNoGrad, true);
    return marked(clone(view, MemoryFormat::Contiguous));
}

}  // namespace

Tensor copied(const Tensor& view) {
    const Tensor out = bytes_of(view);
    if (view->grad_fn) set_history(out, node_beside(Ref<Node>(node_of(*view))));
    return out;
}

std::vector<Tensor> copied(const std::vector<Tensor>& views) {
    std::vector<Tensor> out;
    for (const Tensor& view : views) out.push_back(bytes_of(view));
    if (views.empty() || !views[0]->grad_fn) return out;
    const Ref<Node> node = node_beside(Ref<Node>(node_of(*views[0])));
    for (std::size_t i = 0; i < out.size(); ++i) set_history(out[i], node, static_cast<int>(i));
    return out;
}

namespace {

Tensor detach_copy(const Tensor& x) {
    const Tensor out = bytes_of(x);
    if (is_differentiable(x->dtype) && needs_record({&x}))
        record(out, {&x}, Underived{"detach_copy", "x.detach().clone()"});
    return out;
}
Tensor alias_copy(const Tensor& x) { return copied(alias_view(x)); }
Tensor as_strided_copy(const Tensor& x, const Dims& size, const Dims& stride,
                       const std::optional<std::int64_t>& storage_offset) {
    return copied(as_strided(x, size, stride, storage_offset.value_or(x->offset)));
}
Tensor expand_copy(const Tensor& x, const Dims& size, bool) { return copied(expand(x, size)); }
Tensor permute_copy(const Tensor& x, const Dims& dims) { return copied(permute(x, dims)); }
Tensor squeeze_copy(const Tensor& x, const std::optional<DimOrDims>& dim) {
    if (!dim) return copied(squeeze(x));
    const Dims* dims = std::get_if<Dims>(&*dim);
    return copied(dims ? squeeze(x, *dims) : squeeze(x, std::get<std::int64_t>(*dim)));
}
Tensor t_copy(const Tensor& x) { return copied(t(x)); }
Tensor transpose_copy(const Tensor& x, std::int64_t dim0, std::int64_t dim1) {
    return copied(transpose(x, dim0, dim1));
}
Tensor unsqueeze_copy(const Tensor& x, std::int64_t dim) { return copied(unsqueeze(x, dim)); }
Tensor view_copy(const Tensor& x, const Dims& size) { return copied(view(x, size)); }
Tensor select_copy(const Tensor& x, std::int64_t dim, std::int64_t index) {
    return copied(select(x, dim, index));
}
Tensor slice_copy(const Tensor& x, std::int64_t dim, const std::optional<std::int64_t>& start,
                  const std::optional<std::int64_t>& end, std::int64_t step) {
    return copied(slice(x, dim, start.value_or(0), end.value_or(INT64_MAX), step));
}
std::vector<Tensor> unbind_copy(const Tensor& x, std::int64_t dim) { return copied(unbind(x, dim)); }
std::vector<Tensor> split_with_sizes_copy(const Tensor& x, const Dims& split_sizes, std::int64_t dim) {
    return copied(split(x, split_sizes, dim));
}
std::vector<Tensor> split_copy(const Tensor& x, const Dims& split_sizes, std::int64_t dim) {
    return copied(split_evenly(x, split_sizes, dim));
}

/// narrow_copy: a slice with a node of its own.
struct Narrow {
    static constexpr const char* node = "NarrowCopyBackward0";
    Dims sizes;
    std::int64_t dim, start, length;
    Tensor values(const Tensor& x) const { return bytes_of(slice(x, dim, start, start + length, 1)); }
    Tensor whole(const Tensor& all) const {
        return linear(all, Narrow{with_examples(all, sizes), dim + 1, start, length});
    }
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = Embed{sizes, dim, start, start + length, 1, false}(in[0]);
    }
};

Tensor narrow_copy(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length) {
    check(dim < x->dim(), "narrow_copy: Expected dim < ", x->dim(), ", the number of dimensions, but got ",
          dim);
    narrow(x, dim, start, length);  // For its checks.
    const int d = wrap_dim(dim, x->dim());
    return linear(x, Narrow{x->sizes, d, start < 0 ? start + x->sizes[d] : start, length});
}

Operation copy(Operation operation) {
    operation.method = false;
    operation.doc = "A row-major copy of the view of that name. Derivative: that of the view.";
    return operation;
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        copy(operation<&alias_copy>("alias_copy", "input", "")),
        copy(operation<&as_strided_copy>("as_strided_copy", "input, size, stride, storage_offset=None", "")),
        copy(operation<&expand_copy>("expand_copy", "input, size, *, implicit=False", "")),
        copy(operation<&permute_copy>("permute_copy", "input, dims", "")),
        copy(operation<&squeeze_copy>("squeeze_copy", "input, dim=None", "")),
        copy(operation<&t_copy>("t_copy", "input", "")),
        copy(operation<&transpose_copy>("transpose_copy", "input, dim0, dim1", "")),
        copy(operation<&unsqueeze_copy>("unsqueeze_copy", "input, dim", "")),
        copy(operation<&view_copy>("_view_copy", "input, size", "")),
        copy(operation<&select_copy>("select_copy", "input, dim, index", "")),
        copy(operation<&slice_copy>("slice_copy", "input, dim=0, start=None, end=None, step=1", "")),
        copy(operation<&unbind_copy>("_unbind_copy", "input, dim=0", "")),
        copy(operation<&split_with_sizes_copy>("_split_with_sizes_copy", "input, split_sizes, dim=0", "")),
        copy(operation<&split_copy>("_split_copy", "input, split_sizes, dim=0", "")),
        operation<&narrow_copy>("narrow_copy", "input, dim, start, length",
                                "A copy of narrow. Derivative: g in that range of zeros."),
        operation<&detach_copy>("detach_copy", "input",
                                "A copy that no gradient passes: asking for one is a RuntimeError.",
                                Offered::Function),
    });

}  // namespace
}  // namespace tapeless
