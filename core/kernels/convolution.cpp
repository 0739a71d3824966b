// Convolutions as products: blocks of windows are laid out as columns that stay in cache, and multiplied.
//
// A block is a range of places of one image, or several whole images where these are small; its size follows from the
// convolution alone, so that memory is bounded and bits depend on nothing else.
#include "kernels/convolution.h"

#include <vector>

#include "kernels/convolution_direct.h"
#include "kernels/convolution_shifted.h"
#include "kernels/convolution_windows.h"
#include "kernels/gemm.h"
#include "kernels/room.h"

namespace tapeless {

bool Convolution::is_pointwise() const {
    for (int d = 0; d < 3; ++d) {
        if (kernel[d] != 1 || stride[d] != 1 || padding[d] != 0 || from[d] != to[d]) return false;
    }
    return true;
}

namespace {

constexpr std::int64_t kColumnBytes = 512 * 1024;  ///< of a block's columns: half of a second-level cache
constexpr std::int64_t kTasks = 8;                 ///< what work is cut into at least, where that is cheap

std::int64_t pieces(std::int64_t total, std::int64_t piece) { return (total + piece - 1) / piece; }

/// c = op(a) b or op(a) b^T, on this thread or, outside of a task, on all.
template <class T>
void multiply(bool trans_a, bool trans_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
              std::int64_t lda, const T* b, std::int64_t ldb, T* c, std::int64_t ldc) {
    if constexpr (std::is_integral_v<T>) {
        gemm_integer(sizeof(T), trans_a, trans_b, m, n, k, a, lda, 0, b, ldb, 0, c, ldc, 0, 1);
    } else {
        constexpr GemmType type = std::is_same_v<T, float>            ? GemmType::F32
                                  : std::is_same_v<T, double>         ? GemmType::F64
                                  : std::is_same_v<T, Complex<float>> ? GemmType::C64
                                                                      : GemmType::C128;
        gemm(type, trans_a, trans_b, m, n, k, a, lda, b, ldb, c, ldc);
    }
}

/// The places of all images in blocks.
struct Blocks {
    std::int64_t images, places;              ///< of the convolution
    std::int64_t images_each = 1, parts = 1;  ///< images of a block, or blocks of an image
    std::int64_t width;                       ///< columns of a block at most

    Blocks(const Convolution& shape, std::int64_t wanted) : images(shape.images), places(shape.places()) {
        if (places > wanted) {
            parts = pieces(places, wanted);
            width = pieces(pieces(places, parts), 16) * 16;
            parts = pieces(places, width);
        } else {
            const std::int64_t fit = wanted / std::max<std::int64_t>(places, 1);
            images_each = std::max<std::int64_t>(1, std::min(fit, images));
            width = images_each * places;
        }
    }
    std::int64_t count() const { return pieces(images, images_each) * parts; }

