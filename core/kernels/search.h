// Searching sorted rows, and counting into bins.
#pragma once

#include <vector>

#include "base/dtype.h"

namespace tapeless {

/// Where values would be put into sorted rows. All row-major and of one real dtype, no half type.
struct Search {
    const void* bounds;          ///< [rows][length]
    const std::int64_t* sorter;  ///< the places that sort each row, or null
    std::int64_t rows, length;   ///< one row serves all values, or row i those of group i
    const void* values;          ///< [rows][count / rows]
    std::int64_t count;
    bool right;  ///< behind equal elements, not before them
};
/// The places, as int32 or int64.
void search_rows(DType dtype, const Search& search, DType places, void* out);
/// out[i]: whether value i occurs in the one row, xor `inverts`. NaN equals nothing.
void occurs_in_row(DType dtype, const Search& search, bool inverts, bool* out);

/// How the bin of an element is found.
enum class Binning {
    Search,  ///< among the edges
    Linear,  ///< from its place between the first and the last edge
    Near,    ///< from its place, corrected by the edges beside it
};
/// Bin edges of one coordinate, in the dtype of the points.
struct Axis {
    const void* edges;
    std::int64_t count;
};
/// Counts `points`, each with a coordinate for every axis, or adds up their weights (not null), bin by bin; the last bin
/// includes its end, and what lies outside or is NaN is not counted. `bins` is row-major in the axes.
void histogram(DType dtype, const void* points, std::int64_t count, const std::vector<Axis>& axes,
               const void* weights, Binning binning, void* bins);

/// bins[index[i]] += 1 (of int64), or += weights[i] (of float32 or float64).
void count_into(const std::int64_t* index, std::int64_t count, std::int64_t* bins);
void add_into(DType dtype, const std::int64_t* index, std::int64_t count, const void* weights, void* bins);

}  // namespace tapeless
