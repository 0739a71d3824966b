// Largest elements of windows, plane by plane.
#include "kernels/windows.h"

#include <algorithm>

#include "runtime/threads.h"

namespace tapeless {
namespace {

/// The largest of one window whose corner and end are given.
template <class T> std::int64_t largest(const T* in, const Windows (&dims)[3], const std::int64_t (&at)[3]) {
    std::int64_t first[3], last[3];
    for (int d = 0; d < 3; ++d) {
        first[d] = dims[d].first[static_cast<std::size_t>(at[d])];
        last[d] = dims[d].last[static_cast<std::size_t>(at[d])];
    }
    std::int64_t best = (first[0] * dims[1].from + first[1]) * dims[2].from + first[2];
    T top = in[best];
    for (std::int64_t i = first[0]; i < last[0]; i += dims[0].step) {
        for (std::int64_t j = first[1]; j < last[1]; j += dims[1].step) {
            const std::int64_t row = (i * dims[1].from + j) * dims[2].from;
            for (std::int64_t k = first[2]; k < last[2]; k += dims[2].step) {
                const T value = in[row + k];
                if (!(value > top) && value == value) continue;  // A NaN is taken, and stays.
                top = value;
                best = row + k;
            }
        }
    }
    return best;
}

template <class T> void plane(const T* in, const Windows (&dims)[3], T* out, std::int64_t* index) {
    std::int64_t at[3];
    for (at[0] = 0; at[0] < dims[0].count(); ++at[0]) {
        for (at[1] = 0; at[1] < dims[1].count(); ++at[1]) {
            for (at[2] = 0; at[2] < dims[2].count(); ++at[2]) {
                const std::int64_t best = largest(in, dims, at);
                *out++ = in[best];
                *index++ = best;
            }
        }
    }
}

/// The larger of what there is and one point's value, and its place, for each channel.
template <class T>
void take_larger(const T* values, std::int64_t channels, std::int64_t point, T* out, std::int64_t* index) {
    for (std::int64_t c = 0; c < channels; ++c) {
        const bool takes = values[c] > out[c] || values[c] != values[c];
        out[c] = takes ? values[c] : out[c];
        index[c] = takes ? point : index[c];
    }
}

/// One window of all channels: the best so far of each, one element after another.
template <class T>
void window_of_channels(const T* in, std::int64_t channels, const Windows (&dims)[3],
                        const std::int64_t (&at)[3], T* out, std::int64_t* index) {
    std::int64_t first[3], last[3];
    for (int d = 0; d < 3; ++d) {
        first[d] = dims[d].first[static_cast<std::size_t>(at[d])];
        last[d] = dims[d].last[static_cast<std::size_t>(at[d])];
    }
    const std::int64_t start = (first[0] * dims[1].from + first[1]) * dims[2].from + first[2];
    std::copy_n(in + start * channels, channels, out);
    std::fill_n(index, channels, start);
    for (std::int64_t i = first[0]; i < last[0]; i += dims[0].step) {
        for (std::int64_t j = first[1]; j < last[1]; j += dims[1].step) {
            for (std::int64_t k = first[2]; k < last[2]; k += dims[2].step) {
                const std::int64_t point = (i * dims[1].from + j) * dims[2].from + k;
                take_larger(in + point * channels, channels, point, out, index);
            }
        }
    }
}

constexpr std::int64_t kWorth = 1 << 14;  // Outputs below which a second thread costs more than it brings.

}  // namespace

void max_windows(DType dtype, const char* in, std::int64_t planes, const Windows (&dims)[3], char* out,
                 std::int64_t* index) {
    const std::int64_t from = dims[0].from * dims[1].from * dims[2].from;
    const std::int64_t to = dims[0].count() * dims[1].count() * dims[2].count();
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (std::is_arithmetic_v<T>) {
            auto body = [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t p = begin; p < end; ++p)
                    plane(reinterpret_cast<const T*>(in) + p * from, dims, reinterpret_cast<T*>(out) + p * to,
                          index + p * to);
            };
            if (planes * to < kWorth) return body(0, planes);
            parallel_blocks(planes, std::max<std::int64_t>(1, kWorth / 4 / std::max<std::int64_t>(to, 1)),
                            body);
        }
    });
}

void max_windows_of_channels(DType dtype, const char* in, std::int64_t images, std::int64_t channels,
                             const Windows (&dims)[3], char* out, std::int64_t* index) {
    const std::int64_t from = dims[0].from * dims[1].from * dims[2].from;
    const std::int64_t counts[3] = {dims[0].count(), dims[1].count(), dims[2].count()};
    const std::int64_t lines = images * counts[0] * counts[1], size = counts[2] * channels;
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (std::is_arithmetic_v<T>) {
            auto body = [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t line = begin; line < end; ++line) {
                    const std::int64_t image = line / counts[1] / counts[0];
                    std::int64_t at[3] = {line / counts[1] % counts[0], line % counts[1], 0};
                    for (; at[2] < counts[2]; ++at[2]) {
                        const std::int64_t to = line * size + at[2] * channels;
                        window_of_channels(reinterpret_cast<const T*>(in) + image * from * channels, channels,
                                           dims, at, reinterpret_cast<T*>(out) + to, index + to);
                    }
                }
            };
            if (lines * size < kWorth) return body(0, lines);
            parallel_blocks(lines, std::max<std::int64_t>(1, kWorth / 4 / std::max<std::int64_t>(size, 1)),
                            body);
        }
    });
}

void add_at_windows(DType dtype, const char* g, const std::int64_t* index, std::int64_t planes,
                    std::int64_t count, std::int64_t points, std::int64_t channels, char* out) {
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (std::is_floating_point_v<T>) {
            const std::int64_t from_size = count * channels, to_size = points * channels;
            auto body = [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t p = begin; p < end; ++p) {
                    const T* from = reinterpret_cast<const T*>(g) + p * from_size;
                    const std::int64_t* where = index + p * from_size;
                    T* to = reinterpret_cast<T*>(out) + p * to_size;
                    std::fill_n(to, to_size, T(0));
                    for (std::int64_t i = 0; i < count; ++i, from += channels, where += channels) {
                        for (std::int64_t c = 0; c < channels; ++c) to[where[c] * channels + c] += from[c];
                    }
                }
            };
            if (planes * to_size < kWorth) return body(0, planes);
            parallel_blocks(planes,
                            std::max<std::int64_t>(1, kWorth / 4 / std::max<std::int64_t>(to_size, 1)), body);
        }
    });
}

}  // namespace tapeless
