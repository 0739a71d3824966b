// Weighted reads: blocks of points whose places and weights stay in the cache while all channels are read.
#include "kernels/reads.h"

#include <algorithm>

#include "runtime/threads.h"

namespace tapeless {
namespace {

constexpr std::int64_t kBlock = 256;

/// One block of an image's points.
struct Block {
    std::int64_t image, first, count;
    bool inside = true;  ///< whether all its places are
};

bool is_inside(std::int64_t place, std::int64_t size) {
    return static_cast<std::uint64_t>(place) < static_cast<std::uint64_t>(size);
}

Block block_of(const Reads& reads, std::int64_t number) {
    const std::int64_t each = (reads.points + kBlock - 1) / kBlock, first = number % each * kBlock;
    Block block{number / each, first, std::min(kBlock, reads.points - first)};
    for (std::int64_t k = 0; k < reads.taps; ++k) {
        const std::int64_t* at = reads.places + (block.image * reads.taps + k) * reads.points + first;
        for (std::int64_t i = 0; i < block.count; ++i) block.inside &= is_inside(at[i], reads.size);
    }
    return block;
}

/// Calls body(block, all inside as a constant) for all blocks of all images.
template <class F> void for_blocks(const Reads& reads, F&& body) {
    const std::int64_t blocks = reads.images * ((reads.points + kBlock - 1) / kBlock);
    parallel_blocks(blocks, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t number = begin; number < end; ++number) {
            const Block block = block_of(reads, number);
            block.inside ? body(block, std::true_type()) : body(block, std::false_type());
        }
    });
}

template <bool inside, class T> T element(const T* plane, std::int64_t place, std::int64_t size) {
    if constexpr (inside) return plane[place];
    return is_inside(place, size) ? plane[place] : T(0);
}

/// Adds `fixed` taps (a constant lets the compiler keep them in registers) to a line of the block.
template <bool inside, int fixed, class T>
void add_taps(const Reads& reads, std::int64_t count, const std::int64_t* at, const T* weight, const T* plane,
              T* to, bool starts) {
    for (std::int64_t i = 0; i < count; ++i) {
        T sum = starts ? T(0) : to[i];
        for (int k = 0; k < fixed; ++k) {
            sum +=
                weight[k * reads.points + i] * element<inside>(plane, at[k * reads.points + i], reads.size);
        }
        to[i] = sum;
    }
}

template <bool inside, class T>
void sum_taps(const Reads& reads, const Block& block, const T* elements, T* out) {
    const std::int64_t from = block.image * reads.taps * reads.points + block.first;
    const T* weights = static_cast<const T*>(reads.weights);
    for (std::int64_t c = 0; c < reads.channels; ++c) {
        const std::int64_t plane = block.image * reads.channels + c;
        T* to = out + plane * reads.points + block.first;
        for (std::int64_t k = 0; k < reads.taps;) {
            const std::int64_t start = from + k * reads.points;
            const bool four = reads.taps - k >= 4;
            (four ? add_taps<inside, 4, T>
                  : add_taps<inside, 1, T>)(reads, block.count, reads.places + start, weights + start,
                                            elements + plane * reads.size, to, k == 0);
            k += four ? 4 : 1;
        }
    }
}

template <bool inside, class T>
void multiply_taps(const Reads& reads, const Block& block, const T* elements, const T* g, T* out) {
    for (std::int64_t k = 0; k < reads.taps; ++k) {
        const std::int64_t start = (block.image * reads.taps + k) * reads.points + block.first;
        const std::int64_t* at = reads.places + start;
        T* to = out + start;
        std::fill(to, to + block.count, T(0));
        for (std::int64_t c = 0; c < reads.channels; ++c) {
            const std::int64_t plane = block.image * reads.channels + c;
            const T *from = elements + plane * reads.size, *slope = g + plane * reads.points + block.first;
            for (std::int64_t i = 0; i < block.count; ++i) {
                to[i] += slope[i] * element<inside>(from, at[i], reads.size);
            }
        }
    }
}

/// One plane alone, so that no two threads add to one element.
template <class T> void add_plane(const Reads& reads, std::int64_t plane, const T* g, T* out) {
    const T *weights = static_cast<const T*>(reads.weights), *slope = g + plane * reads.points;
    T* to = out + plane * reads.size;
    std::fill(to, to + reads.size, T(0));
    const std::int64_t image = plane / reads.channels * reads.taps * reads.points;
    for (std::int64_t k = 0; k < reads.taps; ++k) {
        const std::int64_t* at = reads.places + image + k * reads.points;
        const T* weight = weights + image + k * reads.points;
        for (std::int64_t i = 0; i < reads.points; ++i) {
            if (is_inside(at[i], reads.size)) to[at[i]] += slope[i] * weight[i];
        }
    }
}

template <class F> void with_type(DType dtype, F&& f) {
    dtype == DType::Float64 ? f(Type<double>()) : f(Type<float>());
}

}  // namespace

void weighted_reads(const Reads& reads, const void* elements, void* out) {
    with_type(reads.dtype, [&]<class T>(Type<T>) {
        for_blocks(reads, [&]<class Inside>(const Block& block, Inside) {
            sum_taps<Inside::value>(reads, block, static_cast<const T*>(elements), static_cast<T*>(out));
        });
    });
}

void add_weighted(const Reads& reads, const void* g, void* out) {
    with_type(reads.dtype, [&]<class T>(Type<T>) {
        parallel_blocks(reads.images * reads.channels, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t plane = begin; plane < end; ++plane) {
                add_plane(reads, plane, static_cast<const T*>(g), static_cast<T*>(out));
            }
        });
    });
}

void read_products(const Reads& reads, const void* elements, const void* g, void* out) {
    with_type(reads.dtype, [&]<class T>(Type<T>) {
        for_blocks(reads, [&]<class Inside>(const Block& block, Inside) {
            multiply_taps<Inside::value>(reads, block, static_cast<const T*>(elements),
                                         static_cast<const T*>(g), static_cast<T*>(out));
        });
    });
}

}  // namespace tapeless
