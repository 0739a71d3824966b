// Fourier transforms along dimensions: of complex numbers, from real numbers and to real numbers.
#include "kernels/fft.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/embed.h"
#include "ops/linear.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

enum Normalization : std::int64_t { kNone, kByRoot, kByLength };

double scale_of(std::int64_t normalization, const Dims& sizes, const Dims& dims) {
    double count = 1;
    for (std::int64_t d : dims) count *= static_cast<double>(sizes[static_cast<int>(d)]);
    return normalization == kNone ? 1.0 : 1.0 / (normalization == kByRoot ? std::sqrt(count) : count);
}

/// The dimensions by their strides, the largest first; the last one stays the last if it is asked for.
Dims by_strides(const Tensor& x, Dims dims, bool keep_last) {
    std::stable_sort(dims.begin(), dims.end() - (keep_last ? 1 : 0), [&](std::int64_t a, std::int64_t b) {
        return x->strides[static_cast<int>(a)] > x->strides[static_cast<int>(b)];
    });
    return dims;
}

/// An uninitialised result in the order of memory that PyTorch's has: untouched dimensions as x has them, then `dims`.
Tensor result_of(const Tensor& x, const Dims& sizes, const Dims& dims, DType dtype) {
    Dims order;
    for (int d = 0; d < x->dim(); ++d) {
        if (std::find(dims.begin(), dims.end(), d) == dims.end()) order.push_back(d);
    }
    order = by_strides(x, order, false);
    for (std::int64_t d : dims) order.push_back(d);
    Dims strides(x->dim());
    std::int64_t step = 1;
    for (int i = x->dim() - 1; i >= 0; --i) {
        strides[static_cast<int>(order[i])] = step;
        step *= std::max<std::int64_t>(1, sizes[static_cast<int>(order[i])]);
    }
    return marked(empty(sizes, dtype, x->device, &strides));
}

/// Where the rows along `dim` begin, in memory's order of `out`.
void add_rows(FftRows& rows, const Tensor& in, const Tensor& out, int dim) {
    Dims order;
    for (int d = 0; d < out->dim(); ++d) {
        if (d != dim) order.push_back(d);
    }
    order = by_strides(out, order, false);
    std::int64_t count = 1;
    for (std::int64_t d : order) count *= out->sizes[static_cast<int>(d)];
    Dims at(order.size());
    std::int64_t from = 0, to = 0;
    for (std::int64_t row = 0; row < count; ++row) {
        rows.in_offsets.push_back(from);
        rows.out_offsets.push_back(to);
        for (int i = order.size() - 1; i >= 0; --i) {
            const int d = static_cast<int>(order[i]);
            from += in->strides[d];
            to += out->strides[d];
            if (++at[i] < out->sizes[d]) break;
            from -= at[i] * in->strides[d];
            to -= at[i] * out->strides[d];
            at[i] = 0;
        }
    }
    rows.in_stride = in->strides[dim];
    rows.out_stride = out->strides[dim];
}

/// One transform along `dim` from `in` to `out`, which may be one tensor.
void transform(FftKind kind, const Tensor& in, const Tensor& out, std::int64_t dim, bool inverse,
               double scale) {
    if (!on_cpu(out) || out->numel == 0) return;
    const int d = static_cast<int>(dim);
    FftRows rows{kind,
                 real_of(out->dtype),
                 std::max(in->sizes[d], out->sizes[d]),
                 inverse,
                 scale,
                 nullptr,
                 nullptr,
                 0,
                 0,
                 {},
                 {}};
    add_rows(rows, in, out, d);
    rows.out = mutable_data(*out);
    rows.in = in.get() == out.get() ? rows.out : data(*in);
    fft(rows);
}

/// The same along several dimensions in place; the last one scales.
void transform_all(const Tensor& x, const Dims& dims, bool inverse, double scale) {
    for (int i = 0; i < dims.size(); ++i)
        transform(FftKind::Complex, x, x, dims[i], inverse, i + 1 == dims.size() ? scale : 1.0);
}

Dims wrapped(const Tensor& x, const Dims& dims) {
    Dims out;
    for (std::int64_t d : dims) out.push_back(wrap_dim(d, x->dim()));
    return out;
}

/// The numbers that a node shows.
struct Form {
    Dims dims;
    std::int64_t normalization;
    std::optional<Scalar> saved_number(const char* name) const {
        return std::string_view(name) == "normalization" ? std::optional<Scalar>(Scalar(normalization))
                                                         : std::nullopt;
    }
    Dims behind() const {
        Dims out = dims;
        for (std::int64_t& d : out) ++d;
        return out;
    }
};

Tensor fft_c2c(const Tensor& x, const Dims& dims, std::int64_t normalization, bool forward);
Tensor fft_r2c(const Tensor& x, const Dims& dims, std::int64_t normalization, bool onesided);
Tensor fft_c2r(const Tensor& x, const Dims& dims, std::int64_t normalization, std::int64_t last);

struct ComplexToComplex : Form {
    static constexpr const char* node = "FftC2CBackward0";
    bool forward;

    Tensor values(const Tensor& x) const {
        if (dims.empty()) return dense_copy(x, false);
        const Dims order = by_strides(x, dims, false);
        const Tensor out = result_of(x, x->sizes, order, x->dtype);
        const double scale = scale_of(normalization, x->sizes, dims);
        transform(FftKind::Complex, x, out, order[0], !forward, order.size() == 1 ? scale : 1.0);
        transform_all(out, Dims(order.data() + 1, order.size() - 1), !forward, scale);
        return out;
    }
    Tensor whole(const Tensor& all) const { return fft_c2c(all, behind(), normalization, forward); }
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = fft_c2c(in[0], dims, normalization, !forward);
    }
};

