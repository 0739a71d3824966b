// as_strided, and with it the two nodes that keep views and their base true: AsStrided and CopySlices.
#include "base/faults.h"
#include "ops/complex_views.h"
#include "ops/indexing.h"
#include "ops/operation.h"
#include "ops/written.h"

namespace tapeless {
namespace {

/// A geometry over a storage.
struct Strided {
    Dims sizes, strides;
    std::int64_t offset = 0;
};

Strided geometry(const TensorBody& x) { return {x.sizes, x.strides, x.offset}; }

/// Where the numbers that make up the elements lie, counted in real ones: of x's dtype, or of its parts if `split`.
Strided parts_geometry(const TensorBody& x, bool split) {
    Strided parts = geometry(x);
    if (!split) return parts;
    for (std::int64_t& stride : parts.strides) stride *= 2;
    parts.sizes.push_back(2);
    parts.strides.push_back(1);
    parts.offset *= 2;
    return parts;
}

/// A base and its view. Where one is complex and the other real, both geometries count in real numbers.
struct Pair {
    Strided base, view;
    bool base_split = false, view_split = false;
};
Pair pair_of(const TensorBody& base, const TensorBody& view) {
    const bool mixed = is_complex(base.dtype) != is_complex(view.dtype);
    const bool base_split = mixed && is_complex(base.dtype), view_split = mixed && is_complex(view.dtype);
    return {parts_geometry(base, base_split), parts_geometry(view, view_split), base_split, view_split};
}
Tensor parts(const Tensor& x, bool split) { return split ? view_as_real(x) : x; }
Tensor whole(const Tensor& x, bool split) { return split ? view_as_complex(x) : x; }

/// Elements of a storage that the geometry needs; false when they are more than 2^63 - 1 bytes.
bool extent_of(const Strided& geometry, std::size_t itemsize, std::int64_t& elements) {
    elements = 0;
    if (product(geometry.sizes) == 0) return true;
    std::int64_t last = geometry.offset, reach = 0, bytes = 0;
    bool overflow = false;
    for (int d = 0; d < geometry.sizes.size(); ++d) {
        overflow |= __builtin_mul_overflow(geometry.sizes[d] - 1, geometry.strides[d], &reach);
        overflow |= __builtin_add_overflow(last, reach, &last);
    }
    overflow |= __builtin_add_overflow(last, 1, &elements);
    return !(overflow | __builtin_mul_overflow(elements, static_cast<std::int64_t>(itemsize), &bytes));
}

/// The same of a tensor that exists.
std::int64_t extent(const Strided& geometry) {
    std::int64_t elements = 0;
    extent_of(geometry, 1, elements);
    return elements;
}

/// Where in the storage each element lies, in row-major order.
Tensor positions(const Strided& geometry) {
    const std::int64_t count = product(geometry.sizes);
    const Tensor out = empty({count}, DType::Int64);
    std::int64_t* to = mutable_data<std::int64_t>(*out);
    Dims at(geometry.sizes.size());
    for (std::int64_t i = 0; i < count; ++i) {
        to[i] = geometry.offset;
        for (int d = 0; d < at.size(); ++d) to[i] += at[d] * geometry.strides[d];
        for (int d = at.size() - 1; d >= 0 && ++at[d] == geometry.sizes[d]; --d) at[d] = 0;
    }
    return out;
}

/// Gradient of a view with geometry `view` as a gradient of a base with geometry `base`: every element is added to
/// where it lies, and the base reads it from there. An element that the base shows several times shares it evenly.
struct AsStrided {
    static constexpr const char* node = "AsStridedBackward0";
    Pair geometries;

    void backward(Node&, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const auto& [base, view, base_split, view_split] = geometries;
        out[0] = whole(transpose(parts(in[0], view_split)), base_split);
    }

