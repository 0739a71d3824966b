// Convolutions of one channel in each group, row by row: a product of so few columns would mostly move memory.
#pragma once

#include "kernels/convolution_windows.h"
#include "runtime/threads.h"

namespace tapeless {

/// Depthwise convolutions, and such with few results of each channel.
inline bool goes_direct(const Convolution& shape) {
    return shape.in == 1 && shape.out <= 4 && shape.groups > 1;
}

/// Every pair of rows that a tap connects: `pair(from, to, count)` with the first elements in x and y.
template <class Pair>
void row_pairs(const Convolution& shape, std::int64_t d, std::int64_t h, std::int64_t to_d, std::int64_t to_h,
               std::int64_t tap_w, Pair&& pair) {
    const Inside in = inside(shape, 2, tap_w);
    if (in.first >= in.last) return;
    const std::int64_t from = (d * shape.from[1] + h) * shape.from[2] + in.first * shape.stride[2] +
                              tap_w * shape.dilation[2] - shape.padding[2];
    pair(from, (to_d * shape.to[1] + to_h) * shape.to[2] + in.first, in.last - in.first);
}

/// The same for all rows and taps of a plane; `pair(tap, from, to, count)`. Rows of y are the outer loop.
template <class Pair> void plane_pairs(const Convolution& shape, Pair&& pair) {
    for (std::int64_t line = 0; line < shape.to[0] * shape.to[1]; ++line) {
        const std::int64_t to_d = line / shape.to[1], to_h = line % shape.to[1];
        for (std::int64_t tap = 0; tap < shape.taps(); ++tap) {
            const std::int64_t tap_w = tap % shape.kernel[2], rest = tap / shape.kernel[2];
            const std::int64_t d =
                to_d * shape.stride[0] + rest / shape.kernel[1] * shape.dilation[0] - shape.padding[0];
            const std::int64_t h =
                to_h * shape.stride[1] + rest % shape.kernel[1] * shape.dilation[1] - shape.padding[1];
            if (d < 0 || d >= shape.from[0] || h < 0 || h >= shape.from[1]) continue;
            row_pairs(
                shape, d, h, to_d, to_h, tap_w,
                [&](std::int64_t from, std::int64_t to, std::int64_t count) { pair(tap, from, to, count); });
        }
    }
}

/// Planes that are worth a task of their own.
inline std::int64_t planes_at_once(const Convolution& shape) {
    const std::int64_t work = shape.places() * shape.taps() * shape.out;
    return std::max<std::int64_t>(1, (1 << 16) / std::max<std::int64_t>(work, 1));
}

/// y += factor * x, with elements these steps apart.
template <class T>
void add_scaled(T factor, const T* x, std::int64_t x_step, T* y, std::int64_t y_step, std::int64_t count) {
    if (x_step == 1 && y_step == 1) {
        for (std::int64_t k = 0; k < count; ++k) y[k] = y[k] + factor * x[k];
    } else {
        for (std::int64_t k = 0; k < count; ++k) y[k * y_step] = y[k * y_step] + factor * x[k * x_step];
    }
}

/// Adds a channel's number, last: sums round less the smaller they are.
template <class T> void add_bias(const T* bias, std::int64_t channel, T* plane, std::int64_t count) {
    for (std::int64_t k = 0; bias && k < count; ++k) plane[k] = plane[k] + bias[channel];
}

template <class T>
void forward_direct(const Convolution& shape, const T* x, const T* w, const T* bias, T* y) {
    const std::int64_t places = shape.places(), taps = shape.taps(), channels = shape.groups * shape.out;
    const auto one = [&](std::int64_t i) {
        const T* from_plane = x + i / shape.out * shape.points();
        const T* weights = w + i % channels * taps;
        T* plane = y + i * places;
        std::fill_n(plane, places, T{});
        plane_pairs(shape, [&](std::int64_t tap, std::int64_t from, std::int64_t to, std::int64_t count) {
            add_scaled(weights[tap], from_plane + from, shape.stride[2], plane + to, 1, count);
        });
        add_bias(bias, i % channels, plane, places);
    };
    parallel_blocks(shape.images * shape.groups, planes_at_once(shape),
                    [&](std::int64_t begin, std::int64_t end) {
                        for (std::int64_t i = begin * shape.out; i < end * shape.out; ++i) one(i);
                    });
}

template <class T> void back_direct(const Convolution& shape, const T* y, const T* w, const T* bias, T* x) {
    const std::int64_t places = shape.places(), taps = shape.taps(), points = shape.points();
    const auto one = [&](std::int64_t i) {
        const std::int64_t group = i % shape.groups;
        T* plane = x + i * points;
        std::fill_n(plane, points, T{});
        for (std::int64_t o = 0; o < shape.out; ++o) {
            const T* from_plane = y + (i * shape.out + o) * places;
            const T* weights = w + (group * shape.out + o) * taps;
            plane_pairs(shape, [&](std::int64_t tap, std::int64_t to, std::int64_t from, std::int64_t count) {
                add_scaled(weights[tap], from_plane + from, 1, plane + to, shape.stride[2], count);
            });
        }
        add_bias(bias, group, plane, points);
    };
    parallel_blocks(shape.images * shape.groups, planes_at_once(shape),
                    [&](std::int64_t begin, std::int64_t end) {
                        for (std::int64_t i = begin; i < end; ++i) one(i);
                    });
}

/// The sum of products of two rows, in 16 sums side by side.
template <class T> T row_product(const T* x, std::int64_t step, const T* y, std::int64_t count) {
    constexpr int lanes = 16;
    T sums[lanes] = {};
    std::int64_t k = 0;
    if (step == 1) {
        for (; k + lanes <= count; k += lanes) {
            for (int lane = 0; lane < lanes; ++lane) sums[lane] = sums[lane] + x[k + lane] * y[k + lane];
        }
    }
    for (; k < count; ++k) sums[k % lanes] = sums[k % lanes] + x[k * step] * y[k];
    for (int half = lanes / 2; half; half /= 2) {
        for (int lane = 0; lane < half; ++lane) sums[lane] = sums[lane] + sums[lane + half];
    }
    return sums[0];
}

template <class T> void weight_direct(const Convolution& shape, const T* x, const T* y, T* w) {
    const std::int64_t places = shape.places(), taps = shape.taps(), channels = shape.groups * shape.out;
    parallel_blocks(channels, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t channel = begin; channel < end; ++channel) {
            T* sums = w + channel * taps;
            std::fill_n(sums, taps, T{});
            for (std::int64_t n = 0; n < shape.images; ++n) {
                const T* a = x + (n * shape.groups + channel / shape.out) * shape.points();
                const T* b = y + (n * channels + channel) * places;
                plane_pairs(shape,
                            [&](std::int64_t tap, std::int64_t from, std::int64_t to, std::int64_t count) {
                                sums[tap] = sums[tap] + row_product(a + from, shape.stride[2], b + to, count);
                            });
            }
        }
    });
}

}  // namespace tapeless
