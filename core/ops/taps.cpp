// Maps along the last dimensions: pads, averages over windows, resampling, windows laid side by side.
#include "ops/taps.h"

#include <algorithm>
#include <cmath>

#include "ops/fresh.h"
#include "ops/levels.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

using Maps = std::shared_ptr<const std::vector<Taps>>;

struct Mapped {
    static constexpr const char* node = "MapBackward0";
    Maps dims;
    void backward(Node&, Gradients in, Gradients out) const {
        if (!in[0]) return;
        auto back = std::make_shared<std::vector<Taps>>();
        for (const Taps& taps : *dims) back->push_back(taps.transposed());
        out[0] = map_dims(in[0], std::move(back));
    }
};

/// Whether x holds images, or volumes, whose channels lie together, all of whose other dimensions from `first` on are mapped.
bool channels_lie_together(const TensorBody& x, int first) {
    if (first != 2 || x.device.type != DeviceType::CPU || x.numel == 0) return false;
    return lies_in(x, x.dim() == 4 ? MemoryFormat::ChannelsLast : MemoryFormat::ChannelsLast3d) &&
           is_channels_last(x);
}

/// Sums along the dimensions of such images, where they lie.
Tensor mapped_channels(const Tensor& x, const std::vector<Taps>& dims, const Dims& sizes) {
    const Dims strides =
        format_strides(sizes, x->dim() == 4 ? MemoryFormat::ChannelsLast : MemoryFormat::ChannelsLast3d);
    const Tensor out = marked(empty(sizes, x->dtype, x->device, &strides));
    if (out->numel > 0) sum_taps(x->dtype, data(*x), mutable_data(*out), sizes[0], dims, sizes[1]);
    return out;
}

Tensor mapped(const Tensor& given, const std::vector<Taps>& dims, const Scalar& fill) {
    const int first = given->dim() - static_cast<int>(dims.size());
    Dims sizes = given->sizes;
    std::int64_t planes = 1;
    for (int d = 0; d < first; ++d) planes *= sizes[d];
    bool copies = true;
    for (std::size_t d = 0; d < dims.size(); ++d) {
        sizes[first + static_cast<int>(d)] = dims[d].count();
        copies &= dims[d].copies();
    }
    if (!copies && channels_lie_together(*given, first)) return mapped_channels(given, dims, sizes);
    const Tensor out = fresh(sizes, given->dtype, given->device);
    if (!on_cpu(given) || out->numel == 0) return out;
    const Tensor x = row_major(given);
    const std::vector<Taps> one{Taps{1, {0, 1}, {0}, {}}};
    const std::vector<Taps>& used = dims.empty() ? one : dims;
    if (copies) {
        const Tensor value = scalar_tensor(fill, x->dtype);
        copy_taps(size_of(x->dtype), data(*x), mutable_data(*out), planes, used, data(*value));
    } else {
        sum_taps(x->dtype, data(*x), mutable_data(*out), planes, used);
    }
    return like_images(given, out);
}

}  // namespace

Tensor map_dims(const Tensor& x, Maps dims, const Scalar& fill) {
    Tensor out;
    if (lifted(x)) {
        const auto plain = [&](const Tensor& held) { return map_dims(held, dims); };
        out = linear_at_level(x, plain, plain);
        if (!fill.is_zero()) {
            const Tensor zeros = full(x->sizes, Scalar(0), x->dtype, x->device);
            out = apply(row("add"), out, mapped(zeros, *dims, fill));
        }
    } else {
        out = mapped(x, *dims, fill);
    }
    if (is_differentiable(x->dtype) && needs_record({&x})) record(out, {&x}, Mapped{std::move(dims)});
    return out;
}