    Tensor transpose(const Tensor& g) const {
        const Strided &base = geometries.base, &view = geometries.view;
        const std::int64_t room = std::max(extent(base), extent(view));
        Tensor flat = full({room}, Scalar(0), g->dtype, g->device);
        const Tensor place = as_strided(flat, view.sizes, view.strides, view.offset);
        if (!has_internal_overlap(*place)) {
            copy_(place, g);
        } else {
            flat = scatter_add(flat, 0, positions(view), reshape(g, {product(view.sizes)}));
        }
        Tensor out = as_strided(flat, base.sizes, base.strides, base.offset);
        if (!has_internal_overlap(*out)) return out;
        const ModeGuard quiet(kNoGrad, true);
        Tensor counts = full({room}, Scalar(0), g->dtype, g->device);
        const Tensor ones = full({product(base.sizes)}, Scalar(1), g->dtype, g->device);
        counts = scatter_add(counts, 0, positions(base), ones);
        return apply(row("div"), out, as_strided(counts, base.sizes, base.strides, base.offset));
    }
};

/// The base's node after a write through a view: the writer's gradient takes the place of the written region.
struct CopySlices {
    static constexpr const char* node = "torch::autograd::CopySlices";
    static constexpr bool releases_payload = true;
    Strided base;
    Pair geometries;
    Ref<Node> writer;

    int visit(const Visit& visit) const { return writer ? visit.object(writer.get(), visit.context) : 0; }
    void clear() { writer.reset(); }

    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (!writer) fail_released();
        const Tensor g = private_copy(in[0]);
        const Strided& view = geometries.view;
        const Tensor counted = as_strided(parts(g, geometries.base_split), view.sizes, view.strides,
                                          view.offset - geometries.base.offset);
        const Tensor region = whole(counted, geometries.view_split);
        Tensor incoming = dense_copy_of(region);
        Tensor results[16];
        std::vector<Tensor> many;
        Gradients through = results;
        if (node.edge_count > 16) {
            many.resize(node.edge_count);
            through = many.data();
        }
        writer->cls->apply(*writer, &incoming, through);
        if (planted(Fault::RegionKept)) {
            // The gradient of the region goes on as it came.
        } else if (through[0]) {
            copy_(region, through[0]);
        } else {
            fill_(region, Scalar(0));
        }
        for (int i = 1; i < node.edge_count; ++i) out[i] = through[i];
        out[0] = g;
    }

    /// The gradient in memory of its own with the base's strides; what nobody else holds is taken as it is, so that a
    /// long chain of small writes costs each its own region only.
    Tensor private_copy(const Tensor& given) const {
        const bool fits = given->strides == base.strides && given->offset == 0 && covers_storage(*given);
        const bool alone = given->refs == 1 && given->storage->refs == 1;
        if (fits && alone && !grad_enabled()) return given;
        if (fits) return clone(given);
        Tensor own = full({extent({base.sizes, base.strides, 0})}, Scalar(0), given->dtype, given->device);
        Tensor out = as_strided(own, base.sizes, base.strides, 0);
        copy_(out, given);
        return out;
    }
    static Tensor dense_copy_of(const Tensor& region) { return clone(region, MemoryFormat::Contiguous); }
};

Ref<Node> as_strided_node(const Tensor& base, const TensorBody& x) {
    Ref<Node> node = make_node(class_of<AsStrided>(), 1, 0, 1, AsStrided{pair_of(*base, x)});
    node->edges[0] = gradient_edge(base);
    stamp(*node);
    node->outputs[0] = {x.sizes, x.dtype, x.device};
    return node;
}

Ref<Node> copy_slices_node(const Tensor& base, const TensorBody& x, const Ref<Node>& writer) {
    Ref<Node> node = make_node(class_of<CopySlices>(), writer->edge_count, 0, 1,
                               CopySlices{geometry(*base), pair_of(*base, x), writer});
    node->edges[0] = gradient_edge(base);
    for (int i = 1; i < writer->edge_count; ++i) node->edges[i] = writer->edges[i];
    return node;
}

const bool registered = [] {
    view_operations = {as_strided_node, copy_slices_node};
    return true;
}();

}  // namespace

