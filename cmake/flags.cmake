# Compiler flags, each for a reason, as two interface targets: `tapeless_flags` for all, `tapeless_baseline` for the ISA.

# -fno-math-errno, -fno-trapping-math: without them loops with sqrt, floor or comparisons stay scalar.
# -ffp-contract=off: a multiply and an add round twice at every ISA level, so that bits agree. Never -ffast-math.
add_library(tapeless_flags INTERFACE)
target_compile_options(tapeless_flags INTERFACE
    -fno-math-errno -fno-trapping-math -ffp-contract=off -Wall -Wextra)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # gcc 12's straight-line vectoriser drops the rounding of double -> float -> double; and its warnings of the second
    # line are false on std::string and std::vector at -O3 (-Werror would stop the build on them).
    target_compile_options(tapeless_flags INTERFACE -fno-tree-slp-vectorize
        -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR NOT APPLE)
    target_compile_options(tapeless_flags INTERFACE -fno-plt)
endif()

if(TAPELESS_SANITIZE)
    # Instrumented code gives false "maybe uninitialized" warnings, hence -Werror in the ordinary build only.
    target_compile_options(tapeless_flags INTERFACE
        -fsanitize=${TAPELESS_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(tapeless_flags INTERFACE -fsanitize=${TAPELESS_SANITIZE})
else()
    target_compile_options(tapeless_flags INTERFACE -Werror)
endif()

# The one place that says which ISA levels exist, and which dtype classes are compiled at which.
set(TAPELESS_CLASSES float32 float64 integer complex)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(TAPELESS_X86 ON)
    set(TAPELESS_LEVELS_float32 2 3 4)
    set(TAPELESS_LEVELS_float64 2 3)  # At v4 gcc 12 leaves loops of doubles with conditions scalar; v3's are as fast.
    set(TAPELESS_LEVELS_integer 2 3)
    set(TAPELESS_LEVELS_complex 2 3)
else()
    set(TAPELESS_X86 OFF)
    foreach(class IN LISTS TAPELESS_CLASSES)
        set(TAPELESS_LEVELS_${class} 2)
    endforeach()
endif()

# Every file that may have to choose a level learns the highest one: TAPELESS_MAX_LEVEL_FLOAT32=4, and so on.
add_library(tapeless_baseline INTERFACE)
if(TAPELESS_X86)
    target_compile_options(tapeless_baseline INTERFACE -march=x86-64-v2)
endif()
foreach(class IN LISTS TAPELESS_CLASSES)
    list(GET TAPELESS_LEVELS_${class} -1 highest)
    string(TOUPPER ${class} upper)
    target_compile_definitions(tapeless_flags INTERFACE TAPELESS_MAX_LEVEL_${upper}=${highest})
endforeach()
