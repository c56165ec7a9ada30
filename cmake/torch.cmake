# SPDX-License-Identifier: Apache-2.0
# LibTorch from the torch wheel, linked lean: c10 and torch_cpu only; CUDA is loaded at run time when there is a GPU.

file(GLOB carat_site "${CARAT_VENV}/lib/python3*/site-packages")
if(NOT carat_site OR NOT EXISTS "${carat_site}/torch/lib/libtorch_cpu.so")
  message(FATAL_ERROR "No torch wheel under ${CARAT_VENV}: run ./carat setup, or configure with -DCARAT_ENGINE=OFF")
endif()
set(CARAT_TORCH_DIR "${carat_site}/torch")
set(CARAT_CUDART_DIR "${carat_site}/nvidia/cu13/lib")

foreach(library c10 torch_cpu)
  add_library(${library} SHARED IMPORTED)
  set_target_properties(${library} PROPERTIES IMPORTED_LOCATION "${CARAT_TORCH_DIR}/lib/lib${library}.so")
endforeach()

add_library(carat_torch INTERFACE)
# -idirafter: the wheel ships fmt 12 headers, and Debian's fmt must win.
target_compile_options(carat_torch INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-idirafter ${CARAT_TORCH_DIR}/include>"
  "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-idirafter ${CARAT_TORCH_DIR}/include/torch/csrc/api/include>")
target_link_libraries(carat_torch INTERFACE torch_cpu c10)
target_link_options(carat_torch INTERFACE -Wl,-rpath-link,${CARAT_TORCH_DIR}/lib -Wl,-rpath-link,${CARAT_CUDART_DIR}
  -Wl,--disable-new-dtags)
set(CMAKE_BUILD_RPATH "${CARAT_TORCH_DIR}/lib;${CARAT_CUDART_DIR}")

# The one precompiled header of torch/torch.h.
file(WRITE "${CMAKE_BINARY_DIR}/torch_pch.cpp" "// Carries the precompiled header.\n")
add_library(carat_torch_pch OBJECT "${CMAKE_BINARY_DIR}/torch_pch.cpp")
target_link_libraries(carat_torch_pch PRIVATE carat_torch carat_flags)
target_precompile_headers(carat_torch_pch PRIVATE <torch/torch.h>)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  set(carat_pch_flags "SHELL:-Xclang -fno-pch-timestamp")
else()
  set(carat_pch_flags "-fpch-preprocess")
endif()
target_compile_options(carat_torch_pch PRIVATE ${carat_pch_flags})

# Compiles a target's files against torch through the shared precompiled header.
function(carat_use_torch target)
  get_target_property(kind ${target} TYPE)
  if(kind STREQUAL "EXECUTABLE")
    target_link_libraries(${target} PRIVATE carat_torch)
    # The shared precompiled header is -fPIC; CMake would give an executable -fPIE.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fPIC>)
  else()
    target_link_libraries(${target} PUBLIC carat_torch)
  endif()
  target_compile_options(${target} PRIVATE ${carat_pch_flags})
  target_precompile_headers(${target} REUSE_FROM carat_torch_pch)
  set_target_properties(${target} PROPERTIES JOB_POOL_COMPILE torch)
endfunction()
