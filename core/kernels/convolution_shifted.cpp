// Sums of shifted images in vector types, compiled once per instruction set.
#include "kernels/convolution_shifted.h"

#include <algorithm>
#include <vector>

#include "kernels/room.h"
#include "runtime/cpu.h"
#include "runtime/threads.h"

namespace tapeless {
namespace {

constexpr std::int64_t kMostBytes = 64 << 20;    ///< of the copy of an image
constexpr std::int64_t kSlabBytes = 256 * 1024;  ///< of an image's copy that one chunk of results reads
constexpr std::int64_t kSlack = 64;  ///< elements behind a copy that may be read, and a chunk's granule
constexpr int kMostRows = 6;         ///< channels of results that are summed side by side

std::int64_t pieces(std::int64_t total, std::int64_t piece) { return (total + piece - 1) / piece; }

// ---- the loop ----

/// Some channels of results over a chunk of places. Everything is inlined into one function per instruction set.
template <class T> struct Tile {
    std::int64_t terms;           ///< channels times taps
    const std::int64_t* offsets;  ///< where each term's row begins
    const T* image;               ///< the copy, at the chunk's first place
    const T* weights;             ///< [terms, rows]
    int rows;
    std::int64_t count;  ///< places
    T* made;
    std::int64_t distance;  ///< of rows of `made`
};

template <class T, int Bytes> struct Lanes {
    static constexpr int count = Bytes / static_cast<int>(sizeof(T));
    typedef T Vector __attribute__((vector_size(Bytes), aligned(alignof(T)), may_alias));
};

template <class T, int Bytes, int Rows, int Panels>
[[gnu::always_inline]] inline void piece(const Tile<T>& tile, std::int64_t at) {
    using Vector = typename Lanes<T, Bytes>::Vector;
    Vector sum[Rows][Panels] = {};
    const T* weights = tile.weights;
    const T* image = tile.image + at;
    for (std::int64_t k = 0; k < tile.terms; ++k, weights += Rows) {
        const Vector* row = reinterpret_cast<const Vector*>(image + tile.offsets[k]);
        Vector values[Panels];
#pragma GCC unroll 4
        for (int p = 0; p < Panels; ++p) values[p] = row[p];
#pragma GCC unroll 6
        for (int r = 0; r < Rows; ++r) {
            const T factor = weights[r];
#pragma GCC unroll 4
            for (int p = 0; p < Panels; ++p) sum[r][p] += factor * values[p];
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
        Vector* to = reinterpret_cast<Vector*>(tile.made + r * tile.distance + at);
#pragma GCC unroll 4
        for (int p = 0; p < Panels; ++p) to[p] = sum[r][p];
    }
}

template <class T, int Bytes, int Rows> [[gnu::always_inline]] inline void rows_of(const Tile<T>& tile) {
    constexpr int panels = Bytes == 64 ? 4 : 2, lanes = Lanes<T, Bytes>::count;
    std::int64_t at = 0;
    for (; at + (panels - 1) * lanes < tile.count; at += panels * lanes)
        piece<T, Bytes, Rows, panels>(tile, at);
    if constexpr (panels == 4) {
        if (at + lanes < tile.count) {
            piece<T, Bytes, Rows, 2>(tile, at);
            at += 2 * lanes;
        }
    }
    for (; at < tile.count; at += lanes) piece<T, Bytes, Rows, 1>(tile, at);
}

template <class T, int Bytes> [[gnu::always_inline]] inline void any_rows(const Tile<T>& tile) {
    switch (tile.rows) {
        case 6:
            return rows_of<T, Bytes, 6>(tile);
        case 4:
            return rows_of<T, Bytes, 4>(tile);
        case 2:
            return rows_of<T, Bytes, 2>(tile);
        default:
            return rows_of<T, Bytes, 1>(tile);
    }
}

// ---- the loop of the weights' gradient ----

/// Sums over places of products of gradients and an image's copy, added to the weights' gradient.
template <class T> struct Dots {
    std::int64_t terms;
    const std::int64_t* offsets;
    const T* image;
    const T* g;  ///< [outs, distance], with zeros between rows and behind them
    std::int64_t outs, distance;
    T* to;  ///< [outs, terms]
};

/// `Outs` channels by `Terms` terms, in as many vectors of sums.
template <class T, int Bytes, int Outs, int Terms>
[[gnu::always_inline]] inline void dot_piece(const Dots<T>& dots, std::int64_t out, std::int64_t term) {
    using Vector = typename Lanes<T, Bytes>::Vector;
    constexpr int lanes = Lanes<T, Bytes>::count;
    Vector sum[Outs][Terms] = {};
    for (std::int64_t at = 0; at < dots.distance; at += lanes) {
        Vector g[Outs];
#pragma GCC unroll 4
        for (int o = 0; o < Outs; ++o)
            g[o] = *reinterpret_cast<const Vector*>(dots.g + (out + o) * dots.distance + at);
#pragma GCC unroll 6
        for (int t = 0; t < Terms; ++t) {
            const Vector value = *reinterpret_cast<const Vector*>(dots.image + dots.offsets[term + t] + at);
#pragma GCC unroll 4
            for (int o = 0; o < Outs; ++o) sum[o][t] += g[o] * value;
        }
    }
#pragma GCC unroll 4
    for (int o = 0; o < Outs; ++o) {
#pragma GCC unroll 6
        for (int t = 0; t < Terms; ++t) {
            T edge[lanes];
            *reinterpret_cast<Vector*>(edge) = sum[o][t];
            for (int half = lanes / 2; half > 0; half /= 2) {
                for (int i = 0; i < half; ++i) edge[i] += edge[i + half];
            }
            dots.to[(out + o) * dots.terms + term + t] += edge[0];
        }
    }
}

template <class T, int Bytes, int Outs>
[[gnu::always_inline]] inline void dot_terms(const Dots<T>& dots, std::int64_t out) {
    std::int64_t term = 0;
    for (; term + 6 <= dots.terms; term += 6) dot_piece<T, Bytes, Outs, 6>(dots, out, term);
    for (; term + 3 <= dots.terms; term += 3) dot_piece<T, Bytes, Outs, 3>(dots, out, term);
    for (; term < dots.terms; ++term) dot_piece<T, Bytes, Outs, 1>(dots, out, term);
}

template <class T, int Bytes> [[gnu::always_inline]] inline void any_dots(const Dots<T>& dots) {
    constexpr int outs = Bytes == 64 ? 4 : 2;
    std::int64_t out = 0;
    for (; out + outs <= dots.outs; out += outs) dot_terms<T, Bytes, outs>(dots, out);
    for (; out < dots.outs; ++out) dot_terms<T, Bytes, 1>(dots, out);
}

template <class T> void tile_v2(const Tile<T>& tile) { any_rows<T, 16>(tile); }
template <class T> void dots_v2(const Dots<T>& dots) { any_dots<T, 16>(dots); }
#if defined(__x86_64__)
template <class T> [[gnu::target("avx2,fma")]] void dots_v3(const Dots<T>& dots) { any_dots<T, 32>(dots); }
template <class T>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,fma")]] void dots_v4(const Dots<T>& dots) {
    any_dots<T, 64>(dots);
}
template <class T> void run(const Dots<T>& dots) {
    const Isa level = isa();
    level == Isa::V4 ? dots_v4(dots) : level == Isa::V3 ? dots_v3(dots) : dots_v2(dots);
}
template <class T> [[gnu::target("avx2,fma")]] void tile_v3(const Tile<T>& tile) { any_rows<T, 32>(tile); }
template <class T>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,fma")]] void tile_v4(const Tile<T>& tile) {
    any_rows<T, 64>(tile);
}
template <class T> void run(const Tile<T>& tile) {
    const Isa level = isa();
    level == Isa::V4 ? tile_v4(tile) : level == Isa::V3 ? tile_v3(tile) : tile_v2(tile);
}
#else
template <class T> void run(const Tile<T>& tile) { tile_v2(tile); }
template <class T> void run(const Dots<T>& dots) { dots_v2(dots); }
#endif

// ---- the copy ----

/// How an image's copy lies in memory: channels, the phases of strides that some tap needs, and their elements.
struct Layout {
    std::int64_t size[3];             ///< of a phase
    std::int64_t phases[3];           ///< strides
    std::vector<std::int64_t> slots;  ///< the place of each phase, -1 where no tap needs it
    std::int64_t used = 0;            ///< phases that are needed
    std::int64_t plane, total;        ///< elements of a phase; places from the first result to the last

