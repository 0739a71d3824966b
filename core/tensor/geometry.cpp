// Sizes and strides: contiguity, density, overlap, broadcasting and views without a copy.
#include <algorithm>
#include <numeric>

#include "tensor/tensor.h"

namespace tapeless {

Dims contiguous_strides(const Dims& sizes) {
    Dims strides(sizes.size());
    std::int64_t step = 1;
    for (int d = sizes.size() - 1; d >= 0; --d) {
        strides[d] = step;
        step *= std::max<std::int64_t>(sizes[d], 1);
    }
    return strides;
}

bool is_contiguous(const Dims& sizes, const Dims& strides) {
    std::int64_t step = 1;
    bool contiguous = true;
    for (int d = sizes.size() - 1; d >= 0; --d) {
        if (sizes[d] == 0) return true;
        contiguous &= sizes[d] == 1 || strides[d] == step;
        step *= sizes[d];
    }
    return contiguous;
}

namespace {

// Dimensions of more than one element, smallest stride first.
Dims by_stride(const Dims& sizes, const Dims& strides) {
    Dims order;
    for (int d = 0; d < sizes.size(); ++d) {
        if (sizes[d] != 1) order.push_back(d);
    }
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return strides[static_cast<int>(a)] < strides[static_cast<int>(b)];
    });
    return order;
}

}  // namespace

bool is_dense(const Dims& sizes, const Dims& strides) {
    if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return true;
    std::int64_t step = 1;
    for (std::int64_t d : by_stride(sizes, strides)) {
        if (strides[static_cast<int>(d)] != step) return false;
        step *= sizes[static_cast<int>(d)];
    }
    return true;
}

namespace {

/// The dimensions of a batch of images or volumes, fastest first: channels, space from its end, the batch.
Dims channels_last_order(int rank) { return rank == 4 ? Dims{1, 3, 2, 0} : Dims{1, 4, 3, 2, 0}; }

int rank_of(MemoryFormat format) { return format == MemoryFormat::ChannelsLast ? 4 : 5; }

}  // namespace

MemoryFormat memory_format_named(const std::string& name) {
    if (name == "preserve_format") return MemoryFormat::Preserve;
    if (name == "contiguous_format") return MemoryFormat::Contiguous;
    if (name == "channels_last") return MemoryFormat::ChannelsLast;
    if (name == "channels_last_3d") return MemoryFormat::ChannelsLast3d;
    fail(ErrorKind::Type, "argument 'memory_format' must be torch.memory_format, not ", name);
}

Dims channels_last_strides(const Dims& sizes) {
    Dims strides(sizes.size());
    std::int64_t step = 1;
    for (std::int64_t dim : channels_last_order(sizes.size())) {
        const int d = static_cast<int>(dim);
        strides[d] = step;
        step *= std::max<std::int64_t>(sizes[d], 1);
    }
    return strides;
}

Dims format_strides(const Dims& sizes, MemoryFormat format) {
    if (format == MemoryFormat::Contiguous) return contiguous_strides(sizes);
    check(sizes.size() == rank_of(format), "required rank ", rank_of(format), " tensor to use channels_last",
          format == MemoryFormat::ChannelsLast3d ? "_3d" : "", " format, but the sizes are ", sizes);
    return channels_last_strides(sizes);
}

bool lies_in(const TensorBody& x, MemoryFormat format) {
    if (format == MemoryFormat::Contiguous) return x.contiguous;
    if (x.dim() != rank_of(format)) return false;
    std::int64_t step = 1;
    for (std::int64_t dim : channels_last_order(x.dim())) {
        const int d = static_cast<int>(dim);
        if (x.sizes[d] != 1 && x.strides[d] != step) return false;
        step *= x.sizes[d];
    }
    return true;
}