struct RealToComplex : Form {
    static constexpr const char* node = "FftR2CBackward0";
    bool onesided;
    Dims sizes;  ///< of the operand

    Tensor values(const Tensor& x) const {
        const std::int64_t last = dims.back();
        const Dims order = by_strides(x, dims, true), rest(order.data(), order.size() - 1);
        Dims half = x->sizes;
        if (onesided) half[static_cast<int>(last)] = half[static_cast<int>(last)] / 2 + 1;
        const Tensor out = result_of(x, half, order, complex_of(x->dtype));
        const double scale = scale_of(normalization, x->sizes, dims);
        transform(onesided ? FftKind::FromReal : FftKind::FromRealAll, x, out, last, false,
                  rest.empty() ? scale : 1.0);
        transform_all(out, rest, false, scale);
        return out;
    }
    Tensor whole(const Tensor& all) const { return fft_r2c(all, behind(), normalization, onesided); }
    void backward(Node&, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const std::int64_t last = dims.back();
        Tensor g = in[0];
        // What the transform left out gets no gradient.
        if (onesided) g = Embed{sizes, last, 0, g->sizes[static_cast<int>(last)], 1, false}(g);
        out[0] = apply(row("real_part"), fft_c2c(g, dims, normalization, false));
    }
};

struct ComplexToReal : Form {
    static constexpr const char* node = "FftC2RBackward0";
    std::int64_t last_size;

    Tensor values(const Tensor& x) const {
        const int last = static_cast<int>(dims.back());
        const Dims rest(dims.data(), dims.size() - 1);
        Dims sizes = x->sizes;
        sizes[last] = last_size;
        Tensor first = x;
        if (!rest.empty()) first = ComplexToComplex{{rest, kNone}, false}.values(x);
        const Tensor out = result_of(first, sizes, {dims.back()}, real_of(x->dtype));
        transform(FftKind::ToReal, first, out, last, true, scale_of(normalization, sizes, dims));
        return out;
    }
    Tensor whole(const Tensor& all) const { return fft_c2r(all, behind(), normalization, last_size); }
    void backward(Node&, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const int last = static_cast<int>(dims.back());
        const Tensor g = fft_r2c(in[0], dims, normalization, true);
        // All but the first number, and the middle one if there is one, stand for two.
        const std::int64_t twice = last_size - g->sizes[last];
        if (twice <= 0) {
            out[0] = g;
            return;
        }
        Dims shape(g->dim(), 1);
        shape[last] = g->sizes[last];
        const Tensor weights = full(shape, Scalar(1.0), real_of(g->dtype), g->device);
        {
            const ModeGuard quiet(kNoGrad, true);
            fill_(slice(weights, last, 1, 1 + twice, 1), Scalar(2.0));
        }
        out[0] = apply(row("mul"), g, weights);
    }
};

Tensor fft_c2c(const Tensor& x, const Dims& dims, std::int64_t normalization, bool forward) {
    check(is_complex(x->dtype), "_fft_c2c: Expected a complex tensor, but got ", facts(x->dtype).name);
    return linear(x, ComplexToComplex{{wrapped(x, dims), normalization}, forward});
}

Tensor fft_r2c(const Tensor& x, const Dims& dims, std::int64_t normalization, bool onesided) {
    check(x->dtype == DType::Float32 || x->dtype == DType::Float64,
          "_fft_r2c: Expected a tensor of float32 or float64, but got ", facts(x->dtype).name);
    check(!dims.empty(), "_fft_r2c: at least one dimension is needed");
    check(onesided || dims.size() == 1,
          "_fft_r2c: all of a transform of several dimensions is that of complex numbers");
    return linear(x, RealToComplex{{wrapped(x, dims), normalization}, onesided, x->sizes});
}

Tensor fft_c2r(const Tensor& x, const Dims& dims, std::int64_t normalization, std::int64_t last) {
    check(is_complex(x->dtype), "_fft_c2r: Expected a complex tensor, but got ", facts(x->dtype).name);
    check(!dims.empty() && last >= 1, "_fft_c2r: a dimension is needed and a length of at least 1");
    const Dims all = wrapped(x, dims);
    check(x->sizes[static_cast<int>(all.back())] == last / 2 + 1, "_fft_c2r: ", last, " numbers come from ",
          last / 2 + 1, ", but ", x->sizes[static_cast<int>(all.back())], " were given");
    return linear(x, ComplexToReal{{all, normalization}, last});
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&fft_c2c>(
            "_fft_c2c", "input, dim, normalization, forward",
            "The discrete Fourier transform along dimensions, or the inverse one; divided by nothing "
            "(0), by the root of the number of elements (1) or by it (2). Derivative: the inverse "
            "one of g, divided alike.",
            Offered::Function),
        operation<&fft_r2c>(
            "_fft_r2c", "input, dim, normalization, onesided",
            "The transform of real numbers: the first n / 2 + 1 along the last of dim, or all. "
            "Derivative: the real part of the inverse transform of g.",
            Offered::Function),
        operation<&fft_c2r>(
            "_fft_c2r", "input, dim, normalization, last_dim_size",
            "The inverse transform to real numbers, of the first n / 2 + 1 along the last of dim. "
            "Derivative: the transform of g, twice what stands for two.",
            Offered::Function),
    });

}  // namespace
}  // namespace tapeless
