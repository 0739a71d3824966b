# One loop file becomes one object per dtype class and ISA level: loops_arithmetic_float32_v3, and so on.

# tapeless_add_loops(<library> <file>): compile <file> for every combination and put the objects into <library>.
# The file sees TAPELESS_ISA=v3, TAPELESS_ISA_LEVEL=3, TAPELESS_CLASS=float32 and TAPELESS_LOOPS_FLOAT32=1.
function(tapeless_add_loops library file)
    cmake_path(GET file STEM family)
    foreach(class IN LISTS TAPELESS_CLASSES)
        string(TOUPPER ${class} upper)
        foreach(level IN LISTS TAPELESS_LEVELS_${class})
            set(name ${family}_${class}_v${level})
            add_library(${name} OBJECT ${file})
            target_include_directories(${name} PRIVATE core)
            target_link_libraries(${name} PRIVATE tapeless_flags)
            target_compile_definitions(${name} PRIVATE
                TAPELESS_ISA=v${level} TAPELESS_ISA_LEVEL=${level}
                TAPELESS_CLASS=${class} TAPELESS_LOOPS_${upper}=1)
            if(class STREQUAL integer)
                # Integers wrap around; in plain C++ the x + y of a formula would be undefined beyond its type.
                target_compile_options(${name} PRIVATE -fwrapv)
            endif()
            if(TAPELESS_X86)
                # 256 bits at v4 too: with 512 a loop that writes bytes takes 64 steps at once, and a group of 16 or 32
                # falls into gcc's scalar tail. The masks and 32 registers of v4 remain.
                target_compile_options(${name} PRIVATE -march=x86-64-v${level} -mprefer-vector-width=256)
            endif()
            target_sources(${library} PRIVATE $<TARGET_OBJECTS:${name}>)
        endforeach()
    endforeach()
endfunction()