namespace {

/// Where position i of a padded dimension of n elements reads; -1: nowhere.
std::int64_t padded_from(std::int64_t i, std::int64_t n, const std::string& mode) {
    if (i >= 0 && i < n) return i;
    if (mode == "reflect") return i < 0 ? -i : 2 * (n - 1) - i;
    if (mode == "replicate") return i < 0 ? 0 : n - 1;
    if (mode == "circular") return i < 0 ? i + n : i - n;
    return -1;
}

/// pad: before and after each dimension, the last dimension first.
Tensor pad_map(const Tensor& x, Dims pad, const std::string& mode, Scalar value) {
    auto dims = std::make_shared<std::vector<Taps>>();
    for (int k = pad.size() / 2; k-- > 0;) {
        Taps taps;
        taps.from = x->sizes[x->dim() - 1 - k];
        for (std::int64_t i = -pad[2 * k]; i < taps.from + pad[2 * k + 1]; ++i) {
            const std::int64_t from = padded_from(i, taps.from, mode);
            if (from >= 0) taps.index.push_back(from);
            taps.close();
        }
        dims->push_back(std::move(taps));
    }
    return map_dims(x, std::move(dims), value);
}

/// Averages over the windows [start, end) that `window(i)` gives, divided by `size(i)`; sums where that is 0.
template <class Window> Taps averages(std::int64_t from, std::int64_t count, Window window) {
    Taps taps;
    taps.from = from;
    for (std::int64_t i = 0; i < count; ++i) {
        const auto [start, end, size] = window(i);
        for (std::int64_t k = start; k < end; ++k) {
            taps.index.push_back(k);
            if (size) taps.weight.push_back(1.0 / static_cast<double>(size));
        }
        taps.close();
    }
    return taps;
}

struct Window {
    std::int64_t start, end, size;
};

/// `divides`: by each window's size, else sums. Sizes count padding if `padded`.
Tensor average_windows(const Tensor& x, Dims kernel, Dims stride, Dims padding, Dims count, bool padded,
                       bool divides) {
    auto dims = std::make_shared<std::vector<Taps>>();
    for (int d = 0; d < kernel.size(); ++d) {
        const std::int64_t n = x->sizes[x->dim() - kernel.size() + d];
        dims->push_back(averages(n, count[d], [&](std::int64_t i) {
            const std::int64_t start = i * stride[d] - padding[d];
            const std::int64_t end = std::min(start + kernel[d], n + padding[d]);
            const std::int64_t first = std::max<std::int64_t>(start, 0), last = std::min(end, n);
            return Window{first, last, !divides ? 0 : padded ? end - start : last - first};
        }));
    }
    return map_dims(x, std::move(dims));
}

Tensor adaptive_average(const Tensor& x, Dims size) {
    auto dims = std::make_shared<std::vector<Taps>>();
    for (int d = 0; d < size.size(); ++d) {
        const std::int64_t n = x->sizes[x->dim() - size.size() + d], m = size[d];
        dims->push_back(averages(n, m, [&](std::int64_t i) {
            const std::int64_t start = i * n / m, end = ((i + 1) * n + m - 1) / m;
            return Window{start, end, end - start};
        }));
    }
    return map_dims(x, std::move(dims));
}

/// Output (k, i) of a dimension reads what element k of window i is: kernel times count outputs.
Tensor window_map(const Tensor& x, Dims kernel, Dims dilation, Dims padding, Dims stride, Dims count) {
    auto dims = std::make_shared<std::vector<Taps>>();
    for (int d = 0; d < kernel.size(); ++d) {
        Taps taps;
        taps.from = x->sizes[x->dim() - kernel.size() + d];
        for (std::int64_t k = 0; k < kernel[d]; ++k) {
            for (std::int64_t i = 0; i < count[d]; ++i) {
                const std::int64_t at = i * stride[d] - padding[d] + k * dilation[d];
                if (at >= 0 && at < taps.from) taps.index.push_back(at);
                taps.close();
            }
        }
        dims->push_back(std::move(taps));
    }
    return map_dims(x, std::move(dims));
}
/// The transposed map: windows added up where they came from, in dimensions of `size`.
Tensor window_sum(const Tensor& x, Dims size, Dims kernel, Dims dilation, Dims padding, Dims stride,
                  Dims count) {
    auto dims = std::make_shared<std::vector<Taps>>();
    for (int d = 0; d < kernel.size(); ++d) {
        Taps taps;
        taps.from = size[d];
        for (std::int64_t k = 0; k < kernel[d]; ++k) {
            for (std::int64_t i = 0; i < count[d]; ++i) {
                const std::int64_t at = i * stride[d] - padding[d] + k * dilation[d];
                if (at >= 0 && at < taps.from) taps.index.push_back(at);
                taps.close();
            }
        }
        dims->push_back(taps.transposed());
    }
    return map_dims(x, std::move(dims));
}

// ---- resampling ----

void add_tap(Taps& taps, std::int64_t at, double weight) {
    taps.index.push_back(std::clamp<std::int64_t>(at, 0, taps.from - 1));
    taps.weight.push_back(weight);
}

/// Keys' cubic convolution with a = -0.75, at a distance from the middle.
double cubic(double distance) {
    const double a = -0.75, x = std::abs(distance);
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

/// The positions are worked out in R, PyTorch's number type for them.
template <class R>
Taps resampling(std::int64_t n, std::int64_t m, const std::string& mode, bool corners, double factor) {
    Taps taps;
    taps.from = n;
    const R ratio = factor > 0 ? static_cast<R>(1.0 / factor) : static_cast<R>(n) / static_cast<R>(m);
    const R step = !corners ? ratio : m > 1 ? static_cast<R>(n - 1) / static_cast<R>(m - 1) : R(0);
    for (std::int64_t i = 0; i < m; ++i) {
        const R at = static_cast<R>(i);
        if (mode == "nearest" || mode == "nearest-exact") {
            const R position = mode == "nearest" ? at * ratio : (at + R(0.5)) * ratio;
            taps.index.push_back(std::min(static_cast<std::int64_t>(std::floor(position)), n - 1));
        } else {
            R position = corners ? step * at : step * (at + R(0.5)) - R(0.5);
            if (mode == "linear" && position < 0) position = 0;
            const std::int64_t first = static_cast<std::int64_t>(std::floor(position));
            const R rest = position - static_cast<R>(first);
            if (mode == "cubic") {
                for (int k = -1; k <= 2; ++k) add_tap(taps, first + k, cubic(static_cast<double>(rest) - k));
            } else {
                const std::int64_t low = std::min(first, n - 1);
                const double share =
                    static_cast<double>(std::min(std::max(position - static_cast<R>(low), R(0)), R(1)));
                add_tap(taps, low, 1 - share);
                add_tap(taps, low + 1, share);
            }
        }
        taps.close();
    }
    return taps;
}

Tensor resample(const Tensor& x, Dims size, const std::string& mode, bool corners,
                std::optional<double> scale0, std::optional<double> scale1, std::optional<double> scale2) {
    const std::optional<double> scales[] = {scale0, scale1, scale2};
    auto dims = std::make_shared<std::vector<Taps>>();
    for (int d = 0; d < size.size(); ++d) {
        const std::int64_t n = x->sizes[x->dim() - size.size() + d];
        const double factor = scales[d].value_or(0);
        const bool wide = x->dtype == DType::Float64 && mode.compare(0, 7, "nearest") != 0;
        dims->push_back(wide ? resampling<double>(n, size[d], mode, corners, factor)
                             : resampling<float>(n, size[d], mode, corners, factor));
    }
    return map_dims(x, std::move(dims));
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&pad_map>(
            "pad_map", "input, pad, mode='constant', value=0",
            "The last dimensions with elements before and after them. Derivative: each goes back to "
            "where it came from.",
            Offered::Nn),
        operation<&average_windows>(
            "average_windows", "input, kernel, stride, padding, count, padded, divides",
            "Averages, or sums, over windows of the last dimensions. Derivative: a window's "
            "elements share its gradient.",
            Offered::Nn),
        operation<&adaptive_average>(
            "adaptive_average", "input, size",
            "Averages over windows that divide the last dimensions. Derivative: a window's "
            "elements share its gradient.",
            Offered::Nn),
        operation<&window_map>("window_map", "input, kernel, dilation, padding, stride, count",
                               "Windows of the last dimensions: kernel times count. Derivative: window_sum.",
                               Offered::Nn),
        operation<&window_sum>("window_sum", "input, size, kernel, dilation, padding, stride, count",
                               "Windows added up where they came from. Derivative: window_map.", Offered::Nn),
        operation<&resample>(
            "resample", "input, size, mode, align_corners=False, scale0=None, scale1=None, scale2=None",
            "The last dimensions at other resolutions: nearest, linear, or cubic (Keys 1981). "
            "Derivative: each input gets the gradients of what it is part of, weighted.",
            Offered::Nn),
    });

}  // namespace
}  // namespace tapeless
