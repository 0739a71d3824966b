// Reading and writing where an index says, for other operations. All are recorded.
#pragma once

#include <vector>

#include "kernels/indexing.h"
#include "tensor/tensor.h"

namespace tapeless {

/// The slices of x along dim that a vector of int32 or int64 names.
Tensor index_select(const Tensor& x, std::int64_t dim, const Tensor& index);
/// x with alpha times slice i of `source` added to its slice index[i].
Tensor index_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha);
void index_add_(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                const Scalar& alpha);
/// x with its slices index[i] replaced by slice i of `source`.
Tensor index_copy(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
void index_copy_(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
/// x with a number in the slices that an int64 vector names; negative ones count from the end.
Tensor index_fill(const Tensor& x, std::int64_t dim, const Tensor& index, const Scalar& value);

/// x[indices]: an integer tensor or a mask for each leading dimension; a null one takes the whole dimension.
Tensor index(const Tensor& x, const std::vector<Tensor>& indices);
/// x with x[indices] replaced by, or with `accumulate` increased by, a value that broadcasts.
Tensor index_put(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& value, bool accumulate);
void index_put_(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& value, bool accumulate);
/// The (count, rank) coordinates of the elements that are not zero, in row-major order.
Tensor nonzero(const Tensor& x);

/// out[point] = x[point, its coordinate along dim replaced by index[point]].
Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index);
/// The reverse of gather: source[point] is added to where index[point] says.
Tensor scatter_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
void scatter_add_(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
/// The same with replacement; of several writes to one element the last in row-major order stays.
Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Scalar& value);
void scatter_(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
void scatter_(const Tensor& x, std::int64_t dim, const Tensor& index, const Scalar& value);

// What their kin share; nothing is recorded. A check refuses bad operands and returns the dimension.
int check_slices_write(const char* name, const Tensor& x, std::int64_t dim, const Tensor& index,
                       const Tensor& source);
void put_slices(const Tensor& x, int dim, const Tensor& index, const Tensor& source, Placement store);
int check_scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
void put_source(const Tensor& x, int dim, const Tensor& index, const Tensor& source, Placement store);

}  // namespace tapeless
