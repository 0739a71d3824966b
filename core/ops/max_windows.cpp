// The largest elements of windows over the last dimensions, with their places: what max pools are made of.
#include "kernels/windows.h"

#include <algorithm>

#include "ops/fresh.h"
#include "ops/indexing.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

/// x's sizes before the windows' dimensions, with those as one.
Dims flat(const Dims& sizes, int rank) {
    Dims out;
    std::int64_t points = 1;
    for (int d = 0; d < sizes.size(); ++d) {
        if (d < sizes.size() - rank) {
            out.push_back(sizes[d]);
        } else {
            points *= sizes[d];
        }
    }
    out.push_back(points);
    return out;
}

/// Each gradient goes to the element that was the largest; windows may share one.
struct MaxWindows {
    static constexpr const char* node = "MaxWindowsBackward0";
    Dims sizes;
    int rank;
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor index = unpack(of.saved[0], of);
        if (plain(in[0], index)) {
            out[0] = added(in[0], index);
            return;
        }
        const Tensor zeros = full(flat(sizes, rank), Scalar(0), in[0]->dtype, in[0]->device);
        const Dims points = flat(index->sizes, rank);
        const Tensor sum = scatter_add(zeros, -1, reshape(index, points), reshape(in[0], points));
        out[0] = reshape(sum, sizes);
    }
    /// Whether nothing has to be recorded, and numbers are of a type that is added as it is.
    static bool plain(const Tensor& g, const Tensor& index) {
        const bool real = g->dtype == DType::Float32 || g->dtype == DType::Float64;
        return real && on_cpu(g) && !lifted(g) && !lifted(index) && !needs_record({&g}) && g->numel > 0;
    }
    Tensor added(const Tensor& g, const Tensor& index) const {
        const MemoryFormat last = MemoryFormat::ChannelsLast;
        const bool together = rank == 2 && lies_in(*g, last) && lies_in(*index, last) && !g->contiguous;
        const Tensor from = together ? g : row_major(g), where = together ? index : row_major(index);
        const Dims strides = together ? format_strides(sizes, last) : contiguous_strides(sizes);
        const Tensor out = marked(empty(sizes, g->dtype, g->device, &strides));
        const std::int64_t count = flat(g->sizes, rank).back(), points = flat(sizes, rank).back();
        const std::int64_t channels = together ? sizes[1] : 1;
        add_at_windows(g->dtype, data(*from), data<std::int64_t>(*where), g->numel / count / channels, count,
                       points, channels, mutable_data(*out));
        return together ? out : like_images(g, out);
    }
};

std::pair<Tensor, Tensor> largest(const Tensor& given, const Windows (&dims)[3], int rank) {
    Dims sizes = given->sizes;
    std::int64_t planes = 1;
    for (int d = 0; d < given->dim() - rank; ++d) planes *= sizes[d];
    for (int d = 0; d < rank; ++d) sizes[given->dim() - rank + d] = dims[3 - rank + d].count();
    const bool last = rank == 2 && is_channels_last(*given) && lies_in(*given, MemoryFormat::ChannelsLast);
    const Dims strides = last ? format_strides(sizes, MemoryFormat::ChannelsLast) : contiguous_strides(sizes);
    Tensor values = marked(empty(sizes, given->dtype, given->device, &strides));
    Tensor index = marked(empty(sizes, DType::Int64, given->device, &strides));
    if (last && on_cpu(given) && values->numel > 0) {
        max_windows_of_channels(given->dtype, data(*given), sizes[0], sizes[1], dims, mutable_data(*values),
                                mutable_data<std::int64_t>(*index));
    } else if (on_cpu(given) && values->numel > 0) {
        const Tensor x = row_major(given);
        max_windows(x->dtype, data(*x), planes, dims, mutable_data(*values),
                    mutable_data<std::int64_t>(*index));
    }
    if (rank == 2 && !last) {
        values = like_images(given, values);
        index = like_images(given, index);
    }
    if (is_differentiable(given->dtype) && needs_record({&given})) {
        save(record(values, {&given}, MaxWindows{given->sizes, rank}, 1)->saved[0], index);
    }
    return {values, index};
}

std::pair<Tensor, Tensor> max_windows_of(const Tensor& x, Dims kernel, Dims stride, Dims padding,
                                         Dims dilation, Dims count) {
    Windows dims[3];
    const int rank = kernel.size();
    for (int d = 0; d < rank; ++d) {
        Windows& windows = dims[3 - rank + d];
        windows = {x->sizes[x->dim() - rank + d], dilation[d], {}, {}};
        for (std::int64_t i = 0; i < count[d]; ++i) {
            std::int64_t start = i * stride[d] - padding[d];
            const std::int64_t end = start + (kernel[d] - 1) * dilation[d] + 1;
            if (start < 0) start += (-start + dilation[d] - 1) / dilation[d] * dilation[d];
            windows.first.push_back(start);
            windows.last.push_back(std::min(end, windows.from));
        }
    }
    return largest(x, dims, rank);
}

std::pair<Tensor, Tensor> adaptive_max_of(const Tensor& x, Dims size) {
    Windows dims[3];
    const int rank = size.size();
    for (int d = 0; d < rank; ++d) {
        Windows& windows = dims[3 - rank + d];
        const std::int64_t n = x->sizes[x->dim() - rank + d], m = size[d];
        windows = {n, 1, {}, {}};
        for (std::int64_t i = 0; i < m; ++i) {
            windows.first.push_back(i * n / m);
            windows.last.push_back(((i + 1) * n + m - 1) / m);
        }
    }
    return largest(x, dims, rank);
}

const Offer offer({
    operation<&max_windows_of>(
        "max_windows", "input, kernel, stride, padding, dilation, count",
        "The largest element of each window over the last dimensions, and its place among "
        "their elements. Derivative: g goes to that element.",
        Offered::Nn),
    operation<&adaptive_max_of>(
        "adaptive_max", "input, size",
        "The same over windows that divide the last dimensions. Derivative: g goes to the "
        "largest element.",
        Offered::Nn),
});

}  // namespace
}  // namespace tapeless