    struct Block {
        std::int64_t image, images, place, places;
        std::int64_t columns() const { return images * places; }
    };
    Block at(std::int64_t index) const {
        const std::int64_t image = index / parts * images_each, place = index % parts * width;
        return {image, std::min(images_each, images - image), parts > 1 ? place : 0,
                parts > 1 ? std::min(width, places - place) : places};
    }
};

/// How many columns of `rows` rows a block has: what fits the cache, but enough to be worth a product.
std::int64_t columns_of(std::int64_t rows, std::size_t element, std::int64_t least, std::int64_t most) {
    const std::int64_t fit =
        kColumnBytes / (std::max<std::int64_t>(rows, 1) * static_cast<std::int64_t>(element));
    return std::clamp(fit / 16 * 16, least, most);
}

template <class T> struct Operands {
    const Convolution& shape;
    const T *x, *w, *y;

    std::int64_t rows() const { return shape.in * shape.taps(); }
    const T* image(std::int64_t n, std::int64_t g) const {
        return x + (n * shape.groups + g) * shape.in * shape.points();
    }
    const T* weight(std::int64_t g) const { return w + g * shape.out * rows(); }
    const T* result(std::int64_t n, std::int64_t g) const {
        return y + (n * shape.groups + g) * shape.out * shape.places();
    }
    /// The windows of a block's images side by side.
    void gather(const Blocks::Block& block, std::int64_t g, std::int64_t channel, std::int64_t channels,
                T* to) const {
        const Columns part{channel, channels, block.place, block.places, block.columns()};
        for (std::int64_t n = 0; n < block.images; ++n)
            gather_windows(shape, part, image(block.image + n, g), to + n * block.places);
    }
    /// The results of a block as a matrix of `out` rows: where they lie, or side by side in `room`.
    const T* results(const Blocks::Block& block, std::int64_t g, T* room, std::int64_t& distance) const {
        distance = shape.places();
        if (block.images == 1) return result(block.image, g) + block.place;
        distance = block.columns();
        for (std::int64_t n = 0; n < block.images; ++n) {
            const T* from = result(block.image + n, g);
            for (std::int64_t c = 0; c < shape.out; ++c)
                std::copy_n(from + c * block.places, block.places, room + c * distance + n * block.places);
        }
        return room;
    }
};

template <class T> void add_to(T* to, const T* from, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = to[i] + from[i];
}
template <class T> void add_number(T* to, T number, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = to[i] + number;
}

// ---- y from x and w ----

template <class T> void forward(const Operands<T>& of, const T* bias, T* y) {
    const Convolution& shape = of.shape;
    const std::int64_t rows = of.rows(), places = shape.places();
    const bool plain = shape.is_pointwise();
    const Blocks blocks(shape, plain ? 512 : columns_of(rows, sizeof(T), 128, 2048));
    const auto one = [&](std::int64_t task) {
        const std::int64_t g = task % shape.groups;
        const Blocks::Block block = blocks.at(task / shape.groups);
        const bool direct = block.images == 1, in_place = plain && direct;
        const std::int64_t columns = block.columns();
        const Room<T> windows(in_place ? 0 : rows * columns), made(direct ? 0 : shape.out * columns);
        T* to = y + (of.result(block.image, g) - of.y) + block.place;
        const T* from = of.image(block.image, g) + block.place;
        if (!in_place) of.gather(block, g, 0, shape.in, windows.get());
        multiply<T>(false, false, shape.out, columns, rows, of.weight(g), rows,
                    in_place ? from : windows.get(), in_place ? places : columns, direct ? to : made.get(),
                    direct ? places : columns);
        for (std::int64_t c = 0; c < shape.out; ++c) {
            for (std::int64_t n = 0; n < block.images; ++n) {
                T* line = to + (n * shape.groups * shape.out + c) * places;
                if (!direct) std::copy_n(made.get() + c * columns + n * places, places, line);
                if (bias) add_number(line, bias[g * shape.out + c], block.places);
            }
        }
    };
    parallel_blocks(
        blocks.count() * shape.groups, 1,
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t task = begin; task < end; ++task) one(task);
        },
        Interruptible::Yes);
}

// ---- x from y and w ----