    explicit Layout(const Convolution& shape) {
        for (int d = 0; d < 3; ++d) {
            phases[d] = std::min(shape.stride[d], (shape.kernel[d] - 1) * shape.dilation[d] + 1);
            const std::int64_t reach = (shape.kernel[d] - 1) * shape.dilation[d] / shape.stride[d];
            size[d] = shape.to[d] + reach;
        }
        plane = size[0] * size[1] * size[2];
        total = ((shape.to[0] - 1) * size[1] + shape.to[1] - 1) * size[2] + shape.to[2];
        slots.assign(static_cast<std::size_t>(phases[0] * phases[1] * phases[2]), -1);
        for (std::int64_t tap = 0; tap < shape.taps(); ++tap) {
            std::int64_t& slot = slots[static_cast<std::size_t>(phase_of(shape, tap))];
            if (slot < 0) slot = used++;
        }
    }
    /// Distances of a tap from the first element, by dimension.
    static void distances(const Convolution& shape, std::int64_t tap, std::int64_t (&at)[3]) {
        for (int d = 2; d >= 0; --d) {
            at[d] = tap % shape.kernel[d] * shape.dilation[d];
            tap /= shape.kernel[d];
        }
    }
    std::int64_t phase_of(const Convolution& shape, std::int64_t tap) const {
        std::int64_t at[3], phase = 0;
        distances(shape, tap, at);
        for (int d = 0; d < 3; ++d) phase = phase * phases[d] + at[d] % shape.stride[d];
        return phase;
    }
    /// Where the rows of all terms begin, for `channels` of them.
    std::vector<std::int64_t> offsets(const Convolution& shape) const {
        std::vector<std::int64_t> out;
        for (std::int64_t c = 0; c < shape.in; ++c) {
            for (std::int64_t tap = 0; tap < shape.taps(); ++tap) {
                std::int64_t at[3], within = 0;
                distances(shape, tap, at);
                for (int d = 0; d < 3; ++d) within = within * size[d] + at[d] / shape.stride[d];
                const std::int64_t slot = slots[static_cast<std::size_t>(phase_of(shape, tap))];
                out.push_back((c * used + slot) * plane + within);
            }
        }
        return out;
    }
    std::int64_t elements(const Convolution& shape) const { return shape.in * used * plane + kSlack; }
};

/// One row of a phase: every `step`-th element from `first` on, zeros outside.
template <class T>
void copy_row(const T* from, std::int64_t size, std::int64_t first, std::int64_t step, T* to,
              std::int64_t count) {
    const std::int64_t begin = std::min(count, first >= 0 ? 0 : (-first + step - 1) / step);
    const std::int64_t room = size - first;
    const std::int64_t end = std::clamp<std::int64_t>(room <= 0 ? 0 : (room + step - 1) / step, begin, count);
    std::fill(to, to + begin, T(0));
    if (step == 1) {
        for (std::int64_t i = begin; i < end; ++i) to[i] = from[first + i];
    } else {
        for (std::int64_t i = begin; i < end; ++i) to[i] = from[first + i * step];
    }
    std::fill(to + end, to + count, T(0));
}

/// Copies one channel.
template <class T> void copy_channel(const Convolution& shape, const Layout& layout, const T* x, T* to) {
    for (std::size_t phase = 0; phase < layout.slots.size(); ++phase) {
        if (layout.slots[phase] < 0) continue;
        T* plane = to + layout.slots[phase] * layout.plane;
        const std::int64_t number = static_cast<std::int64_t>(phase);
        const std::int64_t start[3] = {number / layout.phases[2] / layout.phases[1] - shape.padding[0],
                                       number / layout.phases[2] % layout.phases[1] - shape.padding[1],
                                       number % layout.phases[2] - shape.padding[2]};
        for (std::int64_t line = 0; line < layout.size[0] * layout.size[1]; ++line, plane += layout.size[2]) {
            const std::int64_t d = line / layout.size[1] * shape.stride[0] + start[0];
            const std::int64_t h = line % layout.size[1] * shape.stride[1] + start[1];
            if (d < 0 || d >= shape.from[0] || h < 0 || h >= shape.from[1]) {
                std::fill_n(plane, layout.size[2], T(0));
                continue;
            }
            copy_row(x + (d * shape.from[1] + h) * shape.from[2], shape.from[2], start[2], shape.stride[2],
                     plane, layout.size[2]);
        }
    }
}

// ---- the course ----

/// How many of `left` channels are summed side by side.
int rows_at_once(std::int64_t left) {
    return left >= kMostRows ? kMostRows : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

template <class T> class Course {
public:
    Course(const Convolution& shape, const T* w, const T* bias)
        : shape_(shape),
          layout_(shape),
          offsets_(layout_.offsets(shape)),
          terms_(shape.in * shape.taps()),
          bias_(bias),
          packed_(shape.groups * shape.out * terms_) {
        const std::int64_t channel = shape.in * layout_.used * static_cast<std::int64_t>(sizeof(T));
        chunk_ = std::max<std::int64_t>(kSlabBytes / channel / kSlack, 4) * kSlack;
        chunk_ = std::min(chunk_, pieces(layout_.total, kSlack) * kSlack);
        for (std::int64_t g = 0; g < shape.groups; ++g) {
            for (std::int64_t c = 0; c < shape.out; c += rows_at_once(shape.out - c)) pack(w, g, c);
        }
    }

    void run_all(const T* x, T* y) const {
        const std::int64_t sets = shape_.images * shape_.groups;
        if (sets < 8 && layout_.elements(shape_) > kMostBytes / 4096) return one_by_one(x, y);
        const std::int64_t work = layout_.total * terms_ * shape_.out;
        const std::int64_t each = std::max<std::int64_t>(1, (1 << 17) / std::max<std::int64_t>(work, 1));
        parallel_blocks(
            sets, each,
            [&](std::int64_t begin, std::int64_t end) {
                const Room<T> image(layout_.elements(shape_)), made(kMostRows * chunk_);
                for (std::int64_t set = begin; set < end; ++set) {
                    for (std::int64_t c = 0; c < shape_.in; ++c) copy(x, set, c, image.get());
                    clear_slack(image.get());
                    for (std::int64_t first = 0; first < layout_.total; first += chunk_)
                        results(image.get(), set, first, 0, shape_.out, made.get(), y);
                }
            },
            Interruptible::Yes);
    }

private:
    /// Few images: each is copied and summed by all threads.
    void one_by_one(const T* x, T* y) const {
        const Room<T> image(layout_.elements(shape_));
        clear_slack(image.get());
        const std::int64_t chunks = pieces(layout_.total, chunk_);
        const std::int64_t parts =
            std::clamp<std::int64_t>(pieces(8, chunks), 1, pieces(shape_.out, kMostRows));
        const std::int64_t channels = pieces(pieces(shape_.out, parts), kMostRows) * kMostRows;
        for (std::int64_t set = 0; set < shape_.images * shape_.groups; ++set) {
            parallel_blocks(
                shape_.in, pieces(shape_.in, 8),
                [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t c = begin; c < end; ++c) copy(x, set, c, image.get());
                },
                Interruptible::Yes);
            parallel_blocks(
                chunks * parts, 1,
                [&](std::int64_t begin, std::int64_t end) {
                    const Room<T> made(kMostRows * chunk_);
                    for (std::int64_t task = begin; task < end; ++task) {
                        const std::int64_t first = std::min(task % parts * channels, shape_.out);
                        results(image.get(), set, task / parts * chunk_, first,
                                std::min(first + channels, shape_.out), made.get(), y);
                    }
                },
                Interruptible::Yes);
        }
    }
    /// The weights of some channels beside one another, term by term.
    void pack(const T* w, std::int64_t g, std::int64_t channel) {
        const int rows = rows_at_once(shape_.out - channel);
        const T* from = w + (g * shape_.out + channel) * terms_;
        T* to = packed_.get() + (g * shape_.out + channel) * terms_;
        for (std::int64_t k = 0; k < terms_; ++k) {
            for (int r = 0; r < rows; ++r) to[k * rows + r] = from[r * terms_ + k];
        }
    }
    void copy(const T* x, std::int64_t set, std::int64_t c, T* image) const {
        copy_channel(shape_, layout_, x + (set * shape_.in + c) * shape_.points(),
                     image + c * layout_.used * layout_.plane);
    }
    void clear_slack(T* image) const { std::fill_n(image + layout_.elements(shape_) - kSlack, kSlack, T(0)); }

    /// Channels [channel, last) of one image's and group's results, at the places of one chunk.
    void results(const T* image, std::int64_t set, std::int64_t first, std::int64_t channel,
                 std::int64_t last, T* made, T* y) const {
        const std::int64_t count = std::min(chunk_, layout_.total - first), g = set % shape_.groups;
        while (channel < last) {
            const int rows = rows_at_once(shape_.out - channel);
            run(Tile<T>{terms_, offsets_.data(), image + first,
                        packed_.get() + (g * shape_.out + channel) * terms_, rows, count, made, chunk_});
            for (int r = 0; r < rows; ++r) {
                const T add = bias_ ? bias_[g * shape_.out + channel + r] : T(0);
                keep(made + r * chunk_, first, count, add,
                     y + (set * shape_.out + channel + r) * shape_.places());
            }
            channel += rows;
        }
    }
    /// Of the places of a chunk, those that are results.
    void keep(const T* made, std::int64_t first, std::int64_t count, T add, T* y) const {
        const std::int64_t wide = layout_.size[2];
        for (std::int64_t line = first / wide; line * wide < first + count; ++line) {
            const std::int64_t d = line / layout_.size[1], h = line % layout_.size[1];
            if (h >= shape_.to[1]) continue;
            const std::int64_t begin = std::max(line * wide, first);
            const std::int64_t end = std::min(line * wide + shape_.to[2], first + count);
            T* to = y + (d * shape_.to[1] + h) * shape_.to[2] + begin - line * wide;
            for (std::int64_t i = begin; i < end; ++i) *to++ = made[i - first] + add;
        }
    }

    const Convolution& shape_;
    const Layout layout_;
    const std::vector<std::int64_t> offsets_;
    const std::int64_t terms_;
    const T* bias_;
    const Room<T> packed_;
    std::int64_t chunk_;
};

/// Copies one image's gradients of a channel to where its results lie among those of the image's copy.
template <class T>
void spread(const Convolution& shape, const Layout& layout, const T* y, T* to, std::int64_t count) {
    std::fill_n(to, count, T(0));
    for (std::int64_t line = 0; line < shape.to[0] * shape.to[1]; ++line) {
        const std::int64_t at = line / shape.to[1] * layout.size[1] + line % shape.to[1];
        std::copy_n(y + line * shape.to[2], shape.to[2], to + at * layout.size[2]);
    }
}

/// The gradient's way: groups are apart, or shares of the images make sums of their own, which are added in their order.
template <class T> void weights_of(const Convolution& shape, const T* x, const T* y, T* w) {
    const Layout layout(shape);
    const std::vector<std::int64_t> offsets = layout.offsets(shape);
    const std::int64_t terms = shape.in * shape.taps(), size = shape.out * terms, whole = shape.groups * size;
    const std::int64_t shares =
        std::clamp<std::int64_t>(8 / shape.groups, 1, std::max<std::int64_t>(shape.images, 1));
    const std::int64_t images = pieces(shape.images, shares),
                       distance = pieces(layout.total, kSlack) * kSlack;
    const Room<T> partial((shares - 1) * whole);
    const auto one = [&](std::int64_t task) {
        const std::int64_t g = task % shape.groups, share = task / shape.groups;
        const Room<T> image(layout.elements(shape)), spreads(shape.out * distance);
        T* to = (share ? partial.get() + (share - 1) * whole : w) + g * size;
        std::fill_n(to, size, T(0));
        std::fill_n(image.get() + layout.elements(shape) - kSlack, kSlack, T(0));
        for (std::int64_t n = share * images; n < std::min(shape.images, (share + 1) * images); ++n) {
            const std::int64_t set = n * shape.groups + g;
            for (std::int64_t c = 0; c < shape.in; ++c)
                copy_channel(shape, layout, x + (set * shape.in + c) * shape.points(),
                             image.get() + c * layout.used * layout.plane);
            for (std::int64_t o = 0; o < shape.out; ++o)
                spread(shape, layout, y + (set * shape.out + o) * shape.places(),
                       spreads.get() + o * distance, distance);
            run(Dots<T>{terms, offsets.data(), image.get(), spreads.get(), shape.out, distance, to});
        }
    };
    parallel_blocks(
        shares * shape.groups, 1,
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t task = begin; task < end; ++task) one(task);
        },
        Interruptible::Yes);
    for (std::int64_t share = 1; share < shares; ++share) {
        const T* from = partial.get() + (share - 1) * whole;
        for (std::int64_t i = 0; i < whole; ++i) w[i] += from[i];
    }
}

