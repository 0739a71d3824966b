// Largest elements of windows of up to three dimensions.
#pragma once

#include <cstdint>
#include <vector>

#include "base/dtype.h"

namespace tapeless {

/// One dimension's windows: window i is first[i], first[i] + step, ... below last[i].
struct Windows {
    std::int64_t from = 1, step = 1;
    std::vector<std::int64_t> first{0}, last{1};
    std::int64_t count() const { return static_cast<std::int64_t>(first.size()); }
};

/// For every window of every plane its largest element, a NaN if there is one, and where it lies in the plane.
void max_windows(DType dtype, const char* in, std::int64_t planes, const Windows (&dims)[3], char* out,
                 std::int64_t* index);
/// The same of images whose `channels` lie together, in [images, points, channels].
void max_windows_of_channels(DType dtype, const char* in, std::int64_t images, std::int64_t channels,
                             const Windows (&dims)[3], char* out, std::int64_t* index);
/// The reverse of both: each of a plane's `count` gradients is added where its index says, of `points` elements. In
/// either, `channels` lie together.
void add_at_windows(DType dtype, const char* g, const std::int64_t* index, std::int64_t planes,
                    std::int64_t count, std::int64_t points, std::int64_t channels, char* out);

}  // namespace tapeless