/// Some channels of the images of a block, from all blocks of these images one after another: nobody else writes them.
template <class T>
void back_task(const Operands<T>& of, const Blocks& blocks, std::int64_t first, std::int64_t g,
               std::int64_t channel, std::int64_t channels, const T* bias, T* x) {
    const Convolution& shape = of.shape;
    const std::int64_t taps = shape.taps(), points = shape.points();
    const Blocks::Block whole = blocks.at(first);
    const bool plain = shape.is_pointwise() && whole.images == 1;
    const Room<T> windows(plain ? 0 : channels * taps * blocks.width),
        room(whole.images == 1 ? 0 : shape.out * blocks.width);
    const auto plane = [&](std::int64_t n, std::int64_t c) {
        return x + (((whole.image + n) * shape.groups + g) * shape.in + c) * points;
    };
    for (std::int64_t n = 0; n < whole.images && !plain; ++n)
        std::fill_n(plane(n, channel), channels * points, T{});
    for (std::int64_t part = 0; part < blocks.parts; ++part) {
        const Blocks::Block block = blocks.at(first + part);
        std::int64_t distance = 0;
        const T* results = of.results(block, g, room.get(), distance);
        T* to = plain ? plane(0, channel) + block.place : windows.get();
        multiply<T>(true, false, channels * taps, block.columns(), shape.out, of.weight(g) + channel * taps,
                    of.rows(), results, distance, to, plain ? points : block.columns());
        if (plain) continue;
        const Columns columns{0, channels, block.place, block.places, block.columns()};
        for (std::int64_t n = 0; n < block.images; ++n)
            scatter_windows(shape, columns, windows.get() + n * block.places, plane(n, channel));
    }
    for (std::int64_t n = 0; n < whole.images && bias; ++n) {
        for (std::int64_t c = channel; c < channel + channels; ++c)
            add_number(plane(n, c), bias[g * shape.in + c], points);
    }
}

template <class T> void back(const Operands<T>& of, const T* bias, T* x) {
    const Convolution& shape = of.shape;
    const Blocks blocks(shape, shape.is_pointwise() ? 512 : columns_of(of.rows(), sizeof(T), 128, 2048));
    const std::int64_t sets = pieces(shape.images, blocks.images_each) * shape.groups;
    const std::int64_t least = pieces(64, shape.taps());  // Channels that a product is worth its start for.
    const std::int64_t chunks =
        std::clamp<std::int64_t>(std::min(pieces(kTasks, std::max<std::int64_t>(sets, 1)), shape.in / least),
                                 1, std::max<std::int64_t>(shape.in, 1));
    const std::int64_t each = pieces(shape.in, chunks);
    parallel_blocks(
        sets * chunks, 1,
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t task = begin; task < end; ++task) {
                const std::int64_t channel = task % chunks * each, set = task / chunks;
                if (channel >= shape.in) continue;
                back_task(of, blocks, set / shape.groups * blocks.parts, set % shape.groups, channel,
                          std::min(each, shape.in - channel), bias, x);
            }
        },
        Interruptible::Yes);
}

// ---- w from x and y ----

/// The weights of some channels from some of the blocks: [out, channels * taps] at `to`, rows `distance` apart.
template <class T>
void weight_task(const Operands<T>& of, const Blocks& blocks, std::int64_t first, std::int64_t last,
                 std::int64_t g, std::int64_t channel, std::int64_t channels, T* to, std::int64_t distance) {
    const Convolution& shape = of.shape;
    const std::int64_t rows = channels * shape.taps();
    const bool several = blocks.images_each > 1, plain = shape.is_pointwise() && !several;
    const Room<T> windows(plain ? 0 : rows * blocks.width), room(several ? shape.out * blocks.width : 0),
        product(last - first > 1 ? shape.out * rows : 0);
    for (std::int64_t index = first; index < last; ++index) {
        const Blocks::Block block = blocks.at(index);
        std::int64_t y_distance = 0;
        const T* results = of.results(block, g, room.get(), y_distance);
        const T* from = of.image(block.image, g) + channel * shape.points() + block.place;
        if (!plain) of.gather(block, g, channel, channels, windows.get());
        T* made = index == first ? to : product.get();
        multiply<T>(false, true, shape.out, rows, block.columns(), results, y_distance,
                    plain ? from : windows.get(), plain ? shape.points() : block.columns(), made,
                    index == first ? distance : rows);
        for (std::int64_t c = 0; c < shape.out && index != first; ++c)
            add_to(to + c * distance, made + c * rows, rows);
    }
    if (first < last) return;
    for (std::int64_t c = 0; c < shape.out; ++c) std::fill_n(to + c * distance, rows, T{});
}