/// The convolution that gives x from y where there are no strides.
Convolution turned(const Convolution& shape) {
    Convolution out = shape;
    std::swap(out.in, out.out);
    for (int d = 0; d < 3; ++d) {
        std::swap(out.from[d], out.to[d]);
        out.padding[d] = shape.dilation[d] * (shape.kernel[d] - 1) - shape.padding[d];
    }
    return out;
}

template <class T> void back_of(const Convolution& shape, const T* y, const T* w, const T* bias, T* x) {
    const std::int64_t taps = shape.taps();
    const Room<T> weights(shape.groups * shape.in * shape.out * taps);
    T* to = weights.get();
    for (std::int64_t g = 0; g < shape.groups; ++g) {
        for (std::int64_t c = 0; c < shape.in; ++c) {
            for (std::int64_t o = 0; o < shape.out; ++o, to += taps) {
                const T* from = w + ((g * shape.out + o) * shape.in + c) * taps;
                std::reverse_copy(from, from + taps, to);
            }
        }
    }
    const Convolution back = turned(shape);
    Course<T>(back, weights.get(), bias).run_all(y, x);
}

}  // namespace

bool goes_shifted(const Convolution& shape, std::size_t element) {
    if (shape.is_pointwise() || shape.in == 0 || shape.places() == 0) return false;
    const Layout layout(shape);
    if (layout.elements(shape) > kMostBytes / static_cast<std::int64_t>(element)) return false;
    return layout.total * 2 <= shape.places() * 3;
}

