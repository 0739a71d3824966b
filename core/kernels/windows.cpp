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

}  // namespace tapeless