bool is_channels_last(const TensorBody& x) {
    if ((x.dim() != 4 && x.dim() != 5) || x.strides[1] == 0) return false;
    std::int64_t least = 0;
    for (std::int64_t dim : channels_last_order(x.dim())) {
        const int d = static_cast<int>(dim);
        if (x.sizes[d] == 0 || x.strides[d] < least) return false;
        if (d == 0 && least == x.strides[1]) return false;  // One channel of one pixel.
        least = x.strides[d];
        if (x.sizes[d] > 1) least *= x.sizes[d];
    }
    return true;
}

bool has_internal_overlap(const TensorBody& x) {
    if (x.contiguous || x.numel <= 1) return false;
    std::int64_t reach = 0;  // The farthest element of the dimensions seen so far.
    for (std::int64_t d : by_stride(x.sizes, x.strides)) {
        const std::int64_t stride = x.strides[static_cast<int>(d)];
        if (stride <= reach) return true;
        reach += stride * (x.sizes[static_cast<int>(d)] - 1);
    }
    return false;
}

std::pair<std::int64_t, std::int64_t> byte_range(const TensorBody& x) {
    const std::int64_t size = static_cast<std::int64_t>(size_of(x.dtype));
    if (x.numel == 0) return {x.offset * size, x.offset * size};
    std::int64_t last = x.offset;
    for (int d = 0; d < x.dim(); ++d) last += (x.sizes[d] - 1) * x.strides[d];
    return {x.offset * size, (last + 1) * size};
}

bool covers_storage(const TensorBody& x) {
    return x.offset == 0 && static_cast<std::size_t>(x.numel) * size_of(x.dtype) == x.storage->bytes &&
           (x.contiguous || is_dense(x.sizes, x.strides));
}

int wrap_dim(std::int64_t dim, int rank) {
    const int span = std::max(rank, 1);
    if (dim < -span || dim >= span) {
        fail(ErrorKind::Index, "Dimension out of range (expected to be in range of [", -span, ", ", span - 1,
             "], but got ", dim, ")");
    }
    return static_cast<int>(dim < 0 ? dim + span : dim);
}

Dims broadcast(const Dims& x, const Dims& y) {
    if (x == y) return x;
    const int rank = std::max(x.size(), y.size());
    Dims out(rank);
    for (int back = 1; back <= rank; ++back) {
        const std::int64_t a = back <= x.size() ? x[x.size() - back] : 1;
        const std::int64_t b = back <= y.size() ? y[y.size() - back] : 1;
        check(a == b || a == 1 || b == 1, "The size of tensor a (", a, ") must match the size of tensor b (",
              b, ") at non-singleton dimension ", rank - back);
        out[rank - back] = a == 1 ? b : a;
    }
    return out;
}

Dims expanded_strides(const TensorBody& x, const Dims& sizes) {
    Dims strides(sizes.size());
    const int shift = sizes.size() - x.dim();
    for (int d = 0; d < x.dim(); ++d) {
        strides[d + shift] = x.sizes[d] == 1 && sizes[d + shift] != 1 ? 0 : x.strides[d];
    }
    return strides;
}

bool view_strides(const Dims& sizes, const Dims& strides, const Dims& new_sizes, Dims& new_strides) {
    new_strides = contiguous_strides(new_sizes);
    if (product(sizes) == 0 || is_contiguous(sizes, strides)) return true;
    int to = new_sizes.size() - 1;
    std::int64_t chunk = 1, filled = 1, base = strides.empty() ? 1 : strides.back();
    for (int from = sizes.size() - 1; from >= 0; --from) {
        chunk *= sizes[from];
        const bool chunk_ends = from == 0 || (sizes[from - 1] != 1 && strides[from - 1] != chunk * base);
        if (!chunk_ends) continue;
        while (to >= 0 && (filled < chunk || new_sizes[to] == 1)) {
            new_strides[to] = filled * base;
            filled *= new_sizes[to--];
        }
        if (filled != chunk) return false;
        if (from > 0) {
            base = strides[from - 1];
            chunk = filled = 1;
        }
    }
    return to == -1;
}

}  // namespace tapeless