template <class T> void weights(const Operands<T>& of, T* w) {
    const Convolution& shape = of.shape;
    const std::int64_t taps = shape.taps(), rows = of.rows();
    const std::int64_t each = std::min(shape.in, pieces(shape.is_pointwise() ? 256 : 144, taps));
    const std::int64_t chunks = pieces(shape.in, each), sets = chunks * shape.groups;
    const Blocks blocks(shape, columns_of(each * taps, sizeof(T), 256, 2048));
    // Few weights of many images: each share of the images makes a sum of its own, and these are added in their order.
    const std::int64_t shares =
        std::clamp<std::int64_t>(pieces(kTasks, sets), 1, std::max<std::int64_t>(blocks.count(), 1));
    const std::int64_t blocks_each = pieces(blocks.count(), shares), size = shape.groups * shape.out * rows;
    const Room<T> partial((shares - 1) * size);
    parallel_blocks(
        sets * shares, 1,
        [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t task = begin; task < end; ++task) {
                const std::int64_t share = task % shares, set = task / shares;
                const std::int64_t channel = set % chunks * each, g = set / chunks;
                const std::int64_t first = std::min(share * blocks_each, blocks.count());
                T* to = share ? partial.get() + (share - 1) * size : w;
                weight_task(of, blocks, first, std::min(first + blocks_each, blocks.count()), g, channel,
                            std::min(each, shape.in - channel), to + g * shape.out * rows + channel * taps,
                            rows);
            }
        },
        Interruptible::Yes);
    for (std::int64_t share = 1; share < shares; ++share) add_to(w, partial.get() + (share - 1) * size, size);
}

/// f(a number of that type), for the dtypes that convolutions are computed in.
template <class F> void with_type(DType dtype, F&& f) {
    visit(dtype, [&]<class T>(Type<T>) {
        if constexpr (!std::is_same_v<T, bool> && !std::is_same_v<T, Half> && !std::is_same_v<T, BFloat16>)
            f(T{});
    });
}

}  // namespace

void convolve(DType dtype, const Convolution& shape, const void* x, const void* w, const void* bias,
              void* y) {
    with_type(dtype, [&]<class T>(T) {
        const Operands<T> of{shape, static_cast<const T*>(x), static_cast<const T*>(w),
                             static_cast<const T*>(y)};
        if constexpr (std::is_floating_point_v<T>) {
            if (goes_shifted(shape, sizeof(T)))
                return forward_shifted(shape, of.x, of.w, static_cast<const T*>(bias), static_cast<T*>(y));
        }
        if (goes_direct(shape))
            return forward_direct(shape, of.x, of.w, static_cast<const T*>(bias), static_cast<T*>(y));
        forward(of, static_cast<const T*>(bias), static_cast<T*>(y));
    });
}

void convolve_back(DType dtype, const Convolution& shape, const void* y, const void* w, const void* bias,
                   void* x) {
    with_type(dtype, [&]<class T>(T) {
        const Operands<T> of{shape, static_cast<const T*>(x), static_cast<const T*>(w),
                             static_cast<const T*>(y)};
        if constexpr (std::is_floating_point_v<T>) {
            if (goes_shifted_back(shape, sizeof(T)))
                return back_shifted(shape, of.y, of.w, static_cast<const T*>(bias), static_cast<T*>(x));
        }
        if (goes_direct(shape))
            return back_direct(shape, of.y, of.w, static_cast<const T*>(bias), static_cast<T*>(x));
        back(of, static_cast<const T*>(bias), static_cast<T*>(x));
    });
}

void convolve_weight(DType dtype, const Convolution& shape, const void* x, const void* y, void* w) {
    with_type(dtype, [&]<class T>(T) {
        const Operands<T> of{shape, static_cast<const T*>(x), static_cast<const T*>(w),
                             static_cast<const T*>(y)};
        if constexpr (std::is_floating_point_v<T>) {
            if (goes_shifted_weights(shape, sizeof(T)))
                return weights_shifted(shape, of.x, of.y, static_cast<T*>(w));
        }
        if (goes_direct(shape)) return weight_direct(shape, of.x, of.y, static_cast<T*>(w));
        weights(of, static_cast<T*>(w));
    });
}

}  // namespace tapeless
