// The compiled loops of the special rows for one class of dtypes at one ISA level.
#include "kernels/loops.h"
#include "ops/special_rows.h"

namespace tapeless::formula {
namespace {
const LoopSet registration("special", TAPELESS_ISA_LEVEL, &TAPELESS_CLASS::fill<special>);
}  // namespace
}  // namespace tapeless::formula