Tensor as_strided(const Tensor& x, const Dims& sizes, const Dims& strides, std::int64_t offset) {
    check(sizes.size() == strides.size(), "mismatch in length of strides and shape: got ", sizes.size(),
          " sizes and ", strides.size(), " strides");
    for (std::int64_t size : sizes) {
        check(size >= 0, "Storage size calculation overflowed with sizes=", sizes, " and strides=", strides,
              ": as_strided needs sizes of at least 0");
    }
    for (std::int64_t stride : strides) {
        check(stride >= 0,
              "as_strided: Negative strides are not supported at the moment, got strides: ", strides);
    }
    check(offset >= 0, "as_strided: the storage offset must not be negative, got ", offset);
    const Strided view{sizes, strides, offset};
    std::int64_t needed = 0;
    check(extent_of(view, size_of(x->dtype), needed),
          "Storage size calculation overflowed with sizes=", sizes, " and strides=", strides,
          " from storage offset ", offset, "; a tensor holds at most 2^63 - 1 bytes");
    needed *= static_cast<std::int64_t>(size_of(x->dtype));
    check(needed <= static_cast<std::int64_t>(x->storage->bytes), "setStorage: sizes ", sizes, ", strides ",
          strides, ", storage offset ", offset, ", and itemsize ", size_of(x->dtype),
          " requiring a storage size of ", needed, " are out of bounds for storage of size ",
          x->storage->bytes);
    Tensor out = tensor_of(x->storage, sizes, strides, offset, x->dtype);
    set_view(out, x);
    if (needs_record({&x})) record(out, {&x}, AsStrided{{geometry(*x), view}});
    return out;
}

namespace {

Tensor as_strided_of(const Tensor& x, Dims size, Dims stride, std::optional<std::int64_t> storage_offset) {
    return as_strided(x, size, stride, storage_offset.value_or(x->offset));
}

struct AsStridedInPlace : AsStrided {
    static constexpr const char* node = "AsStridedBackward1";
};
void as_strided_(const Tensor& x, Dims size, Dims stride, std::optional<std::int64_t> storage_offset) {
    Tensor seen;
    {
        const ModeGuard quiet(kNoGrad, true);
        seen = as_strided_of(x, size, stride, storage_offset);
    }
    become(x, seen, AsStridedInPlace{{geometry(*x), geometry(*seen)}});
}

/// as_strided_scatter: a geometry of x's storage is overwritten; what is replaced gets no gradient.
struct AsStridedScatter {
    static constexpr const char* node = "AsStridedScatterBackward0";
    Strided base, view;
    DType source_dtype;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor& g = in[0];
        const Tensor flat = full({std::max(extent(base), extent(view))}, Scalar(0), g->dtype, g->device);
        copy_(as_strided(flat, base.sizes, base.strides, base.offset), g);
        const Tensor part = as_strided(flat, view.sizes, view.strides, view.offset);
        if (node.needs(1)) out[1] = to_dtype(clone(part, MemoryFormat::Contiguous), source_dtype);
        if (!node.needs(0)) return;
        fill_(part, Scalar(0));
        out[0] = clone(as_strided(flat, base.sizes, base.strides, base.offset));
    }
};

Tensor as_strided_scatter(const Tensor& x, const Tensor& src, Dims size, Dims stride,
                          std::optional<std::int64_t> storage_offset) {
    check_devices("as_strided_scatter", {&x, &src});
    const Strided view{size, stride, storage_offset.value_or(x->offset)};
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = marked(has_internal_overlap(*x) ? dense_copy(x, false) : lazy_copy(x));
        const Tensor part = as_strided(out, size, stride, view.offset);
        check(size == src->sizes,
              "expected src to have a size equal to the slice of self. src size = ", src->sizes,
              ", slice size = ", size);
        if (on_cpu(x)) write(part, src);
    }
    if (is_differentiable(x->dtype) && needs_record({&x, &src})) {
        record(out, {&x, &src}, AsStridedScatter{geometry(*out), view, src->dtype});
    }
    return out;
}

const Offer offer({
    operation<&as_strided_scatter>("as_strided_scatter", "input, src, size, stride, storage_offset=None",
                                   "A copy, gaps of the storage included, with what as_strided shows of it "
                                   "replaced by src. Derivatives: g with "
                                   "zeros there, and that part of g."),
    operation<&as_strided_>("as_strided_", "input, size, stride, storage_offset=None", "as_strided in place.",
                            Offered::Method),
    operation<&as_strided_of>("as_strided", "input, size, stride, storage_offset=None",
                              "A view with any sizes, strides and offset, in elements, over the tensor's "
                              "storage. Derivative: g added up where elements lie."),
});

}  // namespace
}  // namespace tapeless
