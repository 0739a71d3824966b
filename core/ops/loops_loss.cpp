// The compiled loops of the loss rows for one class of dtypes at one ISA level.
#include "kernels/loops.h"
#include "ops/loss_rows.h"

namespace tapeless::formula {
namespace {
const LoopSet registration("loss", TAPELESS_ISA_LEVEL, &TAPELESS_CLASS::fill<loss>);
}  // namespace
}  // namespace tapeless::formula
