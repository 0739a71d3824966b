# The extension module tapeless._core, and the OpenBLAS library that travels with it.

find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)
if(NOT nanobind_DIR)
    execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir
        OUTPUT_VARIABLE nanobind_DIR OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()
find_package(nanobind 3.1 CONFIG REQUIRED)

# NOMINSIZE: nanobind would compile our files with -Os. The sanitizers' reports need the symbols.
set(strip "")
if(TAPELESS_SANITIZE)
    set(strip NOSTRIP)
endif()
file(GLOB_RECURSE binding_sources CONFIGURE_DEPENDS bindings/*.cpp)
nanobind_add_module(_core NB_DOMAIN tapeless NOMINSIZE NB_SUPPRESS_WARNINGS ${strip} ${binding_sources})
target_include_directories(_core PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/bindings)
# The whole archive: a file of the core that nothing names but that registers something must not be dropped.
target_link_libraries(_core PRIVATE tapeless_flags tapeless_baseline "$<LINK_LIBRARY:WHOLE_ARCHIVE,tapeless_core>")
# An object's count is one word to the core and another to the interpreter's macros: see base/object.h.
target_compile_options(_core PRIVATE -fno-strict-aliasing)
install(TARGETS _core LIBRARY DESTINATION tapeless)

# OpenBLAS comes from the wheel that is a build requirement; it is loaded by name at the first product.
execute_process(COMMAND ${Python_EXECUTABLE} -c "import scipy_openblas32; print(scipy_openblas32.get_lib_dir())"
    OUTPUT_VARIABLE openblas_dir OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
file(GLOB openblas_files ${openblas_dir}/*.so* ${openblas_dir}/*.dylib ${openblas_dir}/../.dylibs/*.dylib)
file(GLOB openblas_license ${openblas_dir}/../../scipy_openblas32-*.dist-info/licenses/LICENSE*)
if(NOT openblas_files OR NOT openblas_license)
    message(FATAL_ERROR "OpenBLAS: no shared library or no licence in ${openblas_dir}; "
        "what is needed is the scipy-openblas32 wheel that pyproject.toml names")
endif()
install(FILES ${openblas_files} DESTINATION tapeless/_lib)
list(GET openblas_license 0 openblas_license)
install(FILES ${openblas_license} DESTINATION tapeless/_lib RENAME LICENSE.openblas.txt)
