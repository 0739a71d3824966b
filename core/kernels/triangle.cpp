// Triangles of matrices, row by row: one run is copied, the rest of the row is zeros.
#include "kernels/triangle.h"

#include <algorithm>
#include <cstring>

#include "runtime/threads.h"

namespace tapeless {

void keep_triangle(const Triangle& triangle, std::size_t element, char* out, const char* in) {
    const auto [rows, height, width, diagonal, lower] = triangle;
    const std::size_t pitch = static_cast<std::size_t>(width) * element;
    auto work = [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t r = first; r < last; ++r) {
            // Column `edge` is the first beyond the diagonal (lower), or the first on it.
            const std::int64_t edge =
                std::clamp(r % height + diagonal + (lower ? 1 : 0), std::int64_t{0}, width);
            const std::size_t cut = static_cast<std::size_t>(edge) * element,
                              row = static_cast<std::size_t>(r) * pitch;
            char* to = out + row;
            const std::size_t kept = lower ? 0 : cut, end = lower ? cut : pitch;
            if (out != in) std::memcpy(to + kept, in + row + kept, end - kept);
            std::memset(to + (lower ? cut : 0), 0, lower ? pitch - cut : cut);
        }
    };
    constexpr std::int64_t kWorth = 1 << 18;  // Bytes below which a second thread costs more than it brings.
    const std::int64_t bytes = static_cast<std::int64_t>(pitch);
    if (rows * bytes < kWorth) return work(0, rows);
    parallel_blocks(rows, std::max<std::int64_t>(1, kWorth / 4 / std::max<std::int64_t>(bytes, 1)), work);
}

}  // namespace tapeless