void forward_shifted(const Convolution& shape, const float* x, const float* w, const float* bias, float* y) {
    Course<float>(shape, w, bias).run_all(x, y);
}
void forward_shifted(const Convolution& shape, const double* x, const double* w, const double* bias,
                     double* y) {
    Course<double>(shape, w, bias).run_all(x, y);
}

bool goes_shifted_back(const Convolution& shape, std::size_t element) {
    for (int d = 0; d < 3; ++d) {
        if (shape.stride[d] != 1 || shape.dilation[d] * (shape.kernel[d] - 1) < shape.padding[d])
            return false;
    }
    return shape.out > 0 && goes_shifted(turned(shape), element);
}

bool goes_shifted_weights(const Convolution& shape, std::size_t element) {
    return shape.out * shape.in * shape.taps() <= 8192 && goes_shifted(shape, element);
}
void weights_shifted(const Convolution& shape, const float* x, const float* y, float* w) {
    weights_of(shape, x, y, w);
}
void weights_shifted(const Convolution& shape, const double* x, const double* y, double* w) {
    weights_of(shape, x, y, w);
}

void back_shifted(const Convolution& shape, const float* y, const float* w, const float* bias, float* x) {
    back_of(shape, y, w, bias, x);
}
void back_shifted(const Convolution& shape, const double* y, const double* w, const double* bias, double* x) {
    back_of(shape, y, w, bias, x);
}

}  // namespace tapeless
