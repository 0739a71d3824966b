// Windows of images laid out as the columns of a matrix, and columns added back: what makes convolutions products.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/convolution.h"

namespace tapeless {

/// The windows of some channels at some places: row (channel, tap), column place.
struct Columns {
    std::int64_t channel, channels;  ///< the first one, and how many
    std::int64_t place, places;
    std::int64_t width;  ///< distance of rows
};

/// The part of a row of results whose windows' elements lie inside the image, at one tap: [first, last).
struct Inside {
    std::int64_t first, last;
};
inline Inside inside(const Convolution& shape, int d, std::int64_t tap) {
    const std::int64_t s = shape.stride[d], at = tap * shape.dilation[d] - shape.padding[d];
    const std::int64_t first = at >= 0 ? 0 : (-at + s - 1) / s;
    const std::int64_t room = shape.from[d] - at;
    const std::int64_t last = room <= 0 ? 0 : std::min(shape.to[d], (room + s - 1) / s);
    return {std::min(first, last), last};
}

/// One row of the matrix, in pieces that are rows of the results: `piece(column, count, from)` where the row of the
/// image begins at element `from`, -1 where it lies outside. Column is counted from the first place.
template <class Piece>
void row_pieces(const Convolution& shape, const Columns& part, std::int64_t tap_d, std::int64_t tap_h,
                Piece&& piece) {
    const std::int64_t wide = shape.to[2], end = part.place + part.places;
    for (std::int64_t at = part.place; at < end;) {
        const std::int64_t line = at / wide, column = at % wide;
        const std::int64_t count = std::min(wide - column, end - at);
        const std::int64_t d =
            line / shape.to[1] * shape.stride[0] + tap_d * shape.dilation[0] - shape.padding[0];
        const std::int64_t h =
            line % shape.to[1] * shape.stride[1] + tap_h * shape.dilation[1] - shape.padding[1];
        const bool in = d >= 0 && d < shape.from[0] && h >= 0 && h < shape.from[1];
        piece(at - part.place, column, count, in ? (d * shape.from[1] + h) * shape.from[2] : -1);
        at += count;
    }
}

/// Fills `to` with the windows of one image; `x` is its first channel of the group.
template <class T> void gather_windows(const Convolution& shape, const Columns& part, const T* x, T* to) {
    const std::int64_t points = shape.points(), step = shape.stride[2];
    for (std::int64_t c = 0; c < part.channels; ++c) {
        const T* plane = x + (part.channel + c) * points;
        for (std::int64_t tap = 0; tap < shape.taps(); ++tap, to += part.width) {
            const std::int64_t tap_w = tap % shape.kernel[2], rest = tap / shape.kernel[2];
            const Inside in = inside(shape, 2, tap_w);
            const std::int64_t shift = tap_w * shape.dilation[2] - shape.padding[2];
            const auto piece = [&](std::int64_t at, std::int64_t column, std::int64_t count,
                                   std::int64_t from) {
                T* row = to + at - column;  // Where the whole row of results would begin.
                const std::int64_t first = std::clamp(in.first, column, column + count);
                const std::int64_t last = std::clamp(in.last, first, column + count);
                if (from < 0) return std::fill(row + column, row + column + count, T{});
                std::fill(row + column, row + first, T{});
                const T* line = plane + from + shift;
                if (step == 1) {
                    for (std::int64_t i = first; i < last; ++i) row[i] = line[i];
                } else {
                    for (std::int64_t i = first; i < last; ++i) row[i] = line[i * step];
                }
                std::fill(row + last, row + column + count, T{});
            };
            row_pieces(shape, part, rest / shape.kernel[1], rest % shape.kernel[1], piece);
        }
    }
}

/// Adds columns to where their windows lie in one image.
template <class T> void scatter_windows(const Convolution& shape, const Columns& part, const T* from, T* x) {
    const std::int64_t points = shape.points(), step = shape.stride[2];
    for (std::int64_t c = 0; c < part.channels; ++c) {
        T* plane = x + (part.channel + c) * points;
        for (std::int64_t tap = 0; tap < shape.taps(); ++tap, from += part.width) {
            const std::int64_t tap_w = tap % shape.kernel[2], rest = tap / shape.kernel[2];
            const Inside in = inside(shape, 2, tap_w);
            const std::int64_t shift = tap_w * shape.dilation[2] - shape.padding[2];
            const auto piece = [&](std::int64_t at, std::int64_t column, std::int64_t count,
                                   std::int64_t to) {
                if (to < 0) return;
                const T* row = from + at - column;
                const std::int64_t first = std::clamp(in.first, column, column + count);
                const std::int64_t last = std::clamp(in.last, first, column + count);
                T* line = plane + to + shift;
                if (step == 1) {
                    for (std::int64_t i = first; i < last; ++i) line[i] = line[i] + row[i];
                } else {
                    for (std::int64_t i = first; i < last; ++i) line[i * step] = line[i * step] + row[i];
                }
            };
            row_pieces(shape, part, rest / shape.kernel[1], rest % shape.kernel[1], piece);
        }
    }
}

}  // namespace tapeless
