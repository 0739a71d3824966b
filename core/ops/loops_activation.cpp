// The compiled loops of the activation rows for one class of dtypes at one ISA level.
#include "kernels/loops.h"
#include "ops/activation_rows.h"

namespace tapeless::formula {
namespace {
const LoopSet registration("activation", TAPELESS_ISA_LEVEL, &TAPELESS_CLASS::fill<activation>);
}  // namespace
}  // namespace tapeless::formula
